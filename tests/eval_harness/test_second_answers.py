"""What changed between two answers to one question."""

import pytest

from eval_harness.second_answers import second_answers
from persona_atlas.protocol import Message

LIST = "Two steps:\n\n- Rinse the rice.\n- Simmer it for 12 minutes."
PROSE = "Rinse the rice, then simmer it for 12 minutes."
MORE = "Salt goes in first, and a lid keeps the steam where it belongs. Let it rest before you serve it."
DIMENSIONS = ("structure", "emoji", "units")


def chat(*answers: str) -> list[Message]:
    return [message for answer in answers for message in (Message("user", "As I said."), Message("assistant", answer))]


@pytest.mark.parametrize(
    ("answers", "changed"),
    [
        ((LIST, PROSE), [(2, "structure", "prose")]),
        ((PROSE, LIST, PROSE), [(2, "structure", "bulleted"), (4, "structure", "prose")]),
        ((LIST, f"{PROSE} \U0001f35a"), [(2, "structure", "prose"), (2, "emoji", "some")]),
        ((LIST, MORE), []),  # another question
        ((LIST, LIST), []),
        ((PROSE, f"{PROSE} Take 200 grams."), []),  # units were in no answer before: nobody asked for others
        ((LIST,), []),
        ((), []),
    ],
)
def test_what_a_second_answer_shows_otherwise(answers: tuple[str, ...], changed: list[tuple[int, str, str]]) -> None:
    assert list(second_answers(chat(*answers), DIMENSIONS)) == changed


def test_what_the_user_goes_on_to_say_is_no_second_answer() -> None:
    user, assistant = Message("user", LIST), Message("assistant", PROSE)
    assert list(second_answers([user, user, assistant, user], DIMENSIONS)) == []
