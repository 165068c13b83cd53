"""What the policy reads and writes: the history within its budget, and replies read leniently."""

import pytest

from persona_atlas.ppopt.chats import parse_read, read_written
from persona_atlas.ppopt.text import ASSISTANT_WORDS, NOTHING, Finding, asked, fitting, lost, parse, written
from persona_atlas.protocol import Message, ProfileEntry

CHATS = tuple((Message("user", f"question {i}"), Message("assistant", " ".join(["word"] * 30))) for i in range(5))
FINDINGS = (Finding("I'm a bullet point person", "so this user wants bullet points."), Finding('say "hi" for once', "but only that once."))


def words(text: str) -> int:
    return len(text.split())


def test_both_sides_are_marked_and_answers_cut() -> None:
    text = asked(CHATS[:1], "How much rice?")
    assert "[1]\nUser: question 0\nAssistant: " + " ".join(["word"] * ASSISTANT_WORDS) + " ...\n" in text
    assert text.endswith("New question: How much rice?")


def test_the_newest_chats_are_kept() -> None:
    one = words("User: question 4 Assistant: ...") + ASSISTANT_WORDS + 4
    assert [fitting(CHATS, words, one * n) for n in range(7)] == [0, 1, 2, 3, 4, 5, 5]
    assert fitting(CHATS, words, one * 2 - 1) == 1


def test_no_history_is_said() -> None:
    assert "No earlier chats." in asked((), "How much rice?")


def test_what_is_written_is_read_again() -> None:
    reply = parse(written(FINDINGS, "How much rice?\n\nUse bullet points."))
    assert reply.findings == FINDINGS
    assert reply.prompt == "How much rice?\n\nUse bullet points."
    assert reply.flaw is None
    assert reply.profile() == (ProfileEntry("structure", "bulleted", "I'm a bullet point person"),)


@pytest.mark.parametrize("findings", [(), None])
def test_nothing_known_and_no_profile_asked_for(findings: tuple[Finding, ...] | None) -> None:
    text = written(findings, "How much rice?")
    assert (NOTHING in text) == (findings is not None)
    assert parse(text, profile=findings is not None).flaw is None


@pytest.mark.parametrize(
    ("text", "prompt", "flaw"),
    [
        ("<profile>\n- \"a\" so this user wants bullet points.\n<prompt>\nRice?", "Rice?", "tags"),
        ("<profile>\n</profile>\nRice is fine.\n<prompt>\nRice?\n</prompt>", "Rice?", "words outside the tags"),
        ("<profile>\n<prompt>\nRice?\n</profile>\n</prompt>", "Rice?", "tags"),
        ("Sure!\n<profile>\n</profile>\n<prompt>\nRice?\n</prompt>", "Rice?", "words outside the tags"),
        ("<profile>\n- bullets\n</profile>\n<prompt>\nRice?\n</prompt>", "Rice?", "a line of the profile"),
        ("<prompt>Rice?</prompt>", "Rice?", "tags"),
        ("<profile>\n</profile>\n<prompt>\n</prompt>", None, "no prompt"),
        ("I like rice.", None, "no prompt"),
        ("", None, "no prompt"),
    ],
)  # fmt: skip
def test_replies_in_another_form_are_read_and_their_flaw_named(text: str, prompt: str | None, flaw: str) -> None:
    reply = parse(text)
    assert (reply.prompt, reply.flaw) == (prompt, flaw)


@pytest.mark.parametrize(
    ("prompt", "gone"),
    [
        ("How much rice for 6 people at 80 g each, or 2,000 g in all? Be brief.", None),
        ("How much rice for 6 persons at 80 g each, or 2,000 g in all?", None),
        ("How much rice for six people at 80 g each, or 2,000 g in all?", "the number 6"),
        ("How much rice for 6 people at 80 g each, or 2.000 g in all?", "the number 2,000"),
        ("6 80 2,000 Be brief.", "12 of 16 words"),
    ],
)
def test_what_a_prompt_loses_of_the_query(prompt: str, gone: str | None) -> None:
    assert lost("How much rice for 6 people at 80 g each, or 2,000 g in all?", prompt) == gone


def test_a_tenth_of_the_words_may_go_and_no_more() -> None:
    query = "How long does rice for my whole family have to boil"
    assert lost(f"{query} {query}", f"{query} how long does rice for my whole family have") is None
    assert lost(f"{query} {query}", f"{query} how long does rice for my whole family") == "3 of 22 words"


def test_what_a_policy_thinks_first_counts_for_nothing() -> None:
    for thought in ("<think>\n\n</think>\n\n", "<think>Rice, <prompt> and all?</think>"):
        reply = parse(thought + written(FINDINGS, "How much rice?"))
        assert (reply.prompt, reply.flaw, reply.findings) == ("How much rice?", None, FINDINGS)
        assert parse_read(thought + read_written(FINDINGS)) == (FINDINGS, None)
