"""Chats are read one by one, what they show is put together, and nothing that is over or was for once stays in it."""

import pytest

from persona_atlas.ppopt.chats import NOTHING, faithful, in_force, parse_read, read_asked, read_written, shortened, typed, wanted, write_asked
from persona_atlas.ppopt.text import Finding
from persona_atlas.ppopt.wishes import LIKE, asked_for, asking, asks_in, meant, wishes
from persona_atlas.protocol import Message, ProfileEntry

BULLETS = Finding("bullets please", "so this user wants bullet points.")
BULLETS_COOKING = Finding("bullets for recipes", "so this user wants bullet points, only for cooking and travel.")
PROSE = Finding("no lists any more", f"so this user wants {wishes()['structure', 'prose'].wants[0]}.")
EMOJI = Finding("smileys!", f"so this user wants {wishes()['emoji', 'some'].wants[0]}.")
OVER = Finding("forget the bullets", "but no longer wants bullet points.")
ONCE = Finding("bullets today", "but only that once.")
UNKNOWN = Finding("whistle", "so this user wants a tune.")


@pytest.mark.parametrize("findings", [(), (BULLETS,), (BULLETS_COOKING, OVER, ONCE)])
def test_what_is_written_of_a_chat_is_read_back(findings: tuple[Finding, ...]) -> None:
    assert parse_read(read_written(findings)) == (findings, None)


@pytest.mark.parametrize(
    ("text", "findings", "flaw"),
    [
        ("I like rice.", (), "no profile"),
        (f"<profile>\n{BULLETS}", (BULLETS,), "words outside the tags"),
        (f"Well: <profile>\n{BULLETS}\n</profile>", (BULLETS,), "words outside the tags"),
        (f"<profile>\n{BULLETS}\nand more\n</profile>", (BULLETS,), "a line of the profile"),
    ],
)
def test_a_reply_in_another_form_is_read_as_far_as_it_goes(text: str, findings: tuple[Finding, ...], flaw: str) -> None:
    assert parse_read(text) == (findings, flaw)


@pytest.mark.parametrize(
    ("chats", "held"),
    [
        ([], []),
        ([[BULLETS], [EMOJI]], [BULLETS, EMOJI]),
        ([[BULLETS], [EMOJI], [PROSE]], [EMOJI, PROSE]),
        ([[PROSE], [BULLETS]], [BULLETS]),
        ([[BULLETS, EMOJI], [OVER]], [EMOJI]),
        ([[OVER], [BULLETS]], [BULLETS]),
        ([[PROSE], [OVER]], [PROSE]),
        ([[BULLETS], [ONCE]], [BULLETS]),
        ([[ONCE], [UNKNOWN]], []),
        ([[BULLETS_COOKING], [BULLETS]], [BULLETS_COOKING]),
        ([[BULLETS_COOKING], [PROSE]], [PROSE]),
        ([[BULLETS], [BULLETS_COOKING]], [BULLETS_COOKING]),
    ],
)
def test_the_last_word_on_a_matter_holds(chats: list[list[Finding]], held: list[Finding]) -> None:
    assert list(in_force(chats)) == held


def test_a_verdict_names_a_wish_and_its_areas() -> None:
    assert wanted(BULLETS.verdict) == (("structure", "bulleted"), "")
    assert wanted(BULLETS_COOKING.verdict) == (("structure", "bulleted"), "cooking and travel")
    assert [wanted(one.verdict) for one in (OVER, ONCE, UNKNOWN)] == [None, None, None]
    for meaning, wish in wishes().items():
        assert wanted(f"so this user wants {wish.wants[0]}, only for money.") == (meaning, "money")


def test_what_is_bound_to_areas_stands_in_the_profile_where_the_prompt_asks_for_it() -> None:
    entry = ProfileEntry("structure", "bulleted", BULLETS.evidence)
    assert typed([BULLETS], set().__contains__) == (entry,)
    assert typed([BULLETS_COOKING], set().__contains__) == ()
    assert typed([BULLETS_COOKING], {("structure", "bulleted")}.__contains__) == (ProfileEntry("structure", "bulleted", BULLETS_COOKING.evidence),)


def test_what_a_prompt_asks_for_is_known_by_its_sentences() -> None:
    query = "How much rice for 6? Use the big pot."
    asks = [wishes()["structure", "bulleted"].ask[0], wishes()["emoji", "some"].ask[1]]
    assert asks_in(query, f"{query}\n\n{' '.join(asks)}") == [("structure", "bulleted"), ("emoji", "some")]
    assert asks_in(query, asking(query, asks)) == [("structure", "bulleted"), ("emoji", "some")]
    assert asking(query, []) == query
    assert asks_in(query, query) == []
    assert asks_in(query, "") == []


def test_a_prompt_asks_for_nothing_that_the_profile_does_not_say() -> None:
    query, bullets, emoji = "How much rice for 6?", wishes()["structure", "bulleted"].ask[0], wishes()["emoji", "some"].ask[0]
    assert faithful(query, asking(query, [emoji, bullets, bullets, "Sing it."]), [BULLETS]) == asking(query, [bullets])
    assert faithful(query, f"{query}\n\n{emoji} {bullets}", [BULLETS]) == f"{query}\n\n{LIKE}\n- {bullets}"
    assert faithful(query, f"{query}\n\n{emoji}", [BULLETS, ONCE]) == query


def test_a_prompt_holds_the_question_word_for_word_and_each_wish_in_the_same_words() -> None:
    query, wish = "How much rice for 6?", wishes()["structure", "bulleted"]
    for copied in ("Rice for 6?", "HOW MUCH RICE FOR 6?", "How much rice?", ""):
        for sentence in wish.ask:
            assert faithful(query, asking(copied, [sentence]), [BULLETS]) == asking(query, [wish.ask[0]])
        assert faithful(query, copied, [BULLETS]) == query


def test_a_chat_that_is_too_long_keeps_its_newest_messages() -> None:
    chat = [Message("user", "one two"), Message("assistant", "three"), Message("user", "four five six")]
    lengths = [len(shortened(chat, lambda text: len(text.split()), budget)) for budget in (0, 4, 6, 9, 100)]
    assert lengths == [1, 1, 2, 3, 3]
    assert shortened([], len, 5) == []


def test_of_a_message_that_is_too_long_both_ends_are_read() -> None:
    chat = [Message("user", f"bullets please {'word ' * 700} no emojis"), Message("assistant", "ok")]
    said, answer = shortened(chat, lambda text: len(text.split()), 40)
    assert answer == chat[1]
    assert said.content.startswith("bullets please word")
    assert said.content.endswith("word no emojis")
    assert 30 < len(said.content.split()) <= 40


def test_the_opposite_of_a_wish_is_not_the_wish() -> None:
    assert meant("bullet point") == ("structure", "bulleted")
    assert [meant(f"no {phrase}") for phrase in ("bullet points", "metric units", "headings in Markdown")] == [None] * 3
    assert asked_for("Use no Markdown headings in the answer.") != ("headings", "headings")
    for meaning, wish in wishes().items():
        assert [meant(phrase) for phrase in wish.wants] == [meaning] * len(wish.wants)
        assert [asked_for(sentence) for sentence in wish.ask] == [meaning] * len(wish.ask)


def test_the_policy_reads_both_sides_and_is_told_when_nothing_is_known() -> None:
    assert read_asked([Message("user", "Hi"), Message("assistant", "word " * 30)]).endswith(
        "User: Hi\nAssistant: " + " ".join(["word"] * 12) + " ..."
    )
    assert NOTHING in write_asked([], "How much rice?")
    said = Finding("dots!", "so this user wants bullet point, only for money.")
    assert "\n- bullet points, only for money\n" in write_asked([said, ONCE], "How much rice?")
