"""`atlas-generate diff`: what differs between two releases, and which part of the dataset version has to move."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import persona_atlas
from generation.build import DATASET_VERSION
from generation.cli import main
from generation.diff import Diff, diff, moved
from generation.shard import CONFIGS
from persona_atlas import shards
from persona_atlas.data import SMALL, load_dataset

Records = list[Any]
MAJOR, MINOR, _ = DATASET_VERSION.split(".")
NEXT_MINOR = f"{MAJOR}.{int(MINOR) + 1}.0"


@pytest.fixture(scope="module")
def release_path() -> Path:
    """The release that ships with the package: it is there already."""
    return Path(persona_atlas.__file__).parent / SMALL


@pytest.fixture
def copy(release_path: Path, tmp_path: Path) -> Path:
    return shutil.copytree(release_path, tmp_path / "copy")


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["diff", *(str(argument) for argument in arguments)])


def rewrite(path: Path, config: str, split: str, change: Callable[[Records], Records]) -> None:
    """Write a file of the release anew with other records, and what the manifest says of it."""
    file, kind = path / "data" / config / f"{split}.parquet", CONFIGS[config]
    records = change(list(shards.read_records(file, kind)))
    shards.write_records(file, kind, records)
    digest = shards.content_digest(shards.record_digest(record) for record in records)
    edit_manifest(path, lambda entry: entry.update(rows=len(records), content_digest=digest, sha256=shards.file_sha256(file)), config, split)


def edit_manifest(path: Path, change: Callable[[dict[str, Any]], object], config: str = "", split: str = "") -> None:
    manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    if config:
        (entry,) = (entry for entry in manifest["files"] if (entry["config"], entry["split"]) == (config, split))
        change(entry)
        manifest["content_digest"] = shards.content_digest(entry["content_digest"] for entry in manifest["files"])
    else:
        change(manifest)
    (path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def compared(old: Path, new: Path) -> Diff:
    return diff(load_dataset(str(old)), load_dataset(str(new)))


def first(change: Callable[[Any], Any]) -> Callable[[Records], Records]:
    """Change the first record alone."""
    return lambda records: [change(records[0]), *records[1:]]


def test_a_release_is_equal_to_itself(release_path: Path, copy: Path) -> None:
    done = call(release_path, copy)
    assert done.exit_code == 0
    assert done.stdout == f"{release_path} and {copy} are equal\n"
    assert json.loads(call(release_path, copy, "--json").stdout)["needed"] == "none"


def test_files_of_equal_digests_are_not_read(release_path: Path, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "read_column", lambda path, name: pytest.fail("read"))
    assert compared(release_path, copy).equal


def test_changed_gold_moves_scores_and_names_the_item(release_path: Path, copy: Path) -> None:
    rewrite(copy, "items", "test", first(lambda item: replace(item, gold=item.gold[1:], slices=(*item.slices, "new"))))
    done = call(release_path, copy)
    assert done.exit_code == 1
    rows = len(load_dataset(str(copy)).items("test"))
    assert f"items of test: {rows} → {rows} rows, 1 changed" in done.stdout
    assert "  fields: gold (1), slices (1)" in done.stdout
    assert "  changed: u-test-000000-i00\n" in done.stdout
    assert "moves scores: items of test: gold (1), slices (1)" in done.stdout
    same = f"({DATASET_VERSION} → {DATASET_VERSION})"
    assert f"the major number has to move, and it did not {same}; runs on the two would pass for runs on one" in done.stdout


@pytest.mark.parametrize(
    ("config", "change", "needed"),
    [
        ("items", first(lambda item: replace(item, query="Another?")), "major"),
        ("items", first(lambda item: replace(item, history=item.history[1:])), "major"),
        ("items", first(lambda item: replace(item, twins=item.twins[1:])), "major"),
        ("items", lambda items: items[1:], "major"),
        ("items", lambda items: [*items, replace(items[0], item_id="u-test-000000-i99")], "minor"),
        ("items", lambda items: items[::-1], "major"),
        ("users", lambda users: [replace(users[0], name="Zoe"), *users[:0:-1]], "major"),
        ("conversations", first(lambda one: replace(one, turns=one.turns[:1])), "major"),
        ("conversations", first(lambda one: replace(one, slots={"x": 1})), "patch"),
        ("users", first(lambda user: replace(user, name="Zoe")), "patch"),
        ("users", first(lambda user: replace(user, attributes={})), "major"),
    ],
)
def test_what_moves_a_score_needs_a_new_major_version(config: str, change: Any, needed: str, release_path: Path, copy: Path) -> None:
    rewrite(copy, config, "test", change)
    found = compared(release_path, copy)
    assert not found.equal
    assert (found.needed, found.enough) == (needed, False)


def test_what_comes_and_goes_is_counted_by_id(release_path: Path, copy: Path) -> None:
    rewrite(copy, "items", "test", lambda items: [replace(items[2], item_id="u-test-000000-i98"), *items[:1:-1], items[0]])
    (found,) = [file for file in compared(release_path, copy).files if not file.equal]
    assert (found.added, found.removed, found.changed) == (1, 1, 0)
    assert found.ids == {"added": ["u-test-000000-i98"], "removed": ["u-test-000000-i01"], "changed": []}


def test_a_config_that_one_of_them_lacks_is_added(release_path: Path, copy: Path) -> None:
    def forget(manifest: dict[str, Any]) -> None:
        for entry in manifest["files"]:
            if entry["config"] == "benchmark":
                (copy / entry["path"]).unlink()
        manifest["files"] = [entry for entry in manifest["files"] if entry["config"] != "benchmark"]
        manifest["content_digest"] = shards.content_digest(entry["content_digest"] for entry in manifest["files"])

    edit_manifest(copy, forget)
    assert compared(copy, release_path).needed == "minor"
    assert compared(release_path, copy).needed == "major"


@pytest.mark.parametrize(
    ("change", "needed"), [({"scorer_version": 99}, "major"), ({"generator_version": "99"}, "patch"), ({"dataset_version": NEXT_MINOR}, "none")]
)
def test_versions_are_compared(change: dict[str, Any], needed: str, release_path: Path, copy: Path) -> None:
    edit_manifest(copy, lambda manifest: manifest.update(change))
    found = compared(release_path, copy)
    assert (found.needed, found.equal) == (needed, False)
    assert list(found.versions) == list(change)


def test_a_version_that_moved_far_enough_is_told_so(release_path: Path, copy: Path) -> None:
    rewrite(copy, "users", "test", first(lambda user: replace(user, name="Zoe")))
    edit_manifest(copy, lambda manifest: manifest.update(dataset_version=NEXT_MINOR))
    assert f"the patch number has to move, and it did enough ({DATASET_VERSION} → {NEXT_MINOR})" in call(release_path, copy).stdout


def test_other_bytes_of_the_same_content_are_equal(release_path: Path, copy: Path) -> None:
    file = copy / "data" / "users" / "test.parquet"
    shards.pq.write_table(shards.pq.read_table(file), file, compression="snappy")
    edit_manifest(copy, lambda entry: entry.update(sha256=shards.file_sha256(file)), "users", "test")
    found = compared(release_path, copy)
    assert found.equal
    assert found.rewritten == ("data/users/test.parquet",)


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("1.0.0", "1.0.0", "none"), ("1.0.0", "1.0.1", "patch"), ("1.0.9", "1.1.0", "minor"), ("1.9.9", "2.0.0", "major"),
        ("1.0.0", "1.10.0", "minor"), ("2.0.0", "1.0.0", "none"), (None, "1.0.0", None),
    ],
)  # fmt: skip
def test_which_part_of_a_version_moved(old: str | None, new: str, part: str | None) -> None:
    assert moved(old, new) == part


def test_a_version_that_went_back_is_not_enough_for_anything(release_path: Path, copy: Path) -> None:
    edit_manifest(copy, lambda manifest: manifest.update(dataset_version="0.9.0", scorer_version=99))
    assert compared(release_path, copy).enough is False


@pytest.mark.filterwarnings("ignore:.*has schema version 1")
def test_a_release_of_version_1_is_compared_as_it_is_migrated(release_path: Path) -> None:
    old = Path(__file__).parents[1] / "persona_atlas" / "schema_v1" / "release"
    found = compared(old, release_path)
    assert found.versions["schema_version"] == (1, 2)
    assert found.needed == "major"
    assert compared(old, old).equal


def test_two_rows_of_one_id_are_one_sentence(release_path: Path, copy: Path) -> None:
    rewrite(copy, "items", "test", lambda items: [items[0], *items])
    done = call(release_path, copy)
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == f"Error: {copy}/data/items/test.parquet holds two rows of one id; atlas-generate verify {copy} says which"


def test_files_of_equal_digests_and_other_bytes_are_read(release_path: Path, copy: Path) -> None:
    def torn(manifest: dict[str, Any]) -> None:
        (entry,) = (entry for entry in manifest["files"] if (entry["config"], entry["split"]) == ("users", "test"))
        (copy / entry["path"]).write_bytes(b"")
        entry["sha256"] = shards.file_sha256(copy / entry["path"])

    edit_manifest(copy, torn)
    done = call(release_path, copy)
    assert done.exit_code == 2
    assert "data/users/test.parquet is not readable as Parquet" in done.stderr


def test_what_is_no_release_is_one_sentence(release_path: Path, tmp_path: Path) -> None:
    done = call(release_path, tmp_path)
    assert done.exit_code == 2
    assert "holds no manifest.json, so it is no release" in done.stderr
