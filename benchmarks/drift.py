"""How far a reproduction may differ: the answers of two runs to the same prompts, compared.

    atlas-eval --optimizer history --controls identity,oracle --model smol-steerable --limit 100 --use_cache a.sqlite --output_path A
    atlas-eval --optimizer history --controls identity,oracle --model smol-steerable --limit 100 --use_cache b.sqlite --output_path B
    python benchmarks/drift.py A B --dataset DIR

Each run has a cache of its own, so that every answer is generated twice. Greedy answers depend a little on what else is in the batch, and on the
machine. The runs must be of one target; they can have one configuration or different optimizers, and can be submissions. For each arm that both have,
every distinct prompt that both asked is compared. Prints the number of these prompts, the share of answers that are the same word for word, the share
that begin with the same few words, how far apart G of an answer is on average, the standard deviation of its difference, how many answers are FAR
above the other run's and how many below, and how far apart the means are. These figures make up a band in leaderboard/band.py. Without runs, two
are made on the scripted (simulated) target, which does not drift.
"""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from eval_harness.errors import EvalError, guarded
from eval_harness.finished import Run, open_run
from eval_harness.runfolder import Sample
from leaderboard.band import FAR
from leaderboard.compared import Pair, is_far, paired, spread
from leaderboard.reproduction import different
from persona_atlas.data import DataError, load_dataset
from persona_atlas.models.protocol import Generation

SAME = ("model_fingerprint", "dataset_digest", "split", "max_gen_toks")
AXES = {"personalization": "G", "task": "task", "responsive": "g"}


def made(folder: Path, name: str) -> Path:
    script = "from eval_harness.cli import main; main()"
    arguments = ["--optimizer", "history", "--model", "scripted", "--use_cache", str(folder / f"{name}.sqlite"), "--output_path", str(folder / name)]
    subprocess.run([sys.executable, "-c", script, *arguments], check=True, capture_output=True)
    return folder / name


def pairs_of(first: Mapping[str, Sample], second: Mapping[str, Sample], items: Mapping[str, Any], condition: str) -> list[Pair]:
    """Return the two answers to each distinct prompt that both asked; if `condition` is not empty, only those asked under it."""
    both = [(one, second[prompt]) for prompt, one in first.items() if prompt in second and condition in ("", one.condition)]
    return [paired(one, _given(other), items[one.item_id]) for one, other in both]


def _given(sample: Sample) -> Generation:
    return Generation(sample.answer, sample.finish_reason, sample.prompt_tokens, sample.answer_tokens)


def compare(runs: tuple[Run, Run], dataset: str) -> None:
    if differing := [key for key in SAME if runs[0].config[key] != runs[1].config[key]]:
        raise click.UsageError(f"the runs differ in {', '.join(differing)}: give two of one target, release and split")
    try:
        items = {item.item_id: item for item in runs[0].items(load_dataset(dataset))}
    except (DataError, EvalError) as error:
        raise click.UsageError(str(error)) from None
    first, second = (different(run.samples) for run in runs)
    heads = ("prompts", "the same answer", "begins alike", "G of an answer apart", "spread", f"{FAR} above, below", *AXES.values())
    print(f"| arm | condition | {' | '.join(heads)} |\n|---|---|{'---|' * len(heads)}")
    for arm in first:
        for condition in ("", "clean"):
            pairs = pairs_of(first[arm], second.get(arm, {}), items, condition)
            if not pairs:
                continue
            same, begun = (sum(alike) / len(pairs) for alike in ([pair.same for pair in pairs], [pair.begun for pair in pairs]))
            moved = [pair.difference for pair in pairs if pair.difference is not None]
            apart = f"{spread(list(map(abs, moved))).mean:.3f} | {statistics.pstdev(moved or [0.0]):.2f}"
            far = f"{sum(map(is_far, moved))}, {sum(is_far(-one) for one in moved)}"
            means = (-spread([pair.differences[axis] for pair in pairs if axis in pair.differences]).mean for axis in AXES)
            shares = f"{len(pairs):,} | {same:.0%} | {begun:.0%} | {apart} | {far}"
            print(f"| {arm} | {condition or 'all'} | {shares} | {' | '.join(f'{mean:+.3f}' for mean in means)} |")


@click.command()
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path))
@click.option("--dataset", default="persona-atlas", show_default=True, help="The release that was asked.")
def main(runs: tuple[Path, ...], dataset: str) -> None:
    if len(runs) not in (0, 2):
        raise click.UsageError("give two run folders, or none")
    with tempfile.TemporaryDirectory() as folder:
        first, second = runs or tuple(made(Path(folder), name) for name in ("a", "b"))
        compare((open_run(first), open_run(second)), dataset)


if __name__ == "__main__":
    guarded(main)
