"""Twenty SIGKILLs in one build, to workers and to the parent: the same command goes on each time, to the bytes of an undisturbed build.

On Ray, too, with `make test-slow`.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from generation.build import CONFIGS
from persona_atlas import shards
from persona_atlas.data import DataError, open_release
from persona_atlas.records import SPLITS

DRIVER = Path(__file__).with_name("chaos_driver.py")
BUILD = ("build", "--users", "40", "--seed", "0")
LATE = 4
"""So many of the kills come when all shards are there and are being joined."""


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@dataclass
class Running:
    """A build that runs: its process, and what waits for its end and returns its status."""

    process: psutil.Process
    wait: Callable[[], int]

    def workers(self) -> list[psutil.Process]:
        """The processes that make shards; an actor of Ray that has one in hand comes first."""
        found = []
        for child in self.process.children(recursive=True):
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                name = " ".join(child.cmdline())
                if "spawn_main" in name or "nursery" in name or name.startswith("ray::Maker"):
                    found.append((".make" not in name, child.pid, child))
        return [child for *_, child in sorted(found)]


@dataclass
class Chaos:
    """Kills a build again and again, and looks each time at what there is."""

    out: Path
    start: Callable[[], Running]
    draw: random.Random = field(default_factory=lambda: random.Random(0))
    looked_at: set[Path] = field(default_factory=set)

    def run(self, victims: Sequence[str]) -> None:
        """Kill one victim after the other, each when the build has got on since the last; the last LATE while shards are joined. Then let it end."""
        running = self.start()
        for number, victim in enumerate(victims):
            made = "data/*/[!.]*" if number >= len(victims) - LATE else ".building/*/shard.json" if victim == "actor" else ".building/*/[!.]*"
            while not self._gets_on(running, made):
                assert (victim, running.wait()) == ("actor", 2), f"kill {number}: it ended before"  # a shard over which three actors died
                running = self.start()
            time.sleep(self.draw.uniform(0, 0.03))
            if status := self._kill(running, victim):
                assert running.wait() == status, f"kill {number}, {victim}"
                self.look()
                running = self.start()
        assert running.wait() == 0

    def _gets_on(self, running: Running, made: str) -> bool:
        """Wait until there is more of what is made. False where the build ends before."""
        before, deadline = self._count(made), time.monotonic() + 120
        while self._count(made) <= before or not (made.startswith("data") or running.workers()):
            assert time.monotonic() < deadline, "it does not get on"
            if not running.process.is_running() or running.process.status() == psutil.STATUS_ZOMBIE:
                return False
            time.sleep(0.002)
        return True

    def _count(self, made: str) -> int:
        """How many there are. Folders may go while it looks, where Path.glob fails: the build removes what a killed try left."""
        return len(glob(made, root_dir=self.out))

    def _kill(self, running: Running, victim: str) -> int | None:
        """Kill it; the status with which the command then ends, None where it goes on."""
        if victim == "parent":
            workers = running.workers()
            running.process.kill()
            _, alive = psutil.wait_procs(workers, timeout=30)
            assert alive == []
            return -signal.SIGKILL
        running.workers()[0].kill()
        return 2 if victim == "worker" else None

    def look(self) -> None:
        """There is no release yet; shards that are marked are whole; and so is every file that has its name."""
        with pytest.raises(DataError, match="did not finish; run the same atlas-generate build command again"):
            open_release(self.out, "the tests")
        for marker in set(self.out.glob(".building/*/shard.json")) - self.looked_at:
            digests = json.loads(marker.read_text(encoding="utf-8"))["digests"]
            for name, kind in CONFIGS.items():
                found = [shards.record_digest(record) for record in shards.read_records(marker.with_name(f"{name}.parquet"), kind)]
                assert found == digests[name], f"{marker.parent.name} is marked, and its {name} are not whole"
            self.looked_at.add(marker)
        for path in self.out.glob("data/*/*.parquet"):
            pq.read_metadata(path)


def assert_whole(out: Path, reference: Path) -> None:
    """The same bytes as the reference; no conversation twice, none missing, none of another user."""
    assert content(out) == content(reference)
    release = open_release(out, "the tests")
    for split in SPLITS:
        ids = [conversation.conversation_id for conversation in release.conversations(split)]
        assert len(set(ids)) == len(ids)
        expected = {(user.persona_id, session) for user in release.users(split) for session in range(user.sessions)}
        assert {(conversation.persona_id, conversation.session) for conversation in release.conversations(split)} == expected


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Callable[[], Running]]:
    """Starts the build into `out` in a fork of a process that has made `reference`."""
    command = [sys.executable, str(DRIVER), "nursery", str(tmp_path / "reference"), *BUILD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        answers = process.stdout
        while answers.readline() not in ("ready\n", ""):
            pass

        def start() -> Running:
            print(f"--workers 2 --out {tmp_path / 'out'}", file=process.stdin)
            return Running(psutil.Process(int(answers.readline())), lambda: int(answers.readline()))

        yield start
        process.stdin.close()


def commands(out: Path, *arguments: str) -> Callable[[], Running]:
    """Starts the command itself."""

    environment = {**os.environ, "RAY_worker_niceness": "0"}  # Ray's actors would wait for whatever else this machine does

    def start() -> Running:
        process = subprocess.Popen([sys.executable, str(DRIVER), *BUILD, "--out", str(out), *arguments], stdout=subprocess.DEVNULL, env=environment)
        return Running(psutil.Process(process.pid), process.wait)

    return start


@pytest.mark.slow
def test_a_build_that_is_killed_twenty_times_comes_to_the_same_bytes(nursery: Callable[[], Running], tmp_path: Path) -> None:
    Chaos(tmp_path / "out", nursery).run(["worker", "parent"] * 8 + ["parent"] * LATE)
    assert_whole(tmp_path / "out", tmp_path / "reference")


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same build, undisturbed, with one worker."""
    path = tmp_path_factory.mktemp("chaos") / "reference"
    assert commands(path, "--workers", "1")().wait() == 0
    return path


@pytest.mark.slow
def test_a_killed_build_whose_workers_are_new_interpreters_comes_to_the_same_bytes(reference: Path, tmp_path: Path) -> None:
    Chaos(tmp_path / "out", commands(tmp_path / "out", "--workers", "2")).run(["worker", "parent"] * 2 + ["parent"] * LATE)
    assert_whole(tmp_path / "out", reference)


@pytest.mark.slow
def test_a_build_on_ray_whose_actors_are_killed_comes_to_the_same_bytes(reference: Path, tmp_path: Path) -> None:
    """An actor that dies is replaced while the build goes on; the parent takes its Ray with it."""
    start = commands(tmp_path / "out", "--workers", "2", "--executor", "ray")
    Chaos(tmp_path / "out", start).run(["actor"] * 7 + ["parent"] + ["actor"] * 7 + ["parent"] * (1 + LATE))
    assert_whole(tmp_path / "out", reference)
