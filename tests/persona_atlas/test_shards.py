"""Shards: records survive Parquet, digests see content alone, and a write that fails changes nothing."""

import dataclasses
import errno
import os
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_atlas import shards
from persona_atlas.data import Release
from persona_atlas.records import RECORD_KINDS, Item, User, canonical_json, from_dict, to_dict

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
WHOLE = st.integers(-(2**63), 2**63 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | WHOLE | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: WHOLE,
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    type(None): st.none(),
}


def many(strategy: st.SearchStrategy[Any], most: int = 3) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, max_size=most).map(tuple)


def typed(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a field's type: records within records, tuples of them, optional ones, mappings with free keys."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return st.builds(hint, **{name: typed(inner) for name, inner in get_type_hints(hint).items()})
    if get_origin(hint) is tuple:
        return many(typed(get_args(hint)[0]), 2)
    if get_origin(hint) is Mapping:
        return st.dictionaries(TEXT, TEXT if get_args(hint)[1] is str else JSON, max_size=3)
    if isinstance(hint, UnionType):
        return st.one_of(*map(typed, get_args(hint)))
    return SCALARS[hint]


RECORDS = {kind: typed(record) for kind, record in RECORD_KINDS.items()}
ITEMS = RECORDS["item"]


@pytest.mark.parametrize("kind", RECORDS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_records_survive_parquet(kind: str, data: st.DataObject) -> None:
    records = data.draw(many(RECORDS[kind]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "records.parquet"
        shards.write_records(path, RECORD_KINDS[kind], records)
        assert tuple(shards.read_records(path, RECORD_KINDS[kind])) == records


@pytest.mark.parametrize("kind", RECORDS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_records_survive_plain_data(kind: str, data: st.DataObject) -> None:
    record = data.draw(RECORDS[kind])
    assert from_dict(RECORD_KINDS[kind], to_dict(record)) == record


@pytest.mark.parametrize("kind", RECORDS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_row_opened_is_its_record_as_plain_data(kind: str, data: st.DataObject) -> None:
    record = data.draw(RECORDS[kind])
    opened = shards.plain(RECORD_KINDS[kind], shards.to_row(record))
    assert opened == to_dict(record)
    assert shards.plain_digest(opened).hex() == shards.record_digest(record)


@settings(max_examples=15, deadline=None)
@given(records=st.lists(ITEMS, min_size=1, max_size=9), data=st.data())
def test_rows_are_read_at_their_places_in_whatever_row_group(records: list[Item], data: st.DataObject) -> None:
    places = sorted(data.draw(st.sets(st.integers(0, len(records) - 1))))
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "BATCH", 2)
        path = Path(folder) / "items.parquet"
        table = pa.Table.from_pylist([shards.to_row(record) for record in records], schema=shards.arrow_schema(Item))
        pq.write_table(table, path, row_group_size=3)
        found = [shards.from_row(Item, row) for row in shards.read_rows(path, np.array(places, dtype=np.int64))]
    assert found == [records[place] for place in places]


@settings(max_examples=15, deadline=None)
@given(records=st.lists(ITEMS, min_size=1, max_size=6), data=st.data())
def test_the_content_digest_does_not_depend_on_sharding(records: list[Item], data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, len(records)), max_size=3)) | {0, len(records)})
    with tempfile.TemporaryDirectory() as folder:
        parts = []
        for number, (start, end) in enumerate(pairwise(cuts)):
            parts.append(Path(folder) / f"{number}.parquet")
            shards.write_records(parts[-1], Item, records[start:end])
        shards.merge(parts, Path(folder) / "whole.parquet")
        merged = list(shards.read_records(Path(folder) / "whole.parquet", Item))
    assert shards.content_digest(map(shards.record_digest, merged)) == shards.content_digest(map(shards.record_digest, records))


def test_the_content_digest_depends_on_order_and_content(release: Release) -> None:
    first, second = map(shards.record_digest, release.users("train")[:2])
    assert len({shards.content_digest(digests) for digests in ([], [first], [first, second], [second, first], [first, first])}) == 5


def test_the_manifest_holds_the_content_digest_of_every_file(release: Release) -> None:
    for entry in release.manifest["files"]:
        if entry["config"] != "benchmark":
            records = getattr(release, entry["config"])(entry["split"])
            assert shards.content_digest(map(shards.record_digest, records)) == entry["content_digest"], entry["path"]
            assert len(records) == entry["rows"]


def test_columns_are_real_and_free_mappings_are_json_text(release_path: Path) -> None:
    table = pq.read_table(release_path / "data" / "items" / "test.parquet")
    assert str(table.schema.field("session").type) == "int64"
    assert str(table.schema.field("slots").type) == "string"
    assert "struct<dimension: string, value: string, revealed_in: int64, state: string, source: string>" in str(table.schema.field("gold").type)


def test_canonical_json_is_the_same_for_the_same_content() -> None:
    assert canonical_json({"b": (1, 2.5), "a": "é"}) == canonical_json({"a": "é", "b": [1, 2.5]}) == '{"a":"é","b":[1,2.5]}'


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    shards.write_text(path, "old")

    def fail_halfway() -> None:
        with shards.atomic(path) as temporary:
            temporary.write_text("half of the new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_record_that_cannot_be_written_leaves_the_old_file(tmp_path: Path, release: Release) -> None:
    path = tmp_path / "users.parquet"
    shards.write_records(path, User, release.users("test"))
    before = path.read_bytes()
    nameless = replace(release.users("test")[0], name={"first": "Ada"})
    with pytest.raises(TypeError):
        shards.write_records(path, User, [nameless, release.conversations("test")])
    assert path.read_bytes() == before


def test_what_the_system_refuses_names_the_file_that_was_to_be_written(tmp_path: Path) -> None:
    with pytest.raises(OSError) as full, shards.atomic(tmp_path / "file"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert full.value.filename == str(tmp_path / "file")
    with pytest.raises(OSError) as gone, shards.atomic(tmp_path / "file") as temporary:
        temporary.unlink()
    assert gone.value.filename == str(tmp_path / "file")
    with pytest.raises(OSError) as other, shards.atomic(tmp_path / "file"):
        (tmp_path / "another").read_text()
    assert other.value.filename == str(tmp_path / "another")


def test_an_atomic_write_makes_its_folder_and_replaces_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "note.txt"
    shards.write_text(path, "one")
    shards.write_text(path, "two, é")
    assert path.read_text(encoding="utf-8") == "two, é"


@pytest.mark.parametrize(("umask", "shared"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_a_new_file_is_for_those_whom_the_umask_leaves_in(umask: int, shared: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        shards.write_text(tmp_path / "shared", "all may read it")
        shards.write_text(tmp_path / "secret", "one may read it", shards.PRIVATE)
    finally:
        os.umask(before)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("shared", "secret")] == [shared, 0o600]


def test_a_merge_that_fails_leaves_the_old_file(tmp_path: Path, release: Release) -> None:
    whole, part = tmp_path / "whole.parquet", tmp_path / "part.parquet"
    shards.write_records(part, User, release.users("test"))
    shards.merge([part], whole)
    before = whole.read_bytes()
    with pytest.raises(FileNotFoundError):
        shards.merge([part, tmp_path / "missing.parquet"], whole)
    assert whole.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["part.parquet", "whole.parquet"]


@pytest.mark.parametrize("content", [b"", b"PAR1 and no more", b"x" * 1000])
def test_what_is_no_parquet_is_one_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "test.parquet"
    path.write_bytes(content)
    for reading in (lambda: list(shards.read_batches(path)), lambda: shards.read_column(path, "a"), lambda: shards.count_rows(path)):
        with pytest.raises(shards.DataError, match=r"test\.parquet is not readable as Parquet \(.+\); copy the release again"):
            reading()


def test_a_column_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "test.parquet"
    shards.write_records(path, RECORD_KINDS["user"], [])
    with pytest.raises(shards.DataError, match=r"test\.parquet has no column query;"):
        shards.read_column(path, "query")
