"""Labelled edits: building them, applying them, and checking them against the clean and the noisy text."""

from collections.abc import Sequence
from itertools import pairwise

import regex

from persona_atlas.records import Edit

ARTICLE = regex.compile(r"\b(?P<a>[Aa])(?P<n>n?) $")
VOWEL = regex.compile(r"(?:8|1[18](?!\d)|[aeio]|u(?!n[it]|s))", regex.I)
"""Matches the start of a word that takes `an`. It is right for the words of the banks, not for English in general."""


def apply(text: str, edits: Sequence[Edit]) -> str:
    """Apply the edits to the clean `text`, which their spans refer to."""
    ordered = sorted(edits, key=lambda edit: (edit.start, edit.end))
    for edit in reversed(ordered):  # from the end, so that spans stay valid and insertions at the same place keep their order
        text = text[: edit.start] + edit.after + text[edit.end :]
    return text


def problems(clean: str, noisy: str, edits: Sequence[Edit]) -> str:
    """Why the edits do not turn the clean text into the noisy one; empty if they do."""
    if any(clean[edit.start : edit.end] != edit.before for edit in edits):
        return "an edit's span does not hold the text it says"
    if any(left.end > right.start for left, right in pairwise(edits)):
        return "two edits overlap, or are not in order"
    if apply(clean, edits) != noisy:
        return "the edits do not turn the clean text into the noisy one"
    return "" if noisy != clean else "nothing was changed"


def joined_ends(text: str, edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """The edits in the given order, with sentences at the end of `text` joined to it as the earlier edits leave it.

    A full stop goes between them only if what stands before does not end in a mark.
    """
    found: list[Edit] = []
    for edit in edits:
        if edit.start == len(text) and not edit.before and edit.after.startswith((". ", " ")) and edit.strategy != "punctuation_format":
            addition = edit.after.removeprefix(".").strip()
            found.append(appended(edit.strategy, apply(text, found), addition, edit.effect, at=len(text)))
        else:
            found.append(edit)
    return tuple(found)


def with_article(text: str, start: int, end: int, words: str) -> tuple[int, int, str]:
    """Start, end and text of the edit that puts `words` in place of text[start:end].

    If `a` or `an` stands before and the words need the other one, the edit covers the article too.
    """
    article = ARTICLE.search(text, 0, start)
    if not article or article["n"].lower() == ("n" if VOWEL.match(words) else ""):
        return start, end, words
    return article.start(), end, f"{article['a']}{'n' if VOWEL.match(words) else ''} {words}"


def appended(strategy: str, text: str, addition: str, effect: str, at: int | None = None) -> Edit:
    """An edit that appends a sentence to `text`, after a full stop if it does not end in a mark.

    `at`: the position in the clean text, if `text` already has other edits applied.
    """
    mark = " " if text.rstrip().endswith((".", "?", "!", "…", ",")) else ". "
    place = len(text) if at is None else at
    return Edit(strategy, place, place, "", mark + addition, effect)
