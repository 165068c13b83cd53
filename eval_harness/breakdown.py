"""What stands behind the headline: slices, robustness, cost, harm, and the weight of single dimensions (MEASUREMENT 4, 5, 8)."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eval_harness import statistics
from eval_harness.runfolder import ENDED, Sample
from eval_harness.statistics.intervals import ROUNDING
from eval_harness.table import Plan, Table, as_plain, ratio_as_plain
from persona_atlas.records import Item
from persona_atlas.scoring import score

FAMILIES: Mapping[str, Mapping[str, float]] = {
    **{layer: {"clean": 0, f"{layer}_light": 1, layer: 2, f"{layer}_heavy": 3} for layer in ("surface", "incomplete", "ambiguous")},
    "thinner history": {"clean": 0, "history_4": 1, "history_2": 2, "history_1": 3, "history_0": 4},
    "fewer reveals": {"clean": 0, "history_reveals_50": 50, "history_reveals_25": 75},
    "dirtier history": {"clean": 0, "history_noise_25": 25, "history_noise_50": 50},
}
"""Family of conditions -> condition -> its level, from nothing on."""
POORER = ("thinner history", "fewer reveals")
"""Families whose histories let less be known."""
RANKED, REFERENCES = ("personalization", "task"), ("identity", "best_constant")
"""The axes that entrants are ranked on, and the policies that an optimizer is tested against on them (MEASUREMENT 8)."""
COMPACT = (2, 128)
"""A prompt of the track `compact` has at most so many times the query's tokens, and so many more, both in the target's chat template."""


def tests(plan: Plan, table: Table) -> list[dict[str, Any]]:
    """Whether the optimizer differs from those that know no user: each ranked axis against each of REFERENCES that ran, a p-value after Holm over all
    of these.
    """
    others = [name for name in REFERENCES if name in plan.arms and name != plan.optimizer]
    pairs = {f"{axis} over {other}": (axis, other) for axis in RANKED for other in others}
    less = {name: table.column(plan.optimizer, "clean", axis) - table.column(other, "clean", axis) for name, (axis, other) in pairs.items()}
    differences = table.intervals(less)
    raw = {name: statistics.p_value(interval) for name, interval in differences.items()}
    adjusted = statistics.holm({name: p for name, p in raw.items() if p is not None})
    return [
        {"axis": axis, "over": other, "difference": as_plain(differences[name]), "p": adjusted.get(name)} for name, (axis, other) in pairs.items()
    ]


def slices(plan: Plan, table: Table) -> dict[str, Any]:
    """G of each slice of the items, and its difference from identity with a p-value after Benjamini and Hochberg."""
    names = sorted({name for item in table.items for name in item.slices})
    inside = {name: np.array([name in item.slices for item in table.items]) for name in names}
    own, less = {}, {}
    for name in names:
        axis = "personalization_conflict" if name == "conflict" else "personalization"
        own[name] = np.where(inside[name], table.column(plan.optimizer, "clean", axis), np.nan)
        less[name] = own[name] - table.column("identity", "clean", axis)
    scores, differences = table.intervals(own), table.intervals(less)
    raw = {name: statistics.p_value(differences[name]) for name in names} if plan.optimizer != "identity" else {}
    adjusted = statistics.benjamini_hochberg({name: p for name, p in raw.items() if p is not None})
    return {
        name: {
            "items": int(inside[name].sum()),
            "personalization": as_plain(scores[name]),
            "difference": as_plain(differences[name]),
            "p": adjusted.get(name),
        }
        for name in names
    }


def robustness(plan: Plan, table: Table) -> dict[str, Any]:
    """For each family of conditions that ran: G at every level, what is retained, and at each level what is lost beyond identity's loss.

    Poorer histories are judged on the dimensions that the whole history reveals, whatever is shown.
    """
    found: dict[str, Any] = {}
    for family, levels in FAMILIES.items():
        there = [condition for condition in levels if condition in plan.conditions]
        if len(there) < 2:
            continue
        axis = "personalization_fixed" if family in POORER else "personalization"
        estimates = table.estimates(plan.arms, there, [axis])
        curves = {arm: {c: estimates[arm][c][axis] for c in there} for arm in plan.arms}
        own = [table.column(plan.optimizer, c, axis) for c in there]
        identity = [table.column("identity", c, axis) for c in there]
        kept = statistics.retained(table.user, table.template, [levels[c] for c in there], own, table.weights)
        lost = {
            c: as_plain(statistics.lost(table.user, table.template, (own[i], own[0]), (identity[i], identity[0]), table.weights))
            for i, c in enumerate(there[1:], 1)
        }
        found[family] = {"levels": [levels[c] for c in there], "curves": curves, "retained": ratio_as_plain(kept), "lost": lost}
    return found


def costs(plan: Plan, samples: Sequence[Sample]) -> dict[str, Any]:
    """By arm, over clean samples: mean tokens of prompt and answer, the prompt's over the bare query's, the share that the track `compact` takes; the
    optimizer's own calls to the target and their tokens. Prompts are counted as the target is sent them, in its chat template.
    """
    clean = [(s, s.prompt_tokens) for s in samples if s.condition == "clean" and s.prompt_tokens]
    bare = {s.item_id: tokens for s, tokens in clean if s.arm == "identity"}
    found = {}
    for arm in plan.arms:
        mine = [(s, tokens, bare[s.item_id]) for s, tokens in clean if s.arm == arm and s.item_id in bare]
        all_mine = [s for s in samples if s.condition == "clean" and s.arm == arm]
        found[arm] = {
            "prompt_tokens": _mean([float(own) for _, own, _ in mine]),
            "answer_tokens": _mean([float(s.answer_tokens or 0) for s, _, _ in mine]),
            "over_query": _mean([own / query for _, own, query in mine]),
            "compact": _mean([float(_compact(own, query)) for _, own, query in mine]),
            "calls": _mean([float(s.calls) for s in all_mine]),
            "tokens": _mean([float(s.tokens) for s in all_mine]),
        }
    return found


def track_of(optimizer: str, samples: Sequence[Sample]) -> str:
    """The track of a run: `compact` where each prompt of the optimizer, under every condition, keeps to what that allows, else `free`."""
    bare = {(s.condition, s.item_id): s.prompt_tokens for s in samples if s.arm == "identity" and s.prompt_tokens}
    mine = [s for s in samples if s.arm == optimizer and s.finish_reason in (*ENDED, "context_overflow")]
    pairs = [(s.prompt_tokens, bare.get((s.condition, s.item_id))) for s in mine]
    return "compact" if pairs and all(own and query is not None and _compact(own, query) for own, query in pairs) else "free"


def _compact(own: int, query: int) -> bool:
    times, more = COMPACT
    return own <= times * query + more


def _mean(values: Sequence[float]) -> float | None:
    """The mean, to the last digit the same in whatever order the values come; None of none."""
    return math.fsum(values) / len(values) if values else None


def harm(plan: Plan, table: Table) -> dict[str, float | None]:
    """The share of users who fare worse on G than with the bare query: the optimizer's, and placebo's where it ran."""
    return {arm: _worse(table, arm) for arm in dict.fromkeys([plan.optimizer, "placebo"]) if arm in plan.arms and arm != "identity"}


def unasked(plan: Plan, table: Table) -> dict[str, Any]:
    """Where there is nothing to personalize: how far the optimizer's answers differ in style from identity's, and the same less placebo's."""
    own, placebo = (table.column(arm, "clean", "changed") for arm in (plan.optimizer, "placebo"))
    return {
        "changed": as_plain(statistics.estimate(table.user, table.template, own, table.weights)),
        "beyond_placebo": as_plain(statistics.difference(table.user, table.template, own, placebo, table.weights)),
    }


def spread(samples: Sequence[Sample], repeats: Sequence[Sample], items: Mapping[str, Item]) -> dict[str, Any]:
    """How far the target's answers to one prompt differ by themselves: for each arm the standard deviation of G and task within an item, and the
    share of repeated answers that are the first one word for word.
    """
    first = {(s.arm, s.item_id): s for s in samples if s.condition == "clean" and s.finish_reason != "error"}
    found: dict[str, Any] = {}
    for arm in dict.fromkeys(sample.arm for sample in repeats):
        mine = [s for s in repeats if s.arm == arm and s.finish_reason != "error" and (arm, s.item_id) in first]
        groups = {name: [first[arm, name], *(s for s in mine if s.item_id == name)] for name in dict.fromkeys(s.item_id for s in mine)}
        scores = [[score(items[name], s.answer, s.finish_reason) for s in group] for name, group in groups.items() if len(group) > 1]
        found[arm] = {
            "items": len(scores),
            "personalization": _within([[one.personalization for one in group if one.personalization is not None] for group in scores]),
            "task": _within([[one.task for one in group if one.task is not None] for group in scores]),
            "same_answer": _mean([float(s.answer == first[arm, s.item_id].answer) for s in mine]),
        }
    return found


def _within(groups: Sequence[Sequence[float]]) -> float | None:
    variances = [float(np.var(group, ddof=1)) for group in groups if len(group) > 1]
    return float(np.sqrt(np.mean(variances))) if variances else None


def _worse(table: Table, arm: str) -> float | None:
    difference = table.column(arm, "clean", "personalization") - table.column("identity", "clean", "personalization")
    users = [difference[(table.user == user) & ~np.isnan(difference)] for user in np.unique(table.user)]
    means = [float(values.mean()) for values in users if len(values)]
    return sum(mean < -ROUNDING for mean in means) / len(means) if means else None


def without_one(plan: Plan, table: Table) -> dict[str, float]:
    """G of the optimizer with each dimension left out: how much the headline hangs on any one."""
    names = sorted({gold.dimension for item in table.items for gold in item.gold})
    found = table.intervals({name: table.without(plan.optimizer, name) for name in names})
    return {name: interval.mean for name, interval in found.items() if interval.mean is not None}
