"""The first sentence of a training answer: what the question gives, as it stands there."""

import pytest

from persona_atlas.ppopt.givens import givens


@pytest.mark.parametrize(
    ("wording", "found"),
    [
        ("I've got {n} dirty bath towels, {g|unit:g} each. How many loads?", "Given: {n} dirty bath towels, {g|unit:g} each."),
        ("Leave at {start|clock} for the {drive}-minute drive?", "Given: {start|clock}, {drive}-minute drive."),
        ("{people} people at {people} people a table", "Given: {people} people."),
        ("What can I pack with {base} and {veg}, without {dislike}?", "Given: {base}, {veg}."),
        ("Anything but {avoid.name} for {n} guests.", "Given: {n} guests."),
        ("I don't want to annoy {people} busy colleagues.", "Given: {people} busy colleagues."),
        ("{a}, {b}, {c}, {d}, {e}", "Given: {a}, {b}, {c}, {d}."),
        ("{drill at 90|swap:budget=saw} for {n} holes", "Given: {n} holes."),
        ("How are you?", None),
    ],
)
def test_givens_are_the_fields_with_the_words_that_go_with_them(wording: str, found: str | None) -> None:
    assert givens(wording) == found
