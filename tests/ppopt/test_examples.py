"""Training examples: right answers to train tasks, with nothing in them that a test asks."""

from importlib.resources import files

import pytest

from persona_atlas.content import read_yaml
from persona_atlas.data import Release
from persona_atlas.ppopt.examples import MOST_TOLD, Example, history_examples, plain_examples, right, told_examples
from persona_atlas.ppopt.questions import question_examples
from persona_atlas.preferences import load_catalog
from persona_atlas.records import SPLITS
from persona_atlas.render import shown_values
from persona_atlas.scoring import filling_of
from persona_atlas.tasks import load_templates


@pytest.fixture(scope="module")
def told() -> list[Example]:
    return list(told_examples(0, 40))


def phrasings(split: str) -> set[str]:
    return {line for value in load_catalog().values() for lines in value.phrasings.get(split, {}).values() for line in lines if len(line) > 20}


def test_an_answer_shows_what_its_prompt_tells(told: list[Example]) -> None:
    assert [example.values for example in told] == [shown_values(example.answer, example.values) for example in told]
    assert {len(example.values) for example in told} <= set(range(1, MOST_TOLD + 1))


def test_examples_are_of_train_tasks(told: list[Example]) -> None:
    assert {load_templates()[example.template_id].split for example in [*told, *plain_examples(0, 5)]} == {"train"}


def test_no_dimension_held_out_is_told(told: list[Example]) -> None:
    held_out = {dimension.id for dimension in load_catalog().dimensions.values() if "train" not in dimension.splits}
    assert held_out
    assert not held_out & {name for example in told for name in example.values}


@pytest.mark.parametrize("split", [split for split in SPLITS if split != "train"])
def test_no_phrasing_of_another_split_is_told(told: list[Example], release: Release, split: str) -> None:
    prompts = [example.prompt for example in [*told, *history_examples(release, 0, 10, 3000)]]
    assert [line for line in phrasings(split) for prompt in prompts if line in prompt] == []


def test_answers_start_with_what_the_question_gives(told: list[Example]) -> None:
    starts = [example for example in told if "Given: " in example.answer]
    assert len(starts) > 0.8 * len(told)
    for example in starts:
        given = example.answer.split("Given: ")[1].split(".")[0].split("!")[0]
        assert any(word in example.prompt for word in given.split(", "))


def test_everyday_questions_are_answered_with_their_own_words_in_the_style_told() -> None:
    made = list(question_examples(0, 40))
    assert [example.values for example in made] == [shown_values(example.answer, example.values) for example in made]
    assert {bool(example.values) for example in made} == {True, False}
    assert len({example.template_id for example in made}) > 10


def test_no_everyday_question_is_a_task_of_a_test() -> None:
    def runs(line: str) -> set[tuple[str, ...]]:
        words = line.lower().split()
        return {tuple(words[i : i + 6]) for i in range(len(words) - 5)}

    tested = {run for template in load_templates().values() if template.split != "train" for query in template.queries for run in runs(query)}
    asked = {
        run
        for question in read_yaml(files("persona_atlas.ppopt").joinpath("questions.yaml"))["questions"]
        for q in question["queries"]
        for run in runs(q)
    }
    assert not asked & tested


def test_the_same_seed_gives_the_same_examples(told: list[Example]) -> None:
    assert list(told_examples(0, 5)) == told[:5]
    assert list(told_examples(1, 5)) != told[:5]


def test_a_history_example_tells_what_its_conversations_reveal(release: Release) -> None:
    made = list(history_examples(release, 0, 5, 3000))
    assert made
    assert all(example.values and "User:" in example.prompt for example in made)
    assert all(example.values == shown_values(example.answer, example.values) for example in made)


def test_no_history_fits_no_characters(release: Release) -> None:
    assert list(history_examples(release, 0, 5, 10)) == []


def test_an_answer_that_misses_a_value_or_the_task_is_not_right(release: Release) -> None:
    item = next(item for item in release.items("train") if any(gold.dimension == "structure" for gold in item.gold))
    values = {gold.dimension: gold.value for gold in item.gold}
    assert right(filling_of(item), item.witness, values)
    assert not right(filling_of(item), item.witness, {**values, "structure": "none of them"})
    assert not right(filling_of(item), "I do not know.", {})
