"""The commands of `atlas-eval` on finished runs: score, ls, compare, power, view, export."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eval_harness.errors import EvalError, guarded
from persona_atlas.console import Command, fail, option

if TYPE_CHECKING:
    from rich.console import Console

    from eval_harness.finished import Run
    from persona_atlas.data import Release

FOLDER = click.Path(path_type=Path)
RUNS = Path("runs")
dataset = option("dataset", default=None, metavar="DIR", help="The release that was asked.  [default: where run.json says it was]")
axis = option(
    "axis", type=click.Choice(["personalization", "task", "met", "hard_ok", "responsive", "lured"]), default="personalization", show_default=True,
    help="The score to look at. personalization is G; lured the share of lures shown, where less is better.",
)  # fmt: skip
as_json = click.option("--json", "as_json", is_flag=True, help="Print as JSON.")


def _opened(paths: tuple[Path, ...], dataset: str | None) -> "tuple[list[Run], Release]":
    from eval_harness.finished import open_run
    from persona_atlas.data import load_dataset

    runs = [open_run(path) for path in paths]
    return runs, load_dataset(dataset or runs[0].dataset)


def _print(found: Any, as_json: bool, table: Callable[["Console", Any], None]) -> None:
    """Print what a command found, as JSON or as its table."""
    from rich.console import Console

    if as_json:
        click.echo(json.dumps(found))
    else:
        table(Console(emoji=False), found)


@click.command(cls=Command)
@click.argument("run", type=FOLDER)
@dataset
@as_json
def score(run: Path, dataset: str | None, as_json: bool) -> None:
    """Rebuild RUN's results from its samples with the current scorer and record its version in run.json. Generates nothing."""
    from eval_harness.report import print_results

    _print(guarded(lambda: _scored(run, dataset)), as_json, lambda console, results: print_results(console, results, str(run)))


def _scored(path: Path, dataset: str | None) -> dict[str, Any]:
    from eval_harness.finished import rebuild
    from eval_harness.page import write_results
    from eval_harness.runfolder import alone, set_scorer
    from persona_atlas.scoring import SCORER_VERSION

    (run,), release = _opened((path,), dataset)
    with alone(path):
        results = rebuild(run, release)
        write_results(run, release, results)
        set_scorer(path, SCORER_VERSION)
    return results


@click.command(cls=Command)
@click.argument("folder", type=FOLDER, default=RUNS)
@as_json
def ls(folder: Path, as_json: bool) -> None:
    """List the runs in FOLDER (runs/, unless another is given) with what they scored."""
    from eval_harness.finished import listed
    from eval_harness.tables import print_runs

    if not folder.is_dir() and folder != RUNS:
        fail(f"there is no folder {str(folder)!r}; give a folder that holds runs")
    rows = guarded(lambda: list(listed(folder)))
    if rows or as_json:
        _print(rows, as_json, print_runs)
    else:
        click.echo(f"There are no runs in {folder}/. Make one: atlas-eval --optimizer history --limit 5")


@click.command(cls=Command)
@click.argument("runs", type=FOLDER, nargs=-1, required=True)
@dataset
@axis
@option(
    "track", type=click.Choice(["free", "compact"]), default="free", show_default=True,
    help="compact: only runs all of whose prompts have at most 2 × query + 128 tokens.",
)  # fmt: skip
@click.option("--condition", default="clean", show_default=True, help="One that all of them have, such as history_noise_50.")
@as_json
def compare(runs: tuple[Path, ...], dataset: str | None, axis: str, track: str, condition: str, as_json: bool) -> None:
    """Set RUNS of different optimizers side by side, paired by item; they must share target and items.

    Those that simultaneous intervals do not tell apart share a place. A run that is not ranked has none, and the table says why. Only personalization
    and task are ranked, and only where the runs share 20 users and 20 task templates that have the score.
    """

    def work() -> dict[str, Any]:
        from eval_harness.comparison import compare as side_by_side

        if len({run.resolve() for run in runs}) < 2:
            raise EvalError("one run has nothing to be compared with; give two or more run folders")
        if twice := [run for place, run in enumerate(runs) if run.resolve() in {other.resolve() for other in runs[:place]}]:
            raise EvalError(f"{twice[0]} is given twice; give each run once")
        opened, release = _opened(runs, dataset)
        return side_by_side(opened, release, axis, None if track == "free" else track, condition)

    from eval_harness.tables import print_comparison

    _print(guarded(work), as_json, print_comparison)


@click.command(cls=Command)
@click.argument("run", type=FOLDER)
@dataset
@axis
@click.option(
    "--users", type=click.IntRange(min=2), multiple=True, default=(50, 100, 200, 500), show_default=True, help="Numbers of users to look at."
)
@click.option("--templates", type=click.IntRange(min=2), multiple=True, default=(20, 60, 120), show_default=True, help="Numbers of task templates.")
@as_json
def power(run: Path, dataset: str | None, axis: str, users: tuple[int, ...], templates: tuple[int, ...], as_json: bool) -> None:
    """Which difference from identity would RUN, or a larger one like it, find with 80 % power?"""

    def work() -> dict[str, Any]:
        from eval_harness.comparison import power as found

        (opened,), release = _opened((run,), dataset)
        return found(opened, release, users, templates, axis)

    from eval_harness.tables import print_power

    _print(guarded(work), as_json, print_power)


@click.command(cls=Command)
@click.argument("run", type=FOLDER)
@dataset
@click.option("--arm", default=None, help="Whose samples: the optimizer or a control.  [default: the optimizer]")
@click.option("--condition", default="clean", show_default=True)
@click.option("--item", "item_id", default=None, help="One item, by its id.  [default: one of each user]")
@option("limit", type=click.IntRange(min=1), default=3, show_default=True, help="How many samples.")
def view(run: Path, dataset: str | None, arm: str | None, condition: str, item_id: str | None, limit: int) -> None:
    """Read samples of RUN: query, prompt, answer, which of the user's values it shows, and what it scored."""

    def work() -> Any:
        from eval_harness.finished import viewed

        (opened,), release = _opened((run,), dataset)
        return viewed(opened, release, arm or opened.plan.optimizer, condition, item_id, limit)

    from eval_harness.tables import print_samples

    _print(guarded(work), False, print_samples)


@click.command(cls=Command)
@click.argument("run", type=FOLDER)
@option("format", type=click.Choice(["csv", "markdown"]), default="markdown", show_default=True, help="csv: a line a score; markdown: to paste.")
def export(run: Path, format: str) -> None:
    """Print the results of RUN as CSV or Markdown."""

    def work() -> str:
        from eval_harness.export import FORMATS
        from eval_harness.finished import finished_results

        return FORMATS[format](finished_results(run))

    click.echo(guarded(work), nl=False)


COMMANDS = (score, ls, compare, power, view, export)
