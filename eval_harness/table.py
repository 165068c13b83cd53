"""The scores of a run as arrays: one value per item, for every arm, condition and axis."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np

from eval_harness import statistics
from eval_harness.beside import BESIDE
from eval_harness.conditions import Shown, show
from eval_harness.runfolder import Key
from persona_atlas.data import Release
from persona_atlas.ledger import states
from persona_atlas.records import Item
from persona_atlas.scoring import Scores

ROUNDS = 10_000
STATES = {"revealed": "revealed", "unrevealed": "unrevealed", "contradicted": "contradicted", "fixed": "revealed"}
"""For an axis personalization_…, the ledger's state of the dimensions that it covers; "fixed" takes the states under the clean condition."""
Scored = dict[str, dict[str, dict[str, dict[str, Any]]]]
Name = TypeVar("Name")


@dataclass(frozen=True)
class Plan:
    """What was run, by name, and the seed: the head of results.json."""

    optimizer: str
    arms: tuple[str, ...]
    conditions: tuple[str, ...]
    model: str
    split: str
    seed: int


class Table:
    """The scores as arrays over items, one per arm, condition and axis, with the codes of users and templates."""

    def __init__(
        self,
        plan: Plan,
        items: Sequence[Item],
        scores: dict[tuple[str, str, str], Scores | None],
        release: Release,
        beside: Mapping[Key, Mapping[str, float | None]] | None = None,
    ) -> None:
        self.items = list(items)
        self._shown = {(c, item.item_id): show(c, item, release) for c in plan.conditions for item in items}
        users = {u: i for i, u in enumerate(sorted({item.persona_id for item in items}))}
        templates = {t: i for i, t in enumerate(sorted({item.question_id for item in items}))}
        self.user = np.array([users[item.persona_id] for item in items])
        self.template = np.array([templates[item.question_id] for item in items])
        self.weights = statistics.draw_weights(len(users), len(templates), ROUNDS, plan.seed)
        self._scores = scores
        self._beside = beside or {}
        self._columns: dict[tuple[str, str, str], np.ndarray] = {}
        self._ledgers: dict[tuple[str, str], dict[str, str]] = {}

    def column(self, arm: str, condition: str, axis: str) -> np.ndarray:
        """One value per item, NaN where there is none."""
        key = (arm, condition, axis)
        if key not in self._columns:
            found = (self._value(arm, condition, item, axis) for item in self.items)
            self._columns[key] = np.array([math.nan if value is None else value for value in found], dtype=float)
        return self._columns[key]

    def _value(self, arm: str, condition: str, item: Item, axis: str) -> float | None:
        if axis in BESIDE:
            return self._beside.get(Key(arm, condition, item.item_id), {}).get(axis)
        scores, shown = self._scores.get((arm, condition, item.item_id)), self._shown[condition, item.item_id]
        if scores is None or shown is None:
            return None
        kind, _, part = axis.partition("_")
        if kind == "personalization" and part in STATES:
            # "fixed" judges what the whole history reveals, whatever is shown. The conflict slice stays out (MEASUREMENT 1, 4).
            ledger = self._ledger("clean" if part == "fixed" else condition, item)
            return None if "conflict" in item.slices else scores.over(d for d, state in ledger.items() if state == STATES[part])
        return _axis(scores, item, shown, axis)

    def _ledger(self, condition: str, item: Item) -> dict[str, str]:
        key = condition, item.item_id
        if key not in self._ledgers:
            shown = self._shown[key]
            assert shown is not None, "the item has the condition, or there is nothing to ask of it"
            self._ledgers[key] = states(item.gold, shown.history)
        return self._ledgers[key]

    def without(self, arm: str, dimension: str) -> np.ndarray:
        """G under the clean condition over all gold dimensions but one; NaN where no other is left."""
        values = []
        for item in self.items:
            scores = self._scores.get((arm, "clean", item.item_id))
            others = [gold.dimension for gold in item.gold if gold.dimension != dimension]
            value = None if scores is None or "conflict" in item.slices else scores.over(others)
            values.append(math.nan if value is None else value)
        return np.array(values, dtype=float)

    def estimate(self, arm: str, condition: str, axis: str) -> dict[str, Any]:
        return as_plain(statistics.estimate(self.user, self.template, self.column(arm, condition, axis), self.weights))

    def difference(self, arm: str, other: str, condition: str, axis: str) -> dict[str, Any]:
        columns = self.column(arm, condition, axis), self.column(other, condition, axis)
        return as_plain(statistics.difference(self.user, self.template, *columns, self.weights))

    def intervals(self, columns: Mapping[Name, np.ndarray]) -> dict[Name, statistics.Interval]:
        """The mean of each column with its interval. Doing all at once is many times as fast as one by one."""
        return dict(zip(columns, statistics.estimate_all(self.user, self.template, list(columns.values()), self.weights), strict=True))

    def estimates(self, arms: Sequence[str], conditions: Sequence[str], axes: Sequence[str], less: str | None = None) -> Scored:
        """arm -> condition -> axis -> the interval's fields; if an arm `less` is given, of the paired difference from it."""
        asked = {
            (arm, c, axis): self.column(arm, c, axis) - (self.column(less, c, axis) if less else 0.0)
            for arm in arms
            for c in conditions
            for axis in axes
        }
        found = self.intervals(asked)
        return {arm: {c: {axis: as_plain(found[arm, c, axis]) for axis in axes} for c in conditions} for arm in arms}


def _axis(scores: Scores, item: Item, shown: Shown, axis: str) -> float | None:
    """The item's value on an axis, None if the axis does not apply to it.

    G leaves out the conflict slice, in which a declared rule of precedence decides (MEASUREMENT 1). Task leaves out questions that lack something
    which nothing restores (MEASUREMENT 4).
    """
    kind, _, part = axis.partition("_")
    conflict = "conflict" in item.slices
    if kind == "personalization" and conflict != (part == "conflict"):
        return None
    match axis:
        case "responsive":
            return scores.g
        case "task":
            return scores.task if shown.twin is None or shown.twin.restorable else None
        case "personalization_conflict":
            return scores.over(gold.dimension for gold in item.gold if gold.source == "query")
        case "met" if conflict:
            return None
        case _:
            return getattr(scores, axis)


def as_plain(interval: statistics.Interval) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(interval).items()}


def ratio_as_plain(ratio: statistics.Ratio) -> dict[str, Any]:
    return {"value": ratio.value, "ci": list(ratio.ci) if ratio.ci else None, "note": ratio.note}
