"""Checkers for hard constraints: what an answer must never contain, whatever else it does."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import regex

from persona_atlas.amounts import BEGINS, SUM, amounts
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
    rf"(?P<unit>\p{{Sc}}|\b{CODES})\s?\p{{Sc}}?(?:(?P<low>{SUM})\s?[-–—]\s?\p{{Sc}}?)?(?P<high>{SUM})(?!\s?%)|{BEGINS}(?:"
    rf"(?<![\w.,])(?:(?P<low>{SUM})(?:\s?[-–—]\s?|\s(?:to|or)\s))?(?P<high>{SUM}|(?:hundred|thousand|million)\b)[\s-](?:\p{{L}}+\s){{0,2}}?"
    rf"(?P<unit>{_COIN})(?!\w)|(?P<high>{SUM})\s?(?P<unit>\p{{Sc}}|{CODES})(?!\w))"
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


_DETERMINER = r"(?:(?:any|added|all|the|your|those|these|more|extra) ){0,2}"
NEGATION = (
    r"(?<!\w)(?:no|not|without|free (?:of|from)|not made (?:of|from|with)|avoid(?:s|ing)?|skip(?:ping)?|leav(?:e|ing) out|omit(?:ting)?|"
    r"allerg(?:y|ic) to|(?P<never>(?:never|do not|don't) (?:use|add|include|eat|serve|buy))|instead of|in place of|rather than|replac(?:e|ing)|"
    rf"swap(?:ping)? out)\s+{_DETERMINER}"
)
_FOR_GOOD = r"(?(never)(?!\s(?:yet|until|till|before|too|straight|right away)\b))"  # what is not added yet comes later
_KIND = r"(?:(?:tree|mixed|raw|roasted|toasted|chopped|ground|whole|other|any) )?"


@lru_cache(maxsize=64)
def negated_pattern(words: tuple[str, ...]) -> regex.Pattern[str]:
    """A pattern for forbidden words that are named only to be left out: `no meat, fish or gelatine`, `avoid dairy products like milk`.

    So are those that replace nothing but themselves (`seeds instead of nuts`), and those of the reader's allergy (`your nut allergy`).
    """
    word = word_pattern(words).pattern
    joint = r"(?:\s+products?)?(?:\s+(?:like|such as)\s+|\s*,\s*(?:and |or |nor )?|\s+(?:and|or|nor)\s+)"
    return regex.compile(rf"{NEGATION}{_KIND}{word}(?:{joint}{_KIND}{word})*{_FOR_GOOD}|{word}(?=[\s-]+(?:allerg(?:y|ies|ic)|intoleran(?:ce|t))\b)")


@checker("avoids")
def avoids(answer: Answer, *, words: Sequence[str], allowed: Sequence[str] = ()) -> float:
    """1 if no forbidden word is in the answer, except within an allowed term (`gluten-free bread`) or a negation (`without nuts`)."""
    text = word_pattern(tuple(allowed)).sub(" ", answer.lower)
    text = negated_pattern(tuple(words)).sub(" ", text)
    return 0.0 if word_pattern(tuple(words)).search(text) else 1.0


@checker("names_none")
def names_none(answer: Answer, *, words: Sequence[str], allowed: Sequence[str] = ()) -> float:
    """1 if none of the words is in the answer, not even as what to do without. One with a capital counts as written: `Excel`, not `you excel`."""
    text = regex.sub(word_pattern(tuple(allowed)).pattern, " ", answer.visible.replace("’", "'"), flags=regex.IGNORECASE)
    names = tuple(word for word in words if word != word.lower())
    others = tuple(word for word in words if word == word.lower())
    return 0.0 if word_pattern(names).search(text) or word_pattern(others).search(text.lower()) else 1.0


@checker("price_cap")
def price_cap(answer: Answer, *, cap: float) -> float:
    """1 if no amount of money in the answer is above `cap` US dollars. Other currencies count by WORTH, and a range by both its ends."""
    return 1.0 if all(price <= cap for price in _dollars(answer.lower)) else 0.0


def _dollars(text: str) -> Iterator[float]:
    """Yield about how many US dollars the amounts of money in the text are worth."""
    named = [match.span() for match in AMOUNT.finditer(text)]
    place = 0  # of the first named amount that does not end before the price; prices come in the order of the text, too
    for price in PRICE.finditer(text):
        while place < len(named) and named[place][1] <= price.start():
            place += 1
        if place < len(named) and named[place][0] < price.end():
            worth = next((worth for unit, worth in WORTH.items() if regex.fullmatch(unit, price["unit"])), 1.0)
            yield from (amount * worth for amount in amounts(price))


@checker("reads_aloud")
def reads_aloud(answer: Answer) -> float:
    """1 if a screen reader can read the answer well: no table, no emoji, no drawing made of lines, and outside code no arrows or symbols."""
    return 0.0 if answer.of_kind("cell") or answer.emoji or LINES.search(answer.text) or SIGNS.search(answer.visible) else 1.0
