"""Scores a run's samples, on every core if there are many of them."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool

from eval_harness.conditions import show
from eval_harness.errors import EvalError
from eval_harness.runfolder import Sample
from persona_atlas.data import Release
from persona_atlas.records import Item
from persona_atlas.scoring import Said, Scores, answers_question, penalize_leak, score
from persona_atlas.workers import default_workers, started

MANY = 5000
"""From how many answers on worker processes are worth the second or two that they take to start."""
AT_ONCE = 500
"""How many answers a worker is given at a time."""
Answer = tuple[str, str, str]
"""What a score depends on: the item's id, the answer, its finish reason."""


def score_samples(samples: Sequence[Sample], items: Mapping[str, Item], release: Release) -> dict[tuple[str, str, str], Scores | None]:
    """The scores of every sample; None where the target's infrastructure failed.

    Under each condition, identity's sample of an item comes first, since leaks are measured against it. An answer to an item is scored once, however
    many arms and conditions led to it. Raises EvalError if a worker is lost.
    """
    answered = [sample for sample in samples if sample.finish_reason != "error"]
    known = _scored(list(dict.fromkeys(map(_answer, answered))), items)
    found: dict[tuple[str, str, str], Scores | None] = {sample.key: None for sample in samples}
    solved: dict[tuple[str, str], bool] = {}
    said, said_to = Said(()), ("", "")
    for sample in sorted(answered, key=lambda sample: (sample.condition, sample.item_id, sample.arm != "identity")):
        item, scores, asked = items[sample.item_id], known[_answer(sample)], (sample.condition, sample.item_id)
        if sample.arm != "identity" and sample.prompt is not None:
            if said_to != asked:
                shown = show(sample.condition, item, release)
                said, said_to = Said(shown.texts() if shown else ()), asked
            own = sample.item_id, said.own(sample.prompt)
            if own not in solved:
                solved[own] = answers_question(item, own[1])
            if solved[own]:
                # If identity's answer is missing, the item leaves every comparison, and only G is left to cap.
                scores = penalize_leak(scores, found.get(("identity", *asked)) or scores)
        found[sample.key] = scores
    return found


def _answer(sample: Sample) -> Answer:
    return sample.item_id, sample.answer, sample.finish_reason


def _scored(answers: Sequence[Answer], items: Mapping[str, Item]) -> dict[Answer, Scores]:
    workers = default_workers()
    if len(answers) < MANY or workers == 1:
        return dict(zip(answers, _score_all(answers, items), strict=True))
    ordered = sorted(answers)
    blocks = [ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE)]
    with started(workers) as pool:
        try:
            done = pool.map(_score_all, blocks, [{name: items[name] for name, _, _ in block} for block in blocks])
            return {answer: scores for block, found in zip(blocks, done, strict=True) for answer, scores in zip(block, found, strict=True)}
        except BrokenProcessPool:
            raise EvalError("a process that scores was killed, perhaps for memory; run the same command again") from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _score_all(answers: Iterable[Answer], items: Mapping[str, Item]) -> list[Scores]:
    return [score(items[name], text, reason) for name, text, reason in answers]
