"""Plots as numbers: where points, whiskers, curves and labels are in a drawing. The templates draw them."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval_harness.page import HIGHEST, LOWEST
from leaderboard.board import Row

BAR = 96
"""Width of a whisker bar."""
DRAWN = 200
"""The most entries of a target in a scatter plot. The NAMED best of them may have a label."""
NAMED = 8
BEST = 5
"""How many entries have a curve of their own."""
ENDS = {"oracle": "lc", "identity": "ld"}
"""The controls whose curves stand beside the entries', and the CSS class of each."""
TICKS = (0.0, 0.5, 1.0)
DOT, LETTER = 5, 6.0
"""Half the space that a point takes, and the width of a letter."""


@dataclass(frozen=True)
class Frame:
    """The inside of a drawing, from (left, top) to (right, bottom). The whole drawing has `width` and `height`."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int

    def y(self, g: float) -> float:
        share = (min(HIGHEST, max(LOWEST, g)) - LOWEST) / (HIGHEST - LOWEST)
        return round(self.bottom - share * (self.bottom - self.top), 1)

    def x(self, share: float) -> float:
        return round(self.left + share * (self.right - self.left), 1)


SCATTER = Frame(460, 300, 34, 448, 10, 266)
CURVE = Frame(300, 170, 28, 290, 8, 146)


def scale(intervals: Iterable[tuple[float | None, float | None, float | None]]) -> tuple[float, float]:
    """Return the scale of a table's whisker bars, from (mean, low, high) of each row: as far as any of them reaches, and 0."""
    reached = [0.0, *(value for interval in intervals for value in interval if value is not None)]
    low, high = max(LOWEST, min(reached)), min(HIGHEST, max(reached))
    return (low, high) if low < high else (LOWEST, HIGHEST)


def bar(interval: Mapping[str, Any], ends: tuple[float, float] = (LOWEST, HIGHEST)) -> dict[str, float] | None:
    """Return a whisker bar on a scale between two ends: where its own ends, its mean and 0 are. Values are first rounded as the table shows them."""
    if interval["mean"] is None:
        return None
    low, high = interval["ci"] or (interval["mean"], interval["mean"])
    left, right = ends
    found = {"low": low, "mean": interval["mean"], "high": high, "zero": 0.0}
    return {key: round(BAR * (min(right, max(left, round(value, 2))) - left) / (right - left), 1) for key, value in found.items()}


def scatter(rows: Sequence[Row]) -> dict[str, Any] | None:
    """Return a plot of cost and quality on one target: prompt tokens, on a logarithmic scale, and G. None if no row has both.

    Entries that were not reproduced are left out, and controls are not, though they may have run beside such an entry alone.
    """
    known = [row for row in rows if row.tokens and row.g["mean"] is not None and not row.doubted]
    entries = [row for row in known if row.placed]
    drawn = [*entries[:DRAWN], *(row for row in known if not row.placed)]
    if not drawn:
        return None
    low, high = _decades([row.tokens or 1.0 for row in drawn])
    frame = SCATTER

    def x(tokens: float) -> float:
        return frame.x((math.log10(tokens) - low) / (high - low))

    points: list[dict[str, Any]] = [{**_point(frame, x(row.tokens or 1.0), row.g), "row": row} for row in drawn]
    return {
        "frame": frame,
        "points": points,
        "labels": list(_labels(frame, [point for point in points if not point["row"].placed or point["row"] in entries[:NAMED]], points)),
        "ticks": [{"x": x(10**power * step), "said": f"{10**power * step:,}"} for power, step in _ticks(low, high)],
        "left_out": len(entries) - len(entries[:DRAWN]),
    }


def _decades(tokens: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the logarithmic scale, with a little room."""
    low, high = math.log10(min(tokens)), math.log10(max(tokens))
    room = max(0.12, 0.06 * (high - low))
    return low - room, high + room


def _ticks(low: float, high: float) -> Iterator[tuple[int, int]]:
    """Yield the powers of ten, with the steps 1, 2 and 5, that are on the scale."""
    for power in range(0, 8):
        for step in (1, 2, 5):
            if low <= power + math.log10(step) <= high:
                yield power, step


def _point(frame: Frame, x: float, interval: Mapping[str, Any]) -> dict[str, float]:
    low, high = interval["ci"] or (interval["mean"], interval["mean"])
    return {"x": x, "y": frame.y(interval["mean"]), "low": frame.y(low), "high": frame.y(high)}


def _labels(frame: Frame, points: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield names beside their points, where they cover neither another name nor a point. Names that fit nowhere are left out."""
    taken = [(point["x"] - DOT, point["y"] - DOT, point["x"] + DOT, point["y"] + DOT) for point in others]
    for point in points:
        said = _said(point["row"])
        said = said if len(said) <= 24 else f"{said[:23]}…"
        width = LETTER * len(said)
        for end, x, y in ((False, point["x"] + 8, point["y"] + 4), (True, point["x"] - 8, point["y"] + 4), *_above(point, width, frame)):
            box = (x - width if end else x, y - 10, x if end else x + width, y + 2)
            if box[0] >= frame.left and box[2] <= frame.right and not any(_cover(box, other) for other in taken):
                taken.append(box)
                yield {"x": x, "y": y, "end": end, "said": said, "row": point["row"]}
                break


def _above(point: Mapping[str, Any], width: float, frame: Frame) -> Iterator[tuple[bool, float, float]]:
    """Yield places above and below a point, towards the side that has room."""
    end = point["x"] + width > frame.right
    for y in (point["y"] - 9, point["y"] + 17):
        yield end, point["x"], y


def _cover(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@dataclass(frozen=True)
class Line:
    """One arm's curves by family of conditions, with the CSS class that styles them."""

    name: str
    style: str
    curves: Mapping[str, Any]


def best_lines(rows: Sequence[Row]) -> list[Line]:
    """Return the curves of the best entries on one target, and of the controls in ENDS. Entries that were not reproduced have none."""
    entries = [row for row in rows if row.placed][:BEST]
    ends = [row for arm in ENDS for row in rows if row.arm == arm and not row.doubted]
    styles = [*(f"l{number}" for number in range(len(entries))), *(ENDS[row.arm] for row in ends)]
    return [Line(_said(row), style, row.curves) for row, style in zip([*entries, *ends], styles, strict=True)]


def lines_of(results: Mapping[str, Any]) -> list[Line]:
    """Return the curves of one run's optimizer, and of the controls in ENDS that it has."""
    arms = [arm for arm in dict.fromkeys([results["optimizer"], *ENDS]) if arm in results["arms"]]
    curves = {arm: {family: found["curves"][arm] for family, found in results["robustness"].items()} for arm in arms}
    return [Line(arm, "l0" if arm == results["optimizer"] else ENDS[arm], curves[arm]) for arm in arms]


def curves(lines: Sequence[Line]) -> dict[str, Any]:
    """Return G over the levels of each family of conditions: for each family, a list of names, styles and points."""
    names = dict.fromkeys(family for line in lines for family in line.curves)
    drawn = {
        family: [{"name": line.name, "style": line.style, "points": list(_curve(line.curves.get(family, {})))} for line in lines] for family in names
    }
    return {"frame": CURVE, "lines": lines, "families": drawn}


def _curve(curve: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for place, (condition, interval) in enumerate(curve.items()):
        if interval["mean"] is not None:
            share = place / max(1, len(curve) - 1)
            yield {**_point(CURVE, CURVE.x(share), interval), "name": condition, "value": interval["mean"]}


def _said(row: Row) -> str:
    return str(row.entry.told["name"]) if row.entry else row.arm
