"""All submissions of a folder, each verified as `atlas-leaderboard verify` does: an entry for each accepted one, a reason for each of the others.

To find copies, each is compared with those accepted before it. The submissions that accepted.txt lists come first, in its order. Then come those
that the cache knows, since they were there before, and then the new ones by name. A cached verdict on an entry stands if it was compared with all
that were accepted before it here, and a cached refusal always stands. All other verdicts are made anew.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval_harness.suites import Suite
from leaderboard.accepted import place_of
from leaderboard.cache import Cache, key_of
from leaderboard.copies import Other, kept
from leaderboard.entry import Entry, entry_of
from leaderboard.errors import SubmissionError
from leaderboard.opening import files_of
from leaderboard.reading import read_json
from leaderboard.submission import read_submission
from leaderboard.verify import Verdict, verify_one
from persona_atlas.data import Release

OF_OTHERS = ("copies", "target")
"""Checks that depend on other submissions. A refusal by one of them is not cached."""


@dataclass(frozen=True)
class Found:
    """One submission: its entry, or why it is left out. `cached`: the verdict is from the cache. `against`: the runs that it was compared with."""

    path: Path
    entry: Entry | None
    reason: str = ""
    cached: bool = False
    against: tuple[str, ...] = ()


def folders_in(folder: Path) -> list[Path]:
    """Return every OPTIMIZER/RUN_ID in a folder, by name. Raises SubmissionError if there is no such folder."""
    if not folder.is_dir():
        raise SubmissionError(f"there is no folder {str(folder)!r}; give --submissions the folder that holds OPTIMIZER/RUN_ID")
    return sorted(path for above in folder.iterdir() if above.is_dir() and not above.is_symlink() for path in above.iterdir())


def collect(paths: Sequence[Path], releases: Sequence[Release], suite: Suite, cache: Cache, accepted: Sequence[str] = ()) -> Iterator[Found]:
    """Yield what is found at each path: first those in `accepted` (OPTIMIZER/RUN_ID, in order), then those that the cache knows, then the rest.

    A submission is verified with the release that it names, or else with the first.
    """
    waiting = [_Waiting(path, *_place(path, releases, suite)) for path in paths]
    known = {one.path: _known(one.path, there) for one in waiting if one.key is not None and (there := cache.get(one.key)) is not None}
    standing: list[Found] = []
    others: list[Other] = []
    for one in sorted(waiting, key=lambda one: _turn(one.path, known, accepted)):
        found = known.get(one.path)
        if found is None or not _stands(found, standing):
            others += [_other(before) for before in standing[len(others) :]]
            found = _verified(one, suite, others, cache)
        if found.entry is not None:
            standing.append(found)
        yield found


@dataclass(frozen=True)
class _Waiting:
    """A submission with its key in the cache (None if its files cannot be read) and the release that it is verified with."""

    path: Path
    key: str | None
    release: Release


def _turn(path: Path, known: Mapping[Path, Found], accepted: Sequence[str]) -> tuple[int, float, Path]:
    """Return a sort key: the place in accepted.txt, then with how many runs it was compared when its verdict was cached, then the name."""
    return place_of(path, accepted), len(known[path].against) if path in known else math.inf, path


def _stands(found: Found, before: Sequence[Found]) -> bool:
    """Whether a cached verdict still stands: a refusal does, and an entry does if it was compared with all those before it."""
    return found.entry is None or {one.entry.run_id for one in before if one.entry is not None} <= set(found.against)


def _verified(one: _Waiting, suite: Suite, others: Sequence[Other], cache: Cache) -> Found:
    verdict = verify_one(one.path, one.release, suite, others)
    found = _found(verdict, one.release, suite, tuple(other.run_id for other in others))
    if one.key is not None and not _for_others(verdict):
        cache.put(one.key, {"entry": found.entry and found.entry.as_plain(), "reason": found.reason, "against": found.against})
    return found


def _place(path: Path, releases: Sequence[Release], suite: Suite) -> tuple[str | None, Release]:
    """Return a submission's key in the cache (None if its files cannot be read) and the release that it is verified with."""
    try:
        files = files_of(path)
        record = read_json(files["submission.json"], "submission.json")
    except (SubmissionError, OSError):
        return None, releases[0]
    named = record.get("dataset_digest") if isinstance(record, dict) else None
    release = next((release for release in releases if release.manifest["content_digest"] == named), releases[0])
    return key_of(path, files, release.manifest["content_digest"], suite), release


def _known(path: Path, there: Mapping[str, Any]) -> Found:
    entry = Entry(**there["entry"]) if there["entry"] else None
    return Found(path, entry, there["reason"], cached=True, against=tuple(there["against"]))


def _other(found: Found) -> Other:
    """Read an accepted submission again, as what the next ones are compared with."""
    assert found.entry is not None
    return kept(read_submission(found.path), found.entry.results)


def _found(verdict: Verdict, release: Release, suite: Suite, against: tuple[str, ...]) -> Found:
    if verdict.accepted:
        return Found(verdict.path, entry_of(verdict, release, suite), against=against)
    wrong = next(check for check in verdict.checks if check.passed is False)
    return Found(verdict.path, None, f"{wrong.name}: {wrong.faults[0]}", against=against)


def _for_others(verdict: Verdict) -> bool:
    return any(check.passed is False for check in verdict.checks if check.name in OF_OTHERS)
