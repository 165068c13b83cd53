"""Two answers to one question, and what changed: this shows what the user asked for in between, without a word of the user's.

    Assistant: - Rinse the rice. - Simmer it for 12 minutes.
    User: I kept losing my place among the bullets.
    Assistant: Rinse the rice, then simmer it for 12 minutes.        a value that only this answer shows: structure, prose

The catalogue's checkers tell what an answer shows. An assistant that changes what it is asked to change, and nothing else, gives its user away like
this. Up to dataset version 8.0.0 the scripted assistant did exactly that; since then most of its changes are random. The control `contrast_reader`
measures what is left.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import regex

from persona_atlas.protocol import Message
from persona_atlas.records import Turn
from persona_atlas.render import shown_values

SAME_QUESTION = 0.65
"""If the other answer has at least this share of the shorter answer's words, both are taken to answer one question.

Among validation users of v1 (dataset version 9.0.0), 28 of 775 pairs in which the question was answered anew are below it, and 37 of 467 pairs in
which the user asked something further are above it. With 0.78 it would be 206 and 1.
"""
WORD = regex.compile(r"[\p{L}\p{N}]+")


def second_answers(chat: Sequence[Message | Turn], dimensions: Iterable[str]) -> Iterator[tuple[int, str, str]]:
    """(index of the user's message, dimension, value) for each value that an answer shows in place of another value in the answer before it."""
    wanted = tuple(dimensions)
    for place in range(1, len(chat) - 1):
        before, said, after = chat[place - 1 : place + 2]
        if (before.role, said.role, after.role) == ("assistant", "user", "assistant") and _to_one_question(before.content, after.content):
            first, second = _shown(before.content, wanted), _shown(after.content, wanted)
            for dimension, value in second.items():
                if value and first[dimension] not in (None, value):
                    yield place, dimension, value


def _to_one_question(answer: str, other: str) -> bool:
    words, others = ({*WORD.findall(text.lower())} for text in (answer, other))
    return len(words & others) >= SAME_QUESTION * max(1, min(len(words), len(others)))


@lru_cache(maxsize=2**12)
def _shown(answer: str, dimensions: tuple[str, ...]) -> dict[str, str | None]:
    return shown_values(answer, dimensions)
