"""Exports the results of a run, for other programs and for pasting.

csv        one line per score: arm, condition, axis, mean, ends of the 95 % interval, users, templates, items
markdown   one table per condition, one row per arm; one per family of conditions, one row per level; then the sentences that stand below the tables
           in a terminal, without the time of the optimizer and the cost of its `fit`, which results.json does not hold
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from eval_harness.findings import ROBUSTNESS, findings, in_words, levels, mean, retained, signed
from eval_harness.report import MEANS, WITH_INTERVAL

COLUMNS = ("arm", "condition", "axis", "mean", "low", "high", "users", "templates", "items")


def as_csv(results: Mapping[str, Any]) -> str:
    """The results as CSV; a cell without a figure is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for arm, conditions in results["arms"].items():
        for condition, axes in conditions.items():
            for axis, found in axes.items():
                low, high = found["ci"] or (None, None)
                writer.writerow([arm, condition, axis, found["mean"], low, high, found["n_users"], found["n_templates"], found["n_items"]])
    return text.getvalue()


def as_markdown(results: Mapping[str, Any]) -> str:
    own = results["scores"]["personalization"]
    lines = [
        f"**{results['optimizer']}** on **{results['model']}**, split {results['split']}: {own['n_users']} users, {own['n_items']} items, "
        f"{own['n_templates']} templates. Means, with 95 % intervals in brackets; release {results['dataset_digest'][:16]}, "
        f"scorer {results['scorer_version']}."
    ]
    for condition in results["arms"][results["optimizer"]]:
        lines += [
            "",
            f"| {condition} | {' | '.join([*WITH_INTERVAL.values(), *MEANS.values()])} |",
            "|---|" + "---:|" * len({**WITH_INTERVAL, **MEANS}),
        ]
        for arm, conditions in results["arms"].items():
            cells = [in_words(conditions[condition][axis]) for axis in WITH_INTERVAL]
            cells += [mean(conditions[condition][axis]) for axis in MEANS]
            name = f"**{arm}**" if arm == results["optimizer"] else arm
            lines.append(f"| {name.replace('|', '/')} | {' | '.join(cells)} |")
    lines += ["", f"{ROBUSTNESS}."] if results["robustness"] else []
    for family, found in results["robustness"].items():
        lines += _levels(family, found, results["optimizer"])
    return "\n".join([*lines, "", *(f"- {finding}" for finding in findings(results))]) + "\n"


def _levels(name: str, family: Mapping[str, Any], optimizer: str) -> Iterator[str]:
    """The table of a family of conditions: the optimizer's G at each level, and D, how its lead over identity changes."""
    yield from ("", f"{name}, retained: {retained(family)}", "", f"| {name} | G | D |", "|---|---:|---:|")
    yield from (f"| {condition} | {in_words(gain)} | {signed(lost)} |" for condition, gain, lost in levels(family, optimizer))


FORMATS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {"csv": as_csv, "markdown": as_markdown}
