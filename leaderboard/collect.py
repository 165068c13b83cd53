"""All submissions of a folder, each verified as `atlas-leaderboard verify` does: entries for those that are accepted, a reason for the others.

Each is held against those accepted before it, to find copies. What the cache knows comes first, since it was there before; then the new ones by name.
A verdict out of the cache stands where every pair of such was held against each other; the others are made anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval_harness.suites import Suite
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
"""Checks that depend on other submissions: a refusal for their sake is not kept."""


@dataclass(frozen=True)
class Found:
    """One submission: its entry, or why it is left out. `cached`: it was not looked at again. `against`: the runs that it was held against."""

    path: Path
    entry: Entry | None
    reason: str = ""
    cached: bool = False
    against: tuple[str, ...] = ()


def folders_in(folder: Path) -> list[Path]:
    """Every OPTIMIZER/RUN_ID in a folder, by name. Raises SubmissionError where there is no such folder."""
    if not folder.is_dir():
        raise SubmissionError(f"there is no folder {str(folder)!r}; give --submissions the folder that holds OPTIMIZER/RUN_ID")
    return sorted(path for above in folder.iterdir() if above.is_dir() and not above.is_symlink() for path in above.iterdir())


def collect(paths: Sequence[Path], releases: Sequence[Release], suite: Suite, cache: Cache) -> Iterator[Found]:
    """What is found of each path, those first that the cache knows. A submission is held against the release that it names, or else the first."""
    known: dict[Path, Found] = {}
    places: list[tuple[Path, str | None, Release]] = []
    for path in paths:
        key, release = _place(path, releases, suite)
        places.append((path, key, release))
        if key is not None and (there := cache.get(key)) is not None:
            known[path] = _known(path, there)
    standing = _standing(known)
    yield from standing.values()
    accepted = [found for found in standing.values() if found.entry is not None]
    others: list[Other] | None = None
    for path, key, release in places:
        if path in standing:
            continue
        if others is None:
            others = [_other(found) for found in accepted]
        verdict = verify_one(path, release, suite, others)
        found = _found(verdict, release, suite, tuple(other.run_id for other in others))
        if key is not None and not _for_others(verdict):
            cache.put(key, {"entry": found.entry and found.entry.as_plain(), "reason": found.reason, "against": found.against})
        if verdict.found is not None and verdict.results is not None and found.entry is not None:
            others.append(kept(verdict.found, verdict.results))
        yield found


def _place(path: Path, releases: Sequence[Release], suite: Suite) -> tuple[str | None, Release]:
    """The key of a submission in the cache, None where its files cannot be read, and the release that it is held against."""
    try:
        files = files_of(path)
        record = read_json(files["submission.json"], "submission.json")
    except SubmissionError:
        return None, releases[0]
    named = record.get("dataset_digest") if isinstance(record, dict) else None
    release = next((release for release in releases if release.manifest["content_digest"] == named), releases[0])
    return key_of(path, files, release.manifest["content_digest"], suite), release


def _known(path: Path, there: Mapping[str, Any]) -> Found:
    entry = Entry(**there["entry"]) if there["entry"] else None
    return Found(path, entry, there["reason"], cached=True, against=tuple(there["against"]))


def _standing(known: Mapping[Path, Found]) -> dict[Path, Found]:
    """The cached verdicts that still stand: of two accepted runs, the later must have been held against the earlier."""
    standing: dict[Path, Found] = {}
    runs: list[str] = []
    for path, found in sorted(known.items(), key=lambda pair: (len(pair[1].against), pair[0])):
        if found.entry is None:
            standing[path] = found
        elif set(runs) <= set(found.against):
            standing[path] = found
            runs.append(found.entry.run_id)
    return standing


def _other(found: Found) -> Other:
    """What an accepted submission is held against the next ones with, read again."""
    assert found.entry is not None
    return kept(read_submission(found.path), found.entry.results)


def _found(verdict: Verdict, release: Release, suite: Suite, against: tuple[str, ...]) -> Found:
    if verdict.accepted:
        return Found(verdict.path, entry_of(verdict, release, suite), against=against)
    wrong = next(check for check in verdict.checks if check.passed is False)
    return Found(verdict.path, None, f"{wrong.name}: {wrong.faults[0]}", against=against)


def _for_others(verdict: Verdict) -> bool:
    return any(check.passed is False for check in verdict.checks if check.name in OF_OTHERS)
