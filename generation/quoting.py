"""Does what a user says of an answer go with its very words? A line of praise or complaint may quote some.

goes_with("That 'Sure' at the start was friendly.", Reveal("opening", "acknowledged", "praise"), "Of course. Boil it.")    False
"""

from collections.abc import Sequence

import regex

from persona_atlas.content import CatalogError
from persona_atlas.records import Reveal
from persona_atlas.render.wording import contract

QUOTED = regex.compile(r"""(?<!\p{L})(?:"(?P<words>\p{L}[^"]*)"|'(?P<words>\p{L}(?:[^']|(?<=\p{L})'(?=\p{L}))*)')(?!\p{L})""")
QUOTING = ("address", "analogy", "caveat", "closing", "contractions", "encouragement", "example", "hedging", "opening", "voice")
"""The dimensions in which a quotation is of words that an answer holds or lacks. Elsewhere it is of something else: `felt like "Goal!"`."""
WITHOUT = {("analogy", "none"), ("caveat", "none"), ("encouragement", "none"), ("example", "none"), ("hedging", "certain"), ("voice", "impersonal")}
"""The values that are shown by leaving words out."""


def quoted(line: str) -> list[str]:
    """The words in quotation marks, in lower case, without a mark behind them."""
    return [found["words"].lower().rstrip(".,:!?") for found in QUOTED.finditer(line)]


def literal(wish: str, dimension: str) -> bool:
    """Whether a wish names the very words to be written, where others would show its value as well."""
    return dimension in QUOTING and dimension != "contractions" and bool(quoted(wish))


def goes_with(line: str, reveal: Reveal, answer: str) -> bool:
    """Whether the answer holds one of the words that the line quotes, where it is praised for them or blamed for them; or none, where it is praised
    for leaving them out or blamed for that.
    """
    quotes = quoted(line)
    if not quotes or reveal.dimension not in QUOTING or reveal.how not in ("praise", "complaint"):
        return True
    if reveal.dimension == "contractions":
        return _contracted(quotes, reveal, answer)
    return _holds(answer, quotes) == ((reveal.how == "praise") != ((reveal.dimension, reveal.value) in WITHOUT))


def _contracted(quotes: Sequence[str], reveal: Reveal, answer: str) -> bool:
    """Short forms are praised or blamed for being there, full ones blamed; a full form that is missed stands there in short."""
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
    """Those of the lines that go with the answer. Raises CatalogError where none does."""
    kept = [line for line in lines if goes_with(line, reveal, answer)]
    if not kept:
        raise CatalogError(f"every {reveal.how} of {reveal.dimension} {reveal.value} quotes words, such as {lines[0]!r}; add one that quotes none")
    return kept
