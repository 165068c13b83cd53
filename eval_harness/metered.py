"""Answers what an optimizer asks of the target, counts it, and keeps it within the run's budget.

    <- {"ask": ["prompt", ...], "max_gen_toks": 256}      -> {"answers": ["...", ...], "left": 93}
    <- {"score": [[3, "prompt"], ...]}                    -> {"scores": [[0.5, 1.0, "answer", "feedback"], ...], "left": 85}
    either                                                -> {"exhausted": "one sentence", "left": 2}

A prompt that was asked before in the run is free. A run that is resumed after a kill starts with the budget that its finished requests left, and
what they asked stays free. It pays for `fit` again, as an uninterrupted run pays for it once; it does not fit if all of the optimizer's prompts are
there already. Each `fit` starts with the whole budget, so one repeated after a crash behaves like the first; the run is charged only for new prompts.
An answer that the target lost is free, and asked for again the next time. A prompt that the target's content filter refuses has an empty answer, and
is paid for. Every question that pipe.py lets through is accepted here; any other message is forged.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from eval_harness.conditions import show
from eval_harness.pipe import fault_of
from persona_atlas.data import Release
from persona_atlas.models.protocol import Generation, LanguageModel, Sampling
from persona_atlas.protocol import MAX_NEW_TOKENS, MAX_PROMPTS, ONLY_IN_FIT
from persona_atlas.randomness import digest, generator
from persona_atlas.records import Item, canonical_json
from persona_atlas.scoring import Scores, leaks, penalize_leak, score

FIT_TASKS = 100
"""How many train items `fit` is given at most, each of a different user."""


class StrangeMessageError(ValueError):
    """The optimizer's process sent a message that the harness does not understand."""


@dataclass(frozen=True)
class Usage:
    """What a request or `fit` used of the target: calls (a prompt counts once per run), and tokens read and written.

    `asked`: the prompts that were paid for, as `asked_key` gives them. `lost`: how many answers the target lost, which is nobody's fault here, and
    `why` it lost the first of them.
    """

    calls: int = 0
    tokens: int = 0
    asked: tuple[str, ...] = ()
    lost: int = 0
    why: str = ""

    def __add__(self, other: "Usage") -> "Usage":
        sums = self.calls + other.calls, self.tokens + other.tokens, self.asked + other.asked, self.lost + other.lost
        return Usage(*sums, self.why or other.why)

    def part(self, place: int, number: int) -> "Usage":
        """The part of the request at index `place` when `number` requests share evenly; the first ones get the remainder.

        A lost answer counts for each of them, since any of them may have needed it.
        """
        calls, tokens = (total // number + (place < total % number) for total in (self.calls, self.tokens))
        return Usage(calls, tokens, self.asked[place::number], self.lost, self.why)


UNUSED = Usage()


@dataclass
class Meter:
    """The target as an optimizer may use it: at most `budget` calls.

    `items`: the train items, which `score` messages name by index. `scoring`: whether such messages are answered, as they are in `fit` alone.
    `known`: the prompts that are free, as `asked_key` gives them. `paid`: those of them that were paid for before the `fit` that is going on.
    """

    model: LanguageModel
    sampling: Sampling
    budget: int
    release: Release
    items: Sequence[Item] = ()
    calls: int = 0
    scoring: bool = False
    usage: Usage = UNUSED
    known: set[str] = field(default_factory=set, repr=False)
    paid: frozenset[str] = frozenset()

    def serve(self, message: dict[str, Any]) -> dict[str, Any]:
        """The reply to a message of the optimizer's process. Raises StrangeMessageError."""
        if "ask" in message:
            prompts, longest = message["ask"], message.get("max_gen_toks")
            if not _texts(prompts) or type(longest) is not int or not 1 <= longest <= MAX_NEW_TOKENS:
                raise StrangeMessageError
            new = self._new(prompts, longest)
            return self._refused(new) or {"answers": [g.text for g in self._generate(prompts, longest, new)], **self._left()}
        attempts = message.get("score")
        if not isinstance(attempts, list) or not all(_attempt(entry, len(self.items)) for entry in attempts):
            raise StrangeMessageError
        prompts = [prompt for _, prompt in attempts]
        if not _texts(prompts):
            raise StrangeMessageError
        if not self.scoring:
            return {"exhausted": ONLY_IN_FIT, **self._left()}
        new = self._new(prompts, self.sampling.max_gen_toks)
        return self._refused(new) or {"scores": self._scores(attempts, prompts, new), **self._left()}

    def take_usage(self) -> Usage:
        """Return what was used since the last call of this method."""
        used, self.usage = self.usage, UNUSED
        return used

    @contextmanager
    def fitting(self) -> Iterator[None]:
        """In this block, answer `score` and count every prompt against the whole budget; afterwards charge the run only for those not paid before."""
        calls, self.calls = self.calls, 0
        self.paid, self.known, self.scoring = frozenset(self.known), set(), True
        try:
            yield
        finally:
            self.calls = calls + len(self.known - self.paid)
            self.known |= self.paid
            self.paid, self.scoring = frozenset(), False

    @property
    def left(self) -> int:
        """How many calls are left. A `fit` that asks something else the second time can take more than there was."""
        return max(0, self.budget - self.calls)

    def _left(self) -> dict[str, int]:
        return {"left": self.left}

    def _new(self, prompts: Sequence[str], longest: int) -> set[str]:
        return {prompt for prompt in prompts if asked_key(prompt, longest) not in self.known}

    def _refused(self, new: set[str]) -> dict[str, Any] | None:
        """The reply if the budget does not cover the new prompts; None if it does."""
        if self.calls + len(new) <= self.budget:
            return None
        said = f"the budget of {self.budget} calls is used up: {self.left} are left and {len(new)} were asked for"
        return {"exhausted": f"{said}; allow more with --optimizer_calls", **self._left()}

    def _generate(self, prompts: Sequence[str], longest: int, new: set[str]) -> list[Generation]:
        """The target's answers, in order. Each new prompt is charged once, unless its answer was lost."""
        found: dict[int, Generation] = {}
        for index, generation in self.model.generate(prompts, Sampling(longest)):
            found[index] = generation
        lost = {prompt: found[index].error or "" for index, prompt in enumerate(prompts) if found[index].finish_reason == "error"}
        charged = {asked_key(prompt, longest): found[index] for index, prompt in enumerate(prompts) if prompt in new - lost.keys()}
        self.known.update(charged)
        self.calls += len(charged)
        fresh = {key: generation for key, generation in charged.items() if key not in self.paid}
        tokens = sum((g.prompt_tokens or 0) + (g.answer_tokens or 0) for g in fresh.values())
        self.usage += Usage(len(fresh), tokens, tuple(fresh), len(lost), next(iter(lost.values()), ""))
        return [found[index] for index in range(len(prompts))]

    def _scores(self, attempts: Sequence[tuple[int, str]], prompts: Sequence[str], new: set[str]) -> list[list[Any]]:
        found = []
        for (number, prompt), generation in zip(attempts, self._generate(prompts, self.sampling.max_gen_toks, new), strict=True):
            item = self.items[number]
            scores = score(item, generation.text, generation.finish_reason)
            shown = show("clean", item, self.release)
            if shown and leaks(item, prompt, shown.texts()):
                scores = penalize_leak(scores, replace(scores, task=0.0))
            found.append([scores.personalization or 0.0, scores.task or 0.0, generation.text, feedback(item, scores)])
        return found


def asked_key(prompt: str, max_gen_toks: int) -> str:
    """A prompt with the length of its answer, as a run remembers that it was paid for: 16 hex digits."""
    return digest(canonical_json([prompt, max_gen_toks]))[:16]


def train_items(release: Release, seed: int, but: Collection[str] = ()) -> list[Item]:
    """The train items that `fit` is given: one each of FIT_TASKS users, who are drawn with the seed. `but`: users on whom the run is scored."""
    items = [item for item in release.items("train") if item.persona_id not in but]
    mine = {item.persona_id: item for item in sorted(items, key=lambda item: item.item_id, reverse=True)}
    users = sorted(mine)
    order = generator(seed, "fit").permutation(len(users))[:FIT_TASKS]
    return [mine[users[int(i)]] for i in order]


def feedback(item: Item, scores: Scores) -> str:
    """Say in words which of the user's values the answer met, which it missed and how, and whether the task was solved."""
    lines = []
    for gold in item.gold:
        shown = scores.shows[gold.dimension]
        seen = "met" if shown == gold.value else f"missed: the answer shows {shown or 'none of its values'}"
        lines.append(f"{gold.dimension}, wanted {gold.value}: {seen}.")
    if not scores.g:
        lines.append("The answer is empty, cut off, a refusal, or not on the subject, and earns nothing.")
    if scores.task is None:
        lines.append("Whether the task is solved is not known.")
    else:
        lines.append("The task is solved." if scores.task >= 1.0 else "The task is not solved.")
    if scores.leak:
        lines.append("The prompt answered the question itself, which is not allowed.")
    return " ".join(lines)


def _texts(prompts: Any) -> bool:
    return isinstance(prompts, list) and len(prompts) <= MAX_PROMPTS and all(isinstance(prompt, str) and not fault_of(prompt) for prompt in prompts)


def _attempt(entry: Any, items: int) -> bool:
    return isinstance(entry, list) and len(entry) == 2 and type(entry[0]) is int and 0 <= entry[0] < items
