"""What the assistant's answers say of a reading: they bear it out, turn it round, or leave it to the policy's certainty."""

from dataclasses import replace

import pytest

from persona_atlas.ppopt.answers import believed, place_of, shown
from persona_atlas.ppopt.chats import wanted
from persona_atlas.ppopt.text import Finding
from persona_atlas.protocol import Message

LIST = "Two steps:\n\n- Rinse the rice.\n- Simmer it for 12 minutes."
PROSE = "Rinse the rice, then simmer it for 12 minutes."
NUMBERED = "1. Rinse the rice.\n2. Simmer it for 12 minutes."
MORE = "Salt goes in first, and a lid keeps the steam where it belongs. Let it rest before you serve it."
SAID = "I kept losing my place among the bullets."
BULLETS, PLAIN = Finding(SAID, "so this user wants bullet points."), ("structure", "prose")
ONLY = Finding(SAID, "so this user wants bullet points, only for cooking.")
ONCE = Finding(SAID, "but only that once.")
GLUTEN = Finding("no gluten", "so this user wants gluten-free food.")


def chat(before: str | None, after: str | None) -> tuple[Message, ...]:
    """A user's words, with the answers around them."""
    asked, said = Message("user", "How do I cook rice?"), Message("user", SAID)
    return tuple(message for message in (asked, before and Message("assistant", before), said, after and Message("assistant", after)) if message)


def test_what_an_answer_shows() -> None:
    assert [shown(answer, "structure") for answer in (LIST, PROSE, NUMBERED)] == ["bulleted", "prose", "numbered"]
    assert shown(PROSE, "units") is None


@pytest.mark.parametrize(
    ("before", "after", "certainty", "value"),
    [
        (PROSE, LIST, 0.24, "bulleted"),  # it came: less certainty will do
        (PROSE, LIST, 0.23, None),
        (LIST, PROSE, 0.24, "prose"),  # it went: a complaint that was taken for praise
        (LIST, MORE, 0.23, None),
        (PROSE, PROSE, 0.4, "bulleted"),  # the user was not heeded, or it was about something else
        (PROSE, PROSE, 0.39, None),
        (PROSE, NUMBERED, 0.4, "bulleted"),
        (LIST, LIST, 0.65, "bulleted"),  # it was there and stayed: praise beside something else, or a complaint that was not heeded
        (LIST, LIST, 0.63, None),
        (None, LIST, 0.24, "bulleted"),  # with the question, which is answered so
        (None, LIST, 0.23, None),
        (None, NUMBERED, 0.9, None),  # or in another way
        (LIST, None, 0.24, "bulleted"),  # praise, after which nothing is asked again
        (PROSE, None, 0.4, "prose"),  # of what was there, whatever was read
        (PROSE, None, 0.39, None),
        (None, None, 0.4, "bulleted"),
        (None, None, 0.39, None),
    ],
)
def test_a_reading_is_held_against_the_answers_around_it(before: str | None, after: str | None, certainty: float, value: str | None) -> None:
    reading = replace(BULLETS, sure=certainty)
    found = believed(chat(before, after), [reading])
    assert [wanted(finding.verdict) for finding in found] == ([(("structure", value), "")] if value else [])
    assert believed(chat(before, after), [reading], answers=False) == ((BULLETS,) if certainty >= 0.4 else ())


@pytest.mark.parametrize("answers", [(PROSE, LIST), (LIST, PROSE), (PROSE, PROSE), (None, LIST), (LIST, None), (None, None)])
def test_no_answer_tells_whose_wish_it_is(answers: tuple[str | None, str | None]) -> None:
    own, others = replace(BULLETS, own=0.9), replace(BULLETS, own=0.89)
    assert [len(believed(chat(*answers), [reading])) for reading in (own, others)] == [1, 0]
    assert believed(chat(*answers), [replace(GLUTEN, own=0.89)]) == ()
    assert len(believed(chat(*answers), [others], own=0.5)) == 1


def test_what_is_turned_round_keeps_its_areas_and_its_words() -> None:
    (found,) = believed(chat(LIST, PROSE), [ONLY])
    assert (found.evidence, wanted(found.verdict)) == (SAID, (PLAIN, "cooking"))


@pytest.mark.parametrize("finding", [ONCE, GLUTEN])
def test_what_no_answer_can_show_is_the_policys_word(finding: Finding) -> None:
    assert believed(chat(LIST, LIST), [replace(finding, sure=0.4)]) == (finding,)
    assert believed(chat(LIST, MORE), [replace(finding, sure=0.39)]) == ()


def test_where_an_answer_shows_nothing_of_the_matter_the_policys_word_stands() -> None:
    metric = Finding(SAID, "so this user wants metric units.")
    assert wanted(metric.verdict) == (("units", "metric"), "")
    assert believed(chat(PROSE, PROSE), [replace(metric, sure=0.4)]) == (metric,)
    assert believed(chat(None, PROSE), [replace(metric, sure=0.4)]) == (metric,)
    assert believed(chat(PROSE, PROSE), [replace(metric, sure=0.39)]) == ()


def test_an_empty_answer_shows_no_other_value() -> None:
    empty = Message("assistant", "")
    assert believed((*chat(None, None), empty), [replace(BULLETS, sure=0.4)]) == (BULLETS,)
    assert believed((*chat(LIST, None), empty), [replace(BULLETS, sure=0.4)]) == (BULLETS,)


def test_praise_of_what_the_answer_before_it_does_not_show_is_not_believed() -> None:
    assert believed(chat(PROSE, None), [Finding(SAID, "so this user wants metric units.")]) == ()


def test_no_more_than_certainty_is_asked_of_what_is_in_doubt() -> None:
    assert believed(chat(LIST, LIST), [BULLETS], sure=0.9) == (BULLETS,)


def test_a_short_message_is_not_the_place_of_a_long_quote_that_holds_it() -> None:
    said = "next time use running text, thanks"
    chat = (Message("user", "thanks"), Message("assistant", LIST), Message("user", said), Message("assistant", PROSE))
    assert place_of(chat, said) == 2
    assert len(believed(chat, [Finding(said, "so this user wants running text.")])) == 1
