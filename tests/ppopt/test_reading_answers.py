"""What the assistant's answers say of a reading: they bear it out, turn it round, or leave it to the policy's certainty."""

import pytest

from persona_atlas.ppopt.answers import believed, shown
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
        (PROSE, LIST, 0.3, "bulleted"),  # done as it was read: less certainty will do
        (MORE, LIST, 0.29, None),
        (LIST, PROSE, 0.3, "prose"),  # a complaint that was taken for praise
        (LIST, MORE, 0.29, None),
        (None, NUMBERED, 0.3, "numbered"),
        (PROSE, PROSE, 0.9, None),  # nothing changed
        (LIST, LIST, 0.5, "bulleted"),  # it was so before: the policy's word
        (LIST, LIST, 0.49, None),
        (None, LIST, 0.49, None),
        (LIST, None, 0.3, "bulleted"),  # praise, after which nothing is asked again
        (PROSE, None, 0.9, None),
        (None, None, 0.5, "bulleted"),
        (None, None, 0.49, None),
    ],
)
def test_a_reading_is_held_against_the_answers_around_it(before: str | None, after: str | None, certainty: float, value: str | None) -> None:
    found = believed(chat(before, after), [(BULLETS, certainty)])
    assert [wanted(finding.verdict) for finding in found] == ([(("structure", value), "")] if value else [])
    assert believed(chat(before, after), [(BULLETS, certainty)], answers=False) == ((BULLETS,) if certainty >= 0.5 else ())


def test_what_is_turned_round_keeps_its_areas_and_its_words() -> None:
    (found,) = believed(chat(LIST, PROSE), [(ONLY, 0.9)])
    assert (found.evidence, wanted(found.verdict)) == (SAID, (PLAIN, "cooking"))


@pytest.mark.parametrize("finding", [ONCE, GLUTEN])
def test_what_no_answer_can_show_is_the_policys_word(finding: Finding) -> None:
    assert believed(chat(LIST, LIST), [(finding, 0.5)]) == (finding,)
    assert believed(chat(LIST, MORE), [(finding, 0.49)]) == ()


def test_where_an_answer_shows_nothing_of_the_matter_the_policys_word_stands() -> None:
    metric = Finding(SAID, "so this user wants metric units.")
    assert wanted(metric.verdict) == (("units", "metric"), "")
    assert believed(chat(PROSE, PROSE), [(metric, 0.5)]) == (metric,)
    assert believed(chat(PROSE, None), [(metric, 0.5)]) == (metric,)


def test_a_second_answer_to_the_same_question_counts_whatever_the_policy_read() -> None:
    (passed_over,) = believed(chat(LIST, PROSE), [])
    assert (passed_over.evidence, wanted(passed_over.verdict)) == (SAID, (PLAIN, ""))
    (misread,) = believed(chat(LIST, PROSE), [(Finding("among the bullets", "so this user wants no emojis, only for cooking."), 0.1)])
    assert (misread.evidence, wanted(misread.verdict)) == ("among the bullets", (PLAIN, "cooking"))
    assert believed(chat(LIST, PROSE), [], answers=False) == believed(chat(LIST, MORE), []) == ()


@pytest.mark.parametrize(("certainty", "values"), [(0.5, []), (0.49, [(PLAIN, "")])])
def test_but_not_where_the_policy_is_sure_that_it_passes(certainty: float, values: list[object]) -> None:
    found = believed(chat(LIST, PROSE), [(ONCE, certainty)])
    assert [told for finding in found if (told := wanted(finding.verdict))] == values


def test_of_several_things_that_changed_each_is_taken_once() -> None:
    cheerful = LIST.replace(".", "!")
    said = Finding(SAID, "so this user wants no bullet points.")
    found = believed(chat(cheerful, PROSE), [(BULLETS, 0.9), (said, 0.2)])
    assert {told[0] for finding in found if (told := wanted(finding.verdict))} == {PLAIN, ("exclamation", "calm")}
    assert len(found) == 2
