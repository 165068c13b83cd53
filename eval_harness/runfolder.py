"""One run on disk.

    run.json        written first: the configuration and its digest, versions, and how the release was named
    prompts.jsonl   append-only: what the optimizer or control returned for each request, as soon as it is there
    samples.jsonl   append-only, the truth: prompt, answer, finish reason of each arm, condition and item
    repeats.jsonl   the same for the items that are answered again (`--repeats`), under the condition repeat_1 and so on
    results.json    derived from samples.jsonl and the release; rebuilt at the end of every run
    report.html     the same as a page, with samples to read
    optimizer.log   what the optimizer's module printed
    fit.json        what its `fit` asked of the target: calls and tokens
    gate.json       in the place of results.json and report.html, where `atlas-eval gate` made the run: its verdict
    .lock           there while a process is at work on the run; what a kill left of it locks nothing

A line that a kill tore is cut off and done again. A folder that holds a run of another configuration is refused, with the keys that differ, and so is
one that another process is at work on.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TextIO, TypeVar

from eval_harness.errors import EvalError
from persona_atlas import locks, shards
from persona_atlas.randomness import digest
from persona_atlas.records import canonical_json

LOCK = ".lock"


class Key(NamedTuple):
    """What a prompt or sample belongs to."""

    arm: str
    condition: str
    item_id: str


@dataclass(frozen=True)
class PromptRecord:
    """What one request came to. `failure` says why there is no prompt; `profile` and `notes` are the optimizer's, where it gave them; `seconds` of
    its own time, `calls` to the target and their `tokens` are what it used.
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

    @property
    def key(self) -> Key:
        return Key(self.arm, self.condition, self.item_id)


ENDED = ("stop", "length")
"""The finish reasons of an answer that holds text; behind the others nothing stands."""


@dataclass(frozen=True)
class Sample:
    """One answer.

    `finish_reason` is the target's, or `no_prompt` where the optimizer failed (`failure` says how); `error` is the target's sentence. The last three
    are the optimizer's, as in PromptRecord; its seconds are not, so that the samples of two runs can be the same.
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
    kind: {field.name: tuple if field.name == "profile" else float | int if field.type is float else field.type for field in fields(kind)}
    for kind in (PromptRecord, Sample)
}
"""What a line that is read must hold, field by field."""


class RunFolder:
    """The folder of one run, for going on with it. Raises EvalError where it holds something else, and then changes nothing there.

    A run begins with `begin`. A new folder in which none began is gone when this is closed.
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
        differing = [
            f"{key} is {_short(found.get(key))} there, {_short(value)} here" for key, value in self.config.items() if found.get(key) != value
        ]
        if differing:
            raise EvalError(
                f"{self.path} holds a run of another configuration: {'; '.join(differing)}; give another --output_path, or remove the folder"
            )

    def __enter__(self) -> "RunFolder":
        with ExitStack() as opened:
            opened.callback(_remove_empty, [place for place in (self.path, *self.path.parents) if not place.exists()])
            self.path.mkdir(parents=True, exist_ok=True)
            opened.enter_context(alone(self.path))
            self._check()  # once more, since another process may have begun a run there
            for name in ("prompts", "samples", "repeats"):
                _cut_torn_line(self.path / f"{name}.jsonl")
            self._opened = opened.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._opened:
            for name, file in self._files.items():
                said = shards.naming(self.path / f"{name}.jsonl") if error is None else suppress(OSError)  # what went wrong first is told
                with said, file:
                    file.flush()
                    os.fsync(file.fileno())

    def begin(self) -> None:
        """Write run.json, where it is not there yet."""
        if not (self.path / "run.json").is_file():
            _write_run(self.path, self.config, self.dataset)

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
        return {record.key: record for record in _records(self.path / "prompts.jsonl", PromptRecord)}

    def calls(self, arm: str) -> int:
        """How many calls to the target the prompts of an arm took that are there already."""
        return sum(record.calls for record in _records(self.path / "prompts.jsonl", PromptRecord) if record.arm == arm)

    def samples(self) -> dict[Key, Sample]:
        return {sample.key: sample for sample in read_samples(self.path)}


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keep other processes off a run folder while the block runs. Raises EvalError where one is at work on it."""
    with ExitStack() as stack:
        try:
            stack.enter_context(locks.held(path / LOCK))
        except BlockingIOError:
            raise EvalError(f"another process is at work on {path}; let it end, then run the same command again") from None
        yield


def _remove_empty(folders: Sequence[Path]) -> None:
    with suppress(OSError):  # what is not empty stays
        for folder in folders:
            folder.rmdir()


def read_run(path: Path) -> dict[str, Any]:
    """run.json of a run folder. Raises EvalError where there is none that can be read."""
    try:
        run = json.loads((path / "run.json").read_text(encoding="utf-8"))
        if not isinstance(run, dict) or not isinstance(run.get("config"), dict):
            raise ValueError("it has no config")
        return run
    except FileNotFoundError:
        raise EvalError(f"{path} holds no run.json; give the folder of a run, as atlas-eval ls lists them") from None
    except (OSError, ValueError) as error:
        raise EvalError(f"{path} holds no readable run.json ({error}); give the folder of a run") from None


def _write_run(path: Path, config: Mapping[str, Any], dataset: str) -> None:
    run = {"config": config, "config_digest": digest(canonical_json(config)), "dataset": dataset}
    shards.write_text(path / "run.json", json.dumps(run, indent=2, ensure_ascii=False) + "\n")


def set_scorer(path: Path, version: int) -> None:
    """Let run.json say that the run is scored by this version: prompts and answers stay what they were, and the run goes on, is compared and
    submitted as one of today; what an optimizer learned in `fit` by an older scorer stays, too. Raises EvalError.
    """
    run = read_run(path)
    if run["config"].get("scorer_version") != version:
        _write_run(path, {**run["config"], "scorer_version": version}, run.get("dataset", ""))


def read_samples(path: Path, name: str = "samples") -> list[Sample]:
    """The samples of a run folder, in the order in which they were finished; a later line of the same key replaces an earlier. `name`: `repeats` for
    those.
    """
    return list({sample.key: sample for sample in _records(path / f"{name}.jsonl", Sample)}.values())


def lacking(path: Path, samples: int) -> tuple[int, int]:
    """How many answers a run folder that has so many samples lacks, and how many it will have: all prompts are there before the first answer is.
    (0, `samples`) where there are no prompts.
    """
    file = path / "prompts.jsonl"
    if not file.is_file() or _lines(file) <= samples:  # which takes no time, with many runs to look at
        return 0, samples
    total = len({record.key for record in _records(file, PromptRecord)})
    return max(0, total - samples), max(total, samples)


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(2**20), b""))


def _records(path: Path, kind: type[Line]) -> Iterator[Line]:
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
    """Raises ValueError or TypeError for what is no such record, down to the type of each field."""
    record = kind(**json.loads(line.decode("utf-8")))
    record = replace(record, profile=tuple(record.profile))
    for name, wanted in TYPES[kind].items():
        if not isinstance(getattr(record, name), wanted):
            raise TypeError(f"{name} is not of its type")
    for entry in record.profile:
        if not isinstance(entry, dict) or not {"preference", "value"} <= set(entry) or not all(isinstance(text, str) for text in entry.values()):
            raise TypeError("the profile is no list of entries")
    return record


def _cut_torn_line(path: Path) -> None:
    """Cut off what stands after the last line end: a kill came while it was written."""
    if not path.is_file():
        return
    with path.open("rb+") as file:
        content = file.read()
        file.truncate(content.rfind(b"\n") + 1)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
    return text if len(text) <= 60 else text[:57] + "..."
