"""A user's own way of typing, applied to what they say: case, the final stop, an opening and a closing word around a question, typos."""

import numpy as np
import regex

from persona_atlas.records import WritingStyle

_WORD = regex.compile(r"[A-Za-z]{5,}")
_ENDED = regex.compile(r"[.!?…][\"')]?$")
_GREETING = regex.compile(r"(?:hi|hello|hey)\b", regex.I)
_COURTESY = regex.compile(r"\b(?:please|thanks?|cheers)\b", regex.I)


def as_typed(text: str, style: WritingStyle, draw: np.random.Generator, keep: frozenset[str] = frozenset()) -> str:
    """`text` as the user would type it. Words of `keep` (lower case) are spared from typos."""
    if style.typo_rate:
        text = _WORD.sub(
            lambda match: match.group(0) if match.group(0).lower() in keep or draw.random() >= style.typo_rate else typo(match.group(0), draw),
            text,
        )
    return settled(text, style)


def opened(text: str, style: WritingStyle, draw: np.random.Generator, words: frozenset[str] = frozenset()) -> str:
    """A question with the user's opening word before it, half of the time. A first word that is one of `words` keeps its capital."""
    if not style.opener or _GREETING.match(text) or draw.random() < 0.5:
        return text
    first = text.split(maxsplit=1)[0].strip(":,")
    return style.opener + (text if text.startswith(("I ", "I'")) or first in words else text[:1].lower() + text[1:])


def closed(text: str, style: WritingStyle, draw: np.random.Generator) -> str:
    """A question with the user's closing word after it, now and then; none where it says please or thanks already."""
    if not style.closer or _COURTESY.search(text) or draw.random() >= 0.4:
        return text
    return text.rstrip(".") + style.closer


def joined(sentences: list[str]) -> str:
    """Several things said in one message: what stands before another ends with a stop, whatever its writer is used to."""
    *earlier, last = sentences
    return " ".join([*(text if _ENDED.search(text) else text + "." for text in earlier), last])


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
