"""How files are laid out for those who read them, and that the libraries that people read Parquet with see what was written."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import persona_atlas
from persona_atlas import shards
from persona_atlas.data import SMALL, open_release
from persona_atlas.records import User


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five parts of 200 users each, joined."""
    folder = tmp_path_factory.mktemp("merged")
    user = open_release(Path(persona_atlas.__file__).parent / SMALL, "the package").users("test")[0]
    parts = [folder / f"{number}.parquet" for number in range(5)]
    for number, part in enumerate(parts):
        shards.write_records(part, User, [replace(user, persona_id=f"u-test-{number * 200 + i:06d}") for i in range(200)])
    shards.merge(parts, folder / "users.parquet")
    return folder / "users.parquet"


def test_small_parts_share_a_row_group(merged: Path) -> None:
    found = pq.read_metadata(merged)
    assert [found.row_group(number).num_rows for number in range(found.num_row_groups)] == [600, 400]


def test_a_merge_keeps_every_record_in_order(merged: Path) -> None:
    assert [user.persona_id for user in shards.read_records(merged, User)] == [f"u-test-{number:06d}" for number in range(1000)]


def test_text_columns_are_dictionary_encoded_and_compressed(merged: Path) -> None:
    group = pq.read_metadata(merged).row_group(0)
    texts = [group.column(i) for i in range(group.num_columns) if group.column(i).physical_type == "BYTE_ARRAY"]
    assert all("RLE_DICTIONARY" in column.encodings and column.compression == "ZSTD" for column in texts)


def test_pandas_reads_nested_columns(merged: Path) -> None:
    import pandas

    found = pandas.read_parquet(merged)
    assert len(found) == 1000
    first = next(shards.read_records(merged, User))
    assert [entry["dimension"] for entry in found["preferences"][0]] == [preference.dimension for preference in first.preferences]
    assert json.loads(found["attributes"][0]) == dict(first.attributes)


def test_polars_reads_nested_columns(merged: Path) -> None:
    import polars

    found = polars.read_parquet(merged)
    assert found.height == 1000
    assert found["preferences"].dtype == polars.List(polars.Struct)


def test_duckdb_reads_nested_columns(merged: Path) -> None:
    import duckdb

    assert duckdb.sql(f"select count(*), count(distinct persona_id) from '{merged}' where len(preferences) > 0").fetchone() == (1000, 1000)


def test_datasets_streams_a_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    path = Path(persona_atlas.__file__).parent / SMALL
    found = datasets.load_dataset(str(path), "items", streaming=True)["test"]
    records = open_release(path, "the package").items("test")
    assert [row["item_id"] for row in found] == [item.item_id for item in records]
    assert [gold["value"] for gold in next(iter(found))["gold"]] == [gold.value for gold in records[0].gold]
