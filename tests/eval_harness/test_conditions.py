"""Conditions: what an item shows under each."""

import pytest

from eval_harness.conditions import CONDITIONS, parse_conditions, show
from eval_harness.errors import EvalError
from persona_atlas.data import Release, history
from persona_atlas.records import Conversation, Item


@pytest.fixture
def item(release: Release) -> Item:
    return release.items("test")[0]


@pytest.fixture
def conversations(item: Item, release: Release) -> tuple[Conversation, ...]:
    return history(item, release)


def test_clean_shows_the_query_and_the_whole_history(item: Item, conversations: tuple[Conversation, ...]) -> None:
    shown = show("clean", item, conversations)
    assert (shown.query, shown.history) == (item.query, conversations)


def test_surface_shows_the_noisy_twin_and_the_same_history(item: Item, conversations: tuple[Conversation, ...]) -> None:
    shown = show("surface", item, conversations)
    assert (shown.query, shown.history) == (item.twins[0].query, conversations)
    assert shown.query != item.query


def test_history_0_shows_the_query_alone(item: Item, conversations: tuple[Conversation, ...]) -> None:
    shown = show("history_0", item, conversations)
    assert (shown.query, shown.history) == (item.query, ())


def test_history_2_shows_the_two_latest_conversations(item: Item, conversations: tuple[Conversation, ...]) -> None:
    assert show("history_2", item, conversations).history == conversations[-2:]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_history_2_of_a_short_history_shows_all_of_it(number: int, item: Item, conversations: tuple[Conversation, ...]) -> None:
    assert show("history_2", item, conversations[:number]).history == conversations[:number]


def test_messages_are_roles_and_texts_without_labels(item: Item, conversations: tuple[Conversation, ...]) -> None:
    (first, *_) = show("clean", item, conversations).messages()
    assert [(message.role, message.content) for message in first] == [(turn.role, turn.content) for turn in conversations[0].turns]


def test_texts_are_everything_that_a_request_holds(item: Item, conversations: tuple[Conversation, ...]) -> None:
    texts = show("clean", item, conversations).texts()
    assert texts[0] == item.query
    assert texts[1:] == [turn.content for conversation in conversations for turn in conversation.turns]


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("clean", ("clean",)),
        ("", ("clean",)),
        ("surface", ("clean", "surface")),
        (" history_2 , surface,", ("clean", "history_2", "surface")),
        ("history_all", ("clean",)),
        ("surface,surface,clean", ("clean", "surface")),
    ],
)
def test_clean_always_comes_first_and_each_condition_once(text: str, conditions: tuple[str, ...]) -> None:
    assert parse_conditions(text) == conditions


def test_an_unknown_condition_names_the_nearest() -> None:
    with pytest.raises(EvalError, match="there is no condition 'surfaces'; did you mean surface\\?"):
        parse_conditions("clean,surfaces")


def test_an_unknown_condition_that_is_near_to_none_lists_all() -> None:
    with pytest.raises(EvalError) as error:
        parse_conditions("xyzzy")
    assert all(name in str(error.value) for name in (*CONDITIONS, "history_all"))
