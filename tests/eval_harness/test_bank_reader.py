"""The bank reader: it knows the phrasings of the other splits, and must find nothing in the evaluated split's own."""

import pytest

from eval_harness.bank_reader import recognized
from persona_atlas.preferences import load_catalog
from persona_atlas.records import SPLITS, Conversation, Turn

CATALOG = load_catalog()
BRIEF, LONG = CATALOG.value("length", "brief"), CATALOG.value("length", "long")


def said(*texts: str, role: str = "user") -> Conversation:
    """A conversation in which somebody says this."""
    turns = tuple(Turn(role, text, "ask") for text in texts)
    return Conversation("u-test-000000-c00", "u-test-000000", "test", 0, "t", "travel", {}, "q", turns)


def lines(split: str) -> list[tuple[str, str, str]]:
    """(dimension, value, phrasing) for every phrasing of a split."""
    values = [value for value in CATALOG.values() if split in value.phrasings]
    return [(value.dimension, value.id, line) for value in values for bank in value.phrasings[split].values() for line in bank]


def test_nearly_every_phrasing_of_another_split_is_recognized() -> None:
    found = [recognized([said(line)], "test").get(dimension) == value for dimension, value, line in lines("train")]
    assert sum(found) / len(found) > 0.99


def test_what_is_said_of_a_closing_is_read_as_its_own_value_alone() -> None:
    said_of_closings = [(value, line) for split in SPLITS for dimension, value, line in lines(split) if dimension == "closing"]
    assert [line for value, line in said_of_closings if recognized([said(line)], "") != {"closing": value}] == []


@pytest.mark.parametrize("split", SPLITS)
def test_the_evaluated_splits_own_phrasings_are_not_recognized(split: str) -> None:
    found = [line for dimension, value, line in lines(split) if recognized([said(line)], split).get(dimension) == value]
    assert found == []


@pytest.mark.parametrize("kind", ["explicit", "request", "complaint", "praise"])
def test_every_kind_of_phrasing_is_looked_for(kind: str) -> None:
    assert recognized([said(BRIEF.phrasings["train"][kind][0])], "test") == {"length": "brief"}


def test_a_phrasing_is_found_within_what_else_is_said() -> None:
    line = BRIEF.phrasings["train"]["explicit"][0]
    assert recognized([said(f"Hey there! {line} So: how do I boil an egg, and how long does it take?")], "test") == {"length": "brief"}


def test_a_slip_of_typing_does_not_hide_a_phrasing() -> None:
    line = max(BRIEF.phrasings["train"]["explicit"], key=len)
    first, rest = line.split(" ", 1)
    assert recognized([said(f"{first}x {rest}".lower())], "test") == {"length": "brief"}


def test_half_of_a_phrasing_is_not_enough() -> None:
    words = max(BRIEF.phrasings["train"]["explicit"], key=len).split()
    assert recognized([said(" ".join(words[: len(words) // 2]))], "test") == {}


def test_what_stands_last_holds() -> None:
    brief, long = (value.phrasings["train"]["explicit"][0] for value in (BRIEF, LONG))
    assert recognized([said(brief, long)], "test") == {"length": "long"}
    assert recognized([said(long), said(brief)], "test") == {"length": "brief"}


def test_of_two_values_in_one_turn_the_one_said_last_holds() -> None:
    brief, long = (value.phrasings["train"]["explicit"] for value in (BRIEF, LONG))
    pairs = [*zip(brief, long, strict=False)]
    assert [recognized([said(f"{first} {second}")], "test") for first, second in pairs] == [{"length": "long"}] * len(pairs)
    assert [recognized([said(f"{second} {first}")], "test") for first, second in pairs] == [{"length": "brief"}] * len(pairs)


def test_only_the_users_turns_are_read() -> None:
    assert recognized([said(BRIEF.phrasings["train"]["explicit"][0], role="assistant")], "test") == {}


def test_no_history_tells_nothing() -> None:
    assert recognized([], "test") == {}
