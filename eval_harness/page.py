"""Writes report.html: one run as a self-contained page, to read and to pass on."""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from eval_harness.finished import Run, View, viewed
from eval_harness.report import chance, for_reading
from persona_atlas import schema, shards
from persona_atlas.data import Release
from persona_atlas.records import Conversation

WIDTH, HEIGHT, MARGIN = 320, 180, 28
LOWEST, HIGHEST = -0.4, 1.0
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
    write_page(run.path / "report.html", results, viewed(run, release, run.plan.optimizer, "clean", None, READ))


def write_page(path: Path, results: Mapping[str, Any], views: Sequence[View]) -> None:
    """Write report.html. `views`: the samples to read."""
    import jinja2

    template = files("eval_harness").joinpath("page.html.jinja").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    environment.filters.update(number=number, percent=percent, chance=chance, position=position)
    page = environment.from_string(template).render(
        results=results,
        findings=for_reading(results),
        plots={family: plot(found, results["optimizer"]) for family, found in results["robustness"].items()},
        samples=[sample(view) for view in views],
        size={"width": WIDTH, "height": HEIGHT, "margin": MARGIN},
        zero=round(_y(0.0), 1),
    )
    shards.write_text(path, page)


def number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:z.{digits}f}".replace("-", "−")


def percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def position(value: float) -> str:
    """The position of a score on a bar from -1 to 1, in percent of the bar's width."""
    return f"{50 * (min(1.0, max(-1.0, value)) + 1):.1f}"


def plot(family: Mapping[str, Any], optimizer: str) -> list[dict[str, Any]]:
    """One line per arm: its points, with intervals, in the plot's coordinates."""
    levels = family["levels"]
    lines = []
    for arm in dict.fromkeys([optimizer, *DRAWN]):
        if arm not in family["curves"]:
            continue
        points = []
        for level, (condition, interval) in zip(levels, family["curves"][arm].items(), strict=True):
            if interval["mean"] is None:
                continue
            low, high = interval["ci"] or (interval["mean"], interval["mean"])
            points.append({
                "x": round(MARGIN + (WIDTH - 2 * MARGIN) * level / levels[-1], 1), "y": round(_y(interval["mean"]), 1),
                "low": round(_y(low), 1), "high": round(_y(high), 1), "name": condition, "value": interval["mean"],
            })  # fmt: skip
        lines.append({"arm": arm, "own": arm == optimizer, "points": points})
    return lines


def _y(value: float) -> float:
    share = (min(HIGHEST, max(LOWEST, value)) - LOWEST) / (HIGHEST - LOWEST)
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
