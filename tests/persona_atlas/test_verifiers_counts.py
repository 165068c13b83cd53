"""Counts of things as answers say them: spelled out, with adjectives, behind the noun, in tables."""

import time

import pytest

from persona_atlas.answer import Answer
from persona_atlas.tasks import Plan, Template, fill, verify
from persona_atlas.tasks.counts import said, table_lines


def says(spelling: str, text: str) -> bool:
    points = {"kind": "key_points", "points": [[spelling]]}
    plan = Plan("", "", ("", ""), (), "", "", "", "", ())
    return verify(fill(Template("t", "cooking", "train", ("?",), {}, {}, (), points, plan), {}), Answer(text)) == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "They weigh 9 kg, so **two loads**.", "**Number of loads:** 2", "That makes 2 full loads.", "Run 2 separate loads.", "Two big full loads.",
        "**Loads needed:** 2", "The number of loads is 2.", "Loads: 2 (12 towels each)",
        "Loads: 2 in total", "Number of loads = 24 / 12 = 2", "Loads: 9/5 = 1.8 → 2",
        "Number of loads: 9.1 kg ÷ 5 kg = 1.82, rounded up to 2", "| Weight | Loads |\n|---|---|\n| 9 kg | 2 |",
        "| What | Value |\n|---|---|\n| Number of loads | 2 |", "| Loads | 2 |\n|---|---|\n| Weight | 9 kg |",
    ],
)  # fmt: skip
def test_a_count_is_found_however_it_is_said(text: str) -> None:
    assert says("2 loads", text)


@pytest.mark.parametrize(
    "text",
    [
        "3 loads", "12 loads", "Twenty-two loads.", "At 2 kg each, 3 loads.", "2 kg loads", "Two towels fill three loads.", "Loads: 2 kg each",
        "Loads: 2 in",
        "Loads: 2.5", "Loads: 2-3", "Two and a half loads.", "2 more loads", "2 half loads", "Number of loads: 12", "Loads = 24 / 2 = 12",
        "| Loads | Weight |\n|---|---|\n| 3 | 2 |", "```\n| Loads |\n|---|\n| 2 |\n```",
    ],
)  # fmt: skip
def test_another_count_is_not(text: str) -> None:
    assert not says("2 loads", text)


@pytest.mark.parametrize(
    ("spelling", "right", "wrong"),
    [
        ("7 panels", "**Panels:** 7", "Panels: 7 m long"),
        ("7 panels", "seven wooden panels", "7 metre panels"),
        ("11 roll*", "Buy eleven rolls.", "An 11 metre roll."),
        ("22 requests", "Twenty-two requests.", "Two requests."),
        ("1,080 requests", "1080 HTTP requests", "80 requests"),
    ],
)
def test_the_unit_behind_a_figure_makes_it_another_quantity(spelling: str, right: str, wrong: str) -> None:
    assert says(spelling, right)
    assert not says(spelling, wrong)


def test_only_a_figure_with_a_noun_is_a_count() -> None:
    assert not said("page 7", "seven pages: 7")
    assert not said("7 am", "seven am")


def test_a_table_is_read_by_its_header_and_by_the_first_cell_of_a_row() -> None:
    assert table_lines("| Item | **Loads** |\n| :-- | --: |\n| Towels | 2 |\n\nNot | a table") == "item: loads\nitem: towels\nloads: 2\ntowels: 2"


@pytest.mark.parametrize("piece", ["2 ", "two ", "loads: 1 = ", "number of loads ", "2 full ", "loads (", "loads: ->->->-> ", "| ", "|-"])
def test_a_hostile_answer_is_read_in_bounded_time(piece: str) -> None:
    text = (piece * 40_000)[:40_000]
    started = time.process_time()
    assert not said("7 loads", f"{text}\n{table_lines(text)}")
    assert time.process_time() - started < 5.0
