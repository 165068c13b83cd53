"""Checkers for hard constraints: what an answer must never contain, whatever else it does."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import regex

from persona_atlas.amounts import SUM, amounts
from persona_atlas.answer import Answer
from persona_atlas.preferences.checkers.locale import AMOUNT, CODES
from persona_atlas.preferences.registry import checker

WORTH = {
    r"cents?|¢|pence|penn(?:y|ies)": 0.01, r"¥|yen|jpy": 0.007, r"₹|rupees?|inr": 0.012, r"₩|krw": 0.0007, r"yuan|cny": 0.14, r"huf": 0.003,
    r"kron\w+|sek|nok|dkk": 0.1, r"czk": 0.045, r"zloty|pln": 0.25, r"brl": 0.2, r"pesos?|mxn|zar": 0.055, r"hkd": 0.13, r"aed": 0.27,
}  # fmt: skip
"""About how many US dollars a unit of money is worth; all other units count as dollars."""
_COIN = rf"{'|'.join(WORTH)}|\p{{Sc}}|{CODES}|(?:dollar|euro|buck|franc|pound)s?|quid"
PRICE = regex.compile(
    rf"(?P<unit>\p{{Sc}}|\b{CODES})\s?\p{{Sc}}?(?:(?P<low>{SUM})\s?[-–—]\s?\p{{Sc}}?)?(?P<high>{SUM})(?!\s?%)|"
    rf"(?<![\w.,])(?:(?P<low>{SUM})(?:\s?[-–—]\s?|\s(?:to|or)\s))?(?P<high>{SUM}|(?:hundred|thousand|million)\b)[\s-](?:\p{{L}}+\s){{0,2}}?"
    rf"(?P<unit>{_COIN})(?!\w)|(?P<high>{SUM})\s?(?P<unit>\p{{Sc}}|{CODES})(?!\w)"
)
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
    """1 if no amount of money in the answer is above `cap` US dollars. Other currencies count by WORTH, and a range by both its ends."""
    return 1.0 if all(price <= cap for price in _dollars(answer.lower)) else 0.0


def _dollars(text: str) -> Iterator[float]:
    """Yield about how many US dollars the amounts of money in the text are worth."""
    named = [match.span() for match in AMOUNT.finditer(text)]
    for price in PRICE.finditer(text):
        if any(start < price.end() and price.start() < end for start, end in named):
            worth = next((worth for unit, worth in WORTH.items() if regex.fullmatch(unit, price["unit"])), 1.0)
            yield from (amount * worth for amount in amounts(price))


@checker("reads_aloud")
def reads_aloud(answer: Answer) -> float:
    """1 if a screen reader can read the answer well: no table, no emoji, no drawing made of lines, and outside code no arrows or symbols."""
    return 0.0 if answer.of_kind("cell") or answer.emoji or LINES.search(answer.text) or SIGNS.search(answer.visible) else 1.0
