"""The markup of task files: fields with arithmetic, units, times, money and words that hard constraints swap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_atlas.tasks.markup import Locale, MarkupError, evaluate, expand, fields

VALUES = {"kg": 1.5, "people": 4, "start": "18:30", "dish": {"name": "penne", "grams": 90}, "late": 1110}
IMPERIAL = Locale(units="imperial", clock="h12")


@pytest.mark.parametrize(
    ("text", "metric", "imperial"),
    [
        ("{people} guests", "4 guests", "4 guests"),
        ("{dish.name}", "penne", "penne"),
        ("{kg|unit:kg}", "1.5 kg", "3.3 lb"),
        ("{dish['grams'] * people|unit:g}", "360 g", "12.75 oz"),
        ("{start|clock}", "18:30", "6:30 pm"),
        ("{late + 30|clock}", "19:00", "7:00 pm"),
        ("{07:15|clock}", "07:15", "7:15 am"),
        ("{people * 312.5|money}", "$1,250", "$1,250"),
        ("{ceil(kg)} or {round(kg * 3, 1)}", "2 or 4.5", "2 or 4.5"),
        ("no field", "no field", "no field"),
    ],
)
def test_fields_by_example(text: str, metric: str, imperial: str) -> None:
    assert (expand(text, VALUES, Locale()), expand(text, VALUES, IMPERIAL)) == (metric, imperial)


def test_a_hard_constraint_swaps_words_and_the_first_in_force_wins() -> None:
    text = "{parmesan|swap:dairy_free=yeast flakes,vegetarian=hard cheese}"
    assert expand(text, {}, Locale()) == "parmesan"
    assert expand(text, {}, Locale(hard=frozenset({"vegetarian"}))) == "hard cheese"
    assert expand(text, {}, Locale(hard=frozenset({"vegetarian", "dairy_free"}))) == "yeast flakes"


@pytest.mark.parametrize(("minutes", "text"), [(8, "an 8-minute talk"), (11, "an 11-minute talk"), (10, "a 10-minute talk")])
def test_a_number_that_is_spoken_with_a_vowel_takes_an(minutes: int, text: str) -> None:
    assert expand("a {minutes}-minute talk", {"minutes": minutes}, Locale()) == text


def test_the_fields_of_a_text_can_be_listed() -> None:
    assert fields("{a} of {b + 1|unit:g}") == [("a", None), ("b + 1", "unit")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{guests}", "'guests' cannot be computed from kg, people"),
        ("{people / 0}", "'people / 0' cannot be computed"),
        ("{people +}", "cannot be computed"),
        ("{dish.colour}", "'dish.colour' cannot be computed"),
        ("{people|unit:stones}", r"the field \{people\|unit:stones\} is not known; wanted unit:g/"),
        ("{people|shout}", "is not known; wanted unit:"),
        ("{dish.name|clock}", "'penne' is no time of day; wanted 18:30 or minutes since midnight"),
        ("{'a' + people}", "cannot be computed"),
        ("{[people][1]}", "cannot be computed"),
        ("{date_plus('2027-05-03', 10 ** 9)}", "cannot be computed"),
        ("{dish.name|money}", "'penne' is no number; only numbers can be printed as amounts"),
        ("{dish.name|unit:g}", "'penne' is no number"),
        ("{dish}", r"\{'name': 'penne', 'grams': 90\} is no number"),
        ("{people > 3}", "True is no number"),
    ],
)
def test_a_field_that_cannot_be_computed_is_quoted(text: str, message: str) -> None:
    with pytest.raises(MarkupError, match=message):
        expand(text, VALUES, Locale())


def test_an_expression_cannot_reach_python() -> None:
    for expression in ("__import__('os')", "open('x')", "people.__class__", "(lambda: 1)()"):
        with pytest.raises(MarkupError):
            evaluate(expression, VALUES)


@given(st.text(st.characters(exclude_categories=["Cs", "N"], exclude_characters="{}"), max_size=40))
def test_text_without_fields_stays_as_it_is(text: str) -> None:
    assert expand(text, VALUES, Locale()) == text
