"""Checks lines of praise or complaint that quote words against the answer that they are about.

goes_with("That 'Sure' at the start was friendly.", Reveal("opening", "acknowledged", "praise"), "Of course. Boil it.")    False
"""

from collections.abc import Sequence

import regex

from persona_atlas.content import CatalogError
from persona_atlas.records import Reveal
from persona_atlas.render.wording import contract

QUOTED = regex.compile(r"""(?<!\p{L})(?:"(?P<words>\p{L}[^"]*)"|'(?P<words>\p{L}(?:[^']|(?<=\p{L})'(?=\p{L}))*)')(?!\p{L})""")
QUOTING = ("address", "analogy", "caveat", "closing", "contractions", "encouragement", "example", "hedging", "opening", "voice")
"""The dimensions in which quoted words are words that the answer has or lacks. Elsewhere a quotation is something else: `felt like "Goal!"`."""
WITHOUT = {("analogy", "none"), ("caveat", "none"), ("encouragement", "none"), ("example", "none"), ("hedging", "certain"), ("voice", "impersonal")}
"""The values that an answer shows by leaving words out."""


def quoted(line: str) -> list[str]:
    """The quotations in a line, in lower case, without punctuation at the end."""
    return [found["words"].lower().rstrip(".,:!?") for found in QUOTED.finditer(line)]


def literal(wish: str, dimension: str) -> bool:
    """Whether a wish quotes the exact words to be written although other words would show the value too."""
    return dimension in QUOTING and dimension != "contractions" and bool(quoted(wish))


def goes_with(line: str, reveal: Reveal, answer: str) -> bool:
    """Whether the words that the line quotes are in the answer, or are missing from it, as the line implies.

    Praise for words, and a complaint about them, need one of the quotations in the answer. Praise for leaving words out, and a complaint that they
    are missing, need none of them there. A line that quotes nothing goes with every answer.
    """
    quotes = quoted(line)
    if not quotes or reveal.dimension not in QUOTING or reveal.how not in ("praise", "complaint"):
        return True
    if reveal.dimension == "contractions":
        return _contracted(quotes, reveal, answer)
    return _holds(answer, quotes) == ((reveal.how == "praise") != ((reveal.dimension, reveal.value) in WITHOUT))


def _contracted(quotes: Sequence[str], reveal: Reveal, answer: str) -> bool:
    """`goes_with` for the dimension `contractions`.

    Praise for contractions needs a quoted short form in the answer, a complaint that they are missing a quoted full form. A complaint about
    contractions needs a quoted short form, or else the short form of a quoted full one. Praise for full forms goes with every answer.
    """
    short, full = [words for words in quotes if "'" in words], [words for words in quotes if "'" not in words]
    if reveal.value == "contracted":
        wanted = short if reveal.how == "praise" else full
    else:
        wanted = [] if reveal.how == "praise" else short or [contract(words) for words in full]
    return not wanted or _holds(answer, wanted)


def _holds(answer: str, words: Sequence[str]) -> bool:
    lower = answer.lower()
    return any(regex.search(rf"\b{regex.escape(one)}\b", lower) for one in words)


def going_with(lines: Sequence[str], reveal: Reveal, answer: str) -> list[str]:
    """The lines that go with the answer. Raises CatalogError if none does."""
    kept = [line for line in lines if goes_with(line, reveal, answer)]
    if not kept:
        raise CatalogError(f"every {reveal.how} of {reveal.dimension} {reveal.value} quotes words, such as {lines[0]!r}; add one that quotes none")
    return kept
