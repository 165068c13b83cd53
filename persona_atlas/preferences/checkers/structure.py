"""Checkers for the shape of an answer: lists, tables, running text, headings, bold.

Each reads an `Answer`, which is parsed once, and returns the degree to which the preference is met, in [0, 1].
"""

import regex

from persona_atlas.answer import Answer
from persona_atlas.preferences.registry import checker

BOX = regex.compile(r"(?:\[[ xX]?\]|[☐☑☒✅□])\s*")
CARRIES = 0.4
"""A list carries an answer if it holds at least this share of the words, which leaves room for an introduction, a caution and a closing line."""


def _carried(answer: Answer, kind: str, least: int) -> float:
    """1 if blocks of `kind` carry the answer, else their share of its words.

    0 if there are fewer than `least` blocks, or if another kind of list holds at least as many words.
    """
    words = _listed(answer)
    if len(words[kind]) < least:
        return 0.0
    mine, rest = sum(words.pop(kind)), max(sum(found) for found in words.values())
    if rest >= mine:
        return 0.0
    share = mine / max(answer.words, 1)
    return 1.0 if share >= CARRIES else share


def _listed(answer: Answer) -> dict[str, list[int]]:
    """The number of words in each list item and table cell, by kind of list."""
    found: dict[str, list[int]] = {"bulleted": [], "numbered": [], "checklist": [], "table": []}
    for block in answer.blocks:
        if block.kind == "cell":
            found["table"].append(block.words)
        elif block.kind == "item":
            found["checklist" if BOX.match(block.text) else "numbered" if block.ordered else "bulleted"].append(block.words)
    return found


@checker("bulleted_list")
def bulleted_list(answer: Answer, *, min_items: int = 2) -> float:
    """1 if bulleted lists carry the answer, else their share of the words; 0 if they have fewer than `min_items` items in all."""
    return _carried(answer, "bulleted", min_items)


@checker("numbered_list")
def numbered_list(answer: Answer, *, min_items: int = 2) -> float:
    """1 if numbered lists carry the answer, else their share of the words; 0 if they have fewer than `min_items` items in all."""
    return _carried(answer, "numbered", min_items)


@checker("checklist")
def checklist(answer: Answer, *, min_items: int = 2) -> float:
    """1 if lists whose items begin with a checkbox (`- [ ]`, `☐`) carry the answer, else their share of the words; 0 below `min_items` items."""
    return _carried(answer, "checklist", min_items)


@checker("table")
def table(answer: Answer, *, min_cells: int = 4) -> float:
    """1 if Markdown tables carry the answer, else their share of the words; 0 if they have fewer than `min_cells` cells in all."""
    return _carried(answer, "table", min_cells)


@checker("prose")
def prose(answer: Answer) -> float:
    """1 if the answer is running text: no list item, no checkbox, no table cell."""
    return 0.0 if answer.of_kind("item") or answer.of_kind("cell") else 1.0


@checker("has_headings")
def has_headings(answer: Answer, *, min_headings: int = 1) -> float:
    """1 if there are at least `min_headings` Markdown headings, else their share of that number."""
    return min(1.0, len(answer.of_kind("heading")) / min_headings)


@checker("no_headings")
def no_headings(answer: Answer) -> float:
    return 0.0 if answer.of_kind("heading") else 1.0


@checker("bold_some")
def bold_some(answer: Answer) -> float:
    """1 if at least one phrase outside headings is bold."""
    return 1.0 if answer.strong else 0.0


@checker("italic_some")
def italic_some(answer: Answer) -> float:
    """1 if at least one phrase outside headings is italic, and none is bold."""
    return 1.0 if answer.emphasized and not answer.strong else 0.0


@checker("bold_none")
def bold_none(answer: Answer) -> float:
    """1 if nothing outside headings is bold or italic."""
    return 0.0 if answer.emphasized else 1.0
