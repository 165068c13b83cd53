"""Makes strangers' text harmless to look at, in a terminal and in a Markdown comment on GitHub.

    shown("a\\u202eb")            a\\u202eb, written out
    markdown("<b>@me</b>")       <code>&#60;b&#62;&#64;me&#60;&#47;b&#62;</code>
    passage("one\\ntwo")         one, a new line, two

In a comment the text stands in <code>, where GitHub makes no links, mentions or emoji. Every character but letters, digits and spaces is written as a
numeric entity, so that neither HTML nor Markdown begins in it.
"""

import unicodedata

import regex

from eval_harness.publishing import hidden

LONGEST = 300
UNSEEN = regex.compile(r"[\p{C}\p{Zl}\p{Zp}\p{M}\p{Default_Ignorable_Code_Point}\u2800]")
"""The characters that may have to be written out. Most texts hold none of them."""
IN_PASSAGES = regex.compile(
    r"(?V1)[[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]--[\n\t\ufe0e\ufe0f]]|(?<!\p{Emoji})[\ufe0e\ufe0f]|(?<=\p{M}\p{M})\p{M}"
)
"""Characters escaped in a passage. Emoji variation selectors and up to two marks per letter are kept; more marks could cover other text."""

TOWERS = regex.compile(r"(?<=[\p{Mn}\p{Me}]{2})[\p{Mn}\p{Me}]")
"""The third and every further mark on a letter. Two are let through, since languages such as Hindi and Thai are written with them."""


def shown(text: str, longest: int = LONGEST) -> str:
    """Return the text in one line, cut to `longest` characters.

    Letters and their marks are composed (NFC). What is written out as escapes after that: characters that cannot be seen, marks that enclose others,
    and the marks on a letter from the third on.
    """
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    if not UNSEEN.search(cut):
        return cut
    composed = unicodedata.normalize("NFC", cut)
    towers = {match.start() for match in TOWERS.finditer(composed)}
    return "".join(_written_out(letter) if place in towers or hidden(letter) else letter for place, letter in enumerate(composed))


def _written_out(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def markdown(text: str, longest: int = LONGEST) -> str:
    """Return the text as an HTML element that a Markdown comment shows as it is."""
    return f"<code>{''.join(c if c.isalnum() or c == ' ' else f'&#{ord(c)};' for c in shown(text, longest))}</code>"


def passage(text: str) -> str:
    """Return the text with its lines and tabs. Other characters that cannot be seen, separators of lines, and towers of marks are written out."""
    found: str = IN_PASSAGES.sub(lambda match: _written_out(match.group()), text)
    return found
