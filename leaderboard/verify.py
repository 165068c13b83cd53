"""Verification: paths in, one verdict each out.

A verdict says for every check whether it passed, failed, or was skipped because a check that it relies on failed. Verification can give only the
first of the three tiers of a submission: what can be told without asking the target again.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from eval_harness.suites import CORE, Suite
from leaderboard.checks import STAGES, Case, Rule
from leaderboard.copies import Other, kept
from leaderboard.errors import SubmissionError
from leaderboard.submission import Submission, read_submission
from persona_atlas.data import Release

TIERS = ("self-reported", "reproduced", "held-out")
"""Computed again from the submitted answers; with answers asked for again; run on data that nobody has seen."""
SAID = 3
"""How many faults of a check are reported."""
COUNTED = 100
"""How many more are counted; finding them all could take minutes."""
READ = "files"
READ_WELL = "the files can be read and have the form of their schemas"


@dataclass(frozen=True)
class Check:
    """One check and its result.

    `passed` is None if it was skipped. `faults` hold raw text of the submission. `further`: how many more faults there are, counted up to COUNTED.
    """

    name: str
    passed: bool | None
    well: str
    faults: tuple[str, ...] = ()
    further: int = 0


@dataclass(frozen=True)
class Verdict:
    """What was found about one submission. `found` is None if it could not be read; `results` are those computed again, None if they were not."""

    path: Path
    checks: tuple[Check, ...]
    found: Submission | None = None
    results: dict[str, Any] | None = field(default=None, repr=False)

    @property
    def accepted(self) -> bool:
        return all(check.passed for check in self.checks)


def verify(paths: Sequence[Path], release: Release, suite: Suite = CORE, known: Iterable[Other] = ()) -> Iterator[Verdict]:
    """Yield the verdict on each path, in order. Each is compared with `known`, and with the accepted ones before it."""
    others = list(known)
    for path in paths:
        verdict = verify_one(path, release, suite, others)
        if verdict.accepted and verdict.found is not None and verdict.results is not None:
            others.append(kept(verdict.found, verdict.results))
        yield verdict


def verify_one(path: Path, release: Release, suite: Suite = CORE, others: Sequence[Other] = ()) -> Verdict:
    """Return the verdict on one path, compared with `others`. One that cannot be read fails its first check, and nothing is raised for it."""
    try:
        found = read_submission(path)
    except (SubmissionError, OSError) as error:
        rest = [Check(rule.name, None, rule.well) for stage in STAGES for rule in stage]
        return Verdict(path, (Check(READ, False, READ_WELL, (str(error),)), *rest))
    case = Case(found, release, suite, others)
    checks = (Check(READ, True, READ_WELL), *_checked(case))
    return Verdict(path, checks, found, case.__dict__.get("results"))


def _checked(case: Case) -> Iterator[Check]:
    standing = True
    for stage in STAGES:
        made = [_apply(rule, case) if standing else Check(rule.name, None, rule.well) for rule in stage]
        standing = standing and not any(check.passed is False and rule.needed for check, rule in zip(made, stage, strict=True))
        yield from made


def _apply(rule: Rule, case: Case) -> Check:
    faults = iter(rule.faults(case))
    said = tuple(islice(faults, SAID))
    return Check(rule.name, not said, rule.well, said, sum(1 for _ in islice(faults, COUNTED)))


def known_in(folder: Path, but: Sequence[Path], unread: Callable[[str], None]) -> Iterator[Other]:
    """Yield the submissions in a folder of OPTIMIZER/RUN_ID, except those at `but`. One that cannot be read goes to `unread` and is passed over."""
    left_out = {os.path.realpath(path) for path in but}
    for path in sorted(folder.glob("*/*")):
        if os.path.realpath(path) not in left_out:  # resolve() raises RuntimeError for a link to itself
            try:
                found = read_submission(path)
            except (SubmissionError, OSError) as error:
                unread(f"{path}: {error}")
                continue
            yield kept(found, found.results)
