"""Rewording that keeps the meaning: American to British spelling, full forms to contractions, bold on and off."""

from functools import lru_cache

import regex

from persona_atlas.preferences.checkers.locale import spelling_pairs

BOLD = regex.compile(r"\*\*(.+?)\*\*")
_NOT = r"\b(do|does|did|is|are|was|were|has|had|would|should|could) not\b"
_CONTRACTIONS = (
    (regex.compile(_NOT, regex.I), r"\1n't"),
    (regex.compile(r"\b(c)an ?not\b", regex.I), r"\1an't"),
    (regex.compile(r"\b(w)ill not\b", regex.I), r"\1on't"),
    (regex.compile(r"\b(it|that|there|here|what|who) is\b(?!n't|[.,])", regex.I), r"\1's"),
    (regex.compile(r"\b(you|we|they) are\b(?!n't)", regex.I), r"\1're"),
    (regex.compile(r"\b(you|we|they|it|I) will\b", regex.I), r"\1'll"),
    (regex.compile(r"\bI am\b"), "I'm"),
    (regex.compile(r"\b(let) us\b", regex.I), r"\1's"),
)


def contract(text: str) -> str:
    """Every full form that English contracts, contracted: `do not` -> `don't`, `it is` -> `it's`."""
    for pattern, replacement in _CONTRACTIONS:
        text = pattern.sub(replacement, text)
    return text


@lru_cache(maxsize=1)
def _american() -> regex.Pattern[str]:
    return regex.compile(r"\b(?:" + "|".join(sorted(spelling_pairs(), key=len, reverse=True)) + r")\b", regex.I)


def british(text: str) -> str:
    """American spellings replaced, the case of the first letter kept."""

    def replace(match: regex.Match[str]) -> str:
        word = match.group(0)
        other = spelling_pairs()[word.lower()]
        return other.capitalize() if word[0].isupper() else other

    return _american().sub(replace, text)


def plain(text: str) -> str:
    """Bold marks removed, the words kept."""
    return BOLD.sub(r"\1", text)
