"""What an optimizer sees and returns."""

import dataclasses

import pytest

from persona_atlas import Context, Message, Optimizer, ProfileEntry, Prompt, Request
from persona_atlas.protocol import as_text

HISTORY = (
    (Message("user", "How long do I boil penne?"), Message("assistant", "For 11 minutes.")),
    (Message("user", "Shorter, please."),),
)


def test_a_history_as_text_is_numbered_and_divided() -> None:
    assert as_text(HISTORY) == "Conversation 1\nUser: How long do I boil penne?\nAssistant: For 11 minutes.\n\nConversation 2\nUser: Shorter, please."


def test_no_history_is_no_text() -> None:
    assert as_text(()) == ""


def test_a_request_shows_user_history_and_query_alone() -> None:
    assert [field.name for field in dataclasses.fields(Request)] == ["user", "history", "query"]
    assert [field.name for field in dataclasses.fields(Message)] == ["role", "content"]


@pytest.mark.parametrize("record", [Request("u", HISTORY, "?"), HISTORY[0][0], Prompt("?"), ProfileEntry("length", "brief"), Context(1, 2.0)])
def test_what_is_passed_cannot_be_changed(record: object) -> None:
    name = dataclasses.fields(record)[0].name  # type: ignore[arg-type]
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(record, name, "other")


def test_a_prompt_needs_nothing_but_its_text() -> None:
    assert Prompt("How much?") == Prompt(text="How much?", profile=(), notes="")


def test_the_generator_of_a_context_depends_on_its_seed_alone() -> None:
    assert Context(7, 1.0).generator().random() == Context(7, 60.0).generator().random()
    assert Context(7, 1.0).generator().random() != Context(8, 1.0).generator().random()


def test_a_class_with_one_method_is_an_optimizer() -> None:
    class Shout:
        def optimize(self, request: Request, context: Context) -> str:
            return request.query.upper()

    shout: Optimizer = Shout()
    assert shout.optimize(Request("u", (), "why?"), Context(0, 1.0)) == "WHY?"
