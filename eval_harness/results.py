"""Derives results from samples: the scores of every sample, then means, intervals, paired differences and headroom. Always rebuildable."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from eval_harness import statistics
from eval_harness.beside import BESIDE, beside_scores
from eval_harness.breakdown import costs, harm, robustness, slices, spread, tests, track_of, unasked, without_one
from eval_harness.runfolder import Sample
from eval_harness.scores import score_samples
from eval_harness.table import Plan, Table, ratio_as_plain
from persona_atlas.data import Release
from persona_atlas.records import SCHEMA_VERSION, Item
from persona_atlas.scoring import SCORER_VERSION

AXES = (
    "personalization", "task", "met", "responsive", "hard_ok", "lured", "stale", "leak",
    "personalization_revealed", "personalization_unrevealed", "personalization_contradicted", "personalization_conflict", *BESIDE,
)  # fmt: skip
COMPARED = ("personalization", "task", "met", "responsive", "hard_ok", "lured", "intrusion", "clarify")
"""The axes compared with identity. The difference in `lured` is overpersonalization."""
FEWEST = 20
MOST_FAILED = 0.01
MOST_CUT = 0.05
FEW = 2
"""This many missing samples of an arm under a condition are tolerated there, whatever their share; that of the whole run is limited, too."""


def derive(plan: Plan, samples: Sequence[Sample], items: Sequence[Item], release: Release, repeats: Sequence[Sample] = ()) -> dict[str, Any]:
    """The content of a run's results.json (schema/v2/results.json)."""
    by_id = {item.item_id: item for item in items}
    scores = score_samples(samples, by_id, release)
    table = Table(plan, items, scores, release, beside_scores(samples, by_id, release, scores))
    arms = table.estimates(plan.arms, plan.conditions, AXES)
    differences = table.estimates([arm for arm in plan.arms if arm != "identity"], plan.conditions, COMPARED, less="identity")
    reasons = {arm: dict(sorted(Counter(s.finish_reason for s in samples if s.arm == arm).items())) for arm in plan.arms}
    failures = Counter((s.failure or "").split(":")[0] for s in samples if s.arm == plan.optimizer and s.failure)
    return {
        "schema_version": SCHEMA_VERSION,
        "scorer_version": SCORER_VERSION,
        "optimizer": plan.optimizer,
        "model": plan.model,
        "split": plan.split,
        "dataset_digest": release.manifest["content_digest"],
        "rounds": len(table.weights.users),
        "seed": plan.seed,
        "scores": arms[plan.optimizer]["clean"],
        "arms": arms,
        "differences": differences,
        "tests": tests(plan, table),
        "headroom": _headroom(plan, table),
        "failures": dict(sorted(failures.items())),
        "finish_reasons": reasons,
        "minimum_detectable_effect": _detectable(plan, table),
        "slices": slices(plan, table),
        "robustness": robustness(plan, table),
        "track": track_of(plan.optimizer, samples),
        "cost": costs(plan, samples),
        "harm": harm(plan, table),
        "nothing_to_personalize": unasked(plan, table),
        "without_one_dimension": without_one(plan, table),
        "repeats": spread(samples, repeats, by_id, release) if repeats else None,
        "notes": list(notes(plan, samples, items)),
    }


def _headroom(plan: Plan, table: Table) -> dict[str, Any] | None:
    """H of MEASUREMENT 6; None if the oracle did not run, or if the optimizer is identity or the oracle itself."""
    if "oracle" not in plan.arms or plan.optimizer in ("identity", "oracle"):
        return None
    floor, own, ceiling = (table.column(arm, "clean", "personalization") for arm in ("identity", plan.optimizer, "oracle"))
    return ratio_as_plain(statistics.ratio(table.user, table.template, own - floor, ceiling - floor, table.weights))


def _detectable(plan: Plan, table: Table) -> float | None:
    own = table.column(plan.optimizer, "clean", "personalization")
    if plan.optimizer != "identity":
        own = own - table.column("identity", "clean", "personalization")
    return statistics.minimum_detectable_effect(table.user, table.template, own)


def notes(plan: Plan, samples: Sequence[Sample], items: Sequence[Item]) -> Iterable[str]:
    """What a reader must know before believing the table, and why the run is not ranked (MEASUREMENT 2, 8)."""
    own = [sample for sample in samples if sample.arm == plan.optimizer]
    judged = _with_g(own, items)
    users, templates = len({item.persona_id for item in judged}), len({item.question_id for item in judged})
    if users < FEWEST or templates < FEWEST:
        yield f"not ranked: {users} users and {templates} templates have a G, ranking needs {FEWEST} of each"
    if apart := sum(not item.has_task for item in items):
        yield f"not ranked: {apart} of {len(items)} questions are imported, without a task; task and leak are not known, each is its own template"
        yield "imported values are not drawn evenly: who knows no user need not be at 0; compare with identity, majority and best_constant"
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
    asked = Counter((sample.arm, sample.condition) for sample in samples)
    for (arm, condition), number in Counter((s.arm, s.condition) for s in samples if s.finish_reason == "error").items():
        if arm in (plan.optimizer, "identity") and number > max(FEW, MOST_FAILED * asked[arm, condition]):
            yield f"not ranked: {number} of {asked[arm, condition]} samples of {arm} under {condition} are missing; run again to fill them in"


def _with_g(own: Sequence[Sample], items: Sequence[Item]) -> list[Item]:
    """The items on which the optimizer has a G under `clean`: those with gold, outside the conflict slice, whose answer came."""
    there = {sample.item_id for sample in own if sample.condition == "clean" and sample.finish_reason != "error"}
    return [item for item in items if item.gold and "conflict" not in item.slices and item.item_id in there]
