"""Checkers for wording: emoji, exclamation marks, contractions."""

import regex

from persona_atlas.answer import Answer
from persona_atlas.preferences.registry import checker

CONTRACTION = regex.compile(
    r"\b(?:\w+n't|(?:i|you|we|they|he|she|it|that|there|who|what)'(?:ll|d|re|ve|m|s)|(?:let|here|where|how|when)'s|(?:should|would|could|might|must)'ve|y'all)\b"
)
FULL_FORM = regex.compile(
    r"\b(?:(?:do|does|did|is|are|was|were|has|have|had|would|should|could|will) not|cannot|can not|(?:it|that|there|here|what|who) is|"
    r"(?:you|we|they) (?:are|will|have)|i (?:am|will|have)|it will|let us)\b"
)
EXCLAMATION = regex.compile(r"!(?!=)")


@checker("emoji_some")
def emoji_some(answer: Answer) -> float:
    return 1.0 if answer.emoji else 0.0


@checker("emoji_none")
def emoji_none(answer: Answer) -> float:
    return 0.0 if answer.emoji else 1.0


@checker("exclamation_some")
def exclamation_some(answer: Answer) -> float:
    return 1.0 if EXCLAMATION.search(answer.visible) else 0.0


@checker("exclamation_none")
def exclamation_none(answer: Answer) -> float:
    return 0.0 if EXCLAMATION.search(answer.visible) else 1.0


@checker("contractions_used")
def contractions_used(answer: Answer) -> float:
    """The share of contracted forms among the places where a contraction is usual (`it's` against `it is`); 0 where there is none."""
    short = len(CONTRACTION.findall(answer.lower))
    return short / (short + len(FULL_FORM.findall(answer.lower))) if short else 0.0


@checker("contractions_none")
def contractions_none(answer: Answer) -> float:
    return 0.0 if CONTRACTION.search(answer.lower) else 1.0
