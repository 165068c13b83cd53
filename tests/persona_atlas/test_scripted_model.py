"""The scripted target: it finds the question whatever stands around it, and obeys the orders that it knows."""

from itertools import product

import pytest

from persona_atlas.answer import Answer
from persona_atlas.data import Release, history, messages
from persona_atlas.models.protocol import Sampling
from persona_atlas.models.scripted import UNKNOWN, ScriptedModel, answer, find_orders, find_question
from persona_atlas.preferences import load_catalog
from persona_atlas.protocol import as_text
from persona_atlas.randomness import generator
from persona_atlas.records import SPLITS, Item
from persona_atlas.render import instruct, render
from persona_atlas.render.instructions import WORDINGS
from persona_atlas.scoring import filling_of, score
from persona_atlas.tasks import Filling, Template, load_templates, verify
from persona_atlas.tasks.templates import draw

CATALOG = load_catalog()
QUERY = "The baggage limit is 23 kg. My suitcase weighs 2 kg empty and I've put 6 kg of clothes in. How much weight is left for souvenirs?"


@pytest.fixture(scope="module")
def items(release: Release) -> list[Item]:
    return [item for split in SPLITS for item in release.items(split)]


@pytest.fixture(params=load_templates().values(), ids=load_templates())
def template(request: pytest.FixtureRequest) -> Template:
    return request.param


def solves(prompt: str, asked: Filling) -> bool:
    """Whether the question that is found in the prompt is the one asked."""
    found = find_question(prompt)
    return found is not None and is_asked(found, asked)


def is_asked(found: Filling, asked: Filling) -> bool:
    """Whether the answer to the one question solves the other. Slots that a wording leaves out may differ."""
    return found.template is asked.template and verify(asked, Answer(render(found, {}))) == 1.0


def test_every_wording_of_every_question_is_found_with_the_slots_that_it_names(template: Template) -> None:
    for wording in range(len(template.queries)):
        filling = draw(template, generator(0, "scripted", template.template_id, wording))
        found = find_question(filling.query(wording))
        assert found is not None, filling.query(wording)
        assert found.query(wording) == filling.query(wording)
        assert is_asked(found, filling), filling.query(wording)


def test_a_question_is_found_in_lower_case_and_without_its_mark(template: Template) -> None:
    filling = draw(template, generator(1, "scripted", template.template_id))
    query = filling.said(template.queries[0].rstrip("?.")).lower()
    assert solves(query, filling), query


def test_nearly_all_questions_are_found_under_surface_noise(items: list[Item]) -> None:
    """No slot value is touched, nor the name of a month: hardly any slip may hide a question."""
    found = [solves(twin.query, filling_of(item)) for item in items for twin in item.twins if twin.layer == "surface"]
    assert sum(found) / len(found) > 0.95


@pytest.mark.parametrize("wording", range(WORDINGS))
def test_a_noisy_question_is_found_among_orders_as_well_as_alone(wording: int, items: list[Item]) -> None:
    for item in items[::4]:
        twin = next(twin.query for twin in item.twins if twin.layer == "surface")
        prompt = instruct(twin, [(gold.dimension, gold.value) for gold in item.gold], item.hard, wording)
        assert solves(prompt, filling_of(item)) or not solves(twin, filling_of(item)), prompt


def test_the_last_question_is_answered_when_a_history_stands_before_it(release: Release) -> None:
    for item in release.items("test")[::3]:
        shown = as_text(messages(history(item, release)))
        assert solves(f"{shown}\n\n{item.query}", filling_of(item)), item.item_id


@pytest.mark.parametrize("wording", range(WORDINGS))
def test_every_instruction_is_obeyed_in_all_four_frames(wording: int) -> None:
    for value in CATALOG.values():
        assert find_orders(instruct(QUERY, [(value.dimension, value.id)], wording=wording)) == ({value.dimension: value.id}, frozenset())
    for constraint in CATALOG.hard:
        assert find_orders(instruct(QUERY, [], [constraint], wording)) == ({}, frozenset({constraint}))


@pytest.mark.parametrize("wording", range(WORDINGS))
def test_orders_of_all_dimensions_are_obeyed_together(wording: int) -> None:
    for place in (0, -1):
        style = {dimension.id: list(dimension.values)[place] for dimension in CATALOG.dimensions.values()}
        prompt = instruct(QUERY, style.items(), CATALOG.hard, wording)
        assert find_orders(prompt) == (style, frozenset(CATALOG.hard))
        found = find_question(prompt)
        assert found is not None
        assert answer(prompt) == render(found, style, frozenset(CATALOG.hard))


def test_what_a_user_states_as_a_standing_preference_is_obeyed() -> None:
    for value in CATALOG.values():
        for line in (line for banks in value.phrasings.values() for line in banks["explicit"]):
            assert find_orders(f"{QUERY} {line}") == ({value.dimension: value.id}, frozenset()), line


def test_complaints_and_praise_are_no_orders() -> None:
    for value in CATALOG.values():
        for line in (line for banks in value.phrasings.values() for kind in ("complaint", "praise") for line in banks[kind]):
            assert find_orders(f"{QUERY} {line}")[0] == {}, line


def test_the_last_order_of_a_dimension_holds() -> None:
    for first, last in product(CATALOG.dimensions["structure"].values.values(), repeat=2):
        prompt = f"{first.instructions[0]}\n{last.instructions[1]}\n{QUERY}"
        assert find_orders(prompt)[0] == {"structure": last.id}


def test_a_letter_that_lower_case_makes_longer_shifts_nothing() -> None:
    order = CATALOG.value("structure", "bulleted").instructions[0]
    assert find_question(f"{'İ' * len(QUERY)} {order} {QUERY}") == find_question(QUERY)


def test_without_orders_the_default_style_is_given() -> None:
    found = find_question(QUERY)
    assert found is not None
    assert answer(QUERY) == render(found, {})


def test_an_oracle_on_the_scripted_target_reaches_the_ceiling(items: list[Item]) -> None:
    for item in items[::3]:
        prompt = instruct(item.query, [(gold.dimension, gold.value) for gold in item.gold], item.hard, wording=1)
        scores = score(item, answer(prompt), "stop")
        assert (scores.personalization, scores.task, scores.hard_ok in (None, 1.0)) == (1.0 if item.gold else None, 1.0, True), item.item_id


@pytest.mark.parametrize("prompt", ["", "?", "Why is the sky blue?", "Please answer in 15 to 40 words.", "word " * 500, "{} {0} %s \\d+ ((("])
def test_an_unknown_question_is_said_to_be_unknown(prompt: str) -> None:
    assert answer(prompt) == UNKNOWN


def test_it_answers_as_a_language_model_does() -> None:
    model = ScriptedModel()
    found = dict(model.generate([QUERY, "Why?"], Sampling()))
    assert sorted(found) == [0, 1]
    assert [found[i].finish_reason for i in (0, 1)] == ["stop", "stop"]
    assert (found[0].prompt_tokens, found[1].answer_tokens) == (model.count_tokens(QUERY), model.count_tokens(UNKNOWN))
    assert (model.name, model.context_length) == ("scripted", None)


def test_its_fingerprint_and_answers_are_the_same_every_time() -> None:
    assert ScriptedModel().fingerprint == ScriptedModel().fingerprint
    assert list(ScriptedModel().generate([QUERY] * 2, Sampling(seed=1))) == list(ScriptedModel().generate([QUERY] * 2, Sampling(seed=2)))
