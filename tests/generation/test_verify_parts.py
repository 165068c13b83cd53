"""Verifying in parts: neither their order nor the workers change the report, and no record is missed, wherever in its file it stands."""

import json
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from generation import verify as verifying
from generation.audit.corpus import read
from generation.build import CONFIGS, Config, build
from generation.verify import Report, verify
from generation.verify_files import File, Part, Split
from persona_atlas import shards
from persona_atlas.data import Release, open_release
from persona_atlas.records import Conversation, Item, User

STRANGER = "u-test-000099"


@pytest.fixture(autouse=True)
def _parts_of_one_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generation.verify_files.BLOCK", 1)


@pytest.fixture
def larger_copy(release_path: Path, tmp_path: Path) -> Path:
    """The release's test split: six users."""
    out = tmp_path / "release"
    _copy_test_split(release_path, out)
    return out


@pytest.fixture(scope="module")
def _two_users(release_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("two") / "release"
    _copy_test_split(release_path, out)
    for config in ("users", "conversations", "history_noise", "items", "benchmark"):
        rewrite(out, config, lambda records: [record for record in records if owner(record) < "u-test-000002"])
    return out


@pytest.fixture
def copy(_two_users: Path, tmp_path: Path) -> Path:
    """Two users of the test split."""
    return shutil.copytree(_two_users, tmp_path / "release")


def _copy_test_split(release_path: Path, out: Path) -> None:
    manifest = json.loads((release_path / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"] = [entry for entry in manifest["files"] if entry["split"] == "test"]
    for entry in manifest["files"]:
        (out / entry["path"]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(release_path / entry["path"], out / entry["path"])
    _write_manifest(out, manifest)


def owner(record: Any) -> str:
    """The id of the user whose record it is."""
    return str(getattr(record, "persona_id", "") or record.request_id.rpartition("-")[0])


def _write_manifest(out: Path, manifest: dict[str, Any]) -> None:
    manifest["content_digest"] = shards.content_digest(entry["content_digest"] for entry in manifest["files"])
    (out / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def rewrite(release: Path, config: str, change: Callable[[list[Any]], list[Any]]) -> None:
    """Change the records of a file, and the manifest with them."""
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    (entry,) = (entry for entry in manifest["files"] if entry["config"] == config)
    records = change(list(shards.read_records(release / entry["path"], CONFIGS[config])))
    shards.write_records(release / entry["path"], CONFIGS[config], records)
    digest = shards.content_digest(map(shards.record_digest, records))
    entry.update(rows=len(records), content_digest=digest, sha256=shards.file_sha256(release / entry["path"]))
    _write_manifest(release, manifest)


def verified(release: Path, workers: int = 1) -> Report:
    return verify(open_release(release, "the tests"), workers)


def strangers(record: Any) -> Any:
    """A copy of the record, of a user who is not in the release."""
    own = "item_id" if isinstance(record, Item) else "conversation_id"
    return replace(record, persona_id=STRANGER, **{own: f"{STRANGER}-{getattr(record, own)[-3:]}"})


def spoil(release: Path) -> None:
    """More problems than a report tells, of every kind: of files, of strangers, of labels, all over the split."""
    rewrite(release, "users", lambda users: [replace(users[0], name=""), *users[1:-1], replace(users[-1], hard=())])
    rewrite(release, "items", lambda items: [replace(item, witness="No idea.") for item in items])
    rewrite(release, "conversations", lambda found: [replace(found[0], query=""), *found[1:], strangers(found[-1])])
    rewrite(release, "benchmark", lambda rows: [*rows, replace(rows[0], request_id=f"{STRANGER}-i00")])
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"][-1]["content_digest"] = "0" * 64
    _write_manifest(release, manifest)


def test_the_order_in_which_parts_are_looked_at_changes_nothing(larger_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(larger_copy)
    expected = verified(larger_copy)
    parts = verifying._parts

    def backwards(release: Release, notes: verifying.Notes) -> Iterator[Part]:
        yield from reversed(list(parts(release, notes)))

    monkeypatch.setattr(verifying, "_parts", backwards)
    found = verified(larger_copy)
    assert (found.wrong, len(found.problems)) == (expected.wrong, verifying.MOST)
    assert found == expected
    assert list(found.checked) == list(expected.checked)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 3])
def test_the_number_of_workers_changes_nothing(workers: int, larger_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(larger_copy)
    monkeypatch.setattr(verifying, "BLOCK", 1)
    assert verified(larger_copy, workers) == verified(larger_copy)


def test_problems_are_told_by_file_then_strangers_then_users(larger_copy: Path) -> None:
    spoil(larger_copy)
    names = [problem.split(" has ")[0].split(":")[0] for problem in verified(larger_copy).problems]
    assert names[:3] == ["data/users/test.parquet, row 0", "data/conversations/test.parquet, row 0", "data/benchmark/test.parquet"]
    assert names[3:5] == [STRANGER, f"{STRANGER}-i00 is in the benchmark of test and is no item"]
    assert names[5:] == sorted(names[5:])
    assert names[5].startswith("u-test-000000")


@pytest.mark.parametrize("config", ["users", "conversations", "history_noise", "items", "benchmark"])
def test_the_records_of_a_user_may_stand_anywhere_in_their_file(config: str, copy: Path) -> None:
    """The users' records are dealt out in turn; each user's own stay in order."""

    def dealt(records: list[Any]) -> list[Any]:
        owners = [owner(record) for record in records]
        return [records[i] for i in sorted(range(len(records)), key=lambda i: (owners[:i].count(owners[i]), owners[i]))]

    rewrite(copy, config, dealt)
    report = verified(copy)
    assert (report.wrong, report.problems) == (0, [])


def test_a_record_out_of_its_users_order_is_found_among_those_of_others(copy: Path) -> None:
    rewrite(copy, "conversations", lambda found: [*found[1:], found[0]])
    first = verified(copy).problems[0]
    assert first.startswith("u-test-000000-c01: session 1, no noise, at place 0 of the history")


@pytest.mark.parametrize(("config", "name"), [("conversations", "conversations"), ("history_noise", "noise"), ("items", "items")])
def test_a_strangers_record_is_found_in_the_middle_of_a_file(config: str, name: str, copy: Path) -> None:
    def change(records: list[Any]) -> list[Conversation | Item]:
        middle = len(records) // 2
        return [*records[:middle], strangers(records[middle]), *records[middle:]]

    rewrite(copy, config, change)
    assert verified(copy).problems == [f"{STRANGER} has {name} in test but is no user of it"]


def test_a_strangers_record_is_validated_and_digested_too(copy: Path) -> None:
    rewrite(copy, "conversations", lambda found: [*found, replace(strangers(found[-1]), query="")])
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    assert [problem.split(":")[0] for problem in verified(copy).problems] == [
        f"data/conversations/test.parquet, row {next(e['rows'] for e in manifest['files'] if e['config'] == 'conversations') - 1}",
        f"{STRANGER} has conversations in test but is no user of it",
    ]


def test_records_in_another_order_than_the_manifest_says_are_found(copy: Path) -> None:
    """The bytes agree with the manifest, the digest over the records does not."""
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    (before,) = (entry for entry in manifest["files"] if entry["config"] == "users")
    rewrite(copy, "users", lambda users: users[::-1])
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    for entry in manifest["files"]:
        if entry["config"] == "users":
            entry["content_digest"] = before["content_digest"]
    _write_manifest(copy, manifest)
    assert verified(copy).problems == ["data/users/test.parquet: its content differs from the manifest"]


def test_a_file_without_records_is_held_against_the_manifest(copy: Path) -> None:
    rewrite(copy, "benchmark", lambda rows: [])
    report = verified(copy)
    assert report.checked["file digests"] == 5
    assert all(problem.endswith("the benchmark row differs from the item and its history") for problem in report.problems)


def test_a_file_at_another_place_is_validated_and_digested(copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    (entry,) = (entry for entry in manifest["files"] if entry["config"] == "users")
    users = list(shards.read_records(copy / entry["path"], User))
    shards.write_records(copy / "more.parquet", User, [replace(users[0], name="")])
    manifest["files"].append({**entry, "path": "more.parquet", "sha256": shards.file_sha256(copy / "more.parquet")})
    _write_manifest(copy, manifest)
    first, second = verified(copy).problems
    assert first.startswith("more.parquet, row 0: user: at name found ''")
    assert second == "more.parquet: its content differs from the manifest"


def test_a_file_that_the_manifest_does_not_list_is_told_and_not_read(copy: Path) -> None:
    others = copy / "data" / "items" / "train.parquet"
    shutil.copy(copy / "data" / "items" / "test.parquet", others)
    (problem,) = verified(copy).problems
    assert problem.startswith("data/items/train.parquet: it is in the folder but not in the manifest, so no hash vouches for it; remove it")
    shutil.copy(copy / "data" / "conversations" / "test.parquet", copy / "data" / "conversations" / "train.parquet")
    found = open_release(copy, "the tests")
    assert len(read(found).own) == len(found.conversations("test"))


def test_ids_are_counted_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "users.parquet"
    pq.write_table(pa.table({"persona_id": [*(f"u-train-{number:06}" for number in range(50_000)), "u-train-000007"]}), path)
    split = Split("train", {"users": File(path, path.name, "users", 0)}, {}, {})
    tracemalloc.start()
    try:
        assert list(split.twice()) == ["u-train-000007 stands 2 times in users of train"]
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_progress_counts_users(copy: Path) -> None:
    reported: list[tuple[int, int]] = []
    verify(open_release(copy, "the tests"), progress=lambda done, total: reported.append((done, total)))
    assert reported == [(done, 2) for done in range(3)]


# The command, with workers.


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release that takes two workers some time."""
    out = tmp_path_factory.mktemp("larger") / "persona-atlas"
    build(Config(200, 0), out, 2, lambda done, total: None)
    return out


@pytest.fixture
def running(larger: Path) -> Iterator[subprocess.Popen[str]]:
    """The command on it, when its first workers are at work."""
    command = [sys.executable, "-c", "from generation.cli import main; main()", "verify", str(larger), "--workers", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            assert process.stderr.readline() == "0/200 users\n"
            process.stderr.readline()  # the first part is done
            yield process
        finally:
            process.kill()


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return [child for child in psutil.Process(process.pid).children() if "spawn_main" in " ".join(child.cmdline())]


@pytest.mark.slow
def test_a_worker_that_is_killed_ends_verify_with_a_sentence(running: subprocess.Popen[str]) -> None:
    workers_of(running)[0].kill()
    printed, said = running.communicate(timeout=30)
    assert (running.returncode, printed) == (2, "")
    assert said.splitlines()[-1] == ("Error: a worker process was killed, perhaps for memory; run the same command again, with fewer --workers")
    assert "Traceback" not in said


@pytest.mark.slow
def test_ctrl_c_ends_verify_and_its_workers_at_once(running: subprocess.Popen[str]) -> None:
    workers, started = workers_of(running), time.monotonic()
    running.send_signal(signal.SIGINT)
    printed, said = running.communicate(timeout=30)
    assert time.monotonic() - started < 2
    assert (running.returncode, printed) == (130, "")
    assert said.splitlines()[-1] == "Stopped. Nothing was changed: run the same command again to verify from the start."
    assert "Traceback" not in said
    assert psutil.wait_procs(workers, timeout=5)[1] == []
