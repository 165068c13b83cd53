"""The command `atlas-eval wordings`: finds the wording in which the oracle does best on a target."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eval_harness.errors import EvalError, guarded
from persona_atlas.console import CACHE, Command, option, progress_line

if TYPE_CHECKING:
    from rich.console import Console

FIXED = {
    "optimizer": "identity", "optimizer_args": "", "optimizer_timeout": 30.0, "optimizer_calls": 0, "controls": "", "conditions": "clean",
    "oracle_wording": 0, "prompts_of": None, "repeats": 1, "seed": 0,
}  # fmt: skip


@click.command(cls=Command)
@option("model", default="smol", show_default=True, help="The target: smol, smol-steerable, scripted (simulated), openvino, or any lm-eval backend.")
@option("model_args", default="", metavar="K=V,…", help="Arguments for the target, for example pretrained=FILE.gguf.")
@option("dataset", default="persona-atlas", show_default=True, metavar="DIR", help="The release: its validation users are asked, and no others.")
@option("limit", type=click.IntRange(min=1), default=100, show_default=True, metavar="USERS", help="Only the first so many users.")
@option("items_per_user", type=click.IntRange(min=1), default=1, show_default=True, help="Only the first so many items of each user.")
@option("max_gen_toks", type=click.IntRange(min=1), default=320, show_default=True, help="New tokens an answer may have.")
@option("use_cache", type=click.Path(path_type=Path), default=CACHE, show_default=True, help="Answers that are known are never generated again.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def wordings(**given: Any) -> None:
    """In which of its four wordings does a target obey the oracle best? Asks it in each on validation users, and prints G.

    The choice belongs to the target: on the leaderboard, --oracle_wording is 0 unless another one is recorded for it.
    """
    found = guarded(lambda: _tried(given))
    if given["as_json"]:
        click.echo(json.dumps(found))
        return
    from rich.console import Console

    print_wordings(Console(emoji=False), found)


def _tried(given: dict[str, Any]) -> dict[str, Any]:
    from eval_harness.prepare import prepare
    from eval_harness.wordings import SPLIT, tried
    from persona_atlas.data import load_dataset

    if not load_dataset(given["dataset"]).items(SPLIT):
        raise EvalError(f"the release {given['dataset']} has no {SPLIT} items, and a wording is chosen on no others; give another --dataset")
    evaluation, _ = prepare({**given, **FIXED, "split": SPLIT})
    with progress_line("answers") as progress:
        return tried(evaluation, given["model"], lambda line: click.echo(line, err=True), progress)


def print_wordings(console: "Console", found: Mapping[str, Any]) -> None:
    """Print the table of wordings and which is the best, in 80 columns."""
    from rich.markup import escape

    from eval_harness.report import cell, plain_table

    console.print(f"\nThe oracle on {found['users']} validation users, {found['items']} items; 95 % intervals in brackets", highlight=False)
    table = plain_table()
    for column in ("G", "less identity", "less the best"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in found["wordings"]:
        best = row["wording"] == found["best"]
        cells = [cell(row[name]) for name in ("personalization", "less_identity")]
        table.add_row(f"wording {row['wording']}", *cells, "best" if best else cell(row["less_best"]))
    console.print(table)
    console.print(escape(_said(found)), highlight=False)


def _said(found: Mapping[str, Any]) -> str:
    best, recorded = found["best"], found["leaderboard"]
    alike = [str(row["wording"]) for row in found["wordings"] if row["wording"] != best and _reaches(row["less_best"])]
    doubt = f" (a lead over {', '.join(alike)} that may be chance)" if alike else ""
    if best == recorded:
        return f"Wording {best} is the best{doubt}, and the one recorded for this target: --oracle_wording {best}{'' if best else ', the default'}."
    return (
        f"Wording {best} is the best{doubt}: --oracle_wording {best}. On the leaderboard, runs on this target have {recorded} until a maintainer "
        f"records another in CHOSEN of eval_harness/wordings.py, for the fingerprint {found['fingerprint']}"
    )


def _reaches(interval: Mapping[str, Any]) -> bool:
    """Whether the difference from the best may be 0."""
    return interval["ci"] is None or interval["ci"][1] >= 0


COMMANDS = (wordings,)
