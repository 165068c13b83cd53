"""A user's own way of typing, applied to what they say: case, the final stop, an opening or closing word, typos."""

import numpy as np
import regex

from persona_atlas.records import WritingStyle

_WORD = regex.compile(r"[A-Za-z]{5,}")


def as_typed(text: str, style: WritingStyle, draw: np.random.Generator, keep: frozenset[str] = frozenset()) -> str:
    """`text` as the user would type it. Words of `keep` (lower case) are spared from typos."""
    if style.typo_rate:
        text = _WORD.sub(
            lambda match: match.group(0) if match.group(0).lower() in keep or draw.random() >= style.typo_rate else typo(match.group(0), draw),
            text,
        )
    if draw.random() < 0.4 and style.closer:
        text = text.rstrip(".") + style.closer
    return settled(text, style)


def opened(text: str, style: WritingStyle, draw: np.random.Generator) -> str:
    """A question with the user's opening word before it, half of the time."""
    if not style.opener or draw.random() < 0.5:
        return text
    return style.opener + (text if text.startswith(("I ", "I'")) else text[:1].lower() + text[1:])


def settled(text: str, style: WritingStyle) -> str:
    """Case and final stop only: what a user does every time."""
    if style.lowercase:
        text = text.lower()
    if style.drops_final_stop and text.endswith(".") and not text.endswith(".."):
        text = text[:-1]
    return text


def typo(word: str, draw: np.random.Generator) -> str:
    """One slip inside a word: two letters swapped, one left out, or one doubled."""
    i = int(draw.integers(1, len(word) - 2))
    match int(draw.integers(3)):
        case 0 if word[i] != word[i + 1]:
            return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
        case 1:
            return word[:i] + word[i + 1 :]
        case _:
            return word[:i] + word[i] + word[i:]
