"""The checkers against second ones, written from the descriptions of the values alone by somebody who had not read the first (MEASUREMENT 9).

Compared are, on every authored example of the dimension (those that meet and those that miss each of its values):

    structure       bulleted, numbered, checklist, table, prose
    length          brief, medium, long
    emphasis        bold, italic, none
    code_comments   commented, bare
    units           metric, imperial
    clock           h24, h12
    dates           month_day, day_month, iso
    currency        symbol, code, words
    spelling        british, american
    opening         greeting
    closing         question
    emoji           some, none
    exclamation     lively, calm
    headings        headings, none
    contractions    contracted, full
    example         example, none
    caveat          caveat, none

Where the two disagree the example is one on the edge, such as a bold word in a heading or `lead by example`; neither is right by definition.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from persona_atlas.answer import Answer
from persona_atlas.preferences import load_catalog


def _load() -> Mapping[tuple[str, str], Callable[[str], bool]]:
    spec = spec_from_file_location("second_checkers", Path(__file__).with_name("second_checkers.py"))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return dict(module.SECOND)


SECOND = _load()
CATALOG = load_catalog()


def agreements(dimension: str, value: str) -> Iterator[bool]:
    """Whether the two checkers of a value say the same, for each authored example of the dimension."""
    for other in CATALOG.dimensions[dimension].values.values():
        for text in (text for texts in other.examples.values() for text in texts):
            yield CATALOG.value(dimension, value).met(Answer(text)) == SECOND[dimension, value](text)


def test_at_least_20_values_have_a_second_checker() -> None:
    assert len(SECOND) >= 20
    assert all(value in CATALOG.dimensions[dimension].values for dimension, value in SECOND)


def test_the_docstring_lists_what_is_compared() -> None:
    rows = re.findall(r"^    (\w+)  +(\w+(?:, \w+)*)$", __doc__ or "", re.MULTILINE)
    assert {(dimension, value) for dimension, values in rows for value in values.split(", ")} == set(SECOND)


def test_the_two_agree_on_at_least_90_percent_of_all_examples() -> None:
    found = [agreed for dimension, value in SECOND for agreed in agreements(dimension, value)]
    assert len(found) > 1_000
    assert sum(found) / len(found) >= 0.9


@pytest.mark.parametrize(("dimension", "value"), SECOND)
def test_the_two_agree_on_most_examples_of_each_value(dimension: str, value: str) -> None:
    found = list(agreements(dimension, value))
    assert sum(found) / len(found) >= 0.7
