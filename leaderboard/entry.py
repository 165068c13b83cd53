"""What the site shows of one accepted submission: plain data, made once from its verdict.

All texts are as the submitter wrote them. Whoever shows them makes them harmless (escape.py).
"""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, NamedTuple

from eval_harness.finished import Run, viewed
from eval_harness.page import READ, sample
from eval_harness.runfolder import Sample
from eval_harness.scores import score_samples
from eval_harness.submission import folder_name
from eval_harness.suites import Suite
from eval_harness.table import Plan, Table
from leaderboard.errors import SubmissionError
from leaderboard.submission import Submission
from leaderboard.verify import Verdict
from persona_atlas.data import Release
from persona_atlas.records import Item

TOLD = ("run_id", "optimizer", "name", "link", "contact", "training", "versions", "environment", "fit")
"""The fields that are taken from submission.json."""
PASSAGE = 4000
"""The most characters of a prompt or an answer that are kept for reading."""
FOLDER, RUN_ID = re.compile(r"[A-Za-z_][A-Za-z0-9._-]{0,99}"), re.compile(r"[0-9a-f]{16}")
FLAGS = (
    "optimizer_args", "optimizer_calls", "optimizer_timeout", "suite", "controls", "model", "model_args", "max_gen_toks", "oracle_wording", "repeats",
    "seed",
)  # fmt: skip
"""The flags of a command that makes such a run, besides those for the optimizer and the release."""


class Board(NamedTuple):
    """What entries must share to stand in one table."""

    dataset_digest: str
    scorer_version: int
    suite: str


class Target(NamedTuple):
    """What entries must share to be compared: all that answers depend on, whatever the target is called and however much memory it was given."""

    fingerprint: str
    max_gen_toks: int


@dataclass(frozen=True)
class Entry:
    """An accepted submission.

    `told`: the fields TOLD of submission.json. `config`: that of run.json. `results`: those computed again, with each arm under clean alone.
    `checks`: pairs of a check's name and what it says. `gains`: item -> G under clean. `samples`: what eval_harness.page shows of the first users'
    answers.
    """

    told: Mapping[str, Any]
    config: Mapping[str, Any]
    results: Mapping[str, Any]
    checks: list[list[str]]
    gains: Mapping[str, float | None]
    samples: list[dict[str, Any]]

    @property
    def run_id(self) -> str:
        return str(self.told["run_id"])

    @property
    def optimizer(self) -> str:
        return str(self.config["optimizer"])

    @property
    def board(self) -> Board:
        return Board(self.config["dataset_digest"], self.config["scorer_version"], self.config["suite"])

    @property
    def target(self) -> Target:
        return Target(*(self.config[key] for key in ("model_fingerprint", "max_gen_toks")))

    @property
    def page(self) -> str:
        """The path of its page within the site. Raises SubmissionError if a name may not be part of a path."""
        folder = folder_name(self.optimizer)
        if not FOLDER.fullmatch(folder) or not RUN_ID.fullmatch(self.run_id):
            raise SubmissionError(f"{self.optimizer!r}, run {self.run_id!r}, cannot be the name of a page")
        return f"submissions/{folder}/{self.run_id}.html"

    @cached_property
    def command(self) -> str:
        """The command that makes such a run, with the release in DIR."""
        words = ["atlas-eval", "--optimizer", self.optimizer]
        for flag in FLAGS:
            if (value := _argument(self.config[flag])) not in ("", None):
                words += [f"--{flag}", value]
        return " ".join(map(shlex.quote, words)) + " --dataset DIR"

    def as_plain(self) -> dict[str, Any]:
        return asdict(self)


def _argument(value: Any) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{key}={entry if isinstance(entry, str) and ',' not in entry else json.dumps(entry)}" for key, entry in value.items())
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


@dataclass(frozen=True)
class _Read(Run):
    """A run whose samples have been read already."""

    read: tuple[Sample, ...] = ()

    @cached_property
    def samples(self) -> list[Sample]:
        return list(self.read)


def entry_of(verdict: Verdict, release: Release, suite: Suite) -> Entry:
    """The entry of an accepted submission."""
    found, results = verdict.found, verdict.results
    assert found is not None, "an accepted submission was read"
    assert results is not None, "and its results were computed"
    run = _Read(found.path, dict(found.config), "", found.samples)
    views = viewed(run, release, run.plan.optimizer, "clean", None, READ)
    return Entry(
        told={key: found.record[key] for key in TOLD},
        config=dict(found.config),
        results=_clean(results),
        checks=[[check.name, check.well] for check in verdict.checks],
        gains=_gains(found, run.items(release), release),
        samples=[_plain(sample(view)) for view in views],
    )


def _clean(results: Mapping[str, Any]) -> dict[str, Any]:
    """Return the results with arms and differences under clean alone; the curves have the other conditions."""
    return {**results, **{key: {arm: {"clean": found["clean"]} for arm, found in results[key].items()} for key in ("arms", "differences")}}


def _gains(found: Submission, items: tuple[Item, ...], release: Release) -> dict[str, float | None]:
    """Return item -> the optimizer's G under clean, None where it has none."""
    optimizer = found.claims.optimizer
    clean = [s for s in found.samples if s.condition == "clean" and s.arm in (optimizer, "identity")]
    scores = score_samples(clean, {item.item_id: item for item in items}, release)
    table = Table(Plan(optimizer, (), ("clean",), found.config["model"], found.config["split"], 0), items, scores, release)
    column = table.column(optimizer, "clean", "personalization")
    return {item.item_id: None if value != value else float(value) for item, value in zip(items, column, strict=True)}


def _plain(shown: dict[str, Any]) -> dict[str, Any]:
    """Return a sample as plain data, with prompt and answer cut to PASSAGE."""
    scores = shown["scores"]
    plain = {"personalization": scores.personalization, "task": scores.task} if scores else {"personalization": None, "task": None}
    cut = {key: _cut(shown[key]) for key in ("prompt", "answer")}
    return {**shown, **cut, "scores": plain, "values": [list(value) for value in shown["values"]]}


def _cut(text: str) -> str:
    return text if len(text) <= PASSAGE else f"{text[:PASSAGE]}\n… and {len(text) - PASSAGE:,} more characters"
