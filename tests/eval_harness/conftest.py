"""What tests of run folders share: another process that is at work on one."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

HOLDER = """
import sys
from pathlib import Path
from eval_harness.runfolder import alone

with alone(Path(sys.argv[1])):
    print("ready", flush=True)
    sys.stdin.read()
"""
AtWork = Callable[[Path], AbstractContextManager["subprocess.Popen[str]"]]
Beside = Callable[[str, Path], AbstractContextManager["subprocess.Popen[str]"]]


@pytest.fixture
def beside() -> Beside:
    """A function from a script and a folder to a context in which another process runs it, and has said that it is ready; it is killed at the end."""

    @contextmanager
    def running(script: str, folder: Path) -> Iterator["subprocess.Popen[str]"]:
        with subprocess.Popen([sys.executable, "-c", script, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
            process.kill()

    return running


@pytest.fixture
def at_work(beside: Beside) -> AtWork:
    """A function from a run folder to a context in which another process is at work on it; it is killed at the end."""
    return lambda run: beside(HOLDER, run)
