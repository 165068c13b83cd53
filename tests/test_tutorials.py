"""The tutorials do what they say: what they write and type is written and typed, in order, in a new folder, and what they show is what comes.

In docs/tutorials a fence of

    ```python title="NAME"    is written to the file NAME (so are other languages with a title)
    ```python                 is run
    ```console                is typed, line by line
    ```text                   right after one of these is what it prints; after a refusal, the sentence on standard error
    ```sh                     is for the reader alone: it needs a GPU, a model or hours

A line `…` stands for any lines, and `…` within a line for anything; seconds may be others.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import regex

ROOT = Path(__file__).parent.parent
TUTORIALS = ROOT / "docs/tutorials"
LONG = {"generate", "train", "submit"}
IN_A_CLONE = {"value"}
"""Those that change the packages: they get a copy of them."""
FENCE = regex.compile(r'(?ms)^```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<lines>.*?)^```$')
SECONDS = regex.compile(r"\b\d+(?:\.\d+)? s\b")


@dataclass(frozen=True)
class Step:
    """One fence of a tutorial. `shown`: the output that stands right after it, None where there is none."""

    language: str
    title: str
    lines: str
    shown: str | None

    @property
    def refused(self) -> bool:
        return self.shown is not None and self.shown.startswith("Error: ")


def steps(text: str) -> Iterator[Step]:
    fences = list(FENCE.finditer(text))
    for fence, after in zip(fences, [*fences[1:], None], strict=True):
        shown = after if after and after["language"] == "text" and not text[fence.end() : after.start()].strip() else None
        if fence["language"] not in ("text", "sh"):
            yield Step(fence["language"], fence["title"] or "", fence["lines"], shown and shown["lines"])


def pattern(shown: str) -> "regex.Pattern[str]":
    """What matches the output that a tutorial shows."""
    parts = []
    for line in SECONDS.sub("0 s", shown).strip("\n").split("\n"):
        parts.append(r"(?:.*\n)*?" if line == "…" else ".*".join(map(regex.escape, line.rstrip().split("…"))) + "\n")
    return regex.compile("".join(parts))


def plain(printed: str) -> str:
    return "\n".join(line.rstrip() for line in SECONDS.sub("0 s", printed).strip("\n").split("\n")) + "\n"


class Reader:
    """Somebody who follows a tutorial in a folder of their own, on a terminal of 120 columns."""

    def __init__(self, folder: Path, packages: Path | None = None) -> None:
        self.folder = folder
        self.groups: list[int] = []
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        there = {"PYTHONPATH": str(packages)} if packages else {}
        self.environment = {**os.environ, "PATH": programs, "HOME": str(folder), "COLUMNS": "120", **there}

    def follow(self, step: Step) -> str:
        """Do what the step says, and return what it prints."""
        if step.title:
            (self.folder / step.title).write_text(step.lines, encoding="utf-8")
            return ""
        command = [sys.executable, "-c", step.lines] if step.language == "python" else ["bash", "-e", "-c", step.lines]
        with subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        ) as process:
            self.groups.append(process.pid)
            out, error = process.communicate(timeout=3600)
        assert process.returncode == (2 if step.refused else 0), out + error
        return error.splitlines()[-1] + "\n" if step.refused else out

    def leave(self) -> None:
        """End what still runs, such as a server."""
        for group in self.groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGTERM)


@pytest.fixture
def reader(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reader]:
    copied = request.node.callspec.params["name"] in IN_A_CLONE
    if copied:
        for name in ("persona_atlas", "generation", "eval_harness", "leaderboard", "tests"):
            shutil.copytree(ROOT / name, tmp_path / name)
        for name in ("CONTRIBUTING.md", "pyproject.toml"):
            shutil.copy(ROOT / name, tmp_path)
    reader = Reader(tmp_path, tmp_path if copied else None)
    yield reader
    reader.leave()


@pytest.mark.parametrize(
    "name", [pytest.param(path.stem, marks=[pytest.mark.slow] if path.stem in LONG else []) for path in sorted(TUTORIALS.glob("*.md"))]
)
def test_a_tutorial_does_what_it_says(name: str, reader: Reader) -> None:
    for step in steps((TUTORIALS / f"{name}.md").read_text(encoding="utf-8")):
        printed = reader.follow(step)
        if step.shown is not None:
            assert pattern(step.shown).fullmatch(plain(printed)), f"{step.lines}\nprints\n{printed}\nand the tutorial shows\n{step.shown}"


def test_what_is_shown_may_leave_lines_and_seconds_open() -> None:
    assert pattern("a\n…\nd in 3.2 s\n").fullmatch(plain("a \nb\nc\nd in 17 s\n"))
    assert pattern("digest …\n").fullmatch(plain("digest 12ab\n"))
    assert not pattern("a\nc\n").fullmatch(plain("a\nb\nc\n"))
    assert not pattern("0.12\n").fullmatch(plain("0x12\n"))
