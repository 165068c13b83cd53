"""Writes report.html: one run as a self-contained page, to read and to pass on."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from eval_harness.findings import chance, findings, levels
from eval_harness.finished import Run, View, viewed
from eval_harness.spent import spent_in
from persona_atlas import schema, shards
from persona_atlas.data import Release
from persona_atlas.records import Conversation

WIDTH, HEIGHT, MARGIN = 320, 180, 28
LOWEST, HIGHEST = -0.4, 1.0
"""The ends of the plots' scale. Where something is drawn below LOWEST, the scale goes down to it."""
DRAWN = ("identity", "oracle")
"""The arms drawn beside the optimizer in each plot."""
READ = 20
"""How many samples the page shows."""
EXCERPT = 3
"""How many of the user's latest turns are shown with a sample."""


def write_results(run: Run, release: Release, results: dict[str, Any]) -> None:
    """Write results.json and report.html into the run's folder. Raises SchemaError if the results do not fit the schema."""
    schema.validate("results", results)
    shards.write_text(run.path / "results.json", json.dumps(results, indent=2, ensure_ascii=False) + "\n")
    optimizer = run.plan.optimizer
    views = viewed(run, release, optimizer, "clean", None, READ)
    write_page(run.path / "report.html", results, views, str(spent_in(run.path, optimizer)))


def write_page(path: Path, results: Mapping[str, Any], views: Sequence[View], spent: str = "") -> None:
    """Write report.html. `views`: the samples to read. `spent`: what the optimizer took, in a sentence."""
    import jinja2

    lowest = lower_end(results["robustness"].values(), results["optimizer"])
    template = files("eval_harness").joinpath("page.html.jinja").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    environment.filters.update(number=number, percent=percent, chance=chance, position=position)
    page = environment.from_string(template).render(
        results=results,
        findings=findings(results),
        spent=spent,
        plots={family: plot(found, results["optimizer"], lowest) for family, found in results["robustness"].items()},
        levels={family: levels(found, results["optimizer"]) for family, found in results["robustness"].items()},
        samples=[sample(view) for view in views],
        size={"width": WIDTH, "height": HEIGHT, "margin": MARGIN},
        zero=round(_y(0.0, lowest), 1),
    )
    shards.write_text(path, page)


def number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:z.{digits}f}".replace("-", "−")


def percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def position(value: float) -> str:
    """The position of a score on a bar from -1 to 1, in percent of the bar's width."""
    return f"{50 * (min(1.0, max(-1.0, value)) + 1):.1f}"


def lower_end(families: Iterable[Mapping[str, Any]], optimizer: str) -> float:
    """The lower end of the scale that all plots share: LOWEST, or where the lowest drawn interval ends, to the tenth below; -1 at the least."""
    lows = [_ends(interval)[0] for family in families for _, curve in _drawn(family, optimizer) for interval in curve.values() if _has_mean(interval)]
    return max(-1.0, min([LOWEST, *(math.floor(10 * low) / 10 for low in lows)]))


def plot(family: Mapping[str, Any], optimizer: str, lowest: float) -> list[dict[str, Any]]:
    """One line per arm: its points, with intervals, in the plot's coordinates. `lowest`: the lower end of its scale."""
    levels = family["levels"]
    lines = []
    for arm, curve in _drawn(family, optimizer):
        points = []
        for level, (condition, interval) in zip(levels, curve.items(), strict=True):
            if not _has_mean(interval):
                continue
            low, high = (round(_y(end, lowest), 1) for end in _ends(interval))
            points.append({
                "x": round(MARGIN + (WIDTH - 2 * MARGIN) * level / levels[-1], 1), "y": round(_y(interval["mean"], lowest), 1),
                "low": low, "high": high, "name": condition, "value": interval["mean"],
            })  # fmt: skip
        lines.append({"arm": arm, "own": arm == optimizer, "points": points})
    return lines


def _drawn(family: Mapping[str, Any], optimizer: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The arms that a plot draws, with their curves."""
    yield from ((arm, family["curves"][arm]) for arm in dict.fromkeys([optimizer, *DRAWN]) if arm in family["curves"])


def _has_mean(interval: Mapping[str, Any]) -> bool:
    return interval["mean"] is not None


def _ends(interval: Mapping[str, Any]) -> tuple[float, float]:
    low, high = interval["ci"] or (interval["mean"], interval["mean"])
    return low, high


def _y(value: float, lowest: float) -> float:
    share = (min(HIGHEST, max(lowest, value)) - lowest) / (HIGHEST - lowest)
    return HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN)


def sample(view: View) -> dict[str, Any]:
    """What the page shows of a sample."""
    scores = view.scores
    return {
        "id": view.item.item_id,
        "template": view.item.template_id,
        "query": view.query,
        "said": last_said(view.history),
        "prompt": view.sample.prompt if view.sample.prompt is not None else f"(no prompt: {view.sample.failure})",
        "answer": view.sample.answer,
        "ended": view.sample.finish_reason,
        "values": [(gold.dimension, gold.value, scores.shows[gold.dimension] if scores else None) for gold in view.item.gold],
        "scores": scores,
    }


def last_said(history: Sequence[Conversation]) -> list[str]:
    """The user's latest turns that reveal how to answer, or simply the latest turns if none does."""
    turns = [turn for conversation in history for turn in conversation.turns if turn.role == "user"]
    telling = [turn for turn in turns if turn.reveals]
    return [turn.content for turn in (telling or turns)[-EXCERPT:]]
