"""A wish is read again together with the sentence before it, and left out if that says that it is somebody else's."""

import pytest

from persona_atlas.ppopt.joined import disowned, joined
from persona_atlas.ppopt.text import Finding
from persona_atlas.protocol import Message

NEIGHBOR = "A neighbor of Ada speaking, my own internet is down. Boost my confidence, thanks. And how much rice for 6?"
ANSWER = Message("assistant", "Take 60 g each.")


@pytest.mark.parametrize(
    ("said", "evidence", "one"),
    [
        (NEIGHBOR, "Boost my confidence, thanks", NEIGHBOR.replace("down. Boost", "down, so boost")),
        ("my flatmate's phone... use bullet points", "use bullet points", "my flatmate's phone, so use bullet points"),
        ("Guest here: Use bullet points", "use bulet points", "Guest here, so use bullet points"),
        ("What now?! Use bullet points.", "Use bullet points.", "What now, so use bullet points."),
        ("Use bullet points. Thanks.", "Use bullet points.", None),
        ("please use bullet points", "use bullet points", None),
        ("... use bullet points", "use bullet points", None),
        ("Why?", "", None),
    ],
)
def test_the_sentence_of_the_wish_is_joined_to_the_one_before_it(said: str, evidence: str, one: str | None) -> None:
    chat = (Message("user", "Hello there."), ANSWER, Message("user", said), ANSWER)
    wanted = one and (chat[0], ANSWER, Message("user", one), ANSWER)
    assert joined(chat, evidence) == wanted


def test_a_chat_without_a_user_is_not_joined() -> None:
    assert joined((ANSWER,), "use bullet points") is None


@pytest.mark.parametrize(
    ("again", "not_own"),
    [
        ([Finding("so boost my confidence, thanks", "but that was somebody else.")], True),
        ([Finding("internet is down, so boost my confidence, thanks", "but only in the mood of that day.")], True),
        ([Finding("so boost my confidence, thanks", "but only that once.")], False),
        ([Finding("so boost my confidence, thanks", "so this user wants a bit of encouragement.")], False),
        ([Finding("use bullet points", "but that was somebody else.")], False),
        ([Finding("use bullet points", "but that was somebody else."), Finding("so boost my confidence", "so this user wants no emojis.")], False),
        ([], False),
    ],
)
def test_a_wish_is_disowned_by_a_reading_of_its_own_words_alone(again: list[Finding], not_own: bool) -> None:
    assert disowned("Boost my confidence, thanks", again) is not_own
