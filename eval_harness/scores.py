"""Scores a run's samples, on every core if there are many of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from typing import TypeVar

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
"""How many answers or texts a worker is given at a time."""
Answer = tuple[str, str, str]
"""What a score depends on: the item's id, the answer, its finish reason."""
Own = tuple[str, str]
"""What a leak depends on: the item's id, and the lines of a prompt that are the optimizer's own."""
Asked = TypeVar("Asked", Answer, Own)
Found = TypeVar("Found", Scores, bool)


def score_samples(samples: Sequence[Sample], items: Mapping[str, Item], release: Release) -> dict[tuple[str, str, str], Scores | None]:
    """The scores of every sample; None where the target's infrastructure failed.

    Leaks are measured against identity's sample of the item under the same condition. An answer to an item is scored once, however many arms and
    conditions led to it, and so is what a prompt adds to it. Raises EvalError if a worker is lost.
    """
    answered = [sample for sample in samples if sample.finish_reason != "error"]
    answers = list(dict.fromkeys(map(_answer, answered)))
    workers = default_workers() if len(answers) >= MANY else 1
    with started(workers) if workers > 1 else nullcontext() as pool:
        try:
            scored = _begun(pool, _score_all, answers, items)
            own = _own_lines(answered, items, release)
            known, solved = dict(scored), dict(_begun(pool, _solve_all, list(dict.fromkeys(own.values())), items))
        except BrokenProcessPool:
            raise EvalError("a process that scores was killed, perhaps for memory; run the same command again") from None
        finally:
            if pool is not None:
                pool.shutdown(wait=False, cancel_futures=True)
    found: dict[tuple[str, str, str], Scores | None] = {sample.key: None for sample in samples}
    for sample in sorted(answered, key=lambda sample: sample.arm != "identity"):
        scores = known[_answer(sample)]
        if sample.key in own and solved[own[sample.key]]:
            # If identity's answer is missing, the item leaves every comparison, and only G is left to cap.
            scores = penalize_leak(scores, found.get(("identity", sample.condition, sample.item_id)) or scores)
        found[sample.key] = scores
    return found


def _answer(sample: Sample) -> Answer:
    return sample.item_id, sample.answer, sample.finish_reason


def _own_lines(samples: Iterable[Sample], items: Mapping[str, Item], release: Release) -> dict[tuple[str, str, str], Own]:
    """What each prompt but identity's holds beyond what its request showed."""
    prompts = [(sample, sample.prompt) for sample in samples if sample.arm != "identity" and sample.prompt is not None]
    found: dict[tuple[str, str, str], Own] = {}
    said, said_to = Said(()), ("", "")
    for sample, prompt in sorted(prompts, key=lambda pair: (pair[0].condition, pair[0].item_id)):
        if said_to != (sample.condition, sample.item_id):
            said_to = sample.condition, sample.item_id
            shown = show(sample.condition, items[sample.item_id], release)
            said = Said(shown.texts() if shown else ())
        found[sample.key] = sample.item_id, said.own(prompt)
    return found


def _begun(
    pool: Executor | None, judge: Callable[[Sequence[Asked], Mapping[str, Item]], list[Found]], asked: Sequence[Asked], items: Mapping[str, Item]
) -> Iterator[tuple[Asked, Found]]:
    """Each with what `judge` finds of it. If there is a pool, its workers begin at once, and the caller can do something else meanwhile."""
    if pool is None:
        return zip(asked, judge(asked, items), strict=True)
    ordered = sorted(asked)
    blocks = [ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE)]
    done = pool.map(judge, blocks, [{one[0]: items[one[0]] for one in block} for block in blocks])
    return (pair for block, found in zip(blocks, done, strict=True) for pair in zip(block, found, strict=True))


def _score_all(answers: Sequence[Answer], items: Mapping[str, Item]) -> list[Scores]:
    return [score(items[name], text, reason) for name, text, reason in answers]


def _solve_all(texts: Sequence[Own], items: Mapping[str, Item]) -> list[bool]:
    return [answers_question(items[name], own) for name, own in texts]
