"""The sandbox of code tasks: right code passes, and whatever else code does earns nothing and harms nobody."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from persona_atlas.tasks.sandbox import MEGABYTES, SECONDS, passed

CASES = [{"args": [2, 3], "result": 5}, {"args": [-1, 1], "result": 0}, {"args": [0, 0], "result": 0}, {"args": [10, 5], "result": 15}]


def share(source: str) -> float:
    """The share of the four sums that `add` of the source gets right."""
    return passed([source], "add", CASES)


# Honest code


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("def add(a, b):\n    return a + b\n", id="a function"),
        pytest.param("add = lambda a, b: sum([a, b])\n", id="a lambda"),
        pytest.param("import math, itertools, collections, re\ndef add(a, b):\n    return int(math.fsum([a, b]))\n", id="with the standard library"),
        pytest.param("def add(a, b):\n    print('adding', a, b)\n    return a + b\n\nprint(add(1, 2))\n", id="that prints as it goes"),
        pytest.param("class Sum:\n    def of(self, a, b): return a + b\n\ndef add(a, b):\n    return Sum().of(a, b)\n", id="with a class"),
        pytest.param("if __name__ == '__main__':\n    raise SystemExit\n\ndef add(a, b):\n    return a + b\n", id="with a main guard"),
    ],
)
def test_right_code_passes(source: str) -> None:
    assert share(source) == 1.0


@pytest.mark.parametrize("other", ["add(2, 3) returns 5", "$ python add.py", "raise ValueError('as when text is added')", "import sys; sys.exit()"])
def test_a_block_beside_the_code_does_not_spoil_it(other: str) -> None:
    code = "def add(a, b):\n    return a + b\n"
    assert passed([code, other], "add", CASES) == passed([other, code], "add", CASES) == 1.0


def test_half_right_code_passes_half() -> None:
    assert share("def add(a, b):\n    return 0\n") == 0.5


def test_a_case_that_raises_is_failed_and_the_others_count() -> None:
    assert share("def add(a, b):\n    return (a + b) // (a and 1)\n") == 0.75


@pytest.mark.parametrize(
    ("source", "case", "score"),
    [
        ("def f(x): return x / 3", {"args": [1], "result": 0.3333333333333333}, 1.0),
        ("def f(x): return x * 0.1 * 3", {"args": [1.0], "result": 0.3}, 1.0),
        ("def f(x): return x + 0.01", {"args": [1.0], "result": 1.0}, 0.0),
        ("def f(x): return (x, x)", {"args": [1], "result": [1, 1]}, 1.0),
        ("def f(x): return [x]", {"args": [1], "result": [1, 1]}, 0.0),
        ("def f(x): return str(x)", {"args": [1], "result": 1}, 0.0),
        ("def f(x): return {'n': x}", {"args": [1], "result": {"n": 1}}, 1.0),
        ("def f(x): return None", {"args": [1], "result": None}, 1.0),
        ("def f(x): return 10 ** x", {"args": [400], "result": 2.5}, 0.0),
        ("def f(x): return 10 ** x", {"args": [400], "result": 10**400}, 1.0),
    ],
)  # fmt: skip
def test_results_are_compared_as_numbers_and_lists_are(source: str, case: dict[str, object], score: float) -> None:
    assert passed([source], "f", [case]) == score


@pytest.mark.parametrize("error", ["ValueError", "SystemExit", "KeyboardInterrupt"])
def test_a_case_in_which_code_raises_or_exits_costs_that_case_alone(error: str) -> None:
    assert share(f"def add(a, b):\n    if a == 10: raise {error}\n    return a + b\n") == 0.75


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("", id="nothing"),
        pytest.param("def plus(a, b):\n    return a + b\n", id="another name"),
        pytest.param("def add(a, b:\n    return a + b\n", id="a syntax error"),
        pytest.param("1 / 0\n\ndef add(a, b):\n    return a + b\n", id="an error when loaded"),
        pytest.param("import numpy\n\ndef add(a, b):\n    return a + b\n", id="a library that is not there"),
        pytest.param("add = 5\n", id="no function"),
        pytest.param("Add two numbers with the plus sign.", id="prose"),
        pytest.param("def add(a, b):\n    raise SystemExit(0)\n", id="an exit"),
        pytest.param("def add(a, b):\n    return add(a, b)\n", id="endless recursion"),
        pytest.param("\0", id="a null character"),
    ],
)  # fmt: skip
def test_code_that_does_not_work_passes_nothing(source: str) -> None:
    assert share(source) == 0.0


# Limits


@pytest.mark.parametrize("source", ["while True: pass", "def add(a, b):\n    while True: pass", "import time\ntime.sleep(60)"])
def test_what_does_not_end_is_ended(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("persona_atlas.tasks.sandbox.SECONDS", 1)
    started = time.monotonic()
    assert share(f"{source}\n") == 0.0
    assert time.monotonic() - started < SECONDS + 10


@pytest.mark.parametrize("source", ["x = 'x' * {size}\n", "def add(a, b):\n    return len('x' * {size}) and a + b\n"])
def test_what_wants_too_much_memory_does_not_get_it(source: str) -> None:
    assert share(source.format(size=2 * MEGABYTES * 2**20) + "\ndef unused(): pass\n") == 0.0


def test_a_flood_of_output_does_no_harm() -> None:
    assert share("def add(a, b):\n    print('x' * 10_000_000)\n    return a + b\n") == 1.0


# Mischief: each returns what is wanted only after what it must not do


def after(*lines: str) -> str:
    """A right `add` that does something else first."""
    body = "\n".join(f"    {line}" for line in lines)
    return f"import os\n\ndef add(a, b):\n{body}\n    return a + b\n"


def test_code_that_does_something_harmless_first_passes() -> None:
    assert share(after("os.path.join('a', os.fspath('b'))")) == 1.0


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this machine on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_code_that_opens_a_connection_passes_nothing(port: int) -> None:
    assert share(after("import socket", f"socket.create_connection(('127.0.0.1', {port}), 1).close()")) == 0.0


def test_code_that_listens_passes_nothing() -> None:
    assert share(after("import socket", "socket.create_server(('127.0.0.1', 0)).close()")) == 0.0


READS = ["open({path!r}).read()", "import pathlib; pathlib.Path({path!r}).read_text()", "os.open({path!r}, os.O_RDONLY)", "os.listdir({folder!r})"]
WRITES = [
    "open({path!r}, 'w').write('x')",
    "os.remove({path!r})",
    "os.rename({path!r}, {path!r} + '2')",
    "import shutil; shutil.rmtree({folder!r})",
    "os.mkdir({path!r} + '3')",
    "os.mkfifo({path!r} + '4')",
]
METADATA = [
    "os.stat({path!r})",
    "os.lstat({path!r})",
    "os.access({path!r}, os.R_OK)",
    "os.readlink({path!r})",
    "os.path.getsize({path!r})",
    "os.path.exists({path!r}) or 1 / 0",
    "list(os.scandir({folder!r}))",
    "list(os.walk({folder!r})) or 1 / 0",
    "os.statvfs({folder!r})",
    "os.getcwd()",
    "import pathlib; pathlib.Path({path!r}).stat()",
    "import pathlib; list(pathlib.Path({folder!r}).iterdir())",
    "import posix; posix.stat({path!r})",
    "import sys; del sys.modules['posix']; import posix; posix.stat({path!r})",
    "import importlib; importlib.reload(os).stat({path!r})",
    "next(call for call in os.supports_fd if call.__name__ == 'stat')({path!r})",
    "os.urandom.__self__.stat({path!r})",
]


@pytest.mark.parametrize("line", [*READS, *WRITES])
def test_code_that_reads_or_changes_files_passes_nothing_and_changes_nothing(line: str, tmp_path: Path) -> None:
    path = tmp_path / "secret.txt"
    path.write_text("secret")
    assert share(after(line.format(path=str(path), folder=str(tmp_path)))) == 0.0
    assert {found.name: found.read_text() for found in tmp_path.iterdir()} == {"secret.txt": "secret"}


@pytest.mark.parametrize("line", METADATA)
def test_code_that_asks_what_files_there_are_passes_nothing(line: str, tmp_path: Path) -> None:
    path = tmp_path / "secret.txt"
    path.write_text("secret")
    assert share(after(line.format(path=str(path), folder=str(tmp_path)))) == 0.0


@pytest.mark.parametrize(
    "line",
    [
        "import subprocess; subprocess.run(['true'])",
        "os.system('true')",
        "os.fork() or os._exit(0)",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "os.execv('/bin/true', ['true'])",
    ],
)
def test_code_that_starts_processes_passes_nothing(line: str) -> None:
    assert share(after(line)) == 0.0


def test_code_that_signals_its_parent_passes_nothing() -> None:
    assert share(after("os.kill(os.getppid(), 0)")) == 0.0


def test_the_environment_holds_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "secret")
    assert passed(["import os\ndef f(): return os.environ.get('API_KEY')\n"], "f", [{"args": [], "result": None}]) == 1.0


VERDICT = "[true, true, true, true]"
FORGERIES = {
    "prints a verdict": f"print('{VERDICT}')\ndef add(a, b): return None\n",
    "prints a verdict and ends": f"import os, sys\nprint('{VERDICT}')\nsys.stdout.flush()\nos._exit(0)\n",
    "writes a verdict to the first output": f"import sys\nsys.__stdout__.write('{VERDICT}')\nsys.__stdout__.flush()\ndef add(a, b): return None\n",
    "ends at once": "import os\nos._exit(0)\n",
    "ends when asked": "import os\ndef add(a, b): os._exit(0)\n",
    "writes a verdict to every descriptor": (
        f"import os\nfor fd in range(16):\n    try: os.write(fd, b'{VERDICT}')\n    except OSError: pass\nos._exit(0)\n"
    ),
    "returns what is equal to everything": "class Any:\n    def __eq__(self, other): return True\ndef add(a, b): return Any()\n",
    "writes what cannot be read": "import json\njson.dumps = lambda *a, **k: '[' * 200_000\ndef add(a, b): return a + b\n",
    "replaces the comparison": "import __main__\n__main__.alike = lambda found, wanted: True\ndef add(a, b): return None\n",
    "looks the result up in its caller": (
        "def add(a, b):\n    try: 1 / 0\n    except ZeroDivisionError as error: frame = error.__traceback__.tb_frame\n"
        "    return frame.f_back.f_locals['case']['result']\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", FORGERIES)
def test_no_verdict_is_to_be_had_by_code_that(kind: str) -> None:
    assert share(FORGERIES[kind]) == 0.0


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    share("def add(a, b):\n    return b + a\n")
    assert os.listdir(tmp_path) == []
