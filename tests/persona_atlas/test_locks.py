"""A lock that one process has at a time, and that a kill ends."""

import errno
import fcntl
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from persona_atlas.locks import held

HOLDER = """
import sys
from pathlib import Path
from persona_atlas.locks import held

with held(Path(sys.argv[1]), BlockingIOError()):
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "lock"


@pytest.fixture
def holder(file: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that has the lock."""
    command = [sys.executable, "-c", HOLDER, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_what_another_process_has_cannot_be_had(file: Path, holder: "subprocess.Popen[str]") -> None:
    with pytest.raises(BlockingIOError), held(file, BlockingIOError()):
        pass
    assert file.exists()


def test_a_lock_is_free_once_its_holder_ended(file: Path, holder: "subprocess.Popen[str]") -> None:
    holder.communicate("")
    assert not file.exists()
    with held(file, BlockingIOError()):
        assert file.exists()
    assert not file.exists()


def test_the_file_that_a_kill_left_behind_locks_nothing(file: Path, holder: "subprocess.Popen[str]") -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert file.exists()
    with held(file, BlockingIOError()):
        pass
    assert not file.exists()


def test_a_file_that_was_removed_before_it_was_locked_is_made_anew(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lockf, removed = fcntl.lockf, []

    def late(*arguments: object) -> None:
        if not removed:
            removed.append(file.unlink())
        lockf(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(fcntl, "lockf", late)
    with held(file, BlockingIOError()):
        assert file.exists()


def test_a_file_system_without_locks_keeps_nobody_off(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*arguments: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", unknown)
    with held(file, BlockingIOError()):
        assert file.exists()
