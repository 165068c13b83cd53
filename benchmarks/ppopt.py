"""What a run of PPOpt shows beside all controls and baselines, as Markdown.

    atlas-eval --optimizer ppopt --controls ALL --suite core --limit 100 --model smol-steerable --dataset DIR --output_path RUN
    python benchmarks/ppopt.py RUN

ALL: every control, as --optimizer all-controls has them. Without RUN one is made on the scripted target (simulated), with the
checkpoint in the package. Printed: of every arm G, how far the optimizer is above it, paired by item, and over-personalization; whether
task is non-inferior; and of every family of conditions the mean of G over its levels, and the share A of the clean level that it is.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import click
from controls import release as release_of

from eval_harness import statistics
from eval_harness.breakdown import FAMILIES
from eval_harness.controls import KNOWN
from eval_harness.finished import Run, open_run
from eval_harness.scores import score_samples
from eval_harness.table import Table
from persona_atlas.data import load_dataset

MARGIN = -0.02
"""Task is non-inferior where the lower bound of its difference from identity is above this (MEASUREMENT 4)."""


def scripted_run(out: Path) -> Path:
    if not (out / "results.json").is_file():
        script = "from eval_harness.cli import main; main()"
        arguments = ["--optimizer", "ppopt", "--controls", ",".join(KNOWN), "--model", "scripted", "--suite", "core", "--limit", "100"]
        arguments += ["--items_per_user", "1", "--dataset", str(release_of(100)), "--output_path", str(out)]
        subprocess.run([sys.executable, "-c", script, *arguments], check=True, stdout=subprocess.DEVNULL)
    return out


def table_of(run: Run) -> Table:
    release = load_dataset(run.dataset)
    items = run.items(release)
    return Table(run.plan, items, score_samples(run.samples, {item.item_id: item for item in items}, release), release)


def shown(interval: statistics.Interval) -> str:
    if interval.mean is None:
        return "–"
    low, high = interval.ci or (interval.mean, interval.mean)
    return f"{interval.mean:+.2f} [{low:+.2f}, {high:+.2f}]".replace("-", "−")


def beside(table: Table, run: Run) -> list[str]:
    own, arms = run.plan.optimizer, run.plan.arms
    columns = {(arm, axis): table.column(arm, "clean", axis) for arm in arms for axis in ("personalization", "lured")}
    bare = columns["identity", "lured"]
    found = table.intervals(
        {
            **{("G", arm): columns[arm, "personalization"] for arm in arms},
            **{("above", arm): columns[own, "personalization"] - columns[arm, "personalization"] for arm in arms},
            **{("lured", arm): columns[arm, "lured"] - bare for arm in arms},
        }
    )
    order = sorted(arms, key=lambda arm: -(found["G", arm].mean or 0.0))
    lines = [f"| arm | G | {own} is above it by | over-personalization |", "|---|---|---|---|"]
    return lines + [
        f"| {arm} | {shown(found['G', arm])} | {'' if arm == own else shown(found['above', arm])} | {shown(found['lured', arm])} |" for arm in order
    ]


def task(table: Table, run: Run) -> str:
    difference = statistics.difference(
        table.user, table.template, table.column(run.plan.optimizer, "clean", "task"), table.column("identity", "clean", "task"), table.weights
    )
    holds = difference.ci is not None and difference.ci[0] > MARGIN
    return f"Task, {run.plan.optimizer} less identity: {shown(difference)}; non-inferior (above −0.02): {'yes' if holds else 'no'}."


def kept(table: Table, run: Run) -> list[str]:
    lines = []
    for family, levels in FAMILIES.items():
        there = [condition for condition in levels if condition in run.plan.conditions]
        if len(there) < 2:
            continue
        axis = "personalization_fixed" if family == "thinner history" else "personalization"
        rows: list[tuple[float, str]] = []
        for arm in run.plan.arms:
            columns = [table.column(arm, condition, axis) for condition in there]
            mean = statistics.estimate(table.user, table.template, sum(columns) / len(columns), table.weights)
            share = statistics.retained(table.user, table.template, [levels[c] for c in there], columns, table.weights)
            rows.append((mean.mean or 0.0, f"| {arm} | {shown(mean)} | {'–' if share.value is None else f'{share.value:.2f}'} |"))
        rows.sort(reverse=True)
        lines += ["", f"| {family}: {', '.join(there)} | mean G over the levels | A |", "|---|---|---|", *(row for _, row in rows)]
    return lines


@click.command()
@click.argument("run", type=click.Path(path_type=Path), required=False)
def main(run: Path | None) -> None:
    opened: Any = open_run(run or scripted_run(Path("build/bench/ppopt")))
    table = table_of(opened)
    users, templates = len(set(table.user)), len(set(table.template))
    print(f"{opened.plan.model}, split {opened.plan.split}: {users} users, {len(table.items)} items, {templates} templates\n")
    print("\n".join([*beside(table, opened), "", task(table, opened), *kept(table, opened)]))


if __name__ == "__main__":
    main()
