"""The scores of a run as arrays: one value an item, for every arm, condition and axis."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from eval_harness import statistics
from eval_harness.beside import BESIDE
from eval_harness.conditions import Shown, show
from eval_harness.runfolder import Key, Sample
from persona_atlas.data import Release
from persona_atlas.ledger import states
from persona_atlas.records import Item
from persona_atlas.scoring import Scores, leaks, penalize_leak, score

ROUNDS = 10_000


@dataclass(frozen=True)
class Plan:
    """What the results are of: the names and digests that go into results.json."""

    optimizer: str
    arms: tuple[str, ...]
    conditions: tuple[str, ...]
    model: str
    split: str
    seed: int


def score_samples(samples: Sequence[Sample], items: dict[str, Item], release: Release) -> dict[tuple[str, str, str], Scores | None]:
    """The scores of every sample, identity's first since leaks are measured against them; None where the target's infrastructure failed."""
    found: dict[tuple[str, str, str], Scores | None] = {}
    for sample in sorted(samples, key=lambda sample: sample.arm != "identity"):
        item = items[sample.item_id]
        if sample.finish_reason == "error":
            found[sample.key] = None
            continue
        scores = score(item, sample.answer, sample.finish_reason)
        if sample.arm != "identity" and sample.prompt is not None:
            shown = show(sample.condition, item, release)
            if shown and leaks(item, sample.prompt, shown.texts()):
                # Where identity's answer is missing the item leaves every comparison, and only G is left to cap.
                scores = penalize_leak(scores, found.get(("identity", sample.condition, sample.item_id)) or scores)
        found[sample.key] = scores
    return found


class Table:
    """The scores as arrays over items, one a arm, condition and axis, with the codes of users and templates."""

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
        templates = {t: i for i, t in enumerate(sorted({item.template_id for item in items}))}
        self.user = np.array([users[item.persona_id] for item in items])
        self.template = np.array([templates[item.template_id] for item in items])
        self.weights = statistics.draw_weights(len(users), len(templates), ROUNDS, plan.seed)
        self._scores = scores
        self._beside = beside or {}

    def column(self, arm: str, condition: str, axis: str) -> np.ndarray:
        """One value an item, NaN where there is none."""
        if axis in BESIDE:
            found = (self._beside.get(Key(arm, condition, item.item_id), {}).get(axis) for item in self.items)
            return np.array([math.nan if value is None else value for value in found], dtype=float)
        values = []
        for item in self.items:
            scores = self._scores.get((arm, condition, item.item_id))
            shown = self._shown[condition, item.item_id]
            if axis == "personalization_fixed" and shown is not None:
                shown = self._shown["clean", item.item_id]
            value = None if scores is None or shown is None else _axis(scores, item, shown, axis)
            values.append(math.nan if value is None else value)
        return np.array(values, dtype=float)

    def without(self, arm: str, dimension: str) -> np.ndarray:
        """G of the clean condition over all gold dimensions but one; NaN where no other is left."""
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


def _axis(scores: Scores, item: Item, shown: Shown, axis: str) -> float | None:
    """The item's value on an axis, None where it does not bear on it.

    G leaves out the conflict slice, whose precedence is declared (MEASUREMENT 1); task leaves out what cannot be known (4).
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
        case "personalization_revealed" | "personalization_unrevealed" | "personalization_contradicted":
            ledger = states(item.gold, shown.history)
            return scores.over(dimension for dimension, state in ledger.items() if state == part)
        case "personalization_fixed":
            ledger = states(item.gold, shown.history)
            return scores.over(dimension for dimension, state in ledger.items() if state == "revealed")
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
