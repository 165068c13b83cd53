"""Makes the cases of a recipe, in order. Every core is used where there are many, since each case depends on its number alone."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from pathlib import Path

from persona_atlas.data import Release, open_release
from persona_atlas.ppopt.base import CHATS, load_base
from persona_atlas.ppopt.cases import Case, Mix, cases
from persona_atlas.ppopt.chat_cases import chat_cases, chat_drills, write_drills
from persona_atlas.ppopt.drills import drills
from persona_atlas.ppopt.recipe import GrpoRecipe, SftRecipe
from persona_atlas.workers import default_workers, started

PART = 2000
"""How many cases a worker makes at a time. If there are no more than that in all, this process makes them."""


@dataclass(frozen=True)
class Plan:
    """What cases are made from.

    `base`: the base whose tokens are counted. `reads`: the form in which the policy is asked. `profile`: whether it writes one. `questions`: in the
    form `chats`, the share of the release's cases that write a prompt.
    """

    release: Release
    recipe: SftRecipe | GrpoRecipe
    base: Path | str
    reads: str
    profile: bool
    questions: float
    seed: int

    @property
    def mix(self) -> Mix:
        recipe = self.recipe
        return Mix(recipe.noise, recipe.twins, recipe.anew, recipe.shorter, recipe.history_tokens, self.profile)

    def drills(self, numbers: range) -> Iterator[Case]:
        if self.reads == CHATS:
            return chat_drills(self.release, numbers, self.seed)
        return drills(self.mix, numbers, self.seed)

    def writes(self, numbers: range) -> Iterator[Case]:
        return write_drills(numbers, self.seed)

    def cases(self, numbers: range) -> Iterator[Case]:
        if self.reads == CHATS:
            return chat_cases(self.release, self.mix, numbers, self.seed, self.questions)
        return cases(self.release, self.mix, numbers, tokens_of(self.base), self.seed)


KINDS: dict[str, Callable[[Plan, range], Iterator[Case]]] = {"drills": Plan.drills, "writes": Plan.writes, "cases": Plan.cases}
Part = tuple[str, range]


def made(plan: Plan, numbers: dict[str, int]) -> Iterator[Case]:
    """Make so many cases of each kind (a key of KINDS), kind by kind."""
    parts = [(kind, range(number)[first : first + PART]) for kind, number in numbers.items() for first in range(0, number, PART)]
    if sum(numbers.values()) <= PART:
        return chain.from_iterable(KINDS[kind](plan, part) for kind, part in parts)
    return _by_workers(plan, parts)


def _by_workers(plan: Plan, parts: Sequence[Part]) -> Iterator[Case]:
    bare = replace(plan, release=replace(plan.release))  # without the records that it has read
    with started(min(default_workers(), len(parts))) as pool:
        for some in pool.map(_part, [bare] * len(parts), parts):
            yield from some


def _part(plan: Plan, part: Part) -> list[Case]:
    """Make one part, in a worker."""
    kind, numbers = part
    return list(KINDS[kind](replace(plan, release=_opened(plan.release.path)), numbers))


@lru_cache(maxsize=1)
def _opened(path: Path) -> Release:
    """Open the release once per worker, so that conversations looked up by id are read once."""
    return open_release(path, str(path))


@lru_cache(maxsize=2)
def tokens_of(base: Path | str) -> Callable[[str], int]:
    """Return a function that counts the tokens of a text with the base's tokenizer."""
    tokenizer, _ = load_base(base, weights=False)
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False))
