"""The plots of the audit's page in drawing coordinates: lines over bins, and shares of a whole."""

from collections.abc import Mapping, Sequence
from typing import Any

WIDTH, HEIGHT, MARGIN = 340, 190, 26
SHADES = 6
"""How many tones distinguish lines and shares; the page gives each its colour."""


def lines(series: Mapping[str, Sequence[float]], labels: Sequence[str]) -> dict[str, Any]:
    """One line per name over the same bins, scaled from 0 to the highest share of all. `labels` go below the first, middle and last bin."""
    highest = max((share for shares in series.values() for share in shares), default=0.0) or 1.0
    found = []
    for tone, (name, shares) in enumerate(series.items()):
        step = (WIDTH - 2 * MARGIN) / max(len(shares) - 1, 1)
        heights = [share / highest * (HEIGHT - 2 * MARGIN) for share in shares]
        points = " ".join(f"{MARGIN + step * i:.1f},{HEIGHT - MARGIN - height:.1f}" for i, height in enumerate(heights))
        found.append({"name": name, "tone": tone % SHADES, "points": points, "reference": name.startswith("reference")})
    ends = [(MARGIN, "start"), (WIDTH / 2, "middle"), (WIDTH - MARGIN, "end")]
    ticks = [{"x": x, "anchor": anchor, "text": text} for (x, anchor), text in zip(ends, labels, strict=True)]
    return {"lines": found, "highest": highest, "ticks": ticks, "width": WIDTH, "height": HEIGHT, "base": HEIGHT - MARGIN, "margin": MARGIN}


def shares(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """The segments of a bar of width 100, one per value, in order."""
    total, at, found = sum(counts.values()) or 1, 0.0, []
    for tone, (name, count) in enumerate(counts.items()):
        width = 100 * count / total
        found.append({"name": name, "count": count, "x": round(at, 2), "width": round(width, 2), "tone": tone % SHADES})
        at += width
    return found
