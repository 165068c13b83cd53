"""An optimizer that hunts for gold in everything that its process can reach finds none of the evaluated release."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from eval_harness.isolation import CAP_SYS_PTRACE, hidden
from persona_atlas.data import Release

HUNTER = r'''
import gc
import glob
import json
import os
import re
import sys


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read(2**20).decode("utf-8", "replace")
    except OSError as error:
        return f"refused: {error.strerror}"


def link(path):
    try:
        return os.readlink(path)
    except OSError as error:
        return f"refused: {error.strerror}"


def memory(process):
    """The readable memory of a process, or why it cannot be read."""
    try:
        found = []
        with open(f"/proc/{process}/maps") as maps, open(f"/proc/{process}/mem", "rb") as file:
            for line in maps:
                start, end, flags = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line).groups()
                if "r" in flags and "[v" not in line:
                    file.seek(int(start, 16))
                    found.append(file.read(min(int(end, 16) - int(start, 16), 2**24)))
        return b"".join(found).decode("latin-1")
    except OSError as error:
        return f"refused: {error.strerror}"


def optimize(request):
    parent = os.getppid()
    own = {
        "environment": json.dumps(dict(os.environ)),
        "arguments": read("/proc/self/cmdline") + repr(sys.argv) + repr(getattr(sys, "orig_argv", [])),
        "path": repr([entry for entry in sys.path]),
        "open files": repr([link(path) for path in glob.glob("/proc/self/fd/*")]),
        "working folder": repr(os.listdir(".")),
        "heap": repr([thing for thing in gc.get_objects() if isinstance(thing, (str, bytes, dict, list, tuple))])[:50_000_000],
        "parent's arguments": read(f"/proc/{parent}/cmdline"),
        "parent's environment": read(f"/proc/{parent}/environ"),
        "parent's folder": link(f"/proc/{parent}/cwd"),
        "parent's open files": repr([link(path) for path in glob.glob(f"/proc/{parent}/fd/*")]),
        "parent's memory": memory(parent),
    }
    with open(os.path.join(os.path.dirname(__file__), "found.json"), "w") as file:
        json.dump(own, file)
    return request.query
'''

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's; docs/isolation.md says what other systems lack")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, release_path: Path) -> dict[str, str]:
    """Place -> all that the hunter could read there, in a run of the command on the release of the tests."""
    folder = tmp_path_factory.mktemp("hunt")
    (folder / "hunter.py").write_text(HUNTER)
    command = [sys.executable, "-c", "from eval_harness.cli import main; main()", "--optimizer", "hunter", "--model", "scripted"]
    command += ["--dataset", str(release_path), "--limit", "1", "--items_per_user", "1", "--controls", "identity", "--output_path", "run"]
    environment = {**os.environ, "PERSONA_ATLAS_SMOL": str(release_path / "smol.gguf")}
    done = subprocess.run([*command, "--use_cache", "c"], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads((folder / "found.json").read_text()))


@pytest.fixture(scope="module")
def gold(release: Release) -> list[str]:
    """What must not be found: right answers, ids, and the folder of the release."""
    items = release.items("test")
    return [str(release.path), *(item.item_id for item in items), *(item.persona_id for item in items), *(item.witness for item in items)]


def test_nothing_of_the_gold_is_anywhere(found: dict[str, str], gold: list[str]) -> None:
    assert [(place, needle) for place, text in found.items() for needle in gold if needle in text] == []


def test_the_hunter_really_looked(found: dict[str, str]) -> None:
    assert len(found["heap"]) > 1_000_000
    assert "eval_harness.worker" in found["arguments"]
    assert "PATH" in found["environment"]
    assert "pipe" in found["open files"]


def test_the_harness_cannot_be_looked_into(found: dict[str, str]) -> None:
    for place in ("folder", "memory"):
        assert found[f"parent's {place}"] == "refused: Permission denied", place
    assert found["parent's arguments"].strip("\0").count("\0") == 0


def test_the_working_folder_is_empty(found: dict[str, str]) -> None:
    assert found["working folder"] == "[]"


WITHOUT_SETPCAP = """
import ctypes, subprocess, sys
from eval_harness import isolation

libc, header, sets = ctypes.CDLL(None), (ctypes.c_uint32 * 2)(isolation.CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)()
libc.capget(header, sets)
for i in range(3):
    sets[i] &= ~(1 << 8)
assert libc.capset(header, sets) == 0
isolation.give_up_looking()
sys.stdout.write(subprocess.run(["cat", "/proc/self/status"], capture_output=True, text=True, check=True).stdout)
"""


@pytest.mark.parametrize("script", [WITHOUT_SETPCAP, WITHOUT_SETPCAP.replace("~(1 << 8)", "~0")], ids=["without CAP_SETPCAP", "with it"])
def test_no_program_that_the_optimizer_starts_gets_the_capability_back(script: str) -> None:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    status = dict(line.split(":\t", 1) for line in done.stdout.splitlines() if ":\t" in line)
    for name in ("CapPrm", "CapEff"):
        assert not int(status[name], 16) & 1 << CAP_SYS_PTRACE
    assert status["NoNewPrivs"] == "1"


def test_what_is_hidden_is_shown_again_afterwards() -> None:
    places = [Path("/proc/self/cmdline"), Path("/proc/self/environ")]
    before = [place.read_bytes() for place in places]
    with hidden():
        assert b"pytest" not in places[0].read_bytes().split(b"\0", 1)[1]
    assert [place.read_bytes() for place in places] == before
