"""Records in which something is odd: each is used or left out with its reason, and everything else goes on."""

import json
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.imported.convert import Converted, convert
from generation.imported.read import Chat, Refused, State, read_file
from generation.imported.release import import_release
from generation.verify import verify
from persona_atlas import schema
from persona_atlas.data import open_release
from persona_atlas.records import canonical_json, to_dict

CHAT: dict[str, Any] = {
    "id": "chat", "persona_id": "p", "persona_features": {"length_pref": "terse", "domain": "food"}, "initial_query": "Which tea?",
    "full_conversation": [
        {"role": "user", "content": "wich tea?", "metadata": {"clean_version": "Which tea?"}},
        {"role": "assistant", "content": "Darjeeling.", "metadata": {"model": "some-model"}},
    ],
    "metadata": {
        "noisy_versions": {
            "initial_query": {"noisy_versions": [{"noisy_text": "wich tea?", "applied_strategies": ["typo"]}]},
            "followups": [{"noisy_versions": [{"noisy_text": "and cold", "applied_strategies": ["typo", "fragment"]}]}],
        },
    },
}  # fmt: skip
STATE: dict[str, Any] = {
    "id": "state", "persona_id": "p", "persona_features": {"length_pref": "terse", "domain": "food"}, "original_query": "And cake?",
    "history_texts": ["User: Which tea?\n[ASSISTANT_RESPONSE]", "User: Which cup?\n[ASSISTANT_RESPONSE]"],
}  # fmt: skip
Place = tuple[str | int, ...]
NOISY: Place = ("metadata", "noisy_versions")


def fields(value: Any, path: Place = ()) -> list[Place]:
    """Every place in the record."""
    inner = list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    return [path, *(found for key, entry in inner for found in fields(entry, (*path, key)))]


FIELDS = [(record, path) for record in (CHAT, STATE) for path in fields(record) if path and path != ("id",)]


def changed(record: dict[str, Any], path: Place, value: Any) -> dict[str, Any]:
    """A copy of the record with another value at one place."""
    copy: Any = deepcopy(record)
    place = copy
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return dict(copy)


def read(records: Sequence[dict[str, Any]], folder: Path) -> list[Chat | State | Refused]:
    (folder / "records.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return read_file(folder / "records.jsonl")


def written(found: Converted) -> list[str]:
    """The records as they would be written, in the form that the schema wants."""
    kinds = (("user", found.users), ("conversation", found.conversations), ("item", found.items))
    records = [(kind, to_dict(record)) for kind, splits in kinds for split in splits.values() for record in split]
    for kind, record in records:
        schema.validate(kind, record)
    return [canonical_json(record).encode().decode() for _, record in records]


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("full_conversation",), [], "fewer than two turns"),
        (("full_conversation", 0), "wich tea?", "a turn of role null, wanted user or assistant"),
        (("full_conversation", 0), {}, "a turn of role null, wanted user or assistant"),
        (("full_conversation", 0, "role"), "assistant", "the first turn is not the user's"),
        (("full_conversation", 1, "role"), "system", "a turn of role 'system', wanted user or assistant"),
        (("full_conversation", 1, "role"), "s" * 100_000, f"a turn of role '{'s' * 40}', wanted user or assistant"),
        (("full_conversation", 1, "role"), ["user"], "a turn of role a list, wanted user or assistant"),
        (("full_conversation", 1, "content"), " ", "content is empty, or no text"),
        (("full_conversation", 1, "content"), 3, "content is empty, or no text"),
        (("full_conversation", 1, "content"), "\ud83d", "content has half of a character in it (a surrogate alone), which no file can hold"),
        (("full_conversation", 0, "metadata"), [], "the metadata of a turn is a list, wanted an object"),
        (("full_conversation", 0, "metadata", "clean_version"), 3, "clean_version is a number, wanted text"),
        (("persona_id",), 7, "persona_id is a number, wanted text"),
        (("persona_features",), ["terse"], "the persona is not a mapping from dimensions to values"),
        (("persona_features",), None, "the persona is not a mapping from dimensions to values"),
        (("persona_features", "length_pref"), {"a": 1}, "the persona is not a mapping from dimensions to values"),
        (("persona_features", "length_pref"), float("nan"), "the persona has a value that is no number (NaN, or infinite)"),
        (("persona_features", "\udc00"), "x", "the persona has half of a character in it (a surrogate alone), which no file can hold"),
        (("initial_query",), 0, "initial_query is a number, wanted text"),
        (("metadata",), "none", "metadata is text, wanted an object"),
        (NOISY, [], "metadata.noisy_versions is a list, wanted an object"),
        ((*NOISY, "initial_query"), True, "a turn of metadata.noisy_versions is true or false, wanted an object"),
        ((*NOISY, "initial_query", "noisy_versions"), {}, "noisy_versions is an object, wanted a list"),
        ((*NOISY, "initial_query", "noisy_versions", 0), 3, "a noisy version is a number, wanted an object"),
        ((*NOISY, "initial_query", "noisy_versions", 0, "noisy_text"), ["a"], "noisy_text is a list, wanted text"),
        ((*NOISY, "initial_query", "noisy_versions", 0, "applied_strategies"), "x y", "applied_strategies is text, wanted a list"),
        ((*NOISY, "initial_query", "noisy_versions", 0, "applied_strategies"), ["typo", None], "an applied strategy is empty, or no text"),
        ((*NOISY, "followups"), 3, "followups is a number, wanted a list"),
        ((*NOISY, "followups", 0), "x", "a turn of metadata.noisy_versions is text, wanted an object"),
    ],
)
def test_a_conversation_that_cannot_be_used_says_why_and_the_next_is_used(path: Place, value: Any, reason: str, tmp_path: Path) -> None:
    first, second = read([changed(CHAT, path, value), CHAT], tmp_path)
    assert first == Refused("chat", reason)
    assert isinstance(second, Chat)


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("history_texts",), [], "no earlier conversations"),
        (("history_texts",), "User: a", "no earlier conversations"),
        (("history_texts", 1), None, "history_texts is empty, or no text"),
        (("history_texts", 1), "User: a", "an earlier conversation has fewer than two turns"),
        (("history_texts", 1), "Bot: a", "an earlier conversation has a part that does not begin with 'User:': 'Bot: a\\n'"),
        (
            ("history_texts", 1),
            "User: \ud800\n[ASSISTANT_RESPONSE]",
            "history_texts has half of a character in it (a surrogate alone), which no file can hold",
        ),
        (("original_query",), None, "original_query is empty, or no text"),
    ],
)
def test_a_state_that_cannot_be_used_says_why_and_the_next_is_used(path: Place, value: Any, reason: str, tmp_path: Path) -> None:
    first, second = read([changed(STATE, path, value), STATE], tmp_path)
    assert first == Refused("state", reason)
    assert isinstance(second, State)


def test_half_of_a_character_in_an_id_is_spelled_out_in_the_report(tmp_path: Path) -> None:
    (found,) = read([{**CHAT, "id": "a\ud800"}], tmp_path)
    assert found == Refused("a\\ud800", "its id has half of a character in it (a surrogate alone), which no file can hold")


@pytest.mark.parametrize("path", [("persona_id",), ("initial_query",), ("metadata",), ("full_conversation", 0, "metadata"), NOISY])
def test_what_may_be_absent_may_be_null(path: Place, tmp_path: Path) -> None:
    (found,) = read([changed(CHAT, path, None)], tmp_path)
    assert isinstance(found, Chat)


def test_of_a_key_that_stands_twice_the_last_counts(tmp_path: Path) -> None:
    (tmp_path / "twice.jsonl").write_text('{"initial_query": 3, ' + json.dumps(CHAT)[1:])
    (found,) = read_file(tmp_path / "twice.jsonl")
    assert isinstance(found, Chat)
    assert found.query == "Which tea?"


def test_fields_that_are_not_read_may_hold_anything(tmp_path: Path) -> None:
    (found,) = read([{**CHAT, "score": float("nan"), "extra": ["\ud800", {"": None}], "num_turns": "x" * 100_000}], tmp_path)
    assert isinstance(found, Chat)


def nested(depth: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


ODD: list[Any] = [
    None, True, 0, -3, 0.5, 10**400, float("nan"), float("inf"), "", " ", "x y", "\ud800", "\0", "word " * 2_000,
    [], [3], [None], [[]], {}, {"x": 3}, nested(300),
]  # fmt: skip


def test_a_file_of_odd_records_is_imported_with_each_of_them_used_or_listed(tmp_path: Path) -> None:
    odd = [changed(record, path, value) for record, path in FIELDS for value in ODD]
    for number, record in enumerate(odd):
        record.update({"id": f"r-{number}"}, **({"persona_id": f"p-{number}"} if record["persona_id"] == "p" else {}))
    (tmp_path / "odd.jsonl").write_text("".join(json.dumps(record) + "\n" for record in [CHAT, STATE, *odd]), encoding="utf-8")
    made = import_release([tmp_path / "odd.jsonl"], tmp_path / "out")
    ids, left_out = set(made.report["ids"]), set(made.report["left_out"])
    assert {"chat", "state"} <= ids
    assert (ids & left_out, len(ids | left_out)) == (set(), len(odd) + 2)
    assert verify(open_release(tmp_path / "out", "out")).problems == []


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text("ab:\n\0 é\ud800\u2028")
    | st.sampled_from(["user", "User: a\n[ASSISTANT_RESPONSE]"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab\ud800"), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=80, deadline=None)
@given(where=st.sampled_from(FIELDS), value=JSON)
def test_whatever_stands_in_a_field_the_record_is_used_or_refused_and_the_next_is_used(
    where: tuple[dict[str, Any], Place], value: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    record, path = where
    odd, *fine = read([{**changed(record, path, value), "id": "odd"}, CHAT, STATE], tmp_path_factory.getbasetemp())
    account = (found := convert([odd, *fine])).account
    assert ("odd" in account.ids) != ("odd" in account.left_out)
    assert {"chat", "state"} <= set(account.ids)
    assert written(found)
