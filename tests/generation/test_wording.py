"""Whether a text is still there where it was said in other words."""

import pytest

from generation.wording import in_words, kept, phrasings_with, plain, stands, stems_of, weight_of


@pytest.mark.parametrize(("slot", "text", "there"), [
    ("5", "5 eggs", True),
    ("5", "15 or 50 eggs", False),
    ("5", "50 eggs, no, 5", True),
    ("egg", "eggs and ham", True),
    ("egg", "a veggie burger", False),
    ("egg", "an _egg_", False),
    ("egg", "an 'egg'", True),
    ("9:15", "at 9:15", True),
    ("9:15", "at 19:15", False),
    ("5", "", False),
])  # fmt: skip
def test_a_value_stands_as_a_word(slot: str, text: str, there: bool) -> None:
    assert stands(slot, text) is there


@pytest.mark.parametrize(("slot", "text", "there"), [
    ("3", "three of us", True),
    ("3", "thirteen of us", False),
    ("1", "this one is good", False),
    ("a long brass kettle with lid", "its lid: on the kettle, that is brass and long", False),
    ("a long brass kettle with lid", "a long kettle of brass with a lid", True),
    ("a long brass kettle for 2", "a long brass kettle", False),
])  # fmt: skip
def test_what_counts_as_kept(slot: str, text: str, there: bool) -> None:
    assert kept(slot, text) is there


def test_spelled_out_numbers_are_read_and_one_is_not() -> None:
    assert in_words("two dozen, twelve of them, and one more") == {"2", "12"}


def test_spellings_that_mean_the_same_are_alike() -> None:
    assert plain("The 09:15 bus costs 72, 000 Lire one-way") == "the 9:15 bus costs 72,000 lire one way"
    assert stems_of("Don\u2019t use tables, please") == stems_of("don't USE table") == ("use", "tabl")


def test_rare_words_weigh_more() -> None:
    often = max(phrasings_with(), key=lambda stem: len(phrasings_with()[stem]))
    assert 0 < weight_of(often) < weight_of("a word of no phrasing")
    assert "a word of no phrasing" not in phrasings_with()
