"""The scripted engine: every turn bears out what its labels say, and speaks with the words of its split."""

from collections.abc import Iterator

import pytest
from rapidfuzz import fuzz

from generation import scripted
from generation.people import Block, users_of
from generation.scripted import speak
from generation.storyline import plan
from persona_atlas.answer import Answer
from persona_atlas.data import Release
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import SPLITS, Conversation, Reveal, Turn, User
from persona_atlas.render import shown_values
from persona_atlas.tasks.templates import load_templates


@pytest.fixture(scope="module")
def conversations(release: Release) -> list[Conversation]:
    return [conversation for split in SPLITS for conversation in release.conversations(split)]


@pytest.fixture(scope="module")
def users(release: Release) -> dict[str, User]:
    return {user.persona_id: user for split in SPLITS for user in release.users(split)}


def feedback(conversations: list[Conversation], how: str) -> Iterator[tuple[Reveal, Turn, Turn]]:
    """Each reveal of that kind, with the answer before it and the turn after it (its own where the conversation ends)."""
    for conversation in conversations:
        turns = conversation.turns
        for index, turn in enumerate(turns):
            for reveal in turn.reveals:
                if reveal.how == how:
                    yield reveal, turns[index - 1], turns[min(index + 1, len(turns) - 1)]


def shows(turn: Turn, dimension: str) -> str | None:
    """What the checkers see now, whatever was written down."""
    assert turn.role == "assistant"
    return shown_values(turn.content, [dimension])[dimension]


def test_every_complaint_follows_an_answer_that_misses(conversations: list[Conversation]) -> None:
    found = [(shows(before, reveal.dimension), reveal.value) for reveal, before, _ in feedback(conversations, "complaint")]
    assert found
    assert all(shown != wanted for shown, wanted in found)


def test_every_complaint_is_answered_by_a_revision_that_meets(conversations: list[Conversation]) -> None:
    for reveal, _, after in feedback(conversations, "complaint"):
        assert after.act == "revise"
        assert shows(after, reveal.dimension) == reveal.value


def test_every_praise_follows_an_answer_that_meets(conversations: list[Conversation]) -> None:
    found = [(shows(before, reveal.dimension), reveal.value) for reveal, before, _ in feedback(conversations, "praise")]
    assert found
    assert all(shown == wanted for shown, wanted in found)


def test_assistant_turns_are_labelled_with_what_the_checkers_see(conversations: list[Conversation], users: dict[str, User]) -> None:
    for conversation in conversations:
        mine = [preference.dimension for preference in users[conversation.persona_id].preferences]
        for turn in conversation.turns:
            if turn.role == "assistant":
                assert {shown.dimension: shown.value for shown in turn.shows} == shown_values(turn.content, mine)


def bank(split: str, reveal: Reveal) -> tuple[str, ...]:
    catalog = load_catalog()
    source = catalog.hard[reveal.value] if reveal.dimension == "hard" else catalog.value(reveal.dimension, reveal.value)
    return source.phrasings.get(split, {}).get(reveal.how, ())


def likeness(lines: tuple[str, ...], text: str) -> float:
    return max((fuzz.partial_ratio(line.lower().rstrip("."), text.lower()) for line in lines), default=0.0)


def test_phrasings_come_from_the_bank_of_the_users_split(conversations: list[Conversation], users: dict[str, User]) -> None:
    for conversation in conversations:
        slips = users[conversation.persona_id].style.typo_rate > 0
        for turn in conversation.turns:
            for reveal in turn.reveals:
                own = likeness(bank(conversation.split, reveal), turn.content)
                assert own >= (85 if slips else 100), turn.content
                assert all(likeness(bank(other, reveal), turn.content) < own for other in SPLITS if other != conversation.split)


def test_item_templates_never_occur_in_the_history(release: Release) -> None:
    for split in SPLITS:
        asked = {(conversation.persona_id, conversation.template_id) for conversation in release.conversations(split)}
        assert not asked & {(item.persona_id, item.template_id) for item in release.items(split)}


def test_turns_alternate_and_a_user_begins(conversations: list[Conversation]) -> None:
    for conversation in conversations:
        roles = [turn.role for turn in conversation.turns]
        assert roles == [("user", "assistant")[i % 2] for i in range(len(roles))], conversation.conversation_id


def test_known_grows_by_what_each_turn_reveals(release: Release) -> None:
    for split in SPLITS:
        known: dict[str, set[str]] = {}
        for conversation in release.conversations(split):
            so_far = known.setdefault(conversation.persona_id, set())
            for turn in conversation.turns:
                so_far |= {reveal.value if reveal.dimension == "hard" else reveal.dimension for reveal in turn.reveals}
                assert set(turn.known) == so_far


def test_once_a_hard_constraint_is_known_answers_to_tasks_that_it_concerns_keep_it(conversations: list[Conversation]) -> None:
    kept = [
        load_catalog().hard[name].met(Answer(turn.content))
        for conversation in conversations
        for turn in conversation.turns
        for name in turn.known
        if turn.role == "assistant" and name in load_templates()[conversation.template_id].hard
    ]
    assert kept
    assert all(kept)


def test_a_session_that_the_answers_do_not_bear_out_is_counted_and_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    (user,) = users_of(0, Block("train", 0, 1))
    storyline = plan(0, user)
    monkeypatch.setattr(scripted, "render", lambda *plan: "")
    conversations, failures = speak(0, user, storyline)
    written = {reveal for conversation in conversations for turn in conversation.turns for reveal in turn.reveals if reveal.dimension != "hard"}
    assert {reveal.how for reveal in written} <= {"explicit"}
    assert failures["session left out"] == len(storyline.sessions) - len(conversations) > 0
    assert [conversation.session for conversation in conversations] == list(range(len(conversations)))
