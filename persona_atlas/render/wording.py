"""Rewording that keeps the meaning: American to British spelling, full forms to contractions, emphasis, comments in code."""

import io
import tokenize
from functools import lru_cache

import regex

from persona_atlas.preferences.checkers.locale import FIXED, WORD, spelling_pairs

BOLD = regex.compile(r"\*\*(.+?)\*\*")
_NOT = r"\b(do|does|did|is|are|was|were|has|had|would|should|could) not\b"
_CONTRACTIONS = (
    (regex.compile(_NOT, regex.I), r"\1n't"),
    (regex.compile(r"\b(c)an ?not\b", regex.I), r"\1an't"),
    (regex.compile(r"\b(w)ill not\b", regex.I), r"\1on't"),
    (regex.compile(r"\b(it|that|there|here|what|who) is\b(?![.,])", regex.I), r"\1's"),
    (regex.compile(r"\b(you|we|they) are\b", regex.I), r"\1're"),
    (regex.compile(r"\b(you|we|they|it|I) will\b", regex.I), r"\1'll"),
    (regex.compile(r"\bI am\b"), "I'm"),
    (regex.compile(r"\b(let) us\b", regex.I), r"\1's"),
)


@lru_cache(maxsize=2**13)
def contract(text: str) -> str:
    """Contract every full form that English contracts: `do not` -> `don't`, `it is` -> `it's`."""
    for pattern, replacement in _CONTRACTIONS:
        text = pattern.sub(replacement, text)
    return text


@lru_cache(maxsize=2**13)
def british(text: str) -> str:
    """Replace American spellings with British ones, keeping the case of the first letter. What FIXED matches, such as names, stays."""
    pairs = spelling_pairs()
    fixed = [match.span() for match in FIXED.finditer(text)]

    def replace(match: regex.Match[str]) -> str:
        word = match.group(0)
        other = pairs.get(word.lower())
        if other is None or any(start <= match.start() < end for start, end in fixed):
            return word
        return other.capitalize() if word[0].isupper() else other

    return WORD.sub(replace, text)


def emphasized(text: str, form: str) -> str:
    """Print what a plan marks as bold in `form`: `bold`, `italic`, or unmarked (`none`). The words stay the same."""
    return text if form == "bold" else BOLD.sub(r"*\1*" if form == "italic" else r"\1", text)


def code(source: str, comments: str) -> str:
    """Return Python source as a Markdown code block, with its comments kept (`commented`) or removed (`bare`)."""
    if comments == "bare":
        source = _without_comments(source)
    return f"```python\n{source.strip()}\n```"


def _without_comments(source: str) -> str:
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    return "\n".join(line for line, before in zip(lines, source.splitlines(), strict=True) if line.strip() or not before.strip())
