"""Text of strangers, made harmless to look at: in a terminal, and in a Markdown comment on GitHub.

    shown("a\\u202eb")            a\\u202eb, written out
    markdown("<b>@me</b>")       <code>&#60;b&#62;&#64;me&#60;&#47;b&#62;</code>

In a comment it stands in <code>, where GitHub makes no links, mentions or emoji, with every character but letters, digits and spaces as a
number, so that neither HTML nor Markdown begins in it.
"""

import unicodedata

from eval_harness.publishing import HIDING

LONGEST = 300


def shown(text: str, longest: int = LONGEST) -> str:
    """The text in one line, cut after `longest` characters; what cannot be seen, and what joins itself to its neighbours, is written out."""
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    return "".join(_visible(character) for character in cut)


def _visible(character: str) -> str:
    if unicodedata.category(character) in HIDING or unicodedata.combining(character):
        code = ord(character)
        return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return character


def markdown(text: str, longest: int = LONGEST) -> str:
    """The text as an HTML element that a Markdown comment shows as it is."""
    return f"<code>{''.join(c if c.isalnum() or c == ' ' else f'&#{ord(c)};' for c in shown(text, longest))}</code>"
