"""Prints what the commands on finished runs show in a terminal, in 80 columns."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import regex
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.text import Text

from eval_harness.findings import chance, mean
from eval_harness.finished import View
from eval_harness.report import cell, plain_table

CONTROL = regex.compile(r"(?V1)[[\p{Cc}\p{Cs}\p{Bidi_Control}]--[\n\t]]")
"""Characters that a terminal obeys, or cannot print. They are written out, so that a sample is read as it is and changes nothing around it."""
NAMES = {"personalization": "G", "task": "task", "met": "met", "hard_ok": "hard", "responsive": "resp.", "lured": "lures shown"}


def print_runs(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print one table, or one for each release and scorer if there are several, since their scores do not compare."""
    groups: dict[tuple[str, Any], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["dataset_digest"] or "", row["scorer_version"]), []).append(row)
    for (dataset, scorer), mine in groups.items():
        if len(groups) > 1:
            console.print(f"\nrelease {dataset[:16] or 'unknown'}, scorer {scorer}", highlight=False)
        _print_alike(console, mine)


def _print_alike(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    table = plain_table()
    for column in ("optimizer", "model", "split", "users", "track"):
        table.add_column(column, overflow="fold")
    table.add_column("G", justify="right", no_wrap=True)
    for row in rows:
        own = row["personalization"]
        names = [escape(str(row[key] or "–")) for key in ("run", "optimizer", "model", "split")]
        state = "not readable" if row["problem"] else f"gate: {row['gate']}" if row["gate"] else cell(own) if own else "unfinished"
        table.add_row(*names, str(row["limit"] or "all"), row["track"] or "", state)
    console.print(table)


def print_comparison(console: Console, found: Mapping[str, Any]) -> None:
    name, under = NAMES[found["axis"]], "" if found["condition"] == "clean" else f" under {found['condition']}"
    console.print(f"\n{name}{under}, means with 95 % intervals in brackets", highlight=False)
    table = plain_table()
    table.add_column("place", justify="right")
    table.add_column(name, justify="right", no_wrap=True)
    table.add_column("track")
    for entrant, place in _places(found).items():
        table.add_row(escape(entrant), place, cell(found["means"][entrant]), found["tracks"][entrant])
    console.print(table)
    for line in _not_ranked(found):
        console.print(escape(line), highlight=False)
    counted = ("more", "as many", "fewer") if found["axis"] == "lured" else ("better", "alike", "worse")
    users = f"users who {'are shown' if found['axis'] == 'lured' else 'fare'} {', '.join(counted)}"
    console.print(f"\nPaired by item; intervals hold for all pairs at once, p after Holm; {users}", highlight=False)
    pairs = plain_table()
    for column in ("difference", "p", "/".join(counted)):
        pairs.add_column(column, justify="right", no_wrap=True)
    for pair in found["pairs"]:
        interval = {"mean": pair["difference"], "ci": pair["simultaneous_ci"]}
        users = f"{pair['wins']}/{pair['ties']}/{pair['losses']}"
        pairs.add_row(escape(f"{pair['first']} − {pair['second']}"), cell(interval), chance(pair["p"]), users)
    console.print(pairs)


def _not_ranked(found: Mapping[str, Any]) -> Iterator[str]:
    """Why entrants have no place: one line for all that have the same reasons."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for entrant, reasons in found["not_ranked"].items():
        alike.setdefault(tuple(reasons), []).append(entrant)
    for reasons, names in alike.items():
        who = "No run is" if len(names) == len(found["means"]) else f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} not"
        yield f"{who} ranked: {'; '.join(reasons)}"


def _places(found: Mapping[str, Any]) -> dict[str, str]:
    """Each entrant's place, from the best on; then, with an empty place, those that are not ranked, the best of them first."""
    places, place = {}, 1
    for group in found["groups"]:
        places.update(dict.fromkeys(group, f"{place}{'=' if len(group) > 1 else ''}"))
        place += len(group)
    means = {name: interval["mean"] for name, interval in found["means"].items() if name not in places}
    return places | dict.fromkeys(sorted(means, key=lambda name: (means[name] is None, -(means[name] or 0.0))), "")


def print_power(console: Console, found: Mapping[str, Any]) -> None:
    name = NAMES[found["axis"]]
    console.print(
        f"\nThe smallest difference in {name} from identity found with 80 % power: {found['here']:.3f} with the run's {found['users']} users "
        f"and {found['templates']} templates. With other numbers of them:",
        highlight=False,
    )
    templates = sorted({size["templates"] for size in found["sizes"]})
    table = plain_table()
    for number in templates:
        table.add_column(f"{number} templates", justify="right")
    for users in sorted({size["users"] for size in found["sizes"]}):
        effects = {size["templates"]: size["effect"] for size in found["sizes"] if size["users"] == users}
        table.add_row(f"{users} users", *(f"{effects[number]:.3f}" for number in templates))
    console.print(table)


def print_samples(console: Console, views: Sequence[View]) -> None:
    for view in views:
        scores = view.scores
        console.print(Text.assemble("\n", (_plain(view.item.item_id), "bold"), _plain(f" {view.item.template_id}, {view.sample.arm}")))
        prompt = view.sample.prompt if view.sample.prompt is not None else f"no prompt: {view.sample.failure}"
        for title, text in (("query", view.query), ("prompt", prompt), ("answer", view.sample.answer)):
            console.print(Panel(Text(_plain(text)), title=title, title_align="left"))
        if scores is None:
            console.print("The target failed: the sample counts nowhere.", highlight=False)
            continue
        gold = plain_table()
        for column in ("the user's value", "shown"):
            gold.add_column(column)
        for entry in view.item.gold:
            gold.add_row(entry.dimension, entry.value, scores.shows[entry.dimension] or "none")
        console.print(gold)
        console.print(
            f"G {mean({'mean': scores.personalization})}, task {mean({'mean': scores.task})}, responsive {scores.g:.0f}, "
            f"ended by {view.sample.finish_reason}",
            highlight=False,
        )


def _plain(text: str) -> str:
    """The text with its lines and tabs, and other characters that a terminal obeys as escapes: the one that begins a colour as `\\u001b`."""
    found: str = CONTROL.sub(lambda match: f"\\u{ord(match.group()):04x}", text.replace("\r\n", "\n"))
    return found
