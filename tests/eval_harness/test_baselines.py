"""Baselines show whole conversations, in order, as many as were asked for and as fit."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from eval_harness.baselines import BASELINES, history, last_k, retrieval
from eval_harness.claims import Claims
from eval_harness.cli import main
from eval_harness.conditions import Shown, show
from eval_harness.finished import open_run
from eval_harness.gold import Gold
from eval_harness.recomputed import other_prompts
from persona_atlas.data import Release
from persona_atlas.records import Conversation, Item, Turn


@pytest.fixture
def gold(release: Release) -> Gold:
    return Gold(release=release, split="test", count_tokens=lambda text: len(text.split()), seed=0, wording=0)


@pytest.fixture
def item(release: Release) -> Item:
    return max(release.items("test"), key=lambda item: len(item.history))


@pytest.fixture
def shown(item: Item, release: Release) -> Shown:
    found = show("clean", item, release)
    assert found is not None
    return found


def about(conversation: Conversation, words: str) -> Conversation:
    turn: Turn = replace(conversation.turns[0], content=words)
    return replace(conversation, turns=(turn,))


def test_history_shows_all_that_fits_and_the_query_last(item: Item, shown: Shown, gold: Gold) -> None:
    prompt = history(item, shown, replace(gold, history_tokens=10**6))
    places = [prompt.index(conversation.turns[0].content) for conversation in shown.history]
    assert places == sorted(places)
    assert prompt.endswith(shown.query)


def test_last_k_shows_the_last(item: Item, shown: Shown, gold: Gold) -> None:
    prompt = last_k(item, shown, replace(gold, history_tokens=10**6, conversations=2))
    there = [conversation.turns[0].content in prompt for conversation in shown.history]
    assert there == [False] * (len(shown.history) - 2) + [True, True]


def test_retrieval_shows_what_is_nearest_to_the_query_in_its_order(item: Item, shown: Shown, gold: Gold) -> None:
    subjects = ["rain in the hills", "pruning roses in spring", "a train to Lisbon", "roses and their thorns"]
    made = Shown("When do I cut roses in spring?", tuple(about(c, words) for c, words in zip(shown.history, subjects, strict=False)))
    prompt = retrieval(item, made, replace(gold, conversations=2))
    assert [words in prompt for words in subjects] == [False, True, False, True]
    assert prompt.index("pruning roses") < prompt.index("roses and their thorns")


def test_where_nothing_is_near_the_newest_are_shown(item: Item, shown: Shown, gold: Gold) -> None:
    made = Shown("?!", tuple(about(c, words) for c, words in zip(shown.history, ["one thing", "another", "a third"], strict=False)))
    prompt = retrieval(item, made, replace(gold, conversations=1))
    assert "a third" in prompt
    assert "one thing" not in prompt


@pytest.mark.parametrize("name", sorted(BASELINES))
def test_without_a_history_there_is_the_query_alone(name: str, item: Item, shown: Shown, gold: Gold) -> None:
    assert BASELINES[name](item, Shown(shown.query, ()), gold) == shown.query


@pytest.mark.parametrize("name", sorted(BASELINES))
def test_what_does_not_fit_is_not_cut_but_left_out(name: str, item: Item, shown: Shown, gold: Gold) -> None:
    assert BASELINES[name](item, shown, replace(gold, history_tokens=1)) == shown.query


@pytest.mark.parametrize(("optimizer", "arguments"), [("profile", "max_tokens=500"), ("history", "max_tokens=500"), ("last_k", "k=1")])
def test_controls_beside_one_with_arguments_are_recomputed_with_the_same(
    optimizer: str, arguments: str, release: Release, release_path: Path, tmp_path: Path
) -> None:
    flags = ["--optimizer", optimizer, "--optimizer_args", arguments, "--controls", "identity,history,last_k", "--model", "scripted", "--limit", "3"]
    flags += ["--dataset", str(release_path), "--use_cache", str(tmp_path / "c.sqlite"), "--output_path", str(tmp_path / "out")]
    done = CliRunner().invoke(main, flags)
    assert done.exit_code == 0, done.output
    run = open_run(tmp_path / "out")
    items = {item.item_id: item for item in run.items(release)}
    claims = Claims(run.config, run.samples, [], {})
    assert list(other_prompts(claims, items, release, lambda text: len(text.split()))) == []
    usual = Claims({**run.config, "optimizer_args": {}}, run.samples, [], {})
    assert list(other_prompts(usual, items, release, lambda text: len(text.split())))
