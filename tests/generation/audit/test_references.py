"""References: every form is read, and what is none is said to be none in one sentence."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from generation.audit.references import ReferenceFileError, read_reference

CONVERSATION: list[dict[str, Any]] = [{"role": "user", "content": "Hi there"}, {"role": "assistant", "content": "Hello"}]
WILD = [
    {"conversation_hash": "a", "hashed_ip": "ip", "language": "English", "conversation": CONVERSATION},
    {"conversation_hash": "b", "hashed_ip": "ip", "language": "French", "conversation": CONVERSATION},
]
PRISM = {
    "user_id": "user7",
    "conversation_history": [
        {"role": "user", "content": "Hi"},
        {"role": "model", "content": "Yes?", "if_chosen": True},
        {"role": "model", "content": "No", "if_chosen": False},
    ],
}


MODERATION = {"harassment": False, "harassment/threatening": False, "self-harm": False}
WHOLE_WILD = {
    "conversation_hash": "c0ffee",
    "model": "gpt-4",
    "timestamp": datetime(2024, 3, 1, 9, 30, tzinfo=UTC),
    "conversation": [
        {
            **turn,
            "country": "Canada",
            "hashed_ip": "ab12",
            "header": {"accept-language": "en-CA", "user-agent": "Mozilla/5.0"},
            "language": "English",
            "redacted": False,
            "state": "Ontario",
            "timestamp": datetime(2024, 3, 1, 9, 30, tzinfo=UTC),
            "toxic": False,
            "turn_identifier": 17,
        }
        for turn in CONVERSATION
    ],
    "turn": 1,
    "language": "English",
    "openai_moderation": [{"categories": MODERATION, "category_scores": dict.fromkeys(MODERATION, 0.01), "flagged": False}] * 2,
    "detoxify_moderation": [{"identity_attack": 0.1, "insult": 0.1, "toxicity": 0.1}] * 2,
    "toxic": False,
    "redacted": False,
}
"""A row with the columns that the card of WildChat-1M lists; its users are told apart within the turns alone."""
WHOLE_PRISM = {
    "conversation_id": "c1",
    "user_id": "user7",
    "conversation_type": "values guided",
    "opening_prompt": "Hi",
    "conversation_turns": 1,
    "conversation_history": [
        {"turn": 0, "role": "user", "content": "Hi"},
        *(
            {
                "turn": 0,
                "role": "model",
                "content": content,
                "model_name": "a-model",
                "model_provider": "somebody",
                "score": score,
                "if_chosen": chosen,
                "within_turn_id": number,
            }
            for number, (content, score, chosen) in enumerate([("No", 10, False), ("Yes?", 90, True)])
        ),
    ],
    "performance_attributes": {"values": 55, "fluency": 80},
    "open_feedback": "fine",
    "included_in_balanced_subset": True,
}
"""A line with what the codebook of PRISM's conversations.jsonl lists."""


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_conversations_as_json_lines_and_as_parquet_are_the_same(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(WILD), tmp_path / "wild.parquet")
    found = [read_reference(path, 0) for path in (lines(tmp_path / "wild.jsonl", WILD), tmp_path / "wild.parquet")]
    assert [(r.found, r.left_out, [(c.user, c.said("user")) for c in r.chats]) for r in found] == [(1, 1, [("ip", ["Hi there"])])] * 2


def test_whole_rows_of_wildchat_and_prism_are_read(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([WHOLE_WILD] * 2), tmp_path / "train-00000-of-00014.parquet")
    wild = read_reference(tmp_path / "train-00000-of-00014.parquet", 0)
    assert [(chat.user, [turn.text for turn in chat.turns]) for chat in wild.chats] == [("ab12", ["Hi there", "Hello"])] * 2
    pq.write_table(pa.Table.from_pylist([WHOLE_PRISM]), tmp_path / "conversations.parquet")  # where all turns have all keys
    for path in (lines(tmp_path / "conversations.jsonl", [WHOLE_PRISM]), tmp_path / "conversations.parquet"):
        prism = read_reference(path, 0)
        assert [(chat.user, [turn.text for turn in chat.turns]) for chat in prism.chats] == [("user7", ["Hi", "Yes?"])]


def test_of_several_answers_the_chosen_one_is_read(tmp_path: Path) -> None:
    (chat,) = read_reference(lines(tmp_path / "prism.jsonl", [PRISM]), 0).chats
    assert (chat.user, [turn.text for turn in chat.turns]) == ("user7", ["Hi", "Yes?"])


def test_the_published_files_are_read_from_their_folder(published: Path) -> None:
    found = read_reference(published, 0)
    assert found.found > 3
    assert all(chat.said("user") for chat in found.chats)
    assert not any("[ASSISTANT_RESPONSE]" in text for text in found.texts())


def test_a_release_is_a_reference_too(release_path: Path) -> None:
    assert read_reference(release_path, 0).found > 100


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"text": "hello"}\n', "entry 1 has text, wanted objects with conversation"),
        ("", "is empty, wanted objects with conversation"),
        ('{"conversation": [\n', "is not readable as JSON"),
        ('{"conversation": ' + "[" * 5_000, "is JSON beyond what can be read"),
        ('{"conversation": ' + "1" * 5_000 + "}", "is JSON beyond what can be read"),
        ('{"conversation": [{"role": ["user"], "content": "Hi"}]}', "holds no chat with a turn of a user in English"),
        (json.dumps({"conversation": [], "language": "English"}), "holds no chat with a turn of a user in English"),
    ],
    ids=["other keys", "empty", "cut off", "deep", "a long number", "no role", "no turn"],
)
def test_wrong_files_are_told_in_one_sentence(content: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ReferenceFileError, match=says):
        read_reference(path, 0)


def test_what_is_no_parquet_is_told_in_one_sentence(tmp_path: Path) -> None:
    turns = pa.array([["x"]]).cast(pa.list_(pa.binary()))
    broken = pa.ListArray.from_arrays([0, 1], pa.array([b"\xff"]).view(pa.binary()).view(pa.string()))
    pq.write_table(pa.table({"conversation": broken, "id": turns}), tmp_path / "some.parquet")
    with pytest.raises(ReferenceFileError, match="is not readable as Parquet"):
        read_reference(tmp_path / "some.parquet", 0)


def test_an_array_may_begin_after_an_empty_line(tmp_path: Path) -> None:
    (tmp_path / "wild.json").write_text("\n " + json.dumps(WILD), encoding="utf-8")
    assert read_reference(tmp_path / "wild.json", 0).found == 1


def test_a_release_of_an_older_schema_version_is_a_reference_too() -> None:
    with pytest.warns(UserWarning, match="has schema version 1"):
        assert read_reference(Path(__file__).parents[2] / "persona_atlas" / "schema_v1" / "release", 0).found > 0


def test_a_folder_given_by_a_point_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "chats").mkdir()
    lines(tmp_path / "chats" / "wild.jsonl", WILD)
    monkeypatch.chdir(tmp_path / "chats")
    assert read_reference(Path("."), 0).name == "chats"


def test_a_file_that_is_not_there_and_a_folder_of_none(tmp_path: Path) -> None:
    with pytest.raises(ReferenceFileError, match="does not exist; give a file or folder"):
        read_reference(tmp_path / "no.jsonl", 0)
    with pytest.raises(ReferenceFileError, match="holds no file that ends in"):
        read_reference(tmp_path, 0)
