"""How two targets answer the same prompts: the gap between oracle and identity, responsiveness, and the paired difference in task.

    atlas-eval --optimizer oracle --controls identity --model smol --dataset DIR --output_path A
    atlas-eval --optimizer oracle --controls identity --model smol-steerable --dataset DIR --output_path B
    python benchmarks/targets.py A B --dataset DIR

Or let it make the two runs: `python benchmarks/targets.py --users 100`.

Intervals are at 95 %, users and templates crossed, on the items that both runs have. The last lines are the second target minus the first, paired by
item, for the arms that both runs have.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import click
from controls import BENCH
from controls import release as release_of

from eval_harness.errors import guarded
from eval_harness.runfolder import read_run, read_samples
from eval_harness.scores import score_samples
from eval_harness.table import Plan, Table
from generation.spoken.cast import Voice
from persona_atlas.data import load_dataset

AXES = {"personalization": "G", "task": "task", "responsive": "g"}


def shown(interval: dict[str, Any]) -> str:
    low, high = interval["ci"] or (interval["mean"], interval["mean"])
    return f"{interval['mean']:+.3f} [{low:+.3f}, {high:+.3f}]"


def made(model: str, dataset: str, users: int) -> Path:
    """Return the run of oracle and identity on a target. It is made if it is not there, or finished if it was interrupted."""
    out = BENCH / f"targets-{model}-{users}"
    script = "from eval_harness.cli import main; main()"
    arguments = ["--optimizer", "oracle", "--controls", "identity", "--model", model, "--dataset", dataset, "--limit", str(users)]
    subprocess.run([sys.executable, "-c", script, *arguments, "--max_gen_toks", "256", "--output_path", str(out)], check=True)
    return out


@click.command()
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path))
@click.option("--dataset", default=None, help="The release of both runs.")
@click.option("--users", default=100, show_default=True, help="How many users the runs ask that are made where none are given.")
def main(runs: tuple[Path, ...], dataset: str | None, users: int) -> None:
    if not runs:
        dataset = str(release_of(users))
        runs = tuple(made(model, dataset, users) for model in ("smol", "smol-steerable"))
    if len(runs) != 2 or dataset is None:
        raise click.UsageError("give two run folders and --dataset, or none of them")
    release = load_dataset(dataset)
    samples = [[sample for sample in read_samples(run) if sample.condition == "clean"] for run in runs]
    common = set.intersection(*({sample.item_id for sample in found} for found in samples))
    configs = [read_run(run)["config"] for run in runs]
    names = [Voice(str(config["model"]), str(config.get("model_args", ""))).label for config in configs]
    if names[0] == names[1]:
        raise click.UsageError(f"both runs are of {names[0]}; give runs of two targets")
    if others := {config["dataset_digest"] for config in configs} - {release.manifest["content_digest"]}:
        raise click.UsageError(f"{dataset} is not the release of the runs, whose content is {', '.join(others)}")
    items = [item for item in release.items(configs[0]["split"]) if item.item_id in common]
    by_id, scores, arms = {item.item_id: item for item in items}, {}, []
    for target, found in zip(names, samples, strict=True):
        mine = [sample for sample in found if sample.item_id in common]
        arms.append(list(dict.fromkeys(sample.arm for sample in mine)))
        scores.update({(f"{target} {arm}", c, item): value for (arm, c, item), value in score_samples(mine, by_id, release).items()})
    plan = Plan("", (), ("clean",), "", configs[0]["split"], 0)
    table = Table(plan, items, scores, release)
    print(f"{len({item.persona_id for item in items})} users, {len(items)} items, {len({item.template_id for item in items})} templates")
    for target, mine in zip(names, arms, strict=True):
        for arm in mine:
            row = f"{target} {arm}"
            print(f"{row:28}", *(f"{name} {shown(table.estimate(row, 'clean', axis))}" for axis, name in AXES.items()), sep="  ")
            if arm != "identity":
                print(f"{row} − identity: G", shown(table.difference(row, f"{target} identity", "clean", "personalization")))
    first, second = names
    for arm in (arm for arm in arms[1] if arm in arms[0]):
        print(f"{second} − {first}, {arm}: task", shown(table.difference(f"{second} {arm}", f"{first} {arm}", "clean", "task")))


if __name__ == "__main__":
    guarded(main)
