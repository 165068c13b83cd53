"""A submission as it was read: strictly parsed and of the right form, but not yet believed."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from eval_harness.claims import Claims
from eval_harness.publishing import hiding
from eval_harness.runfolder import Sample
from eval_harness.submission import SUBMISSION_VERSION, folder_name, run_id
from leaderboard.errors import SubmissionError
from leaderboard.opening import files_of
from leaderboard.reading import read_json, read_lines, uncollected
from persona_atlas import schema
from persona_atlas.randomness import digest
from persona_atlas.records import canonical_json

SEEN = ("name", "link", "contact", "training")
"""The fields that are shown as the submitter wrote them."""


@dataclass(frozen=True)
class Submission:
    """A submission's parsed files.

    `record`, `run` and `results`: submission.json, run.json and results.json. `answered` and `repeated`: the lines of samples.jsonl and
    repeats.jsonl. `files`: the actual size and SHA-256 of all files but submission.json.
    """

    path: Path
    record: Mapping[str, Any]
    run: Mapping[str, Any]
    results: Mapping[str, Any]
    answered: tuple[Mapping[str, Any], ...]
    repeated: tuple[Mapping[str, Any], ...]
    files: Mapping[str, Mapping[str, Any]]

    @property
    def config(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.run["config"]
        return found

    @cached_property
    def samples(self) -> tuple[Sample, ...]:
        return tuple(map(_sample, self.answered))

    @cached_property
    def repeats(self) -> tuple[Sample, ...]:
        return tuple(map(_sample, self.repeated))

    @cached_property
    def claims(self) -> Claims:
        return Claims(self.config, self.samples, self.repeats, self.results)


def read_submission(path: Path) -> Submission:
    """Read a folder or an archive. Raises SubmissionError for the first thing that is wrong with its form."""
    with uncollected():
        return _parsed(path, files_of(path))


def _parsed(path: Path, files: Mapping[str, bytes]) -> Submission:
    record = _read(files, "submission.json")
    if isinstance(record, dict) and isinstance(version := record.get("submission_version"), int) and version != SUBMISSION_VERSION:
        raise SubmissionError(f"submission.json has version {version}, here {SUBMISSION_VERSION} is read; pack it with this version of persona-atlas")
    run, results = _read(files, "run.json"), _read(files, "results.json")
    for kind, data in (("submission", record), ("run", run), ("results", results)):
        _check(kind, data, f"{kind}.json")
    _check_whole(run["config"])
    for name in SEEN:
        if not record[name].strip():
            raise SubmissionError(f"submission.json: {name} is blank; say something, it is published")
        if character := hiding(record[name]):
            raise SubmissionError(f"submission.json: {name} holds the character {character}, which cannot be seen or changes how others look")
    answered, repeated = (tuple(_lines(files, f"{name}.jsonl")) for name in ("samples", "repeats"))
    return Submission(path, record, run, results, answered, repeated, described(files))


def described(files: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    """Return size and SHA-256 of all files but submission.json, as submission.json must have them."""
    others = {name: data for name, data in files.items() if name != "submission.json"}
    return {name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in others.items()}


def _read(files: Mapping[str, bytes], name: str) -> Any:
    return read_json(files[name], name)


def _check(kind: str, data: Any, name: str, line: int | None = None) -> None:
    try:
        schema.validate(kind, data)
    except schema.SchemaError as error:
        raise SubmissionError(f"{name}{f', line {line}' if line else ''}: {error}") from None


def _lines(files: Mapping[str, bytes], name: str) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(read_lines(files.get(name, b""), name), 1):
        _check("sample", line, name, number)
        yield line


def _sample(line: Mapping[str, Any]) -> Sample:
    return Sample(**{**line, "profile": tuple(line["profile"])})


def _check_whole(config: Mapping[str, Any]) -> None:
    """Refuse floats where integers are wanted: schemas take 200.0 for an integer, since JSON has one kind of number, but slices do not."""
    for key, value in config.items():
        if isinstance(value, float) and key != "optimizer_timeout":
            raise SubmissionError(f"run.json: {key} is {value}, wanted a whole number without a point")


def wrong_digests(found: Submission) -> Iterator[str]:
    """Yield a fault where submission.json or run.json does not fit the files beside it: one of them was edited or exchanged."""
    told, there = found.record["files"], found.files
    for name in sorted({*told, *there}):
        if told.get(name) != there.get(name):
            yield f"{name} is not the file that submission.json was written for (its size or SHA-256 differs)"
    if found.run["config_digest"] != digest(canonical_json(found.config)):
        yield "run.json was edited: config_digest is not that of its config"
    if found.record["run_id"] != run_id(found.config, there):
        yield "run_id is not that of this configuration and these samples"
    for key, wanted in _repeated(found.config).items():
        if found.record[key] != wanted:
            yield f"{key} is {found.record[key]} in submission.json, run.json has {wanted}"
    yield from _elsewhere(found)


def _elsewhere(found: Submission) -> Iterator[str]:
    """Yield a fault unless the folder is named after its run and, on the leaderboard, is in the folder of its optimizer."""
    place, optimizer = found.path.resolve(), folder_name(found.config["optimizer"])
    if place.is_dir() and place.name != found.record["run_id"]:
        yield f"its folder is called {place.name}, wanted {found.record['run_id']}"
    if place.parent.parent.name == "submissions" and place.parent.name != optimizer:
        yield f"it stands in the folder {place.parent.name}, wanted {optimizer}"


def _repeated(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what submission.json repeats of run.json."""
    versions = {
        "persona_atlas": config["persona_atlas"],
        "schema": config["schema_version"],
        "scorer": config["scorer_version"],
        "suite": config["suite"],
    }
    return {"optimizer": config["optimizer"], "dataset_digest": config["dataset_digest"], "versions": versions}
