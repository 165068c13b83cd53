"""One run on disk.

    run.json        written first: the configuration, versions among it, its digest, and how the release was named
    prompts.jsonl   append-only: what the optimizer or control returned for each request, written as soon as it is there
    samples.jsonl   append-only, the source of truth: prompt, answer and finish reason of each arm, condition and item
    repeats.jsonl   the same for the items that are answered again (`--repeats`), under the conditions repeat_1, repeat_2 and so on
    results.json    derived from samples.jsonl and the release; rebuilt at the end of every run
    report.html     the same as a page, with samples to read
    optimizer.log   what the optimizer's module printed
    fit.json        what its `fit` used of the target: calls and tokens
    gate.json       the verdict, in place of results.json and report.html, if `atlas-eval gate` made the run
    .lock           there while a process works on the run; one that a kill left behind locks nothing

A line that a kill tore is cut off and made again. A folder is refused if it holds a run of another configuration (the error names the keys that
differ), or if another process is working on it.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TextIO, TypeVar

from eval_harness.errors import EvalError
from persona_atlas import locks, shards
from persona_atlas.randomness import digest
from persona_atlas.records import canonical_json
from persona_atlas.short import short

LOCK = ".lock"


class Key(NamedTuple):
    """What identifies a prompt or sample in a run."""

    arm: str
    condition: str
    item_id: str


@dataclass(frozen=True)
class PromptRecord:
    """The outcome of one request.

    `failure` says why there is no prompt. `profile` and `notes` are the optimizer's, if it gave them. `seconds` is wall time, as in Reply;
    `calls`, `tokens` and `asked` are what the request used of the target, as in Usage.
    """

    arm: str
    condition: str
    item_id: str
    prompt: str | None
    failure: str | None
    profile: tuple[dict[str, str], ...] = ()
    seconds: float = 0.0
    calls: int = 0
    tokens: int = 0
    notes: str = ""
    asked: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        return Key(self.arm, self.condition, self.item_id)


ENDED = ("stop", "length")
"""The finish reasons of an answer that has text. With any other, the answer is empty."""


@dataclass(frozen=True)
class Sample:
    """One answer of the target.

    `finish_reason` is the target's, or `no_prompt` if the optimizer failed (`failure` says how); `error` is the target's message. `profile`, `calls`
    and `tokens` are the optimizer's, as in PromptRecord. Its seconds are left out, so that the samples of two runs can be the same.
    """

    arm: str
    condition: str
    item_id: str
    prompt: str | None
    answer: str
    finish_reason: str
    error: str | None
    failure: str | None
    prompt_tokens: int | None
    answer_tokens: int | None
    profile: tuple[dict[str, str], ...] = ()
    calls: int = 0
    tokens: int = 0

    @property
    def key(self) -> Key:
        return Key(self.arm, self.condition, self.item_id)


Line = TypeVar("Line", PromptRecord, Sample)
TYPES: Mapping[type, Mapping[str, Any]] = {
    kind: {field.name: tuple if field.name in ("profile", "asked") else float | int if field.type is float else field.type for field in fields(kind)}
    for kind in (PromptRecord, Sample)
}
"""The type that each field of a line must have when it is read."""


class RunFolder:
    """The folder of one run, opened to start the run or to resume it. If the folder holds something else, raises EvalError and changes nothing.

    `begin` starts the run. A new folder in which no run was started is removed on exit.
    """

    def __init__(self, path: Path, config: dict[str, Any], dataset: str = "persona-atlas") -> None:
        self.path, self.config, self.dataset = path, config, dataset
        self._check()
        self._files: dict[str, TextIO] = {}
        self._opened = ExitStack()

    def _check(self) -> None:
        if self.path.is_file():
            raise EvalError(f"--output_path {self.path} is a file, wanted a folder; give another one")
        if not self.path.is_dir():
            return
        if not (self.path / "run.json").is_file():
            if any(not entry.name.startswith((".run.json", LOCK)) for entry in self.path.iterdir()):
                raise EvalError(f"--output_path {self.path} is not empty and holds no run; give a new folder")
            return
        found = read_run(self.path)["config"]
        keys = dict.fromkeys([*self.config, *found])  # a gate's folder has keys that no other run has
        pairs = {key: (found.get(key), self.config.get(key)) for key in keys}
        differing = [f"{key} is {_shown(there)} there, {_shown(here)} here" for key, (there, here) in pairs.items() if there != here]
        if differing:
            raise EvalError(
                f"{self.path} holds a run of another configuration: {'; '.join(differing)}; give another --output_path, or remove the folder"
            )

    def __enter__(self) -> "RunFolder":
        with ExitStack() as opened:
            opened.callback(_remove_empty, [place for place in (self.path, *self.path.parents) if not place.exists()])
            self.path.mkdir(parents=True, exist_ok=True)
            opened.enter_context(alone(self.path))
            self._check()  # again, since another process may have started a run there
            for name in ("prompts", "samples", "repeats"):
                _cut_torn_line(self.path / f"{name}.jsonl")
            self._opened = opened.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._opened:
            for name, file in self._files.items():
                said = shards.naming(self.path / f"{name}.jsonl") if error is None else suppress(OSError)  # the first error is reported
                with said, file:
                    file.flush()
                    os.fsync(file.fileno())

    def begin(self, known: Iterable[PromptRecord] = ()) -> None:
        """Write run.json, and the prompts that are known beforehand, if they are not there yet."""
        if not (self.path / "run.json").is_file():
            _write_run(self.path, self.config, self.dataset)
        there = self.prompts()
        for record in (record for record in known if record.key not in there):
            self.add_prompt(record)

    def add_prompt(self, record: PromptRecord) -> None:
        self._add("prompts", record)

    def add_sample(self, sample: Sample) -> None:
        self._add("samples", sample)

    def add_repeat(self, sample: Sample) -> None:
        self._add("repeats", sample)

    def repeats(self) -> dict[Key, Sample]:
        return {sample.key: sample for sample in read_samples(self.path, "repeats")}

    def _add(self, name: str, record: PromptRecord | Sample) -> None:
        path = self.path / f"{name}.jsonl"
        if name not in self._files:
            self._files[name] = path.open("a", encoding="utf-8")
        file = self._files[name]
        with shards.naming(path):
            file.write(json.dumps(asdict(record), ensure_ascii=False) + "\n")
            file.flush()

    def prompts(self) -> dict[Key, PromptRecord]:
        return {record.key: record for record in records(self.path / "prompts.jsonl", PromptRecord)}

    def used(self, arm: str) -> tuple[int, set[str]]:
        """The calls to the target that the prompts of an arm took that are there already, and what was asked in them, as in Usage."""
        mine = [record for record in records(self.path / "prompts.jsonl", PromptRecord) if record.arm == arm]
        return sum(record.calls for record in mine), {key for record in mine for key in record.asked}

    def samples(self) -> dict[Key, Sample]:
        return {sample.key: sample for sample in read_samples(self.path)}


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keep other processes off a run folder while the block runs. Raises EvalError if one is working on it."""
    with locks.held(path / LOCK, EvalError(f"another process is at work on {path}; let it end, then run the same command again")):
        yield


def _remove_empty(folders: Sequence[Path]) -> None:
    with suppress(OSError):  # a folder that is not empty stays
        for folder in folders:
            folder.rmdir()


def read_run(path: Path) -> dict[str, Any]:
    """The content of a run folder's run.json. Raises EvalError if there is none, or it cannot be read."""
    try:
        run = json.loads((path / "run.json").read_text(encoding="utf-8"))
        if not isinstance(run, dict) or not isinstance(run.get("config"), dict):
            raise ValueError("it has no config")
        return run
    except FileNotFoundError:
        raise EvalError(f"{path} holds no run.json; give the folder of a run, as atlas-eval ls lists them") from None
    except (OSError, ValueError, RecursionError) as error:
        raise EvalError(f"{path} holds no readable run.json ({error}); give the folder of a run") from None


def _write_run(path: Path, config: Mapping[str, Any], dataset: str) -> None:
    run = {"config": config, "config_digest": digest(canonical_json(config)), "dataset": dataset}
    shards.write_text(path / "run.json", json.dumps(run, indent=2, ensure_ascii=False) + "\n")


def set_scorer(path: Path, version: int) -> None:
    """Record in run.json that the run is scored by this version of the scorer. Raises EvalError.

    The run can then be resumed, compared and submitted like a new one. Prompts and answers stay as they were, and so does what an optimizer learned
    in `fit` from an older scorer.
    """
    run = read_run(path)
    if run["config"].get("scorer_version") != version:
        _write_run(path, {**run["config"], "scorer_version": version}, run.get("dataset", ""))


def read_samples(path: Path, name: str = "samples") -> list[Sample]:
    """The samples in a run folder's file `name`.jsonl, in the order in which they were finished. A later line takes the place of an earlier one."""
    return list({sample.key: sample for sample in records(path / f"{name}.jsonl", Sample)}.values())


def lacking(path: Path, samples: int) -> tuple[int, int]:
    """How many answers a run folder with so many samples lacks, and how many it will have in all.

    The prompts tell, since all of them are there before the first answer is. (0, `samples`) if there are no prompts.
    """
    file = path / "prompts.jsonl"
    if not file.is_file() or _lines(file) <= samples:  # quick to find out, when there are many runs to look at
        return 0, samples
    total = len({record.key for record in records(file, PromptRecord)})
    return max(0, total - samples), max(total, samples)


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(2**20), b""))


def records(path: Path, kind: type[Line]) -> Iterator[Line]:
    """Yield the lines of a run folder's file, if it is there. Raises EvalError where one cannot be read."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                record = _record(line, kind)
            except (ValueError, TypeError):
                raise EvalError(f"{path}, line {number} is not readable as a {kind.__name__}; remove that line, and it is done again") from None
            yield record


def _record(line: bytes, kind: type[Line]) -> Line:
    """The record in a line. Raises ValueError or TypeError if it is not one, down to the type of each field."""
    given: dict[str, Any] = {**json.loads(line.decode("utf-8"))}
    given |= {name: tuple(value) for name, value in given.items() if isinstance(value, list)}
    record = kind(**given)
    for name, wanted in TYPES[kind].items():
        if not isinstance(getattr(record, name), wanted):
            raise TypeError(f"{name} is not of its type")
    if not all(isinstance(key, str) for key in given.get("asked", ())):
        raise TypeError("asked is no list of texts")
    for entry in record.profile:
        if not isinstance(entry, dict) or not {"preference", "value"} <= set(entry) or not all(isinstance(text, str) for text in entry.values()):
            raise TypeError("the profile is no list of entries")
    return record


def _cut_torn_line(path: Path) -> None:
    """Cut off what follows the last line end: a kill interrupted its writing."""
    if not path.is_file():
        return
    with path.open("rb+") as file:
        file.truncate(file.read().rfind(b"\n") + 1)


def _shown(value: Any) -> str:
    return short(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
