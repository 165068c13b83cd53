"""The checker of hard constraints: an answer must not name what the user cannot have."""

from collections.abc import Sequence
from functools import lru_cache

import regex

from persona_atlas.answer import Answer
from persona_atlas.preferences.registry import checker


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
