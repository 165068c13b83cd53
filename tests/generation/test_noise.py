"""Surface noise: labelled edits that leave the task as it is."""

from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.noise.surface import EDITS, apply, problems, protected_spans, slot_texts, surface_twin
from persona_atlas.records import Edit, Twin
from persona_atlas.tasks.templates import Filling, draw, load_templates

TEMPLATES = sorted(load_templates())


@cache
def noisy(number: int) -> tuple[str, Filling, Twin]:
    """Query, filled task and noisy twin of one of endlessly many items."""
    generator = np.random.default_rng(number)
    filling = draw(load_templates()[TEMPLATES[number % len(TEMPLATES)]], generator)
    query = filling.query(number // len(TEMPLATES))
    return query, filling, surface_twin(0, f"item-{number}", query, filling)


items = given(number=st.integers(0, 20_000))


@items
@settings(max_examples=300, deadline=None)
def test_the_edits_turn_the_clean_query_into_the_noisy_one(number: int) -> None:
    query, _, twin = noisy(number)
    assert apply(query, twin.edits) == twin.query != query


@items
@settings(max_examples=300, deadline=None)
def test_spans_hold_what_they_say(number: int) -> None:
    query, _, twin = noisy(number)
    assert [query[edit.start : edit.end] for edit in twin.edits] == [edit.before for edit in twin.edits]


@items
@settings(max_examples=300, deadline=None)
def test_spans_are_in_order_and_do_not_overlap(number: int) -> None:
    _, _, twin = noisy(number)
    for one, other in zip(twin.edits, twin.edits[1:], strict=False):
        assert one.start < other.start
        assert one.end <= other.start


@items
@settings(max_examples=300, deadline=None)
def test_slot_values_and_numbers_survive(number: int) -> None:
    query, filling, twin = noisy(number)
    assert [text for text in slot_texts(filling) if text in query.lower() and text not in twin.query.lower()] == []
    assert regex.findall(r"\d[\d.,:]*\d|\d", twin.query) == regex.findall(r"\d[\d.,:]*\d|\d", query)


@items
@settings(max_examples=300, deadline=None)
def test_a_twin_has_two_to_four_edits_of_different_strategies(number: int) -> None:
    _, _, twin = noisy(number)
    strategies = [edit.strategy for edit in twin.edits]
    assert EDITS[0] <= len(strategies) == len(set(strategies)) <= EDITS[1]


def test_every_strategy_of_the_paper_is_used_about_as_often() -> None:
    used = Counter(edit.strategy for number in range(1200) for edit in noisy(number)[2].edits)
    assert set(used) == {"typo", "word_segmentation", "punctuation_format", "colloquial_speech", "emotional_attitude", "real_life_fragment"}
    assert min(used.values()) > max(used.values()) / 2


def test_the_same_item_gets_the_same_twin() -> None:
    query, filling, twin = noisy(7)
    assert surface_twin(0, "item-7", query, filling) == twin
    assert surface_twin(1, "item-7", query, filling) != twin


def spoiled(twin: Twin, **changes: str | int) -> Twin:
    """The twin with its first edit changed."""
    return replace(twin, edits=(replace(twin.edits[0], **changes), *twin.edits[1:]))


def test_a_true_twin_has_no_problems() -> None:
    query, filling, twin = noisy(3)
    assert problems(query, twin, filling) == ""


def test_a_span_that_holds_something_else_is_a_problem() -> None:
    query, filling, twin = noisy(3)
    assert problems(query, spoiled(twin, before="elsewhere"), filling) == "an edit's span does not hold the text it says"


def test_edits_that_lead_elsewhere_are_a_problem() -> None:
    query, filling, twin = noisy(3)
    assert "do not turn the clean query" in problems(query, spoiled(twin, after="elsewhere"), filling)


def test_a_twin_without_noise_is_a_problem() -> None:
    query, filling, _ = noisy(3)
    assert problems(query, Twin("surface", query, ()), filling) == "nothing was changed"


@items
@settings(max_examples=100, deadline=None)
def test_a_changed_slot_value_is_a_problem(number: int) -> None:
    query, filling, _ = noisy(number)
    start, end = protected_spans(query, filling)[-1]
    edit = Edit("typo", start, end, query[start:end], "…")
    changed = apply(query, (edit,))
    lost = query[start:end].rstrip(",.:").lower() not in changed.lower()
    assert problems(query, Twin("surface", changed, (edit,)), filling).startswith("the slot value") or not lost
