"""Conversations that dirty a history: four kinds, drawn from the user's own key, whose words never become gold."""

from collections import Counter
from dataclasses import replace

import pytest

from generation.life import life_of
from generation.noise.history import noise_of
from generation.quoting import goes_with
from generation.storyline import Storyline
from persona_atlas.content import CatalogError
from persona_atlas.data import Release, history, noisy_history
from persona_atlas.ledger import last_words
from persona_atlas.records import Conversation, Held, User
from persona_atlas.render import shown_values
from persona_atlas.tasks.templates import load_templates

KINDS = {"contradiction", "mood", "other_person", "off_topic"}
Noisy = list[tuple[User, Storyline, list[Conversation]]]


@pytest.fixture(scope="module")
def noisy(told: Noisy) -> Noisy:
    """Sixty test users with their storylines and noise conversations."""
    return [(user, storyline, noise_of(0, user, storyline)) for user, storyline, _ in told[:60]]


def of(kind: str, noisy: Noisy) -> list[tuple[User, Conversation]]:
    return [(user, conversation) for user, _, found in noisy for conversation in found if conversation.noise == kind]


def test_a_user_has_as_many_as_sessions(noisy: Noisy) -> None:
    for user, _, found in noisy:
        assert [c.conversation_id for c in found] == [f"{user.persona_id}-n{number:02d}" for number in range(user.sessions)]
        assert all(0 <= conversation.session < user.sessions for conversation in found)


def test_there_are_four_kinds_and_many_of_each(noisy: Noisy) -> None:
    found = Counter(conversation.noise for _, _, conversations in noisy for conversation in conversations)
    assert set(found) == KINDS
    assert min(found.values()) > 0.15 * found.total()


def test_it_depends_on_the_seed_and_the_user_alone(told: Noisy) -> None:
    user, storyline, _ = told[3]
    again = noise_of(0, user, storyline)
    assert again == noise_of(0, user, storyline)
    assert again != noise_of(1, user, storyline)
    assert again != noise_of(0, replace(user, persona_id="u-test-999999"), storyline)


def held_then_and_last(user: User, conversation: Conversation, dimension: str) -> set[str | None]:
    """The user's value in the conversation's own session, which there has to be, and at the end of the history."""
    now, last = user.in_force(conversation.session, conversation.domain), user.in_force(user.sessions, conversation.domain)
    assert conversation.in_force == tuple(Held(*entry) for entry in now.items())
    return {now[dimension], last.get(dimension)}


def test_some_stand_where_another_value_held_than_at_the_end(noisy: Noisy) -> None:
    found = [entry for _, _, conversations in noisy for entry in conversations if entry.template_id]
    users = {user.persona_id: user for user, _, _ in noisy}
    moved = [c for c in found if {h.dimension: h.value for h in c.in_force} != users[c.persona_id].in_force(users[c.persona_id].sessions, c.domain)]
    assert len(moved) > 0.05 * len(found)


def test_it_asks_no_task_of_the_users_items(noisy: Noisy) -> None:
    for _, storyline, found in noisy:
        kept = {item.filling.template.template_id for item in storyline.items}
        assert not kept & {conversation.template_id for conversation in found}


def test_its_tasks_are_of_the_users_split(noisy: Noisy) -> None:
    asked = {c.template_id for _, _, found in noisy for c in found if c.template_id}
    assert {load_templates()[template].split for template in asked} == {"test"}


def test_a_contradiction_praises_or_misses_a_value_that_the_user_does_not_hold(noisy: Noisy) -> None:
    ways = Counter[str]()
    for user, conversation in of("contradiction", noisy):
        _, answer, feedback = conversation.turns[:3]
        (reveal,) = feedback.reveals
        ways[reveal.how] += 1
        assert reveal.value not in held_then_and_last(user, conversation, reveal.dimension)
        assert (shown_values(answer.content, [reveal.dimension])[reveal.dimension] == reveal.value) == (reveal.how == "praise")
        assert reveal.dimension in feedback.contradicted
        assert goes_with(feedback.clean or feedback.content, reveal, answer.content)
    assert set(ways) == {"praise", "complaint"}
    assert min(ways.values()) > 0.3 * ways.total()


@pytest.mark.parametrize("kind", ["mood", "other_person"])
def test_a_mood_and_another_person_ask_for_another_value_this_once(kind: str, noisy: Noisy) -> None:
    acts = Counter[str]()
    for user, conversation in of(kind, noisy):
        place, said = next((place, turn) for place, turn in enumerate(conversation.turns) if turn.reveals)
        (reveal,) = said.reveals
        acts[said.act] += 1
        assert reveal.how == "exception"
        assert reveal.value not in held_then_and_last(user, conversation, reveal.dimension)
        shown = [shown_values(turn.content, [reveal.dimension])[reveal.dimension] for turn in conversation.turns if turn.role == "assistant"]
        assert shown == [reveal.value] if said.act == "ask" else shown[0] != reveal.value
        assert place == len(conversation.turns) - 2
    assert set(acts) == {"ask", "feedback"}
    assert min(acts.values()) > 0.2 * acts.total()


def test_what_is_asked_after_an_answer_is_heeded_half_of_the_time(noisy: Noisy) -> None:
    heeded = Counter[bool]()
    for _, _, found in noisy:
        for said, after in ((c.turns[-2], c.turns[-1]) for c in found if c.turns[-1].act == "revise"):
            (reveal,) = said.reveals
            heeded[shown_values(after.content, [reveal.dimension])[reveal.dimension] == reveal.value] += 1
    assert min(heeded[True], heeded[False]) > 0.4 * heeded.total() > 40


def test_another_person_says_whose_account_it_is_or_that_it_is_not_theirs(noisy: Noisy) -> None:
    named = [any(user.name.lower() in turn.content.lower() for turn in conversation.turns) for user, conversation in of("other_person", noisy)]
    assert sum(named) > 0.5 * len(named)


def test_small_talk_asks_no_task_and_says_nothing_of_answers(noisy: Noisy) -> None:
    for _, conversation in of("off_topic", noisy):
        assert (conversation.template_id, conversation.domain, conversation.in_force) == ("", "", ())
        assert not any(turn.reveals or turn.shows or turn.known for turn in conversation.turns)
        assert conversation.query == conversation.turns[0].content


def test_a_user_whom_no_small_talk_suits_is_said(noisy: Noisy, monkeypatch: pytest.MonkeyPatch) -> None:
    user, storyline, _ = noisy[0]
    life = replace(life_of(user), attributes={"age_band": "18 to 24"})
    chat = [{"user": "I am 80 years old."}]
    monkeypatch.setattr("generation.noise.history.life_of", lambda user: life)
    monkeypatch.setattr("generation.noise.history.chatter", lambda: {"off_topic": {"test": [chat]}})
    with pytest.raises(CatalogError, match="can have none of the small talk of test; add a plain one"):
        noise_of(0, user, storyline)


def test_small_talk_differs(noisy: Noisy) -> None:
    openings = Counter(conversation.turns[0].content for _, conversation in of("off_topic", noisy))
    assert len(openings) > 0.3 * openings.total()


def test_moods_and_other_people_change_nothing_in_the_ledger(noisy: Noisy) -> None:
    for _, _, found in noisy:
        assert last_words([c for c in found if c.noise != "contradiction"]) == {}


def test_known_starts_anew_in_each(noisy: Noisy) -> None:
    for _, _, found in noisy:
        assert all(conversation.turns[0].known == () for conversation in found)


def test_users_that_are_trained_on_have_none(release: Release) -> None:
    assert release.history_noise("train") == []
    assert {item.history_noise for item in release.items("train")} == {()}
    assert all(release.history_noise(split) for split in ("validation", "test", "test_ood"))


@pytest.mark.parametrize("split", ["validation", "test", "test_ood"])
def test_an_item_names_its_users_noise(split: str, release: Release) -> None:
    mine: dict[str, list[str]] = {}
    for conversation in release.history_noise(split):
        assert conversation.noise
        mine.setdefault(conversation.persona_id, []).append(conversation.conversation_id)
    assert all(list(item.history_noise) == mine[item.persona_id] for item in release.items(split))


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_a_history_is_made_dirtier_by_a_share(share: float, release: Release) -> None:
    for item in release.items("test"):
        found = noisy_history(item, release, share)
        assert abs(sum(bool(conversation.noise) for conversation in found) / len(found) - share) < 0.07
        assert [conversation for conversation in found if not conversation.noise] == list(history(item, release))
        assert [conversation.session for conversation in found] == sorted(conversation.session for conversation in found)


def test_their_answers_vary_as_those_of_other_conversations_do(noisy: Noisy, told: Noisy) -> None:
    """Else a plain answer would say that the conversation is to be passed over."""

    def styled(conversations: list[Conversation]) -> float:
        first = [next(turn.content for turn in one.turns if turn.role == "assistant") for one in conversations if one.noise != "off_topic"]
        shown = [shown_values(answer, ("headings", "structure", "emoji")) for answer in first]
        return sum(values != {"headings": "none", "structure": "prose", "emoji": "none"} for values in shown) / len(shown)

    noise = styled([conversation for _, _, found in noisy for conversation in found])
    assert noise > 0.3
    assert abs(noise - styled([conversation for _, _, found in told for conversation in found])) < 0.15
