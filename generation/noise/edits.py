"""Labelled edits: made, applied, and held against the text that they say they change."""

from collections.abc import Sequence
from itertools import pairwise

import regex

from persona_atlas.records import Edit

ARTICLE = regex.compile(r"\b(?P<a>[Aa])(?P<n>n?) $")
VOWEL = regex.compile(r"(?:8|1[18](?!\d)|[aeio]|u(?!n[it]|s))", regex.I)
"""The beginning of what `an` stands before, among the words of the banks."""


def apply(text: str, edits: Sequence[Edit]) -> str:
    """The text with the edits made; spans are those of the clean text."""
    ordered = sorted(edits, key=lambda edit: (edit.start, edit.end))
    for edit in reversed(ordered):  # so that additions at one place keep their order
        text = text[: edit.start] + edit.after + text[edit.end :]
    return text


def problems(clean: str, noisy: str, edits: Sequence[Edit]) -> str:
    """Why the edits do not lead from the clean text to the noisy one; empty where they do."""
    if any(clean[edit.start : edit.end] != edit.before for edit in edits):
        return "an edit's span does not hold the text it says"
    if any(left.end > right.start for left, right in pairwise(edits)):
        return "two edits overlap, or are not in order"
    if apply(clean, edits) != noisy:
        return "the edits do not turn the clean text into the noisy one"
    return "" if noisy != clean else "nothing was changed"


def joined_ends(text: str, edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """The edits, in order, with every addition at the end behind the stop of what then stands before it."""
    found: list[Edit] = []
    for edit in edits:
        if edit.start == len(text) and not edit.before and edit.after.startswith((". ", " ")) and edit.strategy != "punctuation_format":
            addition = edit.after.removeprefix(".").strip()
            found.append(appended(edit.strategy, apply(text, found), addition, edit.effect, at=len(text)))
        else:
            found.append(edit)
    return tuple(found)


def with_article(text: str, start: int, end: int, words: str) -> tuple[int, int, str]:
    """Where and with what the text from `start` to `end` is replaced by the words: with the article before it, where another one goes with them."""
    article = ARTICLE.search(text, 0, start)
    if not article or article["n"].lower() == ("n" if VOWEL.match(words) else ""):
        return start, end, words
    return article.start(), end, f"{article['a']}{'n' if VOWEL.match(words) else ''} {words}"


def appended(strategy: str, text: str, addition: str, effect: str, at: int | None = None) -> Edit:
    """An addition at the end of the text, behind a stop; `at` is its place in the clean text, where `text` is no longer that."""
    mark = " " if text.rstrip().endswith((".", "?", "!", "…", ",")) else ". "
    place = len(text) if at is None else at
    return Edit(strategy, place, place, "", mark + addition, effect)
