"""Checkers for the shape of an answer: lists, running text, headings, bold.

Each reads an `Answer`, which is parsed once, and returns the degree to which the preference is met, in [0, 1].
"""

from persona_atlas.answer import Answer
from persona_atlas.preferences.registry import checker

CARRIES = 0.4
"""A list carries an answer when it holds this share of its words: an introduction, a caution and a closing line may stand around it."""


def _carried(answer: Answer, *, ordered: bool, min_items: int) -> float:
    """As below; where lists of the other kind hold as many words or more, this kind does not carry the answer."""
    items, others = answer.list_items(ordered=ordered), answer.list_items(ordered=not ordered)
    if len(items) < min_items:
        return 0.0
    words, rest = sum(item.words for item in items), sum(item.words for item in others)
    if rest >= words:
        return 0.0
    share = words / max(answer.words, 1)
    return 1.0 if share >= CARRIES else share


@checker("bulleted_list")
def bulleted_list(answer: Answer, *, min_items: int = 2) -> float:
    """1 if bulleted lists of at least `min_items` items in all carry the answer. A shorter list is decoration and scores its share of the words."""
    return _carried(answer, ordered=False, min_items=min_items)


@checker("numbered_list")
def numbered_list(answer: Answer, *, min_items: int = 2) -> float:
    """1 if numbered lists of at least `min_items` items in all carry the answer; else their share of the words."""
    return _carried(answer, ordered=True, min_items=min_items)


@checker("prose")
def prose(answer: Answer) -> float:
    """1 if the answer is running text: no list item, no table cell."""
    return 0.0 if answer.of_kind("item") or answer.of_kind("cell") else 1.0


@checker("has_headings")
def has_headings(answer: Answer, *, min_headings: int = 1) -> float:
    """1 if there are at least `min_headings` Markdown headings."""
    return min(1.0, len(answer.of_kind("heading")) / min_headings)


@checker("no_headings")
def no_headings(answer: Answer) -> float:
    return 0.0 if answer.of_kind("heading") else 1.0


@checker("bold_some")
def bold_some(answer: Answer) -> float:
    """1 if at least one phrase outside headings is bold."""
    return 1.0 if answer.strong else 0.0


@checker("bold_none")
def bold_none(answer: Answer) -> float:
    """1 if nothing outside headings is bold or italic."""
    return 0.0 if answer.emphasized else 1.0
