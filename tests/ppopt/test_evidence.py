"""Where a reveal stands in a message, on a real release: found in every one, quoted in the user's own letters."""

import pytest

from persona_atlas.data import Release
from persona_atlas.ppopt.evidence import quoted, spoken
from persona_atlas.records import Reveal, Turn

ASKED = "use bullet points for the answer"


@pytest.fixture(scope="module")
def revealing(release: Release) -> list[Turn]:
    return [turn for conversation in release.conversations("train") for turn in conversation.turns if turn.reveals]


def test_every_reveal_of_train_users_is_found(revealing: list[Turn]) -> None:
    assert len(revealing) > 50
    assert [(turn.content, reveal) for turn in revealing for reveal in turn.reveals if spoken(turn.content, reveal) is None] == []


def test_a_quotation_is_the_users_own_words_and_short(revealing: list[Turn]) -> None:
    for turn in revealing:
        for reveal in turn.reveals:
            span = spoken(turn.content, reveal)
            assert span is not None
            words = quoted(turn.content, span, 18)
            assert words in " ".join(turn.content.split())
            assert len(words.split()) <= max(18, len(turn.content[span.wish[0] : span.wish[1]].split()))


@pytest.mark.parametrize(
    ("text", "quotation", "wish"),
    [
        ("Which is it? From now on, use bullet points for the answer. Thanks!", "From now on, use bullet points for the answer.", ASKED),
        ("which is it? use bullet pionts for the answer, from now on", "use bullet pionts for the answer, from now on", ASKED.replace("oi", "io")),
        ("use bullet points for the answer", "use bullet points for the answer", ASKED),
    ],
)
def test_the_sentence_and_the_wish_in_it(text: str, quotation: str, wish: str) -> None:
    span = spoken(text, Reveal("structure", "bulleted", "explicit"))
    assert span is not None
    assert text[span.start : span.end] == quotation
    assert text[span.wish[0] : span.wish[1]] == wish


def test_a_long_sentence_is_cut_around_the_wish() -> None:
    text = "Since my sister moved in with all her boxes and the two cats, use bullet points for the answer, which she would like as well, I am sure."
    span = spoken(text, Reveal("structure", "bulleted", "explicit"))
    assert span is not None
    assert quoted(text, span, 10) == "two cats, use bullet points for the answer, which she"


def test_what_is_not_said_is_not_found() -> None:
    assert spoken("How much rice for six people?", Reveal("structure", "bulleted", "explicit")) is None
