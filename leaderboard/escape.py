"""Text of strangers, made harmless to look at: in a terminal, and in a Markdown comment on GitHub.

    shown("a\\u202eb")            a\\u202eb, written out
    markdown("<b>@me</b>")       <code>&#60;b&#62;&#64;me&#60;&#47;b&#62;</code>
    passage("one\\ntwo")         one, a new line, two

In a comment it stands in <code>, where GitHub makes no links, mentions or emoji, with every character but letters, digits and spaces as a
number, so that neither HTML nor Markdown begins in it.
"""

import unicodedata

import regex

from eval_harness.publishing import hidden

LONGEST = 300
UNSEEN = regex.compile(r"[\p{C}\p{Zl}\p{Zp}\p{M}\p{Default_Ignorable_Code_Point}\u2800]")
"""What may have to be written out: most texts hold nothing of it."""
IN_PASSAGES = regex.compile(r"(?V1)[[\p{C}\p{Zl}\p{Zp}]--[\n\t]]|(?<=\p{M}\p{M})\p{M}")
"""What is written out in a passage. Two marks on a letter are let pass: languages need them, towers of them cover other text."""

TOWERS = regex.compile(r"(?<=[\p{Mn}\p{Me}]{2})[\p{Mn}\p{Me}]")
"""The third and every further mark on a letter. Of scripts such as Thai some marks have no class by which they join, and pile up all the same."""


def shown(text: str, longest: int = LONGEST) -> str:
    """The text in one line, cut after `longest` characters; what cannot be seen, what joins itself to its neighbours, and all marks on a letter from
    the third on are written out.
    """
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    if not UNSEEN.search(cut):
        return cut
    towers = {match.start() for match in TOWERS.finditer(cut)}
    return "".join(_written_out(character) if place in towers else _visible(character) for place, character in enumerate(cut))


def _visible(character: str) -> str:
    return _written_out(character) if hidden(character) or unicodedata.combining(character) else character


def _written_out(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def markdown(text: str, longest: int = LONGEST) -> str:
    """The text as an HTML element that a Markdown comment shows as it is."""
    return f"<code>{''.join(c if c.isalnum() or c == ' ' else f'&#{ord(c)};' for c in shown(text, longest))}</code>"


def passage(text: str) -> str:
    """The text in its own lines and with its tabs; what else cannot be seen is written out, and so are towers of combining marks."""
    found: str = IN_PASSAGES.sub(lambda match: _written_out(match.group()), text)
    return found
