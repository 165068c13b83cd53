"""From samples to results: scores of every sample, then means, intervals, paired differences and headroom. Derived, always rebuildable."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from eval_harness import statistics
from eval_harness.conditions import Shown, show
from eval_harness.runfolder import Sample
from persona_atlas.data import Release
from persona_atlas.ledger import states
from persona_atlas.records import SCHEMA_VERSION, Item
from persona_atlas.scoring import SCORER_VERSION, Scores, leaks, penalize_leak, score

AXES = (
    "personalization", "task", "met", "responsive", "hard_ok", "lured", "stale", "leak",
    "personalization_revealed", "personalization_unrevealed", "personalization_contradicted", "personalization_conflict",
)  # fmt: skip
COMPARED = ("personalization", "task", "met", "responsive", "hard_ok", "lured")
"""`lured` less identity's is overpersonalization."""
ROUNDS = 10_000
FEWEST = 20
MOST_FAILED = 0.01
MOST_CUT = 0.05


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

    def __init__(self, plan: Plan, items: Sequence[Item], scores: dict[tuple[str, str, str], Scores | None], release: Release) -> None:
        self.items = list(items)
        self._shown = {(c, item.item_id): show(c, item, release) for c in plan.conditions for item in items}
        users = {u: i for i, u in enumerate(sorted({item.persona_id for item in items}))}
        templates = {t: i for i, t in enumerate(sorted({item.template_id for item in items}))}
        self.user = np.array([users[item.persona_id] for item in items])
        self.template = np.array([templates[item.template_id] for item in items])
        self.weights = statistics.draw_weights(len(users), len(templates), ROUNDS, plan.seed)
        self._scores = scores

    def column(self, arm: str, condition: str, axis: str) -> np.ndarray:
        """One value an item, NaN where there is none."""
        values = []
        for item in self.items:
            scores = self._scores.get((arm, condition, item.item_id))
            shown = self._shown[condition, item.item_id]
            value = None if scores is None or shown is None else _axis(scores, item, shown, axis)
            values.append(math.nan if value is None else value)
        return np.array(values, dtype=float)

    def estimate(self, arm: str, condition: str, axis: str) -> dict[str, Any]:
        return _plain(statistics.estimate(self.user, self.template, self.column(arm, condition, axis), self.weights))

    def difference(self, arm: str, other: str, condition: str, axis: str) -> dict[str, Any]:
        columns = self.column(arm, condition, axis), self.column(other, condition, axis)
        return _plain(statistics.difference(self.user, self.template, *columns, self.weights))


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
        case "personalization_conflict":
            return scores.over(gold.dimension for gold in item.gold if gold.source == "query")
        case "met" if conflict:
            return None
        case _:
            return getattr(scores, axis)


def _plain(interval: statistics.Interval) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(interval).items()}


def derive(plan: Plan, samples: Sequence[Sample], items: Sequence[Item], release: Release) -> dict[str, Any]:
    """results.json of a run (schema/v2/results.json)."""
    scores = score_samples(samples, {item.item_id: item for item in items}, release)
    table = Table(plan, items, scores, release)
    arms = {arm: {c: {axis: table.estimate(arm, c, axis) for axis in AXES} for c in plan.conditions} for arm in plan.arms}
    differences = {
        arm: {c: {axis: table.difference(arm, "identity", c, axis) for axis in COMPARED} for c in plan.conditions}
        for arm in plan.arms
        if arm != "identity"
    }
    reasons = {arm: dict(sorted(Counter(s.finish_reason for s in samples if s.arm == arm).items())) for arm in plan.arms}
    failures = Counter((s.failure or "").split(":")[0] for s in samples if s.arm == plan.optimizer and s.failure)
    return {
        "schema_version": SCHEMA_VERSION,
        "scorer_version": SCORER_VERSION,
        "optimizer": plan.optimizer,
        "model": plan.model,
        "split": plan.split,
        "dataset_digest": release.manifest["content_digest"],
        "rounds": ROUNDS,
        "seed": plan.seed,
        "scores": arms[plan.optimizer]["clean"],
        "arms": arms,
        "differences": differences,
        "headroom": _headroom(plan, table),
        "failures": dict(sorted(failures.items())),
        "finish_reasons": reasons,
        "minimum_detectable_effect": _detectable(plan, table),
        "notes": list(_notes(plan, samples, items)),
    }


def _headroom(plan: Plan, table: Table) -> dict[str, Any] | None:
    """H of MEASUREMENT 6, where the oracle ran and the optimizer is not one of its ends."""
    if "oracle" not in plan.arms or plan.optimizer in ("identity", "oracle"):
        return None
    floor, own, ceiling = (table.column(arm, "clean", "personalization") for arm in ("identity", plan.optimizer, "oracle"))
    return _ratio(statistics.ratio(table.user, table.template, own - floor, ceiling - floor, table.weights))


def _ratio(ratio: statistics.Ratio) -> dict[str, Any]:
    return {"value": ratio.value, "ci": list(ratio.ci) if ratio.ci else None, "note": ratio.note}


def _detectable(plan: Plan, table: Table) -> float | None:
    own = table.column(plan.optimizer, "clean", "personalization")
    if plan.optimizer != "identity":
        own = own - table.column("identity", "clean", "personalization")
    return statistics.minimum_detectable_effect(table.user, table.template, own)


def _notes(plan: Plan, samples: Sequence[Sample], items: Sequence[Item]) -> Iterable[str]:
    """What a reader must know before believing the table, and why a run is not ranked (MEASUREMENT 2, 8)."""
    users, templates = len({item.persona_id for item in items}), len({item.template_id for item in items})
    if users < FEWEST or templates < FEWEST:
        yield f"not ranked: {users} users and {templates} templates, ranking needs {FEWEST} of each"
    own = [sample for sample in samples if sample.arm == plan.optimizer]
    failed = sum(sample.failure is not None for sample in own) / len(own)
    if failed > MOST_FAILED:
        yield f"not ranked: the optimizer failed on {failed:.1%} of its calls (at most {MOST_FAILED:.0%}); samples.jsonl says why"
    for reason, text in (("length", "cut off at the token limit"), ("context_overflow", "too long for the target's context")):
        share = sum(sample.finish_reason == reason for sample in own) / len(own)
        if share > MOST_CUT or (share and reason == "context_overflow"):
            yield f"{'not ranked: ' if share > MOST_CUT else ''}{share:.1%} of the answers were {text} and score 0"
    missing = sum(sample.finish_reason == "error" for sample in samples) / len(samples)
    if missing:
        ranked = "not ranked: " if missing > MOST_FAILED else ""
        yield f"{ranked}{missing:.1%} of the samples are missing since the target failed; run again to fill them in"
