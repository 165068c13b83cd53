"""The checkers of hard constraints: what an answer must not hold for a user, whatever else it does."""

from collections.abc import Sequence
from functools import lru_cache

import regex

from persona_atlas.answer import Answer
from persona_atlas.preferences.checkers.locale import AMOUNT
from persona_atlas.preferences.registry import checker

FIGURE = regex.compile(r"\d[\d,]*(?:\.\d+)?")
DRAWN = regex.compile(r"[\u2190-\u21ff\u2500-\u259f]|-{1,}>|=>|[|+][-=]{3,}[|+]")


@lru_cache(maxsize=256)
def word_pattern(words: tuple[str, ...]) -> regex.Pattern[str]:
    """Whole words, lower case; a trailing `*` in a word matches any ending, a space any white space or hyphen."""
    parts = sorted(
        (regex.escape(word.rstrip("*")).replace(r"\ ", r"[\s-]+") + (r"\w*" if word.endswith("*") else "") for word in words),
        key=len,
        reverse=True,
    )
    return regex.compile(r"(?<!\w)(?:" + "|".join(parts) + r")(?!\w)") if parts else regex.compile(r"(?!)")


@checker("avoids")
def avoids(answer: Answer, *, words: Sequence[str], allowed: Sequence[str] = ()) -> float:
    """1 if no forbidden word stands in the answer outside an allowed term (`gluten-free bread`)."""
    text = word_pattern(tuple(allowed)).sub(" ", answer.lower)
    return 0.0 if word_pattern(tuple(words)).search(text) else 1.0


@checker("price_cap")
def price_cap(answer: Answer, *, cap: float) -> float:
    """1 if no amount of money in the answer is above `cap` US dollars."""
    amounts = (FIGURE.search(match.group(0)) for match in AMOUNT.finditer(answer.lower))
    return 1.0 if all(float(figure.group(0).replace(",", "")) <= cap for figure in amounts if figure) else 0.0


@checker("reads_aloud")
def reads_aloud(answer: Answer) -> float:
    """1 if a screen reader gets through: no table, no emoji, no arrows, boxes or drawings made of signs."""
    return 0.0 if answer.of_kind("cell") or answer.emoji or DRAWN.search(answer.text) else 1.0
