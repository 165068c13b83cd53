"""Building: the same content and bytes whatever the workers and interruptions, and never over something that is not the build's own."""

import json
import shutil
import signal
import subprocess
import sys
import time
import weakref
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from generation import build as building
from generation import workfolder
from generation.build import Block, Config, build, make_shard, split_counts
from generation.people import users_of
from generation.shard import CONFIGS, read_marker, write_shard
from generation.spoken.cast import Cast, Voice
from generation.spoken.engine import Speech
from generation.workfolder import BuildError
from persona_atlas import shards
from persona_atlas.data import DataError, Release, open_release
from persona_atlas.records import SPLITS, User
from persona_atlas.schema import SchemaError

CONFIG = Config(20, 0)
"""The configuration of the `release` fixture, which one worker built undisturbed."""


def silent(done: int, total: int) -> None:
    pass


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def wait_for(condition: Any, seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    return bool(condition())


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 4])
def test_the_number_of_workers_changes_no_byte(workers: int, release_path: Path, tmp_path: Path) -> None:
    build(CONFIG, tmp_path / "again", workers, silent)
    assert content(tmp_path / "again") == content(release_path)


KILLED = """
import os, signal, sys
from multiprocessing import active_children
from pathlib import Path
from generation.build import Config, build

out, told = map(Path, sys.argv[1:])

def progress(done, total):
    if done:
        told.write_text(" ".join(str(worker.pid) for worker in active_children()))
        os.kill(os.getpid(), signal.SIGKILL)

build(Config(20, 0), out, 2, progress)
"""
"""A build with two workers that is killed (SIGKILL) when it hears that its first shard is done; before, it tells their process numbers."""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[int]]:
    """The folder of that build, and the process numbers of its workers. Copy the folder before changing anything."""
    folder = tmp_path_factory.mktemp("killed")
    out, told = folder / "persona-atlas", folder / "workers"
    assert subprocess.run([sys.executable, "-c", KILLED, out, told], stderr=subprocess.DEVNULL).returncode == -signal.SIGKILL
    return out, [int(number) for number in told.read_text().split()]


def gone(workers: list[int]) -> bool:
    return wait_for(lambda: not any(psutil.pid_exists(number) for number in workers), 10)


def test_a_killed_build_leaves_no_release(killed: tuple[Path, list[int]]) -> None:
    out, _ = killed
    assert not (out / "manifest.json").exists()
    with pytest.raises(DataError, match="did not finish; run the same atlas-generate build command again"):
        open_release(out, "the tests")


def test_a_killed_build_takes_its_workers_with_it(killed: tuple[Path, list[int]]) -> None:
    _, workers = killed
    assert len(workers) >= 2
    assert gone(workers)


def test_a_killed_build_resumes_to_the_same_bytes(killed: tuple[Path, list[int]], release_path: Path, tmp_path: Path) -> None:
    """Some shards are of two workers, the rest of this process, and the release to compare with of one."""
    begun, workers = killed
    assert gone(workers)
    out = shutil.copytree(begun, tmp_path / "out")
    finished = list(out.glob(".building/*/shard.json"))
    assert 1 <= len(finished) < 4
    reported: list[tuple[int, int]] = []
    build(CONFIG, out, 1, lambda done, total: reported.append((done, total)))
    assert reported[0] == (len(finished), 4)
    assert content(out) == content(release_path)


@pytest.mark.slow
def test_a_worker_that_is_killed_ends_the_build_with_a_sentence(tmp_path: Path) -> None:
    command = [Path(sys.executable).parent / "atlas-generate", "build", "--users", "60", "--out", tmp_path / "out", "--workers", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert wait_for(lambda: list(tmp_path.glob("out/.building/*/shard.json")))
    worker = next(child for child in psutil.Process(process.pid).children() if "spawn_main" in " ".join(child.cmdline()))
    worker.kill()
    _, said = process.communicate()
    assert process.returncode == 2
    assert said.splitlines()[-1].startswith("Error: a worker process was killed, perhaps for memory; run the same command again to go on")
    assert "Traceback" not in said


def test_what_a_kill_left_of_the_last_step_is_cleared_away(release_path: Path, tmp_path: Path) -> None:
    """The kill came after shards were joined: some files are in place, others half written."""
    out = tmp_path / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building.shards, "file_sha256", lambda path: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            build(CONFIG, out, 1, silent)
    (out / "data" / "users" / ".test.parquet.x1y2z3").write_bytes(b"half")
    (out / ".manifest.json.x1y2z3").write_text("{")
    build(CONFIG, out, 1, silent)
    assert content(out) == content(release_path)


def test_a_users_records_are_those_of_a_larger_release(release: Release, tmp_path: Path) -> None:
    small = tmp_path / "small"
    build(Config(10, 0), small, 1, silent)
    found = open_release(small, "the tests")
    for split in SPLITS:
        assert found.users(split) == release.users(split)[: len(found.users(split))]
        assert found.items(split) == release.items(split)[: len(found.items(split))]
        assert found.conversations(split) == release.conversations(split)[: len(found.conversations(split))]
        assert found.history_noise(split) == release.history_noise(split)[: len(found.history_noise(split))]


def opened(config: Config, out: Path) -> Path:
    """The work folder of a build that has just begun."""
    out.mkdir(exist_ok=True)
    return workfolder.opened(out, config.written())


def begun(config: Config, out: Path) -> None:
    """A build that ended when its first shard was done."""
    marker = building.marker_of(opened(config, out), Block("train", 0, 10))
    marker.parent.mkdir()
    marker.write_text("{}")


def spoken_with(arguments: str) -> Config:
    voice = Voice("openvino", arguments)
    return Config(20, 0, Speech(Cast(voice, voice, (voice,)), Path("answers.sqlite")))


def test_an_unfinished_build_of_another_configuration_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    begun(Config(20, 0), out)
    before = content(out)
    with pytest.raises(BuildError, match=r"another configuration \(users 20 there, 30 asked for, seed 0 there, 5 asked for\)"):
        build(Config(30, 5), out, 1, silent)
    assert content(out) == before


def test_an_unfinished_build_with_other_banks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun(CONFIG, tmp_path / "out")
    monkeypatch.setattr(building, "banks_digest", lambda: "0" * 64)
    with pytest.raises(BuildError, match="other banks or generator"):
        build(CONFIG, tmp_path / "out", 1, silent)


def test_an_unfinished_build_by_another_engine_is_refused_by_name(tmp_path: Path) -> None:
    begun(spoken_with("pretrained=qwen.gguf"), tmp_path / "out")
    with pytest.raises(BuildError, match="engine lm there, none asked for"):
        build(CONFIG, tmp_path / "out", 1, silent)


def test_a_build_of_which_no_shard_is_done_gives_way_to_another_configuration(tmp_path: Path) -> None:
    work = opened(spoken_with("pretrained=qwem.gguf"), tmp_path / "out")
    (work / "train-00000").mkdir()
    (work / "train-00000" / "provenance.parquet").write_bytes(b"half")
    opened(CONFIG, tmp_path / "out")
    assert json.loads((work / "config.json").read_text())["users"] == 20
    assert set(content(work)) == {"config.json"}


@pytest.mark.parametrize("other", ["Config(20, 0)", "Config(30, 5)"])
def test_a_second_build_beside_one_that_is_at_work_is_refused(other: str, tmp_path: Path) -> None:
    """Both tries are of another process, before a shard is done, and leave the first one its lock and its configuration."""
    program = f"""
import sys
from pathlib import Path
from generation.build import Config, build
from generation.workfolder import BuildError

for _ in range(2):
    try:
        build({other}, Path(sys.argv[1]), 1, print)
    except BuildError as error:
        print(error)
"""
    said = []

    class Looked:
        def run(self, job: Any, missing: Any, workers: Any) -> Iterator[Block]:
            said.append(subprocess.run([sys.executable, "-c", program, tmp_path / "out"], stdout=subprocess.PIPE, text=True).stdout)
            yield 1 / 0

    with pytest.raises(ZeroDivisionError):
        build(CONFIG, tmp_path / "out", 1, silent, Looked())
    sentence = f"another build into {tmp_path / 'out'} is running; let it end, or give another --out"
    assert said[0].splitlines() == [sentence, sentence]


def test_a_build_that_was_killed_beside_its_manifest_is_done(release_path: Path, tmp_path: Path) -> None:
    out = shutil.copytree(release_path, tmp_path / "out")
    (out / ".building" / "test-00000").mkdir(parents=True)
    (out / ".building" / "config.json").write_text(json.dumps(CONFIG.written()))
    assert build(CONFIG, out, 1, silent) == json.loads((out / "manifest.json").read_text())
    assert content(out) == content(release_path)


def test_what_another_build_left_beside_a_manifest_is_cleared_away(release_path: Path, tmp_path: Path) -> None:
    out = shutil.copytree(release_path, tmp_path / "out")
    (out / ".building" / "test-00000").mkdir(parents=True)
    with pytest.raises(BuildError, match="holds a finished release"):
        build(CONFIG, out, 1, silent)
    assert content(out) == content(release_path)


def test_what_desktops_and_file_systems_leave_in_a_folder_stops_no_build(tmp_path: Path) -> None:
    (tmp_path / ".DS_Store").touch()
    (tmp_path / ".nfs0000001").touch()
    assert opened(CONFIG, tmp_path).is_dir()


@pytest.mark.parametrize("version", ["DATASET_VERSION", "SCORER_VERSION"])
def test_shards_of_another_version_are_not_gone_on_with(version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun(CONFIG, tmp_path / "out")
    monkeypatch.setattr(building, version, 99)
    with pytest.raises(BuildError, match="other banks or generator"):
        build(CONFIG, tmp_path / "out", 1, silent)


def test_no_file_is_held_open_in_the_work_folder_when_it_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On NFS a file that is open cannot be removed: it is renamed within its folder, which then cannot be removed either."""
    held = []

    def watched(folder: Path, **kwargs: Any) -> None:
        held.extend(file.path for file in psutil.Process().open_files() if Path(file.path).is_relative_to(folder))
        remove(folder, **kwargs)

    remove = shutil.rmtree
    monkeypatch.setattr(shutil, "rmtree", watched)
    build(Config(10, 0), tmp_path / "out", 1, silent)
    assert not held


SPEED = ["cache_gb=8", "max_num_seqs=4", "gpu_memory_utilization=0.5", "num_concurrent=2", "timeout=9", "max_retries=9", "batch_size=4"]


@pytest.mark.parametrize("argument", [*SPEED, "api_key=hunter2", "token=hunter2"])
def test_speed_and_secrets_make_no_other_configuration(argument: str) -> None:
    assert spoken_with(f"model=qwen,{argument}").written() == spoken_with("model=qwen").written()


@pytest.mark.parametrize("argument", ["max_length=4096", "dtype=float32", "base_url=http://localhost:8001/v1/completions"])
def test_what_decides_answers_makes_another_configuration(argument: str) -> None:
    base = "model=qwen,max_length=2048,dtype=bfloat16,base_url=http://localhost:8000/v1/completions"
    assert spoken_with(f"{base},{argument}").digest != spoken_with(base).digest


def test_weights_are_known_by_what_they_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    weights, elsewhere = tmp_path / "qwen.gguf", tmp_path / "elsewhere" / "qwen.gguf"
    weights.write_bytes(b"GGUF 1")
    here = spoken_with(f"pretrained={weights}").digest
    elsewhere.parent.mkdir()
    weights.rename(elsewhere)
    assert spoken_with(f"pretrained={elsewhere}").digest == here
    elsewhere.write_bytes(b"GGUF two")
    assert spoken_with(f"pretrained={elsewhere}").digest != here


def test_an_argument_that_differs_is_named_and_no_value_is_told(tmp_path: Path) -> None:
    begun(spoken_with("model=qwen,max_length=2048,base_url=http://me:hunter2@localhost/v1,api_key=hunter2"), tmp_path / "out")
    with pytest.raises(BuildError, match=r"another configuration \(another base_url and max_length of the models\)") as refused:
        build(spoken_with("model=qwen,max_length=4096,base_url=http://me:hunter3@localhost/v1,api_key=hunter3"), tmp_path / "out", 1, silent)
    assert "hunter" not in f"{refused.value} {content(tmp_path / 'out')}"


def test_a_finished_release_is_refused(release_path: Path) -> None:
    before = content(release_path)
    with pytest.raises(BuildError, match="holds a finished release"):
        build(CONFIG, release_path, 1, silent)
    assert content(release_path) == before


@pytest.mark.parametrize("name", ["thesis.tex", "README.md", "data/mine.csv"])
def test_a_folder_that_holds_something_else_is_refused(name: str, tmp_path: Path) -> None:
    stranger = tmp_path / name
    stranger.parent.mkdir(exist_ok=True)
    stranger.write_text("mine")
    with pytest.raises(BuildError, match=f"is not empty \\(it holds {name.split('/')[0]}\\)"):
        build(CONFIG, tmp_path, 1, silent)
    assert content(tmp_path) == {name: b"mine"}


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(BuildError, match="is a file, wanted a folder"):
        build(CONFIG, tmp_path / "out", 1, silent)


def test_too_few_users_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="9 users do not fill four splits; ask for at least --users 10"):
        build(Config(9, 0), tmp_path / "out", 1, silent)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("users", [10, 11, 99, 1000])
def test_splits_share_out_every_user(users: int) -> None:
    counts = split_counts(users)
    assert sum(counts.values()) == users
    assert all(counts[split] >= 1 for split in SPLITS)
    assert counts["train"] >= users / 2


def test_a_record_that_the_schema_refuses_ends_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless(seed: int, block: Block) -> list[User]:
        return [replace(user, name="") for user in users_of(seed, block)]

    monkeypatch.setattr("generation.shard.users_of", nameless)
    with pytest.raises(SchemaError, match=r"user: at name found '', wanted"):
        build(Config(10, 0), tmp_path / "out", 1, silent)
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_a_shard_is_marked_done_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building.shards, "write_text", lambda path, text: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        make_shard(CONFIG, tmp_path, Block("validation", 0, 1))
    assert sorted(content(tmp_path)) == [f"validation-00000/{name}.parquet" for name in sorted(building.CONFIGS)]


def test_the_manifest_describes_every_file(release_path: Path) -> None:
    manifest = json.loads((release_path / "manifest.json").read_text(encoding="utf-8"))
    listed = {entry["path"] for entry in manifest["files"]}
    assert set(content(release_path)) == listed | {"README.md", "manifest.json"}
    users = {entry["split"]: entry["rows"] for entry in manifest["files"] if entry["config"] == "users"}
    assert users == {"train": 10, "validation": 2, "test": 6, "test_ood": 2}


def test_the_manifest_counts_what_was_not_made_by_reason(release: Release) -> None:
    twins = sum(len(item.twins) for split in SPLITS for item in release.items(split))
    items = sum(len(release.items(split)) for split in SPLITS)
    failures = release.manifest["failures"]
    assert sum(number for reason, number in failures.items() if " twin: " in reason) == 9 * items - twins


def test_every_split_has_history_noise_but_train(release_path: Path) -> None:
    manifest = json.loads((release_path / "manifest.json").read_text(encoding="utf-8"))
    assert {entry["split"] for entry in manifest["files"] if entry["config"] == "history_noise"} == {"validation", "test", "test_ood"}


def test_requests_without_gold_are_made_of_test_splits_alone(release_path: Path) -> None:
    manifest = json.loads((release_path / "manifest.json").read_text(encoding="utf-8"))
    assert {entry["split"] for entry in manifest["files"] if entry["config"] == "benchmark"} == {"test", "test_ood"}


def test_splits_share_no_user_and_no_task(release: Release) -> None:
    users = [user.persona_id for split in SPLITS for user in release.users(split)]
    assert len(set(users)) == len(users)
    asked = {
        split: {record.template_id for record in (*release.items(split), *release.conversations(split), *release.history_noise(split))} - {""}
        for split in SPLITS
    }
    assert sum(map(len, asked.values())) == len(set().union(*asked.values()))


class Marker(dict[str, Any]):
    """A shard's marker that can be referred to weakly."""


def test_the_last_step_holds_the_marker_of_one_shard_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    todo = [Block("train", number, 1) for number in range(4)]
    for block in todo:
        write_shard(tmp_path / "work", block, {name: users_of(0, block) if name == "users" else [] for name in CONFIGS}, Counter(odd=1))
    held: list[weakref.ref[Marker]] = []

    def read(work: Path, block: Block) -> Marker:
        assert not any(one() for one in held)
        found = Marker(read_marker(work, block))
        held.append(weakref.ref(found))
        return found

    monkeypatch.setattr(building, "read_marker", read)
    manifest = building._finish(CONFIG, tmp_path, tmp_path / "work", todo)
    (entry,) = manifest["files"]
    users = [user for block in todo for user in users_of(0, block)]
    assert (entry["rows"], entry["content_digest"]) == (4, shards.content_digest(map(shards.record_digest, users)))
    assert manifest["failures"] == {"odd": 4}


def test_a_build_that_ended_just_before_another_got_the_lock_is_a_finished_release(release_path: Path, tmp_path: Path) -> None:
    out = shutil.copytree(release_path, tmp_path / "out")
    with pytest.raises(BuildError, match="holds a finished release"):
        workfolder.finished(out, CONFIG.written())
    assert content(out) == content(release_path)
