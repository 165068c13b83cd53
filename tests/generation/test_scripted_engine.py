"""The scripted engine: every turn bears out what its labels say, and speaks with the words of its split."""

from collections import Counter
from collections.abc import Iterator

import pytest
from rapidfuzz import fuzz
from scipy.stats import binomtest

from generation import scripted
from generation.banks import frames, people
from generation.noise.edits import problems
from generation.people import Block, users_of
from generation.scripted import NOISY, REPEATED, contradicted, speak
from generation.storyline import HEEDS, Storyline
from generation.verify_conversations import BANKS
from generation.wishes import area, framed, phrasings
from persona_atlas.answer import Answer
from persona_atlas.data import Release
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import SPLITS, Conversation, Held, Reveal, Turn, User
from persona_atlas.render import shown_values
from persona_atlas.tasks.templates import load_templates

Told = list[tuple[User, Storyline, list[Conversation]]]


@pytest.fixture(scope="module")
def conversations(told: Told, release: Release) -> list[Conversation]:
    """Of a hundred test users and of twenty of every split."""
    mine = [conversation for _, _, found in told[:100] for conversation in found]
    return mine + [conversation for split in ("train", "validation", "test_ood") for conversation in release.conversations(split)]


@pytest.fixture(scope="module")
def users(told: Told, release: Release) -> dict[str, User]:
    return {user.persona_id: user for user in (*(user for user, _, _ in told), *(user for split in SPLITS for user in release.users(split)))}


def feedback(conversations: list[Conversation], how: str) -> Iterator[tuple[Reveal, Turn, Turn]]:
    """Each reveal of that kind in reaction to an answer, with the answer before it and the turn after it (its own where the conversation ends)."""
    for conversation in conversations:
        turns = conversation.turns
        for index, turn in enumerate(turns):
            for reveal in turn.reveals:
                if reveal.how == how and turn.act == "feedback":
                    yield reveal, turns[index - 1], turns[min(index + 1, len(turns) - 1)]


def shows(turn: Turn, dimension: str) -> str | None:
    """What the checkers see now, whatever was written down."""
    assert turn.role == "assistant"
    return shown_values(turn.content, [dimension])[dimension]


@pytest.mark.parametrize("how", ["complaint", "explicit", "change"])
def test_every_correction_follows_an_answer_that_misses(how: str, conversations: list[Conversation]) -> None:
    found = [(shows(before, reveal.dimension), reveal.value) for reveal, before, _ in feedback(conversations, how)]
    assert found
    assert all(shown != wanted for shown, wanted in found)


@pytest.mark.parametrize("how", ["complaint", "explicit", "change", "exception"])
def test_every_correction_is_answered_anew_and_heeded_half_of_the_time(how: str, conversations: list[Conversation]) -> None:
    found = list(feedback(conversations, how))
    assert {after.act for _, _, after in found} == {"revise"}
    heeded = sum(shows(after, reveal.dimension) == reveal.value for reveal, _, after in found)
    assert binomtest(heeded, len(found), HEEDS).pvalue > 0.001


def test_what_a_second_answer_changes_is_mostly_what_nobody_asked_for(conversations: list[Conversation]) -> None:
    asked, changed = 0, 0
    for conversation in conversations:
        for before, said, after in zip(conversation.turns, conversation.turns[1:], conversation.turns[2:], strict=False):
            if after.act == "revise":
                labels = {shown.dimension: shown.value for shown in before.shows}
                new = {shown.dimension for shown in after.shows if shown.value != labels[shown.dimension]}
                asked += len(new & {reveal.dimension for reveal in said.reveals})
                changed += len(new)
    assert changed > 2 * asked > 0


def test_no_second_answer_is_the_first_one_again(conversations: list[Conversation]) -> None:
    for conversation in conversations:
        turns = conversation.turns
        assert not any(after.act == "revise" and after.content == before.content for before, after in zip(turns, turns[2:], strict=False))


def test_nobody_gives_thanks_for_an_answer_that_did_not_heed_them(conversations: list[Conversation]) -> None:
    ignored = 0
    for conversation in conversations:
        for said, after in zip(conversation.turns, conversation.turns[1:], strict=False):
            wanted = {reveal.dimension: reveal.value for reveal in said.reveals if reveal.how != "praise" and reveal.dimension != "hard"}
            if after.act == "revise" and not all(shows(after, dimension) == value for dimension, value in wanted.items()):
                assert conversation.turns[-1].act != "thank"
                ignored += 1
    assert ignored > 100


def test_every_praise_follows_an_answer_that_meets(conversations: list[Conversation]) -> None:
    found = [(shows(before, reveal.dimension), reveal.value) for reveal, before, _ in feedback(conversations, "praise")]
    assert found
    assert all(shown == wanted for shown, wanted in found)


def test_assistant_turns_are_labelled_with_what_the_checkers_see(conversations: list[Conversation], users: dict[str, User]) -> None:
    for conversation in conversations[::4]:
        mine = {preference.dimension for preference in users[conversation.persona_id].preferences}
        for turn in conversation.turns:
            if turn.role == "assistant":
                labels = {shown.dimension: shown.value for shown in turn.shows}
                assert mine <= set(labels)
                assert labels == shown_values(turn.content, labels)


def test_an_exception_asked_with_the_question_is_met_by_the_answer(conversations: list[Conversation]) -> None:
    found = [(r, c.turns[1]) for c in conversations for r in c.turns[0].reveals if r.how == "exception"]
    assert found
    assert all(shows(answer, reveal.dimension) == reveal.value for reveal, answer in found)


def likeness(split: str, reveal: Reveal, text: str) -> float:
    banks = phrasings(reveal).get(split, {})
    lines = [line for kind in BANKS.get(reveal.how, (reveal.how,)) for line in banks.get(kind, ())]
    return max((fuzz.partial_ratio(line.lower().rstrip("."), text.lower()) for line in lines), default=0.0)


def test_phrasings_come_from_the_bank_of_the_users_split(conversations: list[Conversation], users: dict[str, User]) -> None:
    for conversation in conversations:
        style = users[conversation.persona_id].style
        slips = style.typo_rate or style.abbreviations or style.dotted
        for turn in conversation.turns:
            for reveal in turn.reveals:
                assert likeness(conversation.split, reveal, turn.clean or turn.content) >= (75 if slips else 100), turn.content


def test_phrasings_of_another_split_are_never_used(conversations: list[Conversation]) -> None:
    for conversation in conversations[::4]:
        for turn in conversation.turns:
            for reveal in turn.reveals:
                text = turn.clean or turn.content
                own = likeness(conversation.split, reveal, text)
                assert all(likeness(other, reveal, text) < max(own, 100.0) for other in SPLITS if other != conversation.split), text


def test_a_scoped_wish_names_its_domains(told: Told) -> None:
    for user, _, found in told:
        style = user.style
        if user.preferences[0].scope and not (style.typo_rate or style.abbreviations or style.dotted):
            words = area(user.preferences[0].scope).lower()
            texts = [
                (t.clean or t.content).lower()
                for c in found
                for t in c.turns
                if any(r.how == "explicit" and r.dimension != "hard" for r in t.reveals)
            ]
            assert all(words in text for text in texts), user.persona_id


def test_frames_are_filled_with_the_wish() -> None:
    assert framed("Just this once, {request}.", "use a list") == "Just this once, use a list."
    assert framed("For {area}: {Request}.", "use a list", area="cooking") == "For cooking: Use a list."


def test_domains_are_named_in_words() -> None:
    words = people()["areas"]
    assert area(["cooking"]) == words["cooking"]
    assert area(["cooking", "travel", "shopping"]) == f"{words['cooking']}, {words['travel']} and {words['shopping']}"


def test_a_change_speaks_of_its_event(told: Told) -> None:
    """Where it is the same everywhere; who has a scope names that instead."""
    found = 0
    for user, _, conversations in told:
        for turn in (turn for conversation in conversations for turn in conversation.turns if not user.preferences[0].scope):
            for reveal in (reveal for reveal in turn.reveals if reveal.how == "change"):
                (event,) = (p.event for p in user.preferences if (p.dimension, p.value) == (reveal.dimension, reveal.value))
                begins = [entry["text"].split("{")[0].lower() for entry in frames()["test"]["change"] if entry["event"] == event]
                assert max(fuzz.partial_ratio(line, (turn.clean or turn.content).lower()) for line in begins) > 75
                found += 1
    assert found


def test_item_templates_never_occur_in_the_history(release: Release) -> None:
    for split in SPLITS:
        asked = {(conversation.persona_id, conversation.template_id) for conversation in release.conversations(split)}
        assert not asked & {(item.persona_id, item.template_id) for item in release.items(split)}


def test_turns_alternate_and_a_user_begins(conversations: list[Conversation]) -> None:
    for conversation in conversations:
        roles = [turn.role for turn in conversation.turns]
        assert roles == [("user", "assistant")[i % 2] for i in range(len(roles))], conversation.conversation_id


def test_a_conversation_says_what_is_in_force_in_its_session_and_domain(told: Told) -> None:
    for user, _, conversations in told:
        for conversation in conversations:
            held = [
                Held(p.dimension, p.value)
                for p in user.preferences
                if p.first_session <= conversation.session <= (user.sessions if p.last_session is None else p.last_session)
                and (not p.scope or conversation.domain in p.scope)
            ]
            assert list(conversation.in_force) == held


def test_known_is_the_last_standing_word_in_each_dimension_at_every_turn(told: Told) -> None:
    for _, _, conversations in told:
        values: dict[str, str] = {}
        hard: set[str] = set()
        for turn in (turn for conversation in conversations for turn in conversation.turns):
            for reveal in turn.reveals:
                if reveal.dimension == "hard":
                    hard.add(reveal.value)
                elif reveal.how == "end":
                    values.pop(reveal.dimension, None)
                elif reveal.how != "exception":
                    values[reveal.dimension] = reveal.value
            assert {held.value for held in turn.known if held.dimension == "hard"} == hard
            assert {held.dimension: held.value for held in turn.known if held.dimension != "hard"} == values


def test_an_exception_is_against_what_is_in_force_to_the_end_of_its_conversation(told: Told) -> None:
    asked = [(c, r) for _, _, found in told for c in found for r in c.turns[0].reveals if r.how == "exception"]
    assert asked
    assert all(reveal.dimension in turn.contradicted for conversation, reveal in asked for turn in conversation.turns)


def test_an_exception_is_over_in_the_next_conversation(told: Told) -> None:
    """There only a standing word, or another exception, can go against what is in force."""
    for _, _, found in told:
        for conversation in found:
            turn = conversation.turns[0]
            said = {held.dimension for held in turn.known} | {reveal.dimension for reveal in turn.reveals if reveal.how == "exception"}
            assert set(turn.contradicted) <= said


def test_a_value_that_no_longer_holds_is_contradicted_until_its_successor_is_told(told: Told) -> None:
    found = 0
    for user, _, conversations in told:
        for before in (p for p in user.preferences if p.last_session is not None):
            later = [c for c in conversations if c.session > before.last_session]  # type: ignore[operator]
            for turn in (turn for conversation in later for turn in conversation.turns):
                if Held(before.dimension, before.value) in turn.known:
                    found += 1
                    assert before.dimension in turn.contradicted
    assert found


def test_where_the_last_word_is_in_force_nothing_is_contradicted() -> None:
    (user,) = users_of(0, Block("test", 0, 1))
    held = {p.dimension: p.value for p in user.preferences if p.in_force(0, p.scope[0] if p.scope else "")}
    assert contradicted(user, 0, held, {}) == ()
    assert contradicted(user, 0, {}, {"nobody's": "wish"}) == ("nobody's",)


def test_once_a_hard_constraint_is_known_answers_to_tasks_that_it_concerns_keep_it(conversations: list[Conversation]) -> None:
    kept = [
        load_catalog().hard[held.value].met(Answer(turn.content))
        for conversation in conversations
        for turn in conversation.turns
        for held in turn.known
        if turn.role == "assistant" and held.dimension == "hard" and held.value in load_templates()[conversation.template_id].hard
    ]
    assert len(kept) > 20
    assert all(kept)


def test_noise_in_a_turn_keeps_its_clean_twin_and_the_edits_that_lead_from_it(conversations: list[Conversation]) -> None:
    noisy = [turn for conversation in conversations for turn in conversation.turns if turn.edits]
    assert noisy
    assert all(turn.role == "user" and problems(turn.clean, turn.content, turn.edits) == "" for turn in noisy)
    assert all(turn.clean == "" for conversation in conversations for turn in conversation.turns if not turn.edits)


def test_noise_changes_as_many_user_turns_as_it_says(told: Told) -> None:
    turns = [bool(turn.edits) for _, _, found in told for c in found for turn in c.turns if turn.role == "user"]
    assert abs(sum(turns) / len(turns) - NOISY) < 0.02


def test_noise_spares_the_words_that_reveal(told: Told) -> None:
    for user, _, found in told:
        if user.style.typo_rate or user.style.abbreviations or user.style.dotted:
            continue
        for turn in (turn for conversation in found for turn in conversation.turns if turn.edits):
            assert all(likeness("test", reveal, turn.content) == likeness("test", reveal, turn.clean) for reveal in turn.reveals)


def test_every_planned_reveal_is_told(told: Told) -> None:
    for _, storyline, found in told:
        wanted = [sorted((r.dimension, r.value, r.how) for r in session.reveals) for session in storyline.sessions]
        assert [sorted((r.dimension, r.value, r.how) for turn in c.turns for r in turn.reveals) for c in found] == wanted


def test_users_who_say_nothing_of_answers_give_no_feedback(told: Told) -> None:
    acts = Counter(turn.act for user, _, found in told if user.style.feedback == "never" for c in found for turn in c.turns)
    assert acts["ask"] > 0
    assert (acts["feedback"], acts["revise"]) == (0, 0)


@pytest.fixture(scope="module")
def mute(told: Told) -> list[tuple[User, Storyline, list[Conversation], Counter[str]]]:
    """Users whose assistant says nothing at all, so that no answer bears out what is said of it."""
    chosen = [(user, storyline) for user, storyline, _ in told if user.style.feedback == "often" and any(h.origin == "stated" for h in user.hard)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scripted, "render", lambda *plan: "")
        return [(user, storyline, *speak(0, user, storyline)) for user, storyline in chosen]


def test_what_the_answers_do_not_bear_out_is_left_out_and_counted(mute: list[tuple[User, Storyline, list[Conversation], Counter[str]]]) -> None:
    for _, storyline, conversations, failures in mute:
        assert [conversation.session for conversation in conversations] == [session.number for session in storyline.sessions]
        assert not any(turn.act == "revise" for conversation in conversations for turn in conversation.turns)
        missed = [r for session in storyline.sessions if session.heeds for r in session.reveals if r.how in ("complaint", "praise")]
        unseen = [r for r in missed if shown_values("", [r.dimension])[r.dimension] != r.value]
        assert failures["reveal left out"] >= bool(unseen)
        reasons = set(failures) - {"reveal left out", "revision does not show what it should", REPEATED}
        assert all(reason.endswith("not borne out by the answer") for reason in reasons)


def test_a_hard_constraint_is_told_though_other_reveals_are_left_out(mute: list[tuple[User, Storyline, list[Conversation], Counter[str]]]) -> None:
    for user, _, conversations, _ in mute:
        found = [r.value for conversation in conversations for turn in conversation.turns for r in turn.reveals if r.dimension == "hard"]
        assert sorted(found) == sorted(limit.constraint for limit in user.hard), user.persona_id
