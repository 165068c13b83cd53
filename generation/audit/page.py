"""Writes the figures of an audit as audit.json and audit.html, and prints the short table of checks."""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from generation.audit import plots
from generation.audit.thresholds import FAILED, NOT_JUDGED
from generation.counts import plain_table
from persona_atlas import shards

MARKS = {"passed": "✓", FAILED: "✗", NOT_JUDGED: "–"}


def write(found: Mapping[str, Any], out: Path) -> None:
    """Write audit.json and audit.html into a folder."""
    shards.write_text(out / "audit.json", json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    shards.write_text(out / "audit.html", page(found))


def page(found: Mapping[str, Any]) -> str:
    """The page audit.html, which loads no other file."""
    import jinja2

    template = files("generation.audit").joinpath("page.html.jinja").read_text(encoding="utf-8")
    sections = dict.fromkeys(check["section"] for check in found["checks"])
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    environment.filters.update(number=number, percent=percent, limit=limit)
    return environment.from_string(template).render(
        found=found,
        marks=MARKS,
        sections={section: [check for check in found["checks"] if check["section"] == section] for section in sections},
        counts={state: sum(check["state"] == state for check in found["checks"]) for state in MARKS},
        lengths={role: _lengths(rows["columns"]) for role, rows in found["diversity"].items() if rows["columns"]},
        back=plots.lines({split: row["by_sessions"] for split, row in found["difficulty"]["splits"].items()}, ("1", "sessions back", "12")),
        values={dimension: plots.shares(row["counts"]) for dimension, row in found["evenness"]["dimensions"].items()},
    )


def _lengths(columns: Mapping[str, Any]) -> dict[str, Any]:
    longest = max(row["bin"] * (len(row["histogram"]) - 1) for row in columns.values())
    return plots.lines({name: row["histogram"] for name, row in columns.items()}, ("0", "words a turn", f"{longest}+"))


def number(value: float | None, digits: int = 3) -> str:
    """Format a figure with `digits` significant digits and no exponent (0.0000584); whole numbers, and those from 1,000 on, have no decimals."""
    if value is None:
        return "–"
    if float(value).is_integer():
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace("-", "−")
    return np.format_float_positional(value, precision=digits, fractional=False, trim="-").replace("-", "−")


def percent(value: float | None) -> str:
    """Format a share in percent, with one decimal; shares below 0.1 % have two significant digits, so that they are not rounded to 0."""
    return "–" if value is None else f"{100 * value:.1f} %" if value == 0 or abs(value) >= 0.001 else f"{100 * value:.2g} %"


def limit(check: Mapping[str, Any]) -> str:
    """Format the limit of a check: `at most 0.01`, `at least 0.2`."""
    return f"at most {number(check['most'])}" if check["most"] is not None else f"at least {number(check['least'])}"


def print_checks(console: Console, found: Mapping[str, Any]) -> None:
    """Print the checks, one per line, how many passed and failed, and how near each reference is."""
    table = plain_table("", "", "found", "wanted", left=2)
    for check in found["checks"]:
        style = {FAILED: "bold red", NOT_JUDGED: "dim"}.get(check["state"], "")
        table.add_row(MARKS[check["state"]], Text(check["title"]), number(check["value"]), limit(check), style=style)
    console.print(table)
    states = [check["state"] for check in found["checks"]]
    release = found["release"]
    size = f"{release['users']:,} users, {release['conversations']:,} conversations, {release['items']:,} items"
    console.print(
        f"{release['path']}: {size}; {states.count('passed')} passed, {states.count(FAILED)} failed, {states.count(NOT_JUDGED)} not judged",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    for name, row in found["references"].items():
        console.print(_beside(name, row), markup=False, highlight=False, soft_wrap=True)


def _beside(name: str, row: Mapping[str, Any]) -> str:
    """One sentence that says how near a reference is."""
    near, auc = row["nearness"], row["fidelity"]["auc"]
    told = "too few users to train a reader" if auc is None else f"a reader tells its turns from ours with AUC {auc:.4f}"
    runs = f"nearest turn {near['most_similar']:.2f} alike, longest shared run {near['longest_run']} words"
    return f"beside {name} ({row['chats']:,} chats): {told}; {runs}"
