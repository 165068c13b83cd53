"""The task bank: every task can be asked, answered in every style that applies, and told from the others; wrong files are refused."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import combinations, islice, product
from pathlib import Path
from typing import Any

import pytest
import regex
import yaml

from persona_atlas.answer import Answer
from persona_atlas.preferences import load_catalog
from persona_atlas.preferences.catalog import CatalogError
from persona_atlas.preferences.conflicts import load_conflicts
from persona_atlas.randomness import generator
from persona_atlas.records import SPLITS
from persona_atlas.render import applicable_dimensions, render
from persona_atlas.tasks import Filling, Template, fill, load_templates, quantities, templates, verify
from persona_atlas.tasks.markup import FIELD
from persona_atlas.tasks.templates import Incomplete, draw

BANK = Path(templates.__file__).parent / "bank"
RANDOM = 1
Change = Callable[[dict[str, Any]], object]
Choose = Callable[[tuple[Any, ...]], Any]


def longest(options: tuple[Any, ...]) -> Any:
    return max(options, key=lambda option: len(str(option)))


def fillings(template: Template) -> Iterator[Filling]:
    """The first, the last and the longest option of every slot, and some drawn at random."""
    ends: tuple[Choose, ...] = (lambda options: options[0], lambda options: options[-1], longest)
    for choose in ends:
        yield fill(template, {name: choose(options) for name, options in template.slots.items()})
    for number in range(RANDOM):
        yield draw(template, generator(0, "test", template.template_id, number))


@cache
def medium_answers() -> Mapping[str, Answer]:
    """One medium answer to each template."""
    return {id_: Answer(render(draw(template, generator(1, "answer", id_)), {})) for id_, template in load_templates().items()}


REMEMBERED = cache(quantities.found)
"""Quantities that were once read out of an answer are not read again for every other task."""
SLOTTED = [template for template in load_templates().values() if template.slots]
SWAPPING = [template for template in load_templates().values() if "|swap:" in str(template)]
LIMITED = [template for template in load_templates().values() if template.hard]
INCOMPLETE = [template for template in load_templates().values() if template.incomplete]


@pytest.fixture(params=load_templates().values(), ids=load_templates())
def template(request: pytest.FixtureRequest) -> Template:
    return request.param


def only(found: list[Template]) -> pytest.MarkDecorator:
    """Asks for these templates alone: those that have what the test is about."""
    return pytest.mark.parametrize("template", found, ids=[template.template_id for template in found])


def test_at_least_200_templates_in_12_domains() -> None:
    found = load_templates().values()
    assert len(found) >= 200
    assert len({template.domain for template in found}) >= 12


@pytest.mark.parametrize(("split", "fewest"), [("test", 60), ("test_ood", 20)])
def test_there_are_enough_templates_to_rank_on(split: str, fewest: int) -> None:
    assert sum(template.split == split and template.core for template in load_templates().values()) >= fewest


def test_a_domain_is_held_out_for_test_ood_alone() -> None:
    elsewhere = {template.domain for template in load_templates().values() if template.split != "test_ood"}
    assert {template.domain for template in load_templates().values()} - elsewhere


def test_at_least_20_000_distinct_queries_can_be_asked() -> None:
    queries: set[str] = set()
    for template in load_templates().values():
        for chosen in islice(product(*template.slots.values()), 40):
            filling = fill(template, dict(zip(template.slots, chosen, strict=True)))
            queries.update(filling.query(wording) for wording in range(len(template.queries)))
    assert len(queries) >= 20_000


def test_tasks_whose_answers_are_run_stay_out_of_the_core_suite(template: Template) -> None:
    assert template.core is (template.verifier["kind"] != "code")


def test_every_split_has_a_template_for_each_of_a_users_items_and_more() -> None:
    counts = Counter(template.split for template in load_templates().values())
    assert set(counts) == set(SPLITS)
    assert min(counts.values()) >= 8


def test_no_query_stands_in_two_templates() -> None:
    queries = [" ".join(query.lower().split()) for template in load_templates().values() for query in template.queries]
    assert len(set(queries)) == len(queries)


def test_there_are_tasks_of_every_kind_that_is_looked_at() -> None:
    assert SLOTTED
    assert SWAPPING
    assert LIMITED
    assert INCOMPLETE


@only(SWAPPING)
def test_swaps_name_hard_constraints_of_their_template(template: Template) -> None:
    found = regex.findall(r"\|swap:([^{}]+)", str(template))
    assert found
    for text in found:
        named = {option.partition("=")[0].strip() for option in text.split(",")}
        assert named <= set(template.hard), text


@only(SLOTTED)
def test_every_slot_can_be_told_from_some_field_of_each_query(template: Template) -> None:
    for wording, query in enumerate(template.queries):
        assert FIELD.search(query), f"wording {wording} asks the same whatever the slots"


def test_every_plan_solves_its_task_in_every_style_that_applies(template: Template) -> None:
    """Every filling is answered without a style, and each style is tried on every other filling."""
    styles: list[dict[str, str]] = []
    for dimension in applicable_dimensions(template.template_id):
        styles += [{dimension: value} for value in load_catalog().dimensions[dimension].values]
    asked = [
        (filling, style)
        for place, filling in enumerate(fillings(template))
        for style in ({}, *(style for number, style in enumerate(styles) if (place + number) % 2 == 0))
    ]
    assert [(dict(filling.slots), style) for filling, style in asked if verify(filling, Answer(render(filling, style))) < 1.0] == []


@only(LIMITED)
def test_every_plan_keeps_every_hard_constraint_and_still_solves_its_task(template: Template) -> None:
    pairs = [frozenset(chosen) for size in (1, 2) for chosen in combinations(template.hard, size)]
    hard = [chosen for chosen in pairs if load_conflicts().allow(set(), chosen)]
    broken = []
    for filling in fillings(template):
        for chosen in hard:
            answer = Answer(render(filling, {}, chosen))
            kept = all(load_catalog().hard[constraint].met(answer) for constraint in chosen)
            if not kept or verify(filling, answer) < 1.0:
                broken.append((dict(filling.slots), sorted(chosen), answer.text))
    assert broken == []


def test_no_task_wants_a_quantity_more_exactly_than_it_is_converted(template: Template) -> None:
    parts = template.verifier.get("of", [template.verifier])
    measured = [part for part in parts if part.get("unit") in quantities.UNITS and part["unit"] != "C"]
    assert [part for part in measured if part.get("tolerance", 0.03) < quantities.LOOSE] == []


def haiku(cut: str) -> Filling:
    """The check of the haiku from which this word is to be cut."""
    template = load_templates()["creative_writing.haiku_extra_syllable"]
    rows = {row["cut"]: row for row in template.slots["h"]}
    return fill(template, {"use": template.slots["use"][0], "h": rows[cut]})


def test_no_haiku_is_checked_by_quoting_it() -> None:
    for row in load_templates()["creative_writing.haiku_extra_syllable"].slots["h"]:
        assert verify(haiku(row["cut"]), Answer(f"What a lovely poem: {row['poem']}. The {row['cut']} part moved me.")) == 0.0


@pytest.mark.parametrize(
    "text", ["Second line: slim.", "It is the second line; remove *slim*.", "The second line, 'a slim heron unfolds its legs'. Drop “slim”."]
)
def test_a_haiku_is_checked_by_naming_the_line_and_the_word_to_cut(text: str) -> None:
    assert verify(haiku("slim"), Answer(text)) == 1.0


@pytest.mark.parametrize("text", ['Cut "heron" from the second line, a slim heron unfolds its legs.', "The second line is too long.", 'Cut "slim".'])
def test_a_haiku_is_half_checked_where_the_line_or_the_word_is_wrong_or_missing(text: str) -> None:
    assert verify(haiku("slim"), Answer(text)) == 0.5


@only(LIMITED)
def test_what_a_hard_constraint_forbids_stands_in_some_answer_without_it(template: Template) -> None:
    for constraint in template.hard:
        answers = [Answer(render(filling, {"length": length})) for filling in fillings(template) for length in ("medium", "long")]
        assert not all(load_catalog().hard[constraint].met(answer) for answer in answers), constraint


def test_answers_to_other_tasks_do_not_solve_it(template: Template, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantities, "found", REMEMBERED)
    number_of_questions = 2 if template.core else 1  # each answer with code costs a process
    questions = [draw(template, generator(2, "question", template.template_id, number)) for number in range(number_of_questions)]
    others = [verify(question, answer) for question in questions for id_, answer in medium_answers().items() if id_ != template.template_id]
    assert sum(others) / len(others) < 0.1


def test_a_filling_stores_slots_and_computes_what_is_derived() -> None:
    template = load_templates()["travel.luggage_allowance"]
    filling = fill(template, {"limit": 23, "empty": 2, "packed": 6})
    assert (filling.values["used"], filling.values["left"]) == (8, 15)
    assert dict(filling.slots) == {"limit": 23, "empty": 2, "packed": 6}


def test_query_wordings_are_counted_around() -> None:
    template = load_templates()["travel.luggage_allowance"]
    filling = fill(template, {"limit": 23, "empty": 2, "packed": 6})
    assert filling.query(len(template.queries)) == filling.query(0)
    assert "23 kg" in filling.query(0)


def test_a_template_knows_how_many_fillings_it_has() -> None:
    assert load_templates()["travel.luggage_allowance"].fillings == 4 * 4 * 8


TEMPLATE = """
domain: cooking
templates:
  - id: cooking.pasta
    split: train
    queries: ["How much pasta for {people}?"]
    slots: {people: {range: [2, 6]}}
    derived: {grams: "people * 100"}
    hard: [vegetarian]
    verifier: {kind: numeric, value: "{grams}", unit: g}
    plan: {title: Pasta, summary: "{grams|unit:g}.", core: ["Cook {grams|unit:g}.", "Salt it."], points: [Stir.], example: x, caveat: y,
      next_step: z, question: "Hungry?", emoji: ["🍝"]}
    incomplete: {slot: people, vague: the usual crowd, without: "How much pasta?", mention: "There are {people} of us."}
"""


@pytest.fixture
def load_bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Change], Mapping[str, Template]]:
    """Load a bank of one small template after a change to it."""

    def load(change: Change) -> Mapping[str, Template]:
        data = yaml.safe_load(TEMPLATE)
        change(data["templates"][0])
        (tmp_path / "bank").mkdir()
        (tmp_path / "bank" / "cooking.yaml").write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")
        monkeypatch.setattr(templates, "files", lambda package: tmp_path)
        return load_templates.__wrapped__()

    return load


def test_a_small_bank_is_loaded(load_bank: Callable[[Change], Mapping[str, Template]]) -> None:
    (template,) = load_bank(lambda t: None).values()
    assert (template.domain, template.slots, template.hard) == ("cooking", {"people": (2, 3, 4, 5, 6)}, ("vegetarian",))
    assert template.incomplete == Incomplete("people", "the usual crowd", "How much pasta?", "There are {people} of us.")


def test_a_task_need_not_say_how_it_is_asked_incompletely(load_bank: Callable[[Change], Mapping[str, Template]]) -> None:
    (template,) = load_bank(lambda t: t.pop("incomplete")).values()
    assert template.incomplete is None


def test_a_field_of_a_row_may_be_left_out(load_bank: Callable[[Change], Mapping[str, Template]]) -> None:
    def by_shape(task: dict[str, Any]) -> None:
        task["slots"]["shape"] = {"rows": [{"name": "penne"}, {"name": "fusilli"}]}
        task["queries"] = ["How much {shape.name} for {people}?"]
        task["incomplete"] = {"slot": "shape.name", "vague": "pasta", "without": "How much for {people}?", "mention": "I have {shape.name}."}

    (template,) = load_bank(by_shape).values()
    assert template.incomplete is not None
    assert template.incomplete.slot == "shape.name"


@only(INCOMPLETE)
def test_a_mention_tells_what_the_incomplete_question_leaves_out(template: Template) -> None:
    assert template.incomplete
    first = {name: options[0] for name, options in template.slots.items()}
    name = template.incomplete.slot.split(".")[0]
    mentions = {fill(template, {**first, name: option}).said(template.incomplete.mention) for option in template.slots[name]}
    assert len(mentions) > 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.update(colour=1), "unknown key 'colour'; known keys are id, split"),
        (lambda t: t.pop("queries"), "the key 'queries' is missing; add it"),
        (lambda t: t.update(queries=[]), "queries: wanted at least 1 lines of text, found 0"),
        (lambda t: t.update(queries=[3]), "queries: found 3, wanted a line of text"),
        (lambda t: t.update(split="dev"), "split is 'dev', wanted one of train, validation, test, test_ood"),
        (lambda t: t.update(hard=["no_salt"]), "hard names 'no_salt', wanted some of .*vegetarian"),
        (lambda t: t["slots"].update(people=[2, 3]), r"slot people: found \[2, 3\], wanted one of range: \[lo, hi\]"),
        (lambda t: t["slots"].update(people={"range": [2]}), r"slot people: found \{'range': \[2\]\}, wanted one of range"),
        (lambda t: t["slots"].update(people={"range": [6, 2]}), r"slot people: found \{'range': \[6, 2\]\}, wanted one of range"),
        (lambda t: t["slots"].update(people={"choices": []}), r"slot people: found \{'choices': \[\]\}, wanted one of range"),
        (lambda t: t["slots"].update(people={"rows": [1]}), r"slot people: found \{'rows': \[1\]\}, wanted one of range"),
        (lambda t: t["slots"].update(bean={"rows": [{"name": "red"}, {"nam": "white"}]}), "slot bean, row 2: unknown key 'nam', did you mean 'name'"),
        (lambda t: t["slots"].update(people={"list": [1]}), "slot people: found .* wanted one of range"),
        (lambda t: t.update(queries=["How much for {people} and {guests}?"]), "'guests' cannot be computed from people, grams"),
        (lambda t: t["derived"].update(grams="people *"), "cannot be computed"),
        (lambda t: t["verifier"].update(value="{gram}"), "'gram' cannot be computed from people, grams"),
        (lambda t: t["verifier"].update(kind="guess"), "verifier: kind is 'guess', wanted one of numeric"),
        (lambda t: t["plan"].update(core=["Cook {grams|unit:g}."]), "plan: core has 1 sentences, wanted two"),
        (lambda t: t["plan"].update(emoji=[]), "plan, emoji: wanted at least 1 lines of text, found 0"),
        (lambda t: t["plan"].pop("caveat"), "plan: the key 'caveat' is missing; add it"),
        (lambda t: t["plan"].update(example="{people|unit:stones}"), r"\{people|unit:stones\} is not known; wanted unit:"),
        (lambda t: t["incomplete"].pop("mention"), "incomplete: the key 'mention' is missing; add it"),
        (lambda t: t["incomplete"].update(colour=1), "incomplete: unknown key 'colour'"),
        (lambda t: t["incomplete"].update(vague=3), "incomplete: vague is int, wanted str"),
        (
            lambda t: t["incomplete"].update(slot="grams"),
            r"incomplete: no wording of the question holds \{grams\}; name a slot, or a row.field, that stands in one",
        ),
        (
            lambda t: t["incomplete"].update(without="How much for {people}?"),
            r"incomplete: without holds \{people\}, the slot that it is to leave out; reword it",
        ),
        (
            lambda t: t["incomplete"].update(mention="There are many of us."),
            r"incomplete: mention does not hold \{people\}; a mention says what the question leaves out",
        ),
        (lambda t: t["incomplete"].update(without="How much for {guests}?"), "'guests' cannot be computed from people, grams"),
        (lambda t: t.update(verifier={"kind": "code", "function": "f"}), "verifier code: has function, wanted cases, function"),
        (lambda t: t.update(verifier={"kind": "code", "cases": [], "tests": []}), "verifier code: has cases, tests, wanted cases, function"),
    ],
)
def test_a_wrong_task_is_refused_with_file_place_and_fix(load_bank: Callable[[Change], Mapping[str, Template]], change: Change, message: str) -> None:
    with pytest.raises(CatalogError, match=rf"^cooking\.yaml, line 3, template cooking\.pasta.*{message}"):
        load_bank(change)


def test_an_id_that_stands_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bank").mkdir()
    for name in ("cooking.yaml", "more.yaml"):
        (tmp_path / "bank" / name).write_text(TEMPLATE, encoding="utf-8")
    monkeypatch.setattr(templates, "files", lambda package: tmp_path)
    with pytest.raises(CatalogError, match=r"more\.yaml, line 4, template cooking\.pasta: the id 'cooking\.pasta' is defined twice; rename one"):
        load_templates.__wrapped__()
