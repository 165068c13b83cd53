"""The folder of a training: what a resumed run must share with it, and the curves of its log."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from persona_atlas import shards
from persona_atlas.models.protocol import ModelError

CONFIG, LOG, CARD, CHECKPOINTS = "config.json", "log.jsonl", "README.md", "checkpoints"


def open_training(out: Path, described: Mapping[str, Any]) -> None:
    """Begin a training in `out`, or check that the unfinished one there is the same. Raises ModelError where the folder holds anything else.

    Checkpoints are of no use beside a card, which is written last: a kill has kept them from being removed.
    """
    if (out / CARD).is_file():
        if _begun(out / CONFIG) is not None:
            shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)
        raise ModelError(f"{out} holds a finished adapter; give another --output_path, or remove the folder to train anew")
    if not out.exists() or not any(out.iterdir()):
        shards.write_text(out / CONFIG, json.dumps(described, indent=2) + "\n")
        return
    there = _begun(out / CONFIG)
    if there is None:
        raise ModelError(f"{out} is not empty and holds no training; give a new folder with --output_path")
    if differing := [key for key in {**there, **described} if there.get(key) != described.get(key)]:
        raise ModelError(f"{out} holds an unfinished training with another {', '.join(differing)}; give another --output_path, or remove the folder")


def _begun(file: Path) -> dict[str, Any] | None:
    """Return what a training has written into its config.json; None where there is no such file, or one of something else."""
    try:
        there = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
    except ValueError:
        return None
    return there if isinstance(there, dict) and "config" in there else None


def read_log(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / LOG).read_text(encoding="utf-8").splitlines()]


def draw_curves(log: Sequence[Mapping[str, float]], titles: Mapping[str, str], path: Path) -> None:
    """Plot what the log holds under the keys of `titles`, over steps, three plots a row, into an SVG file."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "persona-atlas"
    from matplotlib import pyplot

    columns = min(3, len(titles))
    rows = -(-len(titles) // columns)
    figure, grid = pyplot.subplots(rows, columns, figsize=(4.5 * columns, 3.2 * rows), layout="constrained", squeeze=False)
    steps = [line["step"] for line in log]
    for axes, (key, title) in zip(grid.flat, titles.items(), strict=False):
        axes.plot(steps, [line.get(key, float("nan")) for line in log], color="#3465a4")
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("step")
        axes.grid(alpha=0.3)
    for axes in list(grid.flat)[len(titles) :]:
        axes.set_axis_off()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
