"""Counts of things, such as the key point `2 loads`, found however an answer says them.

>>> [said("2 loads", text) for text in ("so two full loads", "loads needed: 2", "number of loads = 24 / 12 = 2", "12 loads", "2 kg loads")]
[True, True, True, False, False]
"""

from collections.abc import Iterator
from functools import lru_cache

import regex

from persona_atlas.amounts import AMOUNT, amount

_COUNT = regex.compile(r"(?P<count>\d{1,3}(?:,\d{3})+|\d+) (?P<things>[a-z]{4,}(?:[ -][a-z]+){0,2}\*?)")
_GAP = r"[^\S\n]"
_UNITS = (
    "kg|g|mg|lbs?|oz|ml|l|mm|cm|km|ft|in|inch|foot|mi|mph|pounds?|grams?|kilos?|lit(?:er|re)|met(?:er|re)|dollars?|euros?|percent|"
    "min|minute|hours?|hr|sec|second|day|week|month|year|am|pm"
)
_NOT_BETWEEN = (
    f"{_UNITS}|of|or|and|to|per|on|at|by|for|with|from|into|than|as|but|if|so|then|that|the|an|each|every|is|are|was|were|be|"
    "more|fewer|extra|additional|another|other|spare|remaining|last|half|quarter|not|no|times|plus|minus|make|give|need|equal"
)
_ADJECTIVE = rf"(?!(?:{_NOT_BETWEEN})\b)[a-z]{{2,20}}(?<!(?<!ou|s)s)"
"""A word that may stand between a figure and its noun. A plural there is a noun of its own: `12 towels fill loads`."""
_NEEDED = rf"(?:{_GAP}(?:needed|required|necessary|in{_GAP}total|total|to{_GAP}(?:run|buy|order|wash|make|do)))?"
_RESULT = r"(?:=|≈|→|->|\bround(?:s|ed|ing)?(?:\sup)?\sto\b)"
_TABLE_RULE = regex.compile(r"[\s|:-]*-[\s|:-]*")
_FENCE = ("```", "~~~")


def said(spelling: str, lower: str) -> bool:
    """Return whether the text, in lower case, says the count of a spelling such as `2 loads` or `7 roll*`. False for any other spelling.

    Figures may be spelled out, up to two adjectives may stand before the noun, and the noun may come first: `panels: 7`, `number of panels is 7`.
    """
    wanted = _COUNT.fullmatch(spelling)
    if wanted is None or wanted["things"].rstrip("*") not in lower:
        return False
    count = amount(wanted["count"])
    return any(amount(match["count"]) == count for pattern in _patterns(wanted["things"]) for match in pattern.finditer(lower))


@lru_cache(maxsize=1024)
def _patterns(things: str) -> tuple[regex.Pattern[str], ...]:
    noun = regex.escape(things.rstrip("*")).replace(r"\ ", rf"{_GAP}") + (r"\w*" if things.endswith("*") else "") + r"(?!\w)"
    end = (
        rf"(?!{_GAP}?[%°×*/÷+=≈→−^]|[-–]\S|[.,:]\d|\w)"
        rf"(?=\.?(?:\s|$)|{_GAP}?[;:!)(–—-]|,(?!{_GAP}?(?:which{_GAP})?round))"
        rf"(?!{_GAP}(?!{noun}|in{_GAP}(?:total|all)\b|(?:at|for|per|because|since|and|as|so|if)\b)[a-z])"
    )
    value = rf"(?P<count>{AMOUNT}){end}"
    return (
        regex.compile(rf"(?<![\w.,:/$€£-])(?<!\d{_GAP})(?P<count>{AMOUNT})(?:{_GAP}|-)(?:{_ADJECTIVE}(?:{_GAP}|-)){{0,2}}?{noun}"),
        regex.compile(rf"(?<!\w){noun}{_NEEDED}(?:{_GAP}\([^()\n]{{0,30}}\))?{_GAP}?[:=](?:[^\n=≈→;:]{{0,60}}?{_RESULT}){{0,3}}?{_GAP}*+{value}"),
        regex.compile(
            rf"\bnumber{_GAP}of{_GAP}(?:{_ADJECTIVE}{_GAP}){{0,2}}?{noun}{_NEEDED}{_GAP}"
            rf"(?:is|equals|(?:will|would|should){_GAP}be|comes{_GAP}to){_GAP}(?:therefore{_GAP}|thus{_GAP}|exactly{_GAP})?{value}"
        ),
    )


def table_lines(markdown: str) -> str:
    """Return the cells of Markdown's tables as lines of `header: cell`, and of `first cell of the row: cell`, in lower case.

    The first row may hold a value as well (`| Panels | 7 |`), since Markdown has no table without a header.
    """
    lines = list(_outside_fences(markdown))
    if not any("|" in line for line in lines):
        return ""
    found: list[str] = []
    headers: list[str] = []
    for line, following in zip(lines, [*lines[1:], ""], strict=False):
        if "|" not in line:
            headers = []
        elif "|" in following and _TABLE_RULE.fullmatch(following) and not headers:
            headers = _cells(line)
            found += _under(headers[:1] * len(headers), headers[1:])
        elif headers and not _TABLE_RULE.fullmatch(line):
            cells = _cells(line)
            found += _under(headers, cells) + _under(cells[:1] * len(cells), cells[1:])
    return "\n".join(found).lower()


def _under(names: list[str], cells: list[str]) -> list[str]:
    return [f"{name}: {cell}" for name, cell in zip(names, cells, strict=False)]


def _outside_fences(markdown: str) -> Iterator[str]:
    inside = False
    for line in markdown.split("\n"):
        if line.lstrip().startswith(_FENCE):
            inside = not inside
        elif not inside:
            yield line.strip()


def _cells(line: str) -> list[str]:
    return [cell.replace("*", "").replace("`", "").strip() for cell in line.strip().strip("|").split("|")]
