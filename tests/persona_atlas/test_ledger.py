"""The ledger: what a history lets be known of an item's gold (MEASUREMENT 4)."""

from dataclasses import replace

import pytest

from persona_atlas.ledger import last_words, states
from persona_atlas.records import Conversation, Gold, Reveal, Turn

BRIEF = (Gold("length", "brief", None),)


def history(*sessions: list[tuple[str, str]]) -> list[Conversation]:
    """One conversation a session, with what its user reveals of their length: (value, how)."""
    return [
        Conversation(
            f"u-test-000000-c{number:02d}", "u-test-000000", "test", number, "t", "travel", {}, "q",
            (Turn("user", "…", "ask", tuple(Reveal("length", value, how) for value, how in reveals)), Turn("assistant", "…", "answer")),
        )
        for number, reveals in enumerate(sessions)
    ]  # fmt: skip


def state(*sessions: list[tuple[str, str]]) -> str:
    return states(BRIEF, history(*sessions))["length"]


@pytest.mark.parametrize("how", ["explicit", "complaint", "praise", "fact", "change"])
def test_the_golds_value_once_let_known_is_revealed(how: str) -> None:
    assert state([("brief", how)], []) == "revealed"


def test_nothing_said_is_unrevealed() -> None:
    assert state([], []) == "unrevealed"
    assert state() == "unrevealed"


def test_what_an_imported_history_lets_be_known_is_unlabelled() -> None:
    imported = [replace(conversation, engine="imported") for conversation in history([], [])]
    assert states(BRIEF, imported) == {"length": "unlabelled"}
    assert states(BRIEF, ()) == {"length": "unrevealed"}


def test_another_value_said_last_is_contradicted() -> None:
    assert state([("brief", "explicit")], [("long", "praise")]) == "contradicted"


def test_the_last_standing_word_counts() -> None:
    assert state([("long", "explicit")], [("brief", "change")]) == "revealed"


def test_an_exception_does_not_stand() -> None:
    assert state([("brief", "explicit")], [("long", "exception")]) == "revealed"
    assert state([("long", "exception")]) == "unrevealed"


def test_a_wish_that_was_lifted_is_nothing_said() -> None:
    assert state([("long", "explicit")], [("long", "end")]) == "unrevealed"


def test_what_the_query_itself_asks_for_is_revealed_by_it() -> None:
    asked = (Gold("length", "brief", None, "revealed", "query"),)
    assert states(asked, []) == states(asked, history([("long", "explicit")])) == {"length": "revealed"}


def test_other_dimensions_say_nothing() -> None:
    assert states((Gold("emoji", "some", None),), history([("brief", "explicit")])) == {"emoji": "unrevealed"}


def test_a_value_is_known_from_the_session_in_which_it_was_first_let_known_since_it_holds() -> None:
    assert last_words(history([], [("brief", "explicit")], [("brief", "praise")])) == {"length": ("brief", 1)}
    assert last_words(history([("brief", "explicit")], [("long", "change")], [("brief", "change")])) == {"length": ("brief", 2)}
    assert last_words(history([("brief", "explicit")], [("brief", "end")], [("brief", "explicit")])) == {"length": ("brief", 2)}
