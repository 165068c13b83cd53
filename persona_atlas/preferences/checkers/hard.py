"""Checkers for hard constraints: what an answer must never contain, whatever else it does."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import regex

from persona_atlas.answer import Answer
from persona_atlas.preferences.checkers.locale import AMOUNT
from persona_atlas.preferences.registry import checker

FIGURE = regex.compile(r"(\d[\d,]*(?:\.\d+)?)\s?(k\b)?")
SPAN = regex.compile(r"[$€£]\s?\d[\d,]*(?:\.\d+)?\s?[-–—]\s?\d[\d,]*(?:\.\d+)?")
THOUSANDS = regex.compile(r"[$€£]\s?\d[\d,]*(?:\.\d+)?\s?k\b")
SIGNS = regex.compile(r"[\u2190-\u21ff\u25b2-\u25c6\u2605\u2606\u2713-\u2718\u2794-\u27be\u27f0-\u27ff\u2b05-\u2b0d\u20e3]|-{1,}>|=>|<-")
LINES = regex.compile(r"[\u2500-\u259f]|[|+][-=]{3,}[|+]")


@lru_cache(maxsize=16384)
def word_pattern(words: tuple[str, ...]) -> regex.Pattern[str]:
    """A pattern for whole words in lower case. A trailing `*` in a word matches any ending, and a space matches white space and hyphens."""
    parts = sorted(
        (regex.escape(word.rstrip("*")).replace(r"\ ", r"[\s-]+") + (r"\w*" if word.endswith("*") else "") for word in words),
        key=len,
        reverse=True,
    )
    return regex.compile(r"(?<!\w)(?:" + "|".join(parts) + r")(?!\w)") if parts else regex.compile(r"(?!)")


NEGATION = (
    r"(?<!\w)(?:no|not|without|free (?:of|from)|not made (?:of|from|with)|avoid(?:s|ing)?|skip(?:ping)?|leav(?:e|ing) out|omit(?:ting)?|"
    r"allerg(?:y|ic) to|never (?:use|add))\s+(?:any |added |all )?"
)


@lru_cache(maxsize=64)
def negated_pattern(words: tuple[str, ...]) -> regex.Pattern[str]:
    """A pattern for forbidden words that are named only to be left out: `no meat, fish or gelatine`, `avoid dairy products like milk`."""
    word = word_pattern(words).pattern
    joint = r"(?:\s+products?)?(?:\s+(?:like|such as)\s+|\s*,\s*(?:and |or |nor )?|\s+(?:and|or|nor)\s+)"
    return regex.compile(rf"{NEGATION}{word}(?:{joint}{word})*")


@checker("avoids")
def avoids(answer: Answer, *, words: Sequence[str], allowed: Sequence[str] = ()) -> float:
    """1 if no forbidden word is in the answer, except within an allowed term (`gluten-free bread`) or a negation (`without nuts`)."""
    text = word_pattern(tuple(allowed)).sub(" ", answer.lower)
    text = negated_pattern(tuple(words)).sub(" ", text)
    return 0.0 if word_pattern(tuple(words)).search(text) else 1.0


@checker("price_cap")
def price_cap(answer: Answer, *, cap: float) -> float:
    """1 if no amount of money in the answer, written in figures, is above `cap` US dollars. Other currencies are not converted."""
    return 1.0 if all(amount <= cap for amount in _dollars(answer.lower)) else 0.0


def _dollars(text: str) -> Iterator[float]:
    """Yield the amounts of money that the text writes in figures, whatever the currency. Cents count a hundredth, and a range gives both its ends."""
    for pattern in (AMOUNT, SPAN, THOUSANDS):
        for match in pattern.finditer(text):
            for figure, thousand in FIGURE.findall(match.group(0)):
                yield float(figure.replace(",", "")) * (1000 if thousand else 0.01 if "cent" in match.group(0) else 1)


@checker("reads_aloud")
def reads_aloud(answer: Answer) -> float:
    """1 if a screen reader can read the answer well: no table, no emoji, no drawing made of lines, and outside code no arrows or symbols."""
    return 0.0 if answer.of_kind("cell") or answer.emoji or LINES.search(answer.text) or SIGNS.search(answer.visible) else 1.0
