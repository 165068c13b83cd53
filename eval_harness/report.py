"""Prints a run in a terminal: a table of arms, the paired differences, and what to know before believing them."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from eval_harness.gate import Verdict
from eval_harness.results import FEWEST

WITH_INTERVAL = {"personalization": "G (personalization)", "task": "task"}
MEANS = {"met": "met", "responsive": "resp.", "hard_ok": "hard"}
SIDE_EFFECTS = {"lured": "Overpersonalization (lures shown, beyond identity)", "intrusion": "Intrusion (facts of a life, beyond identity)"}
UNKNOWN: Mapping[str, Any] = {"mean": None}
"""Stands for a figure that results of an older version do not have."""

MARGIN, CEILING = 0.02, 0.3
"""Task is held if the lower bound of its difference from identity is above -MARGIN. Nothing is claimed on a target where no arm solves at least
CEILING of the tasks.
"""


def print_results(console: Console, results: Mapping[str, Any], where: str) -> None:
    """Print the results of a run in 80 columns."""
    own = results["scores"]["personalization"]
    console.print(
        f"\n[bold]{escape(results['optimizer'])}[/bold] on [bold]{escape(results['model'])}[/bold], split {results['split']}: "
        f"{own['n_users']} users, {own['n_items']} items, {own['n_templates']} templates\nMeans, with 95 % intervals in brackets",
        highlight=False,
    )
    for condition in results["arms"][results["optimizer"]]:
        console.print(_arms(results, condition))
    for line in findings(results):
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


def plain_table(title: str | None = None) -> Table:
    """A table without lines. Its first column names the rows."""
    table = Table(
        title=title, title_justify="left", title_style="bold", header_style="", show_edge=False, pad_edge=False, box=None, padding=(0, 1, 0, 0)
    )
    table.add_column("")
    return table


def cell(interval: Mapping[str, Any]) -> str:
    if interval["ci"] is None:
        return mean(interval)
    low, high = interval["ci"]
    return f"{interval['mean']:z.2f} \\[{low:z.2f}, {high:z.2f}]"


def in_words(interval: Mapping[str, Any]) -> str:
    """The same as `cell`, but without escaped brackets: for a sentence that is escaped as a whole later."""
    return cell(interval).replace("\\[", "[")


def mean(interval: Mapping[str, Any]) -> str:
    return "–" if interval["mean"] is None else f"{interval['mean']:z.2f}"


def _headroom(ratio: Mapping[str, Any]) -> str:
    if ratio["value"] is None or ratio["ci"] is None:
        return str(ratio["note"]) if ratio["value"] is None else f"{ratio['value']:z.2f} ({ratio['note']})"
    return f"{ratio['value']:z.2f} [{ratio['ci'][0]:z.2f}, {ratio['ci'][1]:z.2f}] of the way from identity to oracle (Fieller interval)"


def findings(results: Mapping[str, Any]) -> list[str]:
    """Sentences about the paired differences, headroom, power, failures and notes."""
    lines = []
    own = results["differences"].get(results["optimizer"], {}).get("clean", {})
    for axis in ("personalization", "task"):
        if own and own[axis]["mean"] is not None:
            lines.append(f"{results['optimizer']} − identity, {axis}: {_signed(own[axis])}, paired by item")
    if tested := [test for test in results.get("tests", ()) if test["p"] is not None]:
        said = ", ".join(f"{test['axis']} over {test['over']} {chance(test['p'])}" for test in tested)
        lines.append(f"p after Holm over {len(tested)} tests: {said}")
    if results["headroom"]:
        lines.append(f"Headroom recovered: {_headroom(results['headroom'])}")
    if results["minimum_detectable_effect"] is not None:
        lines.append(f"Smallest effect on G that this run would find with 80 % power: {results['minimum_detectable_effect']:.3f}")
    lines += [*_ledger(results), *_left_out(results), *_beside(results)]
    cost = results["cost"].get(results["optimizer"])
    if cost and None not in (cost["over_query"], cost["prompt_tokens"]):
        lines.append(f"Track {results['track']}: {cost['prompt_tokens']:.0f} tokens a prompt, {cost['over_query']:.1f} times the query")
    lines += [f"Failures of the optimizer, {reason}: {count}" for reason, count in results["failures"].items()]
    lines += [f"Note: {note}" for note in results["notes"]]
    return lines


def _ledger(results: Mapping[str, Any]) -> Iterator[str]:
    """G over the values that the history reveals, and over those that it does not. The latter should be 0, and detects leaks (MEASUREMENT 4)."""
    known, unknown = (results["scores"][f"personalization_{state}"] for state in ("revealed", "unrevealed"))
    if known["mean"] is None and unknown["mean"] is None:
        return
    yield f"G over what the history reveals: {in_words(known)}, over what it does not: {in_words(unknown)}"
    if unknown["ci"] and unknown["ci"][0] > 0 and results["optimizer"] != "oracle":
        yield "Warning: G over what the history does not reveal is above 0, which is a leak, or chance"


def _left_out(results: Mapping[str, Any]) -> Iterator[str]:
    """The range of G when any one dimension is left out (MEASUREMENT 8)."""
    means = results["without_one_dimension"]
    if len(means) < 2:
        return
    least, *_, most = sorted(means, key=lambda name: float(means[name]))
    low, high = f"{means[least]:z.2f}", f"{means[most]:z.2f}"
    yield f"With any one dimension left out, G is {low}" + (f" (without {least}) to {high} (without {most})" if low != high else "")


def for_reading(results: Mapping[str, Any]) -> list[str]:
    """The findings, and two more for which a page has room: whether task is held, and how many users fare worse."""
    return [*findings(results), *_task_held(results), *_harmed(results)]


def _task_held(results: Mapping[str, Any]) -> Iterator[str]:
    """Whether task is not lower than identity's (MEASUREMENT 4). On a target that solves too few tasks, nothing can be claimed."""
    own = results["differences"].get(results["optimizer"], {}).get("clean", {})
    if not own or own["task"]["ci"] is None:
        return
    ceiling = max(conditions["clean"]["task"]["mean"] or 0.0 for conditions in results["arms"].values())
    if ceiling < CEILING:
        yield f"Of task nothing can be claimed on this target: no arm solves more than {ceiling:.2f}, wanted {CEILING:.2f}"
    elif own["task"]["ci"][0] > -MARGIN:
        yield f"Task is not lower than identity's by {MARGIN:.2f} or more"
    else:
        yield f"That task is not lower than identity's by {MARGIN:.2f} or more is not shown"


def _harmed(results: Mapping[str, Any]) -> Iterator[str]:
    """The share of users who fare worse than with the bare query, beside the same share for placebo, a wrapper without meaning (MEASUREMENT 8)."""
    own, placebo = results["harm"].get(results["optimizer"]), results["harm"].get("placebo")
    if own is not None and placebo is not None and results["optimizer"] != "placebo":
        yield f"Users who fare worse than with their bare query: {own:.1%}, with placebo {placebo:.1%}"
    elif own is not None:
        yield f"Users who fare worse than with their bare query: {own:.1%}"


def chance(p: float | None) -> str:
    """A p-value with three decimals, as every table and page shows it."""
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _beside(results: Mapping[str, Any]) -> Iterator[str]:
    """What is reported beside the headline, if it was measured: side effects, the profile, how much the target's answers vary by themselves."""
    own = results["differences"].get(results["optimizer"], {}).get("clean", {})
    for axis, name in SIDE_EFFECTS.items():
        if own.get(axis, UNKNOWN)["mean"] is not None:
            yield f"{name}: {_signed(own[axis])}"
    if results["nothing_to_personalize"]["beyond_placebo"]["mean"] is not None:
        yield f"Changed where there is nothing to personalize, beyond placebo: {_signed(results['nothing_to_personalize']['beyond_placebo'])}"
    if results["scores"].get("profile_f1", UNKNOWN)["mean"] is not None:
        yield f"Profile, F1 of its entries: {in_words(results['scores']['profile_f1'])}"
    for arm, spread in (results["repeats"] or {}).items():
        if spread["same_answer"] is None:
            yield f"Answers of {arm} given again: all are missing"
            continue
        yield (
            f"Answers of {arm} given again: {spread['same_answer']:.0%} are the same; within an item the standard deviation of G is "
            f"{spread['personalization'] or 0:.3f}, of task {spread['task'] or 0:.3f} ({spread['items']} items)"
        )


def _signed(interval: Mapping[str, Any]) -> str:
    low_high = f" [{interval['ci'][0]:+.3f}, {interval['ci'][1]:+.3f}]" if interval["ci"] else ""
    return f"{interval['mean']:+.3f}{low_high}"


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
