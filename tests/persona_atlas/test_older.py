"""Releases and results of schema version 1, as its own code wrote them (schema_v1/), read as those of today."""

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import persona_atlas
from eval_harness.finished import finished_results
from generation.cli import main
from generation.verify_conversations import history_problems
from generation.verify_items import item_problems
from persona_atlas import older, schema, shards
from persona_atlas.data import SMALL, DataError, Release, history, load_dataset
from persona_atlas.records import RECORD_KINDS, SPLITS, Held, to_dict
from persona_atlas.schema import SchemaError, v1_to_v2

HERE = Path(__file__).parent / "schema_v1"
SHIPPED = Path(persona_atlas.__file__).parent / SMALL
WORDS = ("in words that are not of", "no wording of its task", "do not say what the checkers see")
"""What may be said of labels that the banks and checkers of version 1 made: they knew other lines."""


@pytest.fixture(scope="module")
def old() -> Release:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_dataset(str(HERE / "release"))


def raw(config: str, split: str) -> list[dict[str, Any]]:
    """The records of the fixture as version 1 has them."""
    return list(older.records(HERE / "release", config, split, 1, 1))


def test_it_says_once_that_it_is_migrated() -> None:
    with pytest.warns(UserWarning, match="has schema version 1; its records are migrated to version 2 as they are read") as said:
        release = load_dataset(str(HERE / "release"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        release.items("test")
    assert len(said) == 1
    assert release.source.endswith("release, migrated from schema version 1")


@pytest.mark.parametrize("kind", RECORD_KINDS)
def test_every_record_is_valid_in_its_own_version_and_in_todays(kind: str, old: Release) -> None:
    for split in SPLITS:
        for record in raw(f"{kind}s", split):
            schema.validate(kind, record, 1)
        for record in getattr(old, f"{kind}s")(split):
            schema.validate(kind, to_dict(record))


def test_the_manifest_counts_what_is_read(old: Release) -> None:
    for entry in old.manifest["files"]:
        if entry["config"] != "benchmark":
            assert len(getattr(old, entry["config"])(entry["split"])) == entry["rows"]


@pytest.mark.parametrize("kind", RECORD_KINDS)
def test_nothing_that_version_1_says_is_lost(kind: str, old: Release) -> None:
    """The round trip: without what version 2 added, the migrated record is the one on disk."""
    for split in SPLITS:
        found = [_as_version_1(kind, to_dict(record)) for record in getattr(old, f"{kind}s")(split)]
        wanted = raw(f"{kind}s", split)
        if kind == "conversation":  # constraints come last, as version 2 lists them
            for record in [*found, *wanted]:
                for turn in record["turns"]:
                    turn["known"].sort()
        assert found == wanted


def _as_version_1(kind: str, record: dict[str, Any]) -> dict[str, Any]:
    names = schema.schema(kind, 1)["properties"]
    kept = {name: record[name] for name in names}
    match kind:
        case "user":
            kept["style"] = {name: kept["style"][name] for name in names["style"]["properties"]}
            kept["preferences"] = _cut(kept["preferences"], names["preferences"])
        case "conversation":
            kept["turns"] = _cut(kept["turns"], names["turns"])
            for turn in kept["turns"]:
                turn["known"] = [held["value"] if held["dimension"] == "hard" else held["dimension"] for held in turn["known"]]
        case _:
            kept["gold"], kept["twins"] = _cut(kept["gold"], names["gold"]), _cut(kept["twins"], names["twins"])
            for twin in kept["twins"]:
                twin["edits"] = [{key: edit[key] for key in edit if key != "effect"} for edit in twin["edits"]]
            kept["slices"] = [name for name in kept["slices"] if name == "hard"]
    return kept


def _cut(entries: list[dict[str, Any]], form: dict[str, Any]) -> list[dict[str, Any]]:
    return [{name: entry[name] for name in form["items"]["properties"]} for entry in entries]


def test_labels_are_what_version_2_would_write_for_the_same_content(old: Release) -> None:
    """`verify`'s own rules find nothing wrong: what is in force, known and contradicted, gold, lures, slices, twins, hard constraints."""
    problems: list[str] = []
    for split in ("test", "test_ood"):
        conversations, items = old.conversations(split), old.items(split)
        for user in old.users(split):
            mine = [conversation for conversation in conversations if conversation.persona_id == user.persona_id]
            problems += history_problems(user, mine, lambda what: None)
            problems += item_problems(user, mine, [], [item for item in items if item.persona_id == user.persona_id], lambda what: None)
    assert [problem for problem in problems if not any(words in problem for words in WORDS)] == []


def test_items_are_found_by_their_place(old: Release) -> None:
    items = old.items("test")
    assert old.item_ids("test") == [(item.persona_id, item.item_id) for item in items]
    assert old.items_at("test", [1, len(items) - 1]) == [items[1], items[-1]]


def test_a_history_is_found_and_knows_values(old: Release) -> None:
    item = old.items("test")[0]
    assert [conversation.conversation_id for conversation in history(item, old)] == list(item.history)
    user = next(user for user in old.users("test") if user.persona_id == item.persona_id)
    known = history(item, old)[-1].turns[-1].known
    assert known
    assert {held for held in known if held.dimension != "hard"} <= {Held(p.dimension, p.value) for p in user.preferences}


# What is refused


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return shutil.copytree(HERE / "release", tmp_path / "copy")


def change_rows(path: Path, config: str, split: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the first row of a file, and what the manifest says of its bytes."""
    file = path / "data" / config / f"{split}.parquet"
    table = pq.read_table(file)
    rows = table.to_pylist()
    change(rows[0])
    pq.write_table(table.from_pylist(rows, schema=table.schema), file)
    manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    for entry in manifest["files"]:
        entry["sha256"] = shards.file_sha256(path / entry["path"])
    (path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


@pytest.mark.parametrize(("name", "value"), [("scope", ["food"]), ("first_session", 2), ("last_session", 3)])
def test_a_preference_that_does_not_always_hold_is_refused(name: str, value: Any, copy: Path) -> None:
    change_rows(copy, "users", "test", lambda row: row["preferences"][0].update({name: value}))
    with pytest.raises(DataError, match=rf"has schema version 1, this package reads 2 \(u-test-000000 wants .* with a {name}, .*; build it again"):
        load_dataset(str(copy))


def test_what_no_user_wants_is_refused_when_it_is_read(copy: Path) -> None:
    change_rows(copy, "conversations", "test", lambda row: row.update(persona_id="u-test-000099"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        release = load_dataset(str(copy))
    with pytest.raises(DataError, match="u-test-000099, who is no user of its split"):
        release.conversations("test")


def test_a_release_that_only_calls_itself_version_1_is_refused(tmp_path: Path) -> None:
    copy = shutil.copytree(SHIPPED, tmp_path / "copy")
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    manifest["schema_version"] = 1
    manifest.pop("dataset_version", None)
    (copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(DataError, match=r"has schema version 1, this package reads 2 \(manifest: .*history_noise.*\); build it again"):
        load_dataset(str(copy))


def test_columns_of_another_version_are_refused(copy: Path) -> None:
    shutil.copy(SHIPPED / "data" / "users" / "test.parquet", copy / "data" / "users" / "test.parquet")
    change_rows(copy, "users", "train", lambda row: None)
    with pytest.raises(DataError, match=r"\(data/users/test.parquet has a column sessions\); build it again"):
        load_dataset(str(copy))


@pytest.mark.parametrize("command", ["verify", "revoice"])
def test_commands_that_need_todays_labels_say_so(command: str, tmp_path: Path) -> None:
    flags = ["--out", str(tmp_path / "out"), "--model", "scripted"] if command == "revoice" else []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = CliRunner().invoke(main, [command, str(HERE / "release"), *flags])
    assert done.exit_code == 2
    assert "has schema version 1" in done.stderr


# Results


def test_results_of_version_1_are_read_with_a_note(tmp_path: Path) -> None:
    shutil.copy(HERE / "results.json", tmp_path)
    (tmp_path / "run.json").write_text('{"config": {}}', encoding="utf-8")
    before = json.loads((HERE / "results.json").read_text(encoding="utf-8"))
    schema.validate("results", before, 1)
    found = finished_results(tmp_path)
    schema.validate("results", found)
    assert {name: found[name] for name in before if name not in ("schema_version", "notes")} == {
        name: before[name] for name in before if name not in ("schema_version", "notes")
    }
    assert found["notes"] == [*before["notes"], v1_to_v2.NOT_MADE]
    assert found["scorer_version"] == 1


def test_results_of_an_unknown_version_are_left_alone() -> None:
    assert older.results({"schema_version": 99}) == {"schema_version": 99}


def test_a_version_without_a_way_to_todays_is_not_migratable() -> None:
    assert older.migratable(1)
    assert not older.migratable(0)


def test_a_turn_that_knows_a_constraint_lists_it_last() -> None:
    around = v1_to_v2.Around(values={"u-test-000000": {"length": "brief"}})
    turn = {"role": "user", "content": "x", "act": "ask", "reveals": [], "shows": [], "known": ["nut_free", "length"]}
    record = {"conversation_id": "u-test-000000-c00", "persona_id": "u-test-000000", "turns": [turn, turn]}
    found = v1_to_v2.conversation(record, around)["turns"][0]["known"]
    assert found == [{"dimension": "length", "value": "brief"}, {"dimension": "hard", "value": "nut_free"}]


def test_the_users_of_another_split_are_not_looked_for() -> None:
    with pytest.raises(SchemaError, match="who is no user of its split"):
        v1_to_v2.conversation({"conversation_id": "c", "persona_id": "u-test-000001", "turns": []}, v1_to_v2.Around())
