"""Checkers for the length of an answer."""

from persona_atlas.answer import Answer
from persona_atlas.preferences.registry import checker


@checker("word_band")
def word_band(answer: Answer, *, low: int, high: int) -> float:
    """1 if the answer has `low` to `high` words, both included; else less than one half, falling with the distance to the band."""
    if low <= answer.words <= high:
        return 1.0
    gap = low - answer.words if answer.words < low else answer.words - high
    return 0.49 * max(0.0, 1.0 - gap / high)
