"""A long history is read a window at a time, and what the windows say is put together."""

import pytest

from persona_atlas.ppopt.text import Finding, parse, written
from persona_atlas.ppopt.windows import MOST, History, together, windows
from persona_atlas.ppopt.wishes import asked_for, wishes
from persona_atlas.protocol import Message, ProfileEntry

QUERY = "How much rice for 6?"
BULLETS, PROSE = wishes()["structure", "bulleted"], wishes()["structure", "prose"]
EMOJI = wishes()["emoji", "some"]


def history(*words: int) -> History:
    """Chats of so many words, `User:` among them."""
    return tuple((Message("user", " ".join(["word"] * (number - 1))),) for number in words)


def count(text: str) -> int:
    return len(text.split())


@pytest.mark.parametrize(
    ("words", "lengths"),
    [
        ((), [0]),
        ((10, 10), [2]),
        ((10, 10, 10), [1, 2]),
        ((10, 90, 10), [1, 1]),
        ((90,), [0]),
        ((20,) * 12, [1] * MOST),
    ],
)
def test_windows_hold_the_newest_chats_in_order(words: tuple[int, ...], lengths: list[int]) -> None:
    assert [len(window) for window in windows(history(*words), count, 30)] == lengths


def test_each_chat_is_read_once() -> None:
    chats = history(5, 6, 7, 8, 9)
    assert [chat for window in windows(chats, count, 30) for chat in window] == list(chats)


def reply(ask: str, value: str, *, query: str = QUERY) -> str:
    dimension = "emoji" if value == "some" else "structure"
    wants = wishes()[dimension, value].wants[0]
    return written([Finding("as I said", f"so this user wants {wants}.")], f"{query}\n\n{ask}")


def test_a_later_window_replaces_what_an_earlier_one_says_of_the_same_matter() -> None:
    first = f"{BULLETS.ask[0]} {EMOJI.ask[0]}"
    prompt, profile = together(QUERY, [parse(reply(first, "bulleted")), parse(reply(PROSE.ask[0], "prose"))])
    assert prompt == f"{QUERY}\n\n{EMOJI.ask[0]} {PROSE.ask[0]}"
    assert profile == (ProfileEntry("structure", "prose", "as I said"),)


@pytest.mark.parametrize("text", ["", "<prompt>\nHow much rice?\n</prompt>", reply(BULLETS.ask[0], "bulleted", query="How much pasta for 4?")])
def test_a_reply_that_lost_the_query_counts_for_none(text: str) -> None:
    assert together(QUERY, [parse(text)]) == (QUERY, ())


def test_what_is_asked_for_is_known_by_its_sentence() -> None:
    assert [asked_for(sentence) for sentence in BULLETS.ask] == [("structure", "bulleted")] * len(BULLETS.ask)
    assert asked_for("Boil it for ten minutes.") is None
