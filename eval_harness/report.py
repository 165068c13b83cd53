"""Prints a run, or a gate's verdict, in a terminal: tables of arms, the levels of conditions, and what to know before believing them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from eval_harness.findings import ROBUSTNESS, findings, in_words, levels, mean, retained, signed
from eval_harness.gate import Verdict
from eval_harness.results import FEWEST
from eval_harness.spent import spent_in

WITH_INTERVAL = {"personalization": "G (personalization)", "task": "task"}
MEANS = {"met": "met", "responsive": "resp.", "hard_ok": "hard"}


def print_results(console: Console, results: Mapping[str, Any], where: str) -> None:
    """Print the results of a run in 80 columns, and what its optimizer took as far as the run folder `where` says so."""
    own = results["scores"]["personalization"]
    console.print(
        f"\n[bold]{escape(results['optimizer'])}[/bold] on [bold]{escape(results['model'])}[/bold], split {results['split']}: "
        f"{own['n_users']} users, {own['n_items']} items, {own['n_templates']} templates\nMeans, with 95 % intervals in brackets",
        highlight=False,
    )
    for condition in results["arms"][results["optimizer"]]:
        console.print(_arms(results, condition))
    if results["robustness"]:
        console.print(ROBUSTNESS, highlight=False)
    for family, found in results["robustness"].items():
        console.print(f"[bold]{escape(family)}[/bold], retained: {escape(retained(found))}", highlight=False)
        console.print(_levels(found, results["optimizer"]))
    for line in [*findings(results), str(spent_in(Path(where), results["optimizer"]))]:
        if line:
            console.print(escape(line), highlight=False)
    console.print(f"Results in {escape(where)}; to read: {escape(where)}/report.html", highlight=False)


def _arms(results: Mapping[str, Any], condition: str) -> Table:
    table = plain_table(condition)
    for column in [*WITH_INTERVAL.values(), *MEANS.values()]:
        table.add_column(column, justify="right", no_wrap=True)
    for arm, conditions in results["arms"].items():
        cells = [cell(conditions[condition][axis]) for axis in WITH_INTERVAL] + [mean(conditions[condition][axis]) for axis in MEANS]
        table.add_row(escape(arm), *cells, style="bold" if arm == results["optimizer"] else "")
    return table


def _levels(family: Mapping[str, Any], optimizer: str) -> Table:
    table = plain_table()
    for column in ("G", "D"):
        table.add_column(column, justify="right", no_wrap=True)
    for condition, gain, lost in levels(family, optimizer):
        table.add_row(escape(condition), cell(gain), escape(signed(lost)))
    return table


def plain_table(title: str | None = None) -> Table:
    """A table without lines. Its first column names the rows."""
    table = Table(
        title=title, title_justify="left", title_style="bold", header_style="", show_edge=False, pad_edge=False, box=None, padding=(0, 1, 0, 0)
    )
    table.add_column("")
    return table


def cell(interval: Mapping[str, Any]) -> str:
    """A mean with its interval, for a cell of a table: its brackets are escaped."""
    return in_words(interval).replace("[", "\\[")


def print_verdict(console: Console, verdict: Verdict, where: str) -> None:
    """Print the gate's table and its checks in 80 columns."""
    own = verdict.rows["oracle"]["personalization"]
    console.print(
        f"\nThe gate on [bold]{escape(verdict.target)}[/bold]: {own['n_users']} users, {own['n_items']} items, {own['n_templates']} templates\n"
        "Means, with 95 % intervals in brackets",
        highlight=False,
    )
    table = plain_table()
    for column in WITH_INTERVAL.values():
        table.add_column(column, justify="right", no_wrap=True)
    for arm, row in verdict.rows.items():
        table.add_row(arm, *(cell(row[axis]) for axis in WITH_INTERVAL))
    console.print(table)
    for check in verdict.checks:
        if not check.passed:
            console.print(f"[bold]fails[/bold]: {check.name}: wanted {check.wanted}, found {check.found}".replace("[+", "\\[+").replace("[-", "\\[-"))
    passed = sum(check.passed for check in verdict.checks)
    console.print(
        f"{passed} of {len(verdict.checks)} required orders hold: the gate is [bold]{'green' if verdict.passed else 'red'}[/bold]", highlight=False
    )
    if min(own["n_users"], own["n_templates"]) < FEWEST:
        console.print(f"Note: with fewer than {FEWEST} users or templates it can be red by chance; ask more of them, or build a larger release")
    console.print(f"Verdict in {escape(where)}", highlight=False)
