"""Times of day in answers, told from the same time in the other half of the day."""

import pytest

from persona_atlas.tasks.clocks import named
from persona_atlas.tasks.verifiers import spaced

MORNING, AFTERNOON, MIDDAY, MIDNIGHT = ("07:25", "7:25"), ("14:15", "2:15"), ("12:15", "12:15"), ("00:15", "12:15")


def says(spellings: tuple[str, ...], text: str) -> bool:
    return named(spellings, spaced(f"leave at {text.lower()}."))


@pytest.mark.parametrize(
    "text",
    [
        "7:25", "7:25 am", "7:25am", "7:25 AM", "7:25\u202fAM", "7.25 a.m.", "7:25 (a.m.)", "7:25 in the morning", "7:25 on Monday morning", "07:25",
        "7:25, so be early in the evening", "7:25 pm or rather 7:25 am",
    ],
)  # fmt: skip
def test_a_bare_time_and_the_right_half_of_the_day_count(text: str) -> None:
    assert says(MORNING, text)


@pytest.mark.parametrize(
    "text",
    [
        "7:25 pm", "7:25pm", "7:25 PM", "7:25\u202fPM", "7:25 p.m.", "7:25 (pm)", "7.25 pm", "07:25 pm", "7:25 in the evening", "7:25 at night",
        "7:25 on Sunday evening", "7:25 tonight", "17:25", "7.25",
    ],
)  # fmt: skip
def test_the_wrong_half_of_the_day_does_not_count(text: str) -> None:
    assert not says(MORNING, text)


@pytest.mark.parametrize(
    ("spellings", "right", "wrong"),
    [
        (AFTERNOON, "2:15 in the afternoon", "2:15 am"),
        (AFTERNOON, "2:15", "2:15 at night"),
        (MIDDAY, "12:15 pm", "12:15 am"),
        (MIDNIGHT, "12:15 am", "12:15 pm"),
        (("22:10", "10:10"), "10:10 at night", "10:10 in the morning"),
        (("17:00", "5:00", "5 pm", "5 am"), "5 pm", "5 am"),
    ],
)
def test_the_spelling_by_24_hours_tells_the_half_of_the_day(spellings: tuple[str, ...], right: str, wrong: str) -> None:
    assert says(spellings, right)
    assert not says(spellings, wrong)
