"""The rewards by hand, the guards, and what a floor under the spread does."""

from dataclasses import replace

import numpy as np
import pytest

from persona_atlas.data import Release
from persona_atlas.ppopt.rewards import REWARDS, advantages, broken, gold_words, lost_detail, of_answer, of_reply
from persona_atlas.ppopt.text import Finding, Reply, parse, written
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import Item
from persona_atlas.scoring import score

WANTED = {"structure": "bulleted", "length": "brief"}
SAID = "From now on, use bullet points. That is way too long."
BULLETS = Finding("From now on, use bullet points.", "so this user wants bullet points.")


@pytest.fixture(scope="module")
def item(release: Release) -> Item:
    return next(item for item in release.items("train") if item.gold and item.lures)


def reply(*findings: Finding, prompt: str = "How much rice for 6?") -> Reply:
    return parse(written(findings, prompt))


def test_all_rewards_are_there(item: Item) -> None:
    scores = score(item, item.witness, "stop")
    assert {*of_reply(reply(), "How much rice for 6?", {}, "", None), *of_answer(scores, scores, None)} == set(REWARDS)


@pytest.mark.parametrize(
    ("findings", "wanted", "f1"),
    [
        ((BULLETS,), {"structure": "bulleted"}, 1.0),
        ((BULLETS,), WANTED, 2 / 3),
        ((BULLETS,), {"structure": "prose"}, 0.0),
        ((BULLETS, BULLETS), {"structure": "bulleted"}, 1.0),
        ((Finding("Never said", BULLETS.verdict),), {"structure": "bulleted"}, 0.0),
        ((Finding("", BULLETS.verdict),), {"structure": "bulleted"}, 0.0),
        ((Finding(BULLETS.evidence, "but only that once."),), {}, 1.0),
        ((BULLETS,), {}, 0.0),
        ((), WANTED, 0.0),
        ((), {}, 1.0),
    ],
)
def test_the_profile_is_paid_by_f1(findings: tuple[Finding, ...], wanted: dict[str, str], f1: float) -> None:
    assert of_reply(reply(*findings), "How much rice for 6?", wanted, SAID, None)["profile"] == pytest.approx(f1)


def test_form_brevity_and_cost() -> None:
    plain = of_reply(reply(), "How much rice for 6?", {}, "", None)
    longer = of_reply(reply(prompt="How much rice for 6?" + " please" * 30), "How much rice for 6?", {}, "", None)
    assert (plain["format"], plain["brevity"], longer["brevity"]) == (1.0, 1.0, 0.5)
    assert longer["cost"] < plain["cost"] < 1.0
    assert of_reply(parse("<prompt>How much rice for 6?"), "How much rice for 6?", {}, "", None)["format"] == 0.5
    assert of_reply(parse("rice"), "How much rice for 6?", {}, "", None)["format"] == 0.0


def test_words_that_are_joined_by_marks_are_counted_all_the_same(item: Item) -> None:
    joined = reply(prompt="How much rice for 6? " + "-".join(["use-bullets,be-brief"] * 120))
    assert of_reply(joined, "How much rice for 6?", {}, "", None)["brevity"] == 0.0
    assert broken(joined, "How much rice for 6?", replace(item, slots={}), []) == "too long"


def test_a_broken_guard_leaves_nothing_for_brevity() -> None:
    assert of_reply(reply(prompt="hi"), "How much rice for 6?", {}, "", "lost the number 6")["brevity"] == 0.0


def test_the_target_is_paid_for_what_it_answers(item: Item) -> None:
    right, bare = score(item, item.witness, "stop"), score(item, "No idea.", "stop")
    earned = of_answer(right, bare, None)
    assert (earned["task"], earned["personalization"]) == (1.0, 1.0)
    assert earned["overpersonalization"] == (bare.lured or 0.0) - (right.lured or 0.0)
    assert of_answer(right, bare, "lost the number 6") == {"task": 0.0, "personalization": 0.0, "overpersonalization": -1.0}


@pytest.mark.parametrize(
    ("prompt", "guard"),
    [
        ("{query}\n\nBe brief.", None),
        ("Be brief.", "lost"),
        ("{query}" + " and so on" * 60, "too long"),
        ("{query}\n\nlength: brief", "says length: brief"),
        ("{query}\n\nStructure = Bulleted", "says Structure = Bulleted"),
        ("{query}\n\nh24", "says h24"),
        ("{query}\n\nclock of the church", None),
        ("{query}\n\nThe answer is this: {witness}", "answers the question"),
        ("{query} summary_first", "says summary_first"),
    ],
)
def test_a_prompt_that_breaks_a_guard(item: Item, prompt: str, guard: str | None) -> None:
    found = broken(reply(prompt=prompt.format(query=item.query, witness=item.witness)), item.query, item, [item.query])
    assert found is guard if guard is None else found is not None and found.startswith(guard)


@pytest.mark.parametrize(
    ("query", "prompt", "guard"),
    [
        ("Draft my objection by March 3, 2027 for the board", "Draft my objection by May 3, 2027 for the board", "march"),
        ("I would like to cook a soup without onions today", "I would like to cook a soup with onions today", "without onions"),
        ("My oven doesn't heat from below, so what could I bake", "My oven does heat from below, so what could I bake", "doesn't heat"),
        ("What can I cook that keeps warm? No onions please.", "What can I cook that keeps warm? Onions please.", "no onions"),
        ("Nothing with onions, please, in a soup for six", "With onions, please, in a soup for six", "nothing with"),
        ("A soup for six, but onions I cannot eat at all", "A soup for six, but onions I can eat at all", "cannot eat"),
        ("A soup for six with anything but leeks in it today", "A soup for six with leeks in it today", "anything but leeks"),
        ("Plan a day in Bergen for two of us and our dog", "Plan a day in Bergen for two of us, our dog, and be brief.", None),
        ("Plan a day in Bergen for two of us and our dog", "Plan a day in Oslo for two of us and our dog", "bergen"),
    ],
)  # fmt: skip
def test_a_detail_of_the_question_has_to_stay(item: Item, query: str, prompt: str, guard: str | None) -> None:
    assert lost_detail(query, prompt, item) == guard


def test_the_value_of_a_slot_has_to_stay(item: Item) -> None:
    name = next(iter(item.slots))
    cooked = replace(item, slots={name: "red lentils"})
    assert lost_detail("How long do red lentils boil?", "How long do green lentils boil?", cooked) == "red lentils"
    assert lost_detail("How long do red lentils boil?", "How long do Red  lentils boil? Be brief.", cooked) is None
    assert lost_detail("How long do lentils boil?", "How long do they boil?", cooked) is None


def test_the_instructions_of_the_controls_are_gold(item: Item) -> None:
    catalog = load_catalog()
    told = [line for value in (*catalog.values(), *catalog.hard.values()) for line in value.instructions]
    assert len(told) > 300
    assert [line for line in told if not gold_words().search(f"Please. {line}")] == []
    found = broken(reply(prompt=f"{item.query}\n\n{told[0]}"), item.query, item, [item.query])
    assert found is not None
    assert found.startswith("says ")


def test_each_reward_counts_alike_whatever_its_scale() -> None:
    rewards = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 100.0], [1.0, 100.0]])
    assert advantages(rewards, (1.0, 1.0), 4, "normalize_then_sum", 0.05).tolist() == [-2.0, 0.0, 0.0, 2.0]
    summed = advantages(rewards, (1.0, 1.0), 4, "sum_then_normalize", 0.05)
    assert summed[2] > 0.9 > 0.0 > summed[1]


def test_what_hardly_varies_hardly_counts() -> None:
    rewards = np.array([[0.0, 0.502], [1.0, 0.498], [0.0, 0.502], [1.0, 0.498]])
    with_floor = advantages(rewards, (1.0, 1.0), 4, "normalize_then_sum", 0.05)
    without = advantages(rewards, (1.0, 1.0), 4, "normalize_then_sum", 1e-9)
    assert with_floor.tolist() == pytest.approx([-0.96, 0.96, -0.96, 0.96])
    assert without.tolist() == pytest.approx([0.0] * 4)


def test_groups_do_not_touch_each_other() -> None:
    rewards = np.array([[0.0], [1.0], [10.0], [10.0]])
    assert advantages(rewards, (1.0,), 2, "normalize_then_sum", 0.05).tolist() == [-1.0, 1.0, 0.0, 0.0]
