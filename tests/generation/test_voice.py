"""Voices: users type in a way that tells them apart, and never touches what is asked."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from generation.banks import chatter, words_by_slip
from generation.people import Block, users_of
from generation.scripted import speak
from generation.storyline import Storyline, plan
from generation.voice import Voice, joined, lowered, settled, typo, uncapitalized
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import Conversation, User, WritingStyle
from persona_atlas.tasks.templates import draw, load_templates

PLAIN = WritingStyle(
    lowercase=False,
    drops_final_stop=False,
    dotted=False,
    opener="",
    closer="",
    habit_before="",
    habit_after="",
    abbreviations={},
    typo_rate=0.0,
    verbosity="plain",
    manner="neutral",
    feedback="often",
    tells="plainly",
)


def voice(seed: int = 0, template_id: str = "", **style: object) -> Voice:
    template = load_templates()[template_id or sorted(load_templates())[seed % len(load_templates())]]
    generator = np.random.default_rng(seed)
    return Voice(replace(PLAIN, **style), draw(template, generator), generator)  # type: ignore[arg-type]


def words_without_reveals(conversations: list[Conversation]) -> list[str]:
    """User turns that say nothing of preferences: what is left is the matter and the voice."""
    return [turn.content for c in conversations for turn in c.turns if turn.role == "user" and not turn.reveals]


def grams(texts: list[str]) -> Counter[str]:
    """In how many of the texts each character n-gram (1 to 3) stands."""
    return Counter(g for text in texts for n in (1, 2, 3) for g in {f"\2{text}\3"[i : i + n] for i in range(len(text) + 3 - n)})


def recognized(halves: list[tuple[Counter[str], Counter[str]]]) -> float:
    """The share of second halves whose nearest first half (cosine of tf-idf) is the same user's."""
    every = [half for pair in halves for half in pair]
    within = Counter(gram for half in every for gram in half)
    index = {gram: i for i, gram in enumerate(sorted(gram for gram, number in within.items() if number > 1))}
    weights = np.zeros((len(every), len(index)))
    for row, half in enumerate(every):
        for gram, number in half.items():
            if gram in index:
                weights[row, index[gram]] = (1 + np.log(number)) * np.log(len(every) / within[gram])
    weights /= np.maximum(np.linalg.norm(weights, axis=1, keepdims=True), 1e-9)
    nearest = np.argmax(weights[1::2] @ weights[0::2].T, axis=1)
    return float(np.mean(nearest == np.arange(len(halves))))


def test_twelve_users_are_told_apart_by_their_voices(told: list[tuple[User, Storyline, list[Conversation]]]) -> None:
    """By half of their conversations, what they say of their preferences left out. Chance is 1/12; sixteen groups of twelve users."""
    halves = [(grams(words_without_reveals(c[0::2])), grams(words_without_reveals(c[1::2]))) for _, _, c in told]
    found = [recognized(halves[start : start + 12]) for start in range(0, 192, 12)]
    assert np.mean(found) > 3 / 12


def test_twelve_users_with_the_same_storylines_are_told_apart() -> None:
    """One user's life in twelve voices: here nothing but style can tell."""
    (user,) = users_of(0, Block("test", 1, 1))
    voices = users_of(0, Block("test", 2, 12))
    storyline = plan(0, user)
    styles = [replace(user, style=replace(other.style, feedback=user.style.feedback, tells=user.style.tells)) for other in voices]
    conversations = [speak(seed, one, storyline)[0] for seed, one in enumerate(styles)]
    halves = [(grams(words_without_reveals(c[0::2])), grams(words_without_reveals(c[1::2]))) for c in conversations]
    assert recognized(halves) > 3 / 12


def test_chatty_users_write_more_than_terse_ones(told: list[tuple[User, Storyline, list[Conversation]]]) -> None:
    lengths: dict[str, list[int]] = {"terse": [], "plain": [], "chatty": []}
    for user, _, conversations in told:
        lengths[user.style.verbosity] += [sum(len(turn.content) for turn in c.turns if turn.role == "user") for c in conversations]
    terse, plain, chatty = (np.mean(lengths[verbosity]) for verbosity in ("terse", "plain", "chatty"))
    assert terse < 0.95 * plain < 0.95**2 * chatty


def test_typing_spares_the_words_of_slot_values() -> None:
    for seed in range(200):
        speaker = voice(seed, typo_rate=1.0)
        query = speaker.filling.query(seed)
        values = [str(value) for value in speaker.filling.slots.values() if isinstance(value, str) and value.isalpha() and value in query]
        assert all(value in speaker.typed(query) for value in values)


def test_typing_spares_every_figure() -> None:
    for seed in range(200):
        speaker = voice(seed, typo_rate=1.0, lowercase=True, dotted=True, habit_before="look,", drops_final_stop=True)
        query = speaker.filling.query(seed)
        assert [c for c in speaker.typed(query) if c.isdigit()] == [c for c in query if c.isdigit()]


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        ("Does RK-49173 or RKV-491730 pass?", "does RK-49173 or RKV-491730 pass?"),
        ("Bake it at 210 °C, please, Ann.", "bake it at 210 °C, please, ann."),
        ("I have A, B and USA in 5 W.", "i have a, b and usa in 5 w."),
    ],
)
def test_lower_case_leaves_what_would_mean_something_else(said: str, typed: str) -> None:
    assert lowered(said) == typed


def test_a_user_without_habits_types_what_they_say() -> None:
    assert voice().typed("How long do I boil penne? I have 400 g.") == "How long do I boil penne? I have 400 g."


@pytest.mark.parametrize(
    ("habit", "typed"),
    [
        ({"lowercase": True}, "i like rice. thanks."),
        ({"drops_final_stop": True}, "I like rice. Thanks"),
        ({"dotted": True}, "I like rice... Thanks."),
        ({"abbreviations": {"thanks": "thx"}}, "I like rice. thx."),
    ],
    ids=["lower case", "no final stop", "dots", "abbreviations"],
)
def test_a_habit_of_typing_is_kept_every_time(habit: dict[str, object], typed: str) -> None:
    assert voice(**habit).typed("I like rice. Thanks.") == typed  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("habit", "wanted"), [({"habit_before": "look,"}, "look, can I freeze it."), ({"habit_after": "eh"}, "Can I freeze it, eh.")]
)
def test_a_habit_of_speech_comes_often_and_not_always(habit: dict[str, object], wanted: str) -> None:
    speaker = voice(**habit)  # type: ignore[arg-type]
    said = [speaker.typed("Can I freeze it.") for _ in range(200)]
    assert set(said) == {"Can I freeze it.", wanted}
    assert 0.3 < said.count(wanted) / 200 < 0.6


def test_settling_changes_case_and_stops_alone() -> None:
    style = replace(PLAIN, lowercase=True, drops_final_stop=True, abbreviations={"you": "u"}, typo_rate=1.0, habit_after="eh")
    assert settled("Would you boil 2 L.", style) == "would you boil 2 l"


def test_what_stands_before_another_sentence_ends_with_a_stop() -> None:
    assert joined(["how much rice", "Is it enough?", "thanks"]) == "how much rice. Is it enough? thanks"


@pytest.mark.parametrize(("text", "wanted"), [("How much?", "how much?"), ("Anna is here.", "Anna is here."), ("I'm back.", "I'm back.")])
def test_only_a_sentences_own_capital_is_taken_away(text: str, wanted: str) -> None:
    assert uncapitalized(text) == wanted


@given(word=st.text(alphabet="abcdefgh", min_size=5, max_size=12), seed=st.integers(0, 1000))
def test_a_slip_keeps_the_first_and_the_last_letter(word: str, seed: int) -> None:
    slipped = typo(word, np.random.default_rng(seed))
    assert (slipped[0], slipped[-1]) == (word[0], word[-1])
    assert abs(len(slipped) - len(word)) <= 1


@pytest.mark.parametrize(
    ("word", "others"), [("there", {"three", "thee"}), ("then", {"ten"}), ("From", {"Form"}), ("could", {"cold"}), ("paint", {"pain", "pint"})]
)
def test_a_slip_makes_no_other_word(word: str, others: set[str]) -> None:
    slips = {typo(word, np.random.default_rng(seed)) for seed in range(200)}
    assert len(slips) > 1
    assert not slips & {word, *others}


def test_every_word_that_users_say_has_a_slip_that_is_no_word() -> None:
    lines = [wording for template in load_templates().values() for wording in template.queries]
    lines += [line for value in load_catalog().values() for bank in value.phrasings.values() for said in bank.values() for line in said]
    words = {word for line in lines for word in regex.findall(r"[A-Za-z]{4,}", line)}
    assert len(words) > 4000
    for word in words:
        assert typo(word, np.random.default_rng(0)).lower() not in words_by_slip()


def test_lines_of_the_banks_are_filled_with_the_subject() -> None:
    assert voice(template_id="cooking.risotto_for_guests").filled("About {subject}:") == "About the risotto:"


def test_what_leads_to_a_second_question_names_the_subject() -> None:
    assert all("{subject}" in lead for leads in chatter()["further"].values() for lead in leads)


@pytest.mark.parametrize("manner", ["blunt", "neutral", "polite"])
def test_nothing_that_is_said_keeps_an_unfilled_slot(manner: str) -> None:
    for seed in range(100):
        speaker = voice(seed, manner=manner, verbosity="chatty")
        said = [speaker.question("How?", []), speaker.reaction(["Good."], glad=seed % 2 == 0), speaker.thanks(), speaker.follow_up()]
        assert not any("{" in text or "}" in text for text in said)
