"""What a run of all controls on the core suite shows, as Markdown, with its curves as a picture.

    atlas-eval --optimizer all-controls --suite core --limit 100 --model smol-steerable --dataset DIR --output_path RUN
    python benchmarks/panel.py RUN --plot panel.svg

Without RUN, one is made on the scripted (simulated) target. The curves need only some arms, and the orders only clean requests. On a slow machine,
make two runs and give both, RUN with `--conditions clean --items_per_user 1` in place of the suite, and CURVES with as many baselines as there is
time for (`history` and `profile` read the most):

    atlas-eval --optimizer reader --controls contrast_reader,last_k,retrieval,identity,oracle --suite core --limit 100 … --output_path CURVES
    python benchmarks/panel.py RUN CURVES --plot panel.svg

Prints every arm's scores on clean requests; the required orders and whether they hold; and for the perfect reader and each baseline that reads the
history, if it is in the run, G at each level of noise and of history, and whether it falls at each step.
"""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
from controls import BENCH
from controls import release as release_of

from eval_harness.baselines import BASELINES
from eval_harness.controls import ASKING
from eval_harness.errors import guarded
from eval_harness.finished import finished_results
from eval_harness.gate import required_orders

READERS = ("reader", "contrast_reader", *BASELINES, *ASKING)
"""The control that reads the user's history perfectly, the one that compares answers in it, and the baselines that show it to the target."""
COLOURS = dict(zip(READERS, ("#000000", "#e69f00", "#0072b2", "#d55e00", "#009e73", "#cc79a7"), strict=True))
COLOURS |= {"identity": "#999999", "oracle": "#555555"}
AXES = {"personalization": "G", "task": "task", "responsive": "g"}


def core_run(users: int, items: int, out: Path) -> Path:
    """Return a run of all controls on the core suite's conditions, on the scripted target. It is made if it is not there."""
    if not (out / "results.json").is_file():
        script = "from eval_harness.cli import main; main()"
        arguments = ["--optimizer", "all-controls", "--model", "scripted", "--suite", "core", "--dataset", str(release_of(users))]
        arguments += ["--limit", str(users), "--items_per_user", str(items), "--output_path", str(out)]
        subprocess.run([sys.executable, "-c", script, *arguments], check=True, stdout=subprocess.DEVNULL)
    return out


def shown(interval: dict[str, Any]) -> str:
    if interval["mean"] is None:
        return "–"
    low, high = interval["ci"] or (interval["mean"], interval["mean"])
    return f"{interval['mean']:z.2f} [{low:z.2f}, {high:z.2f}]".replace("-", "−")


def arms(results: dict[str, Any]) -> list[str]:
    rows = [(arm, conditions["clean"]) for arm, conditions in results["arms"].items()]
    rows.sort(key=lambda row: -row[1]["personalization"]["mean"])
    lines = [f"| arm | {' | '.join(AXES.values())} | prompt tokens |", "|---|" + "---|" * (len(AXES) + 1)]
    for arm, clean in rows:
        cells = [*(shown(clean[axis]) for axis in AXES), f"{results['cost'][arm]['prompt_tokens'] or 0:.0f}"]
        lines.append(f"| {arm} | {' | '.join(cells)} |")
    return lines


def orders(results: dict[str, Any]) -> list[str]:
    rows = {arm: conditions["clean"] for arm, conditions in results["arms"].items()}
    differences = {arm: conditions["clean"] for arm, conditions in results["differences"].items()}
    found = list(required_orders(rows, differences))
    lines = [f"{sum(check.passed for check in found)} of {len(found)} required orders hold."]
    lines += [f"- does not hold: {check.name}, wanted {check.wanted}, found {check.found}" for check in found if not check.passed]
    return lines


def curves(results: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for family, found in results["robustness"].items():
        conditions = list(next(iter(found["curves"].values())))
        lines += ["", f"| {family} | {' | '.join(conditions)} | falls at each step |", "|---|" + "---|" * (len(conditions) + 1)]
        for arm in filter(found["curves"].__contains__, COLOURS):
            points = [found["curves"][arm][condition] for condition in conditions]
            means = [point["mean"] for point in points]
            falls = "yes" if means[-1] < means[0] and all(later <= earlier for earlier, later in pairwise(means)) else "no"
            lines.append(f"| {arm} | {' | '.join(map(shown, points))} | {falls if arm in READERS else ''} |")
    return lines


def draw(results: dict[str, Any], path: Path) -> None:
    """Draw one plot per family of conditions: G over its levels for READERS, with identity and oracle in grey."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "persona-atlas"
    from matplotlib import pyplot

    families = results["robustness"]
    figure, axes = pyplot.subplots(1, len(families), figsize=(3 * len(families), 3.2), sharey=True, squeeze=False, layout="constrained")
    for plot, (family, found) in zip(axes[0], families.items(), strict=True):
        conditions = list(next(iter(found["curves"].values())))
        for arm in filter(found["curves"].__contains__, COLOURS):
            points = [found["curves"][arm][condition] for condition in conditions]
            plot.plot(range(len(points)), [point["mean"] for point in points], marker="o", markersize=3, color=COLOURS[arm], label=arm)
        plot.set_title(family, fontsize=10)
        plot.set_xticks(range(len(conditions)), [name.removeprefix("history_") for name in conditions], fontsize=8, rotation=30)
        plot.grid(alpha=0.3)
    axes[0, 0].set_ylabel("G")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right center", fontsize=8)
    figure.savefig(path, metadata={"Date": None}, facecolor="white")
    pyplot.close(figure)


@click.command()
@click.argument("run", type=click.Path(path_type=Path), required=False)
@click.argument("curves_run", type=click.Path(path_type=Path), required=False)
@click.option("--plot", type=click.Path(path_type=Path), default=None, help="Write the curves to this SVG file.")
def main(run: Path | None, curves_run: Path | None, plot: Path | None) -> None:
    results = finished_results(run or core_run(100, 1, BENCH / "panel"))
    layered = finished_results(curves_run) if curves_run else results
    if differing := [key for key in ("dataset_digest", "scorer_version", "model", "split") if results[key] != layered[key]]:
        raise click.UsageError(f"{run} and {curves_run} differ in {', '.join(differing)}")
    own = results["scores"]["personalization"]
    print(f"{results['model']}, split {results['split']}: {own['n_users']} users, {own['n_items']} items, {own['n_templates']} templates\n")
    print("\n".join([*arms(results), "", *orders(results), *curves(layered)]))
    if plot:
        draw(layered, plot)


if __name__ == "__main__":
    guarded(main)
