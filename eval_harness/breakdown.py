"""What the headline is made of: slices, robustness, cost, harm, and the weight of single dimensions (MEASUREMENT 4, 5, 8)."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from eval_harness import statistics
from eval_harness.runfolder import ENDED, Sample
from eval_harness.scores import score_samples
from eval_harness.statistics.intervals import ROUNDING
from eval_harness.table import Plan, Table, as_plain, ratio_as_plain
from persona_atlas.data import Release
from persona_atlas.records import Item
from persona_atlas.scoring import Scores

FAMILIES: Mapping[str, Mapping[str, float]] = {
    **{layer: {"clean": 0, f"{layer}_light": 1, layer: 2, f"{layer}_heavy": 3} for layer in ("surface", "incomplete", "ambiguous")},
    "thinner history": {"clean": 0, "history_4": 1, "history_2": 2, "history_1": 3, "history_0": 4},
    "fewer reveals": {"clean": 0, "history_reveals_50": 50, "history_reveals_25": 75},
    "dirtier history": {"clean": 0, "history_noise_25": 25, "history_noise_50": 50},
}
"""Family of conditions -> condition -> its level; `clean` is level 0."""
POORER = ("thinner history", "fewer reveals")
"""Families whose histories reveal less."""
RANKED, REFERENCES = ("personalization", "task"), ("identity", "best_constant")
"""The axes on which entrants are ranked, and the policies against which an optimizer is tested on them (MEASUREMENT 8)."""
COMPACT = (2, 128)
"""A prompt of the track `compact` has at most 2 × the query's tokens + 128, both counted in the target's chat template."""


def tests(plan: Plan, table: Table) -> list[dict[str, Any]]:
    """Test whether the optimizer differs from policies that do not know the user.

    There is one test per ranked axis and policy of REFERENCES that ran; p-values are adjusted by Holm's method over all of them.
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
    """G of each slice of the items and its difference from identity, with p-values adjusted by the method of Benjamini and Hochberg."""
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
    """For each family of conditions that ran: the curve of G, what is retained (A), and how the lead over identity changes (D).

    A and D are those of MEASUREMENT 5. Poorer histories are scored on the dimensions that the whole history reveals, whatever is shown.
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
    """Mean costs of each arm over its clean samples.

    These are the tokens of prompt and answer, the ratio of the prompt's tokens to the bare query's, the share of prompts within the track `compact`,
    and the arm's own calls to the target with their tokens. Prompts are counted as they are sent to the target, in its chat template.
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
    """The track of a run: `compact` if every prompt of the optimizer is known to be within COMPACT, under every condition; else `free`.

    Where the target lost identity's answer, and with it the query's tokens, the item leaves both arms (MEASUREMENT 8).
    """
    lost = {(s.condition, s.item_id) for s in samples if s.arm == "identity" and s.finish_reason == "error"}
    bare = {(s.condition, s.item_id): s.prompt_tokens for s in samples if s.arm == "identity" and s.prompt_tokens}
    mine = [s for s in samples if s.arm == optimizer and s.finish_reason in (*ENDED, "context_overflow")]
    pairs = [(s.prompt_tokens, bare.get((s.condition, s.item_id))) for s in mine if (s.condition, s.item_id) not in lost]
    return "compact" if pairs and all(own and query is not None and _compact(own, query) for own, query in pairs) else "free"


def _compact(own: int, query: int) -> bool:
    times, more = COMPACT
    return own <= times * query + more


def _mean(values: Sequence[float]) -> float | None:
    """The mean, independent of the order of the values; None without values."""
    return math.fsum(values) / len(values) if values else None


def harm(plan: Plan, table: Table) -> dict[str, float | None]:
    """The share of users whose mean G is lower than with the bare query: for the optimizer and, if it ran, for placebo."""
    return {arm: _worse(table, arm) for arm in dict.fromkeys([plan.optimizer, "placebo"]) if arm in plan.arms and arm != "identity"}


def unasked(plan: Plan, table: Table) -> dict[str, Any]:
    """On items with nothing to personalize: how far the optimizer's answers differ in style from identity's, and how far beyond placebo's."""
    own, placebo = (table.column(arm, "clean", "changed") for arm in (plan.optimizer, "placebo"))
    return {
        "changed": as_plain(statistics.estimate(table.user, table.template, own, table.weights)),
        "beyond_placebo": as_plain(statistics.difference(table.user, table.template, own, placebo, table.weights)),
    }


def spread(samples: Sequence[Sample], repeats: Sequence[Sample], items: Mapping[str, Item], release: Release) -> dict[str, Any]:
    """How much the target's answers to the same prompt vary, for each arm.

    Gives the standard deviation of G and task within an item, pooled over items, and the share of repeated answers that equal the first exactly.
    These are the G and task of the headline: each round of answers is scored as a run's samples are, and G leaves out the conflict slice.
    """
    asked = {(s.arm, s.item_id) for s in repeats}
    rounds = {"clean": [s for s in samples if s.condition == "clean" and (s.arm, s.item_id) in asked]}
    for s in repeats:
        rounds.setdefault(s.condition, []).append(replace(s, condition="clean"))
    scores = {name: score_samples(given, items, release) for name, given in rounds.items()}
    first = {(s.arm, s.item_id): s for s in rounds["clean"] if s.finish_reason != "error"}
    found: dict[str, Any] = {}
    for arm in dict.fromkeys(sample.arm for sample in repeats):
        mine = [s for s in repeats if s.arm == arm and s.finish_reason != "error" and (arm, s.item_id) in first]
        groups = {item_id: [scored[arm, "clean", item_id] for scored in scores.values()] for item_id in dict.fromkeys(s.item_id for s in mine)}
        found[arm] = {
            "items": len(groups),
            "personalization": _within([_known(group, "personalization") for name, group in groups.items() if "conflict" not in items[name].slices]),
            "task": _within([_known(group, "task") for group in groups.values()]),
            "same_answer": _mean([float(s.answer == first[arm, s.item_id].answer) for s in mine]),
        }
    return found


def _known(scores: Iterable[Scores | None], axis: str) -> list[float]:
    values = (None if one is None else getattr(one, axis) for one in scores)
    return [value for value in values if value is not None]


def _within(groups: Sequence[Sequence[float]]) -> float | None:
    variances = [float(np.var(group, ddof=1)) for group in groups if len(group) > 1]
    return float(np.sqrt(np.mean(variances))) if variances else None


def _worse(table: Table, arm: str) -> float | None:
    difference = table.column(arm, "clean", "personalization") - table.column("identity", "clean", "personalization")
    users = [difference[(table.user == user) & ~np.isnan(difference)] for user in np.unique(table.user)]
    means = [float(values.mean()) for values in users if len(values)]
    return sum(mean < -ROUNDING for mean in means) / len(means) if means else None


def without_one(plan: Plan, table: Table) -> dict[str, float]:
    """G of the optimizer with each dimension left out in turn: shows how much the headline depends on any one."""
    names = sorted({gold.dimension for item in table.items for gold in item.gold})
    found = table.intervals({name: table.without(plan.optimizer, name) for name in names})
    return {name: interval.mean for name, interval in found.items() if interval.mean is not None}
