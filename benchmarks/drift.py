"""How far a reproduction may differ: two runs of one configuration, each with a cache of its own, so that every answer was generated twice.

    atlas-eval --optimizer history --controls identity,oracle --model smol-steerable --limit 100 --use_cache a.sqlite --output_path A
    atlas-eval --optimizer history --controls identity,oracle --model smol-steerable --limit 100 --use_cache b.sqlite --output_path B
    python benchmarks/drift.py A B

Greedy answers depend a little on what else is in the batch. Printed for each arm: the share of answers that are the same word for word, the share
that begin with the same few words, and how far the means are apart: what a band in leaderboard/band.py is made of. Without runs, two are made on the
scripted target (simulated), which does not drift.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import click

from eval_harness.finished import Run, finished_results, open_run
from leaderboard.band import BEGINNING

SAME = ("optimizer", "model_fingerprint", "dataset_digest", "split", "limit", "items_per_user", "max_gen_toks", "conditions")
AXES = {"personalization": "G", "task": "task", "responsive": "g"}


def made(folder: Path, name: str) -> Path:
    script = "from eval_harness.cli import main; main()"
    arguments = ["--optimizer", "history", "--model", "scripted", "--use_cache", str(folder / f"{name}.sqlite"), "--output_path", str(folder / name)]
    subprocess.run([sys.executable, "-c", script, *arguments], check=True, capture_output=True)
    return folder / name


def alike(first: Run, second: Run, arm: str) -> tuple[float, float]:
    """The shares of the arm's answers that are the same, and that begin alike."""
    answers = {sample.key: sample.answer for sample in first.samples if sample.arm == arm}
    pairs = [(answers[sample.key], sample.answer) for sample in second.samples if sample.arm == arm]
    begun = sum(one.split()[:BEGINNING] == other.split()[:BEGINNING] for one, other in pairs)
    return sum(one == other for one, other in pairs) / len(pairs), begun / len(pairs)


def compare(paths: tuple[Path, ...]) -> None:
    first, second = (open_run(path) for path in paths)
    if differing := [key for key in SAME if first.config[key] != second.config[key]]:
        raise click.UsageError(f"the runs differ in {', '.join(differing)}: give two of one configuration")
    results = [finished_results(path)["arms"] for path in paths]
    print(f"| arm | the same answer | begins alike | {' | '.join(AXES.values())} |\n|---|---|---|{'---|' * len(AXES)}")
    for arm in results[0]:
        apart = [results[1][arm]["clean"][axis]["mean"] - results[0][arm]["clean"][axis]["mean"] for axis in AXES]
        same, begun = alike(first, second, arm)
        print(f"| {arm} | {same:.0%} | {begun:.0%} | {' | '.join(f'{difference:+.3f}' for difference in apart)} |")


@click.command()
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path))
def main(runs: tuple[Path, ...]) -> None:
    if len(runs) not in (0, 2):
        raise click.UsageError("give two run folders, or none")
    with tempfile.TemporaryDirectory() as folder:
        compare(runs or tuple(made(Path(folder), name) for name in ("a", "b")))


if __name__ == "__main__":
    main()
