"""Conditions: what an item shows under each, and which items are not asked."""

from dataclasses import replace

import pytest

from eval_harness.conditions import CONDITIONS, LAYERS, parse_conditions, show
from eval_harness.errors import EvalError
from eval_harness.runner import Evaluation
from persona_atlas.data import Release, history
from persona_atlas.models.protocol import Sampling
from persona_atlas.models.scripted import ScriptedModel
from persona_atlas.records import IMPORTED, Conversation, Edit, Item, Twin

INTENSITIES = ("light", "medium", "heavy")
TWINS = tuple(Twin(layer, intensity, f"{intensity} {layer}?", (Edit("typo", 0, 1, "a", "b"),)) for layer in LAYERS for intensity in INTENSITIES)
LATEST = {"history_0": 0, "history_1": 1, "history_2": 2, "history_4": 4}
FEWER = {"history_reveals_50": 0.5, "history_reveals_25": 0.25}
NOISE = {"history_noise_25": 0.25, "history_noise_50": 0.5}


@pytest.fixture
def item(release: Release) -> Item:
    """An item with a twin of every layer and intensity, whose queries say which."""
    return replace(release.items("test")[0], twins=TWINS)


@pytest.fixture
def conversations(item: Item, release: Release) -> tuple[Conversation, ...]:
    return history(item, release)


def shown_history(condition: str, item: Item, release: Release) -> tuple[Conversation, ...]:
    shown = show(condition, item, release)
    assert shown is not None
    return shown.history


# Clean


def test_clean_shows_the_query_and_the_whole_history(item: Item, conversations: tuple[Conversation, ...], release: Release) -> None:
    shown = show("clean", item, release)
    assert shown is not None
    assert (shown.query, shown.history, shown.twin) == (item.query, conversations, None)


# Noise in the query


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize(("suffix", "intensity"), [("", "medium"), ("_light", "light"), ("_heavy", "heavy")])
def test_a_layer_shows_its_twin_of_the_intensity_and_the_same_history(
    layer: str, suffix: str, intensity: str, item: Item, conversations: tuple[Conversation, ...], release: Release
) -> None:
    shown = show(layer + suffix, item, release)
    assert shown is not None
    assert (shown.query, shown.history) == (f"{intensity} {layer}?", conversations)


def test_what_is_shown_of_a_twin_says_which_it_is(item: Item, release: Release) -> None:
    shown = show("incomplete_heavy", item, release)
    assert shown is not None
    assert shown.twin == next(twin for twin in TWINS if (twin.layer, twin.intensity) == ("incomplete", "heavy"))


@pytest.mark.parametrize("condition", [layer + suffix for layer in LAYERS for suffix in ("", "_light", "_heavy")])
def test_an_item_without_the_twin_shows_nothing(condition: str, item: Item, release: Release) -> None:
    layer, _, intensity = condition.partition("_")
    others = tuple(twin for twin in TWINS if (twin.layer, twin.intensity) != (layer, intensity or "medium"))
    assert show(condition, replace(item, twins=others), release) is None
    assert show(condition, replace(item, twins=()), release) is None


def test_an_item_without_a_twin_is_not_asked(item: Item, release: Release) -> None:
    without = replace(item, item_id=item.item_id[:-2] + "99", twins=())
    evaluation = Evaluation(
        release=release, split="test", items=(item, without), conditions=("clean", "ambiguous"), arm="oracle", spec=None, controls=(),
        model=ScriptedModel(), sampling=Sampling(), seed=0, wording=0,
    )  # fmt: skip
    asked = [(job.condition, job.item.item_id) for job in evaluation.jobs() if job.arm == "oracle"]
    assert asked == [("clean", item.item_id), ("clean", without.item_id), ("ambiguous", item.item_id)]


# Thinner histories


@pytest.mark.parametrize("condition", LATEST)
def test_a_thinner_history_holds_the_latest_conversations(
    condition: str, item: Item, conversations: tuple[Conversation, ...], release: Release
) -> None:
    shown = show(condition, item, release)
    assert shown is not None
    assert (shown.query, shown.history) == (item.query, conversations[len(conversations) - LATEST[condition] :])


@pytest.mark.parametrize("condition", LATEST)
@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_of_a_short_history_there_is_no_more_than_all(condition: str, number: int, item: Item, release: Release) -> None:
    short = replace(item, history=item.history[:number])
    assert len(shown_history(condition, short, release)) == min(number, LATEST[condition])


# Histories that reveal less


def revealing(conversations: tuple[Conversation, ...]) -> list[str]:
    return [f"{chat.conversation_id} {place}" for chat in conversations for place, turn in enumerate(chat.turns) if turn.reveals]


@pytest.mark.parametrize("condition", FEWER)
def test_so_many_percent_of_the_revealing_turns_are_left(condition: str, release: Release) -> None:
    lost = 0
    for found in release.items("test"):
        whole, left = revealing(history(found, release)), revealing(shown_history(condition, found, release))
        assert len(left) == pytest.approx(FEWER[condition] * len(whole), abs=0.5), found.item_id
        lost += len(whole) - len(left)
    assert lost > 50


@pytest.mark.parametrize("condition", FEWER)
def test_a_conversation_ends_before_a_turn_that_was_taken_away(condition: str, release: Release) -> None:
    ends = 0
    for found in release.items("test"):
        whole = {conversation.conversation_id: conversation for conversation in history(found, release)}
        shown = shown_history(condition, found, release)
        assert [conversation.conversation_id for conversation in shown] == [name for name in whole if name in {c.conversation_id for c in shown}]
        for conversation in shown:
            turns = whole[conversation.conversation_id].turns
            assert conversation.turns == turns[: len(conversation.turns)]
            if len(conversation.turns) < len(turns):
                ends += 1
                assert turns[len(conversation.turns)].reveals
                assert conversation.turns[-1].role == "assistant"
    assert ends > 20


def test_what_one_share_takes_a_smaller_one_takes_too(release: Release) -> None:
    for found in release.items("test"):
        half, quarter = (revealing(shown_history(condition, found, release)) for condition in FEWER)
        assert set(quarter) <= set(half)


def test_a_history_that_reveals_nothing_stays_as_it_is(item: Item, conversations: tuple[Conversation, ...], release: Release) -> None:
    silent = [conversation for conversation in conversations if not any(turn.reveals for turn in conversation.turns)]
    assert silent
    found = replace(item, history=tuple(conversation.conversation_id for conversation in silent))
    assert shown_history("history_reveals_25", found, release) == tuple(silent)


def test_where_nobody_marked_what_is_revealed_it_is_not_asked(item: Item, release: Release) -> None:
    imported = replace(release, manifest={**release.manifest, "source": IMPORTED})
    assert show("history_reveals_50", item, imported) is None


# Dirtier histories


@pytest.mark.parametrize("condition", NOISE)
def test_so_many_percent_of_a_dirty_history_are_noise(condition: str, release: Release) -> None:
    for split in ("validation", "test", "test_ood"):
        for found in release.items(split):
            noisy = [conversation.noise != "" for conversation in shown_history(condition, found, release)]
            assert sum(noisy) / len(noisy) == pytest.approx(NOISE[condition], abs=0.03), found.item_id


@pytest.mark.parametrize("condition", NOISE)
def test_the_users_own_conversations_all_stay_in_their_order(condition: str, release: Release) -> None:
    for found in release.items("test"):
        clean = [conversation for conversation in shown_history(condition, found, release) if not conversation.noise]
        assert tuple(clean) == history(found, release)


@pytest.mark.parametrize("condition", NOISE)
def test_a_noise_conversation_stands_behind_its_session(condition: str, release: Release) -> None:
    for found in release.items("test"):
        shown = shown_history(condition, found, release)
        sessions = [conversation.session for conversation in shown]
        assert sessions == sorted(sessions)
        first_of = {conversation.session: conversation for conversation in reversed(shown)}
        assert not any(conversation.noise for conversation in first_of.values())


def test_more_noise_keeps_the_noise_that_was_there(release: Release) -> None:
    for found in release.items("test"):
        few, many = ({c.conversation_id for c in shown_history(condition, found, release) if c.noise} for condition in NOISE)
        assert few < many
        assert few == set(found.history_noise[: len(few)])


@pytest.mark.parametrize("condition", NOISE)
def test_an_item_without_noise_conversations_is_not_asked_for_a_dirty_history(condition: str, item: Item, release: Release) -> None:
    assert show(condition, replace(item, history_noise=()), release) is None


# What a request holds


def test_messages_are_roles_and_texts_without_labels(item: Item, conversations: tuple[Conversation, ...], release: Release) -> None:
    shown = show("clean", item, release)
    assert shown is not None
    (first, *_) = shown.messages()
    assert [(message.role, message.content) for message in first] == [(turn.role, turn.content) for turn in conversations[0].turns]


def test_texts_are_everything_that_a_request_holds(item: Item, conversations: tuple[Conversation, ...], release: Release) -> None:
    shown = show("clean", item, release)
    assert shown is not None
    assert shown.texts()[0] == item.query
    assert shown.texts()[1:] == [turn.content for conversation in conversations for turn in conversation.turns]


# The flag


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("clean", ("clean",)),
        ("", ("clean",)),
        ("surface", ("clean", "surface")),
        (" history_2 , surface,", ("clean", "history_2", "surface")),
        ("history_all", ("clean",)),
        ("surface,surface,clean", ("clean", "surface")),
        ("ambiguous_heavy,history_noise_50", ("clean", "ambiguous_heavy", "history_noise_50")),
    ],
)
def test_clean_always_comes_first_and_each_condition_once(text: str, conditions: tuple[str, ...]) -> None:
    assert parse_conditions(text) == conditions


def test_an_unknown_condition_names_the_nearest() -> None:
    with pytest.raises(EvalError, match="there is no condition 'surfaces'; did you mean surface, surface_light, surface_heavy\\?"):
        parse_conditions("clean,surfaces")


def test_an_unknown_condition_that_is_near_to_none_lists_all() -> None:
    with pytest.raises(EvalError) as error:
        parse_conditions("xyzzy")
    assert all(name in str(error.value) for name in (*CONDITIONS, "history_all"))
