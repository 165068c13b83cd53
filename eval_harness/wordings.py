"""In which of four wordings the oracle speaks to a target: the best on validation users, never chosen on test (MEASUREMENT 6).

    found = tried(evaluation, "smol-steerable", print, progress)    # evaluation: of identity alone, on validation users
    found["best"]                                                   # 0
    found["wordings"][0]["personalization"]                         # {"mean": 0.34, "ci": [0.26, 0.42], ...}

The choice belongs to the target, not to a run: otherwise who submits one could choose the headroom's denominator.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from eval_harness.controls import CONTROLS
from eval_harness.errors import EvalError
from eval_harness.estimate import estimate
from eval_harness.gold import Gold
from eval_harness.results import MOST_FAILED
from eval_harness.runfolder import Key, PromptRecord, Sample
from eval_harness.runner import Evaluation, Progress
from eval_harness.scores import score_samples
from eval_harness.table import Plan, Table
from persona_atlas.render.instructions import WORDINGS

SPLIT = "validation"
CLEAN, AXIS = "clean", "personalization"
CHOSEN: Mapping[str, int] = {}
"""Fingerprint of a target -> the wording that was chosen for it by `atlas-eval wordings`, for targets whose wording is not 0."""


def wording_of(fingerprint: str) -> int:
    """The wording that runs on the target must have on the leaderboard."""
    return CHOSEN.get(fingerprint, 0)


def tried(evaluation: Evaluation, target: str, announce: Callable[[str], None], progress: Progress) -> dict[str, Any]:
    """The oracle's G in each wording on the items of an evaluation of identity alone, and the wording with the highest.

    Gives G, what it is above identity's, and its paired difference from the best wording's. `announce` is told what it costs. Raises EvalError if too
    many answers are missing, or no item has a G.
    """
    prompts = _prompts(evaluation)
    for line in estimate(prompts, evaluation, target, ()):
        announce(line)
    samples = _answered(evaluation, prompts, progress)
    lost = sum(sample.finish_reason == "error" for sample in samples)
    if lost > MOST_FAILED * len(samples):
        raise EvalError(f"{lost:,} of {len(samples):,} answers did not come, so no wording is chosen; run the same command again to ask for them")
    arms = ("identity", *map(_arm, range(WORDINGS)))
    plan = Plan("identity", arms, (CLEAN,), target, evaluation.split, evaluation.seed)
    scores = score_samples(samples, {item.item_id: item for item in evaluation.items}, evaluation.release)
    return _compared(Table(plan, evaluation.items, scores, evaluation.release), evaluation)


def _compared(table: Table, evaluation: Evaluation) -> dict[str, Any]:
    arms = [_arm(wording) for wording in range(WORDINGS)]
    own, gaps = (table.estimates(arms, [CLEAN], [AXIS], less=less) for less in (None, "identity"))
    means = [own[arm][CLEAN][AXIS]["mean"] for arm in arms]
    if None in means:
        raise EvalError(f"no G is known on the {len(evaluation.items)} items asked, so no wording is chosen; ask more, with a larger --limit")
    best = max(range(WORDINGS), key=lambda wording: (means[wording], -wording))
    behind = table.estimates(arms, [CLEAN], [AXIS], less=_arm(best))
    return {
        "fingerprint": evaluation.model.fingerprint,
        "users": len({item.persona_id for item in evaluation.items}),
        "items": len(evaluation.items),
        "best": best,
        "leaderboard": wording_of(evaluation.model.fingerprint),
        "identity": table.estimate("identity", CLEAN, AXIS),
        "wordings": [
            {"wording": wording, AXIS: own[arm][CLEAN][AXIS], "less_identity": gaps[arm][CLEAN][AXIS], "less_best": behind[arm][CLEAN][AXIS]}
            for wording, arm in enumerate(arms)
        ],
    }


def _arm(wording: int) -> str:
    return f"oracle_{wording}"


def _prompts(evaluation: Evaluation) -> dict[Key, PromptRecord]:
    """The bare query and the oracle's prompt in each wording, for every item."""
    gold = Gold(evaluation.release, evaluation.split, evaluation.model.count_tokens, evaluation.seed, 0, items=evaluation.items)
    asked = [("identity", "identity", gold), *((_arm(number), "oracle", replace(gold, wording=number)) for number in range(WORDINGS))]
    found = {}
    for job in evaluation.jobs():
        for arm, control, knowing in asked:
            record = PromptRecord(arm, job.condition, job.item.item_id, CONTROLS[control](job.item, evaluation.shown(job), knowing), None)
            found[record.key] = record
    return found


def _answered(evaluation: Evaluation, prompts: Mapping[Key, PromptRecord], progress: Progress) -> list[Sample]:
    samples, asked = [], list(prompts.values())
    for index, found in evaluation.model.generate([record.prompt or "" for record in asked], evaluation.sampling):
        counts = found.prompt_tokens, found.answer_tokens
        samples.append(Sample(*asked[index].key, asked[index].prompt, found.text, found.finish_reason, found.error, None, *counts))
        progress(len(samples), len(asked))
    return samples
