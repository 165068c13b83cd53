"""Verifies a release: is it intact, and are its labels true?

Every record is validated again, the content digest of every file is recomputed, and every label is checked by the program that defines it:

- what assistant turns show, and what is known and contradicted after each turn
- whether a revealing turn says so in words from the bank of its split
- the gold, lures and slices that follow from the history
- whether witnesses pass, and whether noisy twins are what their edits say
- whether users and templates belong to the split in which they are stored, and every record has an id of its own

Less can be checked in an imported release (`verify_imported`); what could not be checked is counted.

A release is cut into parts (`verify_files`), which are checked independently (`verify_part`). So the number of workers and the order in which they
finish change nothing, and only the parts in progress are in memory.
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, as_completed, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from multiprocessing import active_children

import numpy as np

from generation.errors import GenerateError
from generation.people import BLOCK
from generation.private import PrivateBank
from generation.said import Source
from generation.verify_conversations import BY_RULES
from generation.verify_files import Part, Rows, other_parts, split_of, unlisted
from generation.verify_part import UNLISTED, Found, Place, among_strangers, in_file, look_with
from persona_atlas import shards
from persona_atlas.data import Release
from persona_atlas.records import SCHEMA_VERSION, SPLITS
from persona_atlas.workers import started

MOST = 20
AHEAD = 3
"""How many parts per worker are handed out at a time: one in progress, and the others waiting."""
ORDER = (
    "records against the schema",
    "file digests",
    "assistant turns against the checkers",
    "reveals",
    BY_RULES,
    "witnesses",
    "noise twins",
    "benchmark requests",
)
"""The order in which a report lists what was checked."""


class VerifyError(GenerateError):
    """A release could not be verified. The message says what happened, and what to type next."""


@dataclass
class Report:
    """What was checked and how often, and what is wrong.

    `problems` has at most MOST sentences, `wrong` counts all; `unchecked`: what could not be checked, and how often.
    """

    checked: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    wrong: int = 0
    unchecked: dict[str, int] = field(default_factory=dict)


class Digests:
    """The digests of a file's rows, which arrive in any order. `left`: how many rows are still to come."""

    def __init__(self, rows: int) -> None:
        self.found = np.zeros((rows, 32), dtype=np.uint8)
        self.left = rows

    def put(self, rows: Rows, digests: bytes) -> None:
        self.found[rows.places] = np.frombuffer(digests, dtype=np.uint8).reshape(-1, 32)
        self.left -= len(rows.places)


class Notes:
    """Collects what was found, in any order, for the report. Keeps the first MOST problems in the order of the report."""

    def __init__(self, release: Release) -> None:
        self.entries = release.manifest["files"]
        self.open = set(range(len(self.entries)))
        self.digests: dict[int, Digests] = {}
        self.checked: Counter[str] = Counter()
        self.unchecked: Counter[str] = Counter()
        self.problems: list[tuple[Place, str]] = []
        self.wrong = 0

    def add(self, place: Place, problem: str) -> None:
        self.wrong += 1
        self.problems.append((place, problem))
        if len(self.problems) > 2 * MOST:
            self.problems = sorted(self.problems)[:MOST]

    def take(self, found: Found) -> None:
        """Add what was found in a part. A file whose rows are complete is compared with the manifest."""
        self.checked.update(found.checked)
        self.unchecked.update(found.unchecked)
        for place, problem in found.problems:
            self.add(place, problem)
        for rows, digests in zip(found.part.rows, found.digests, strict=True):
            entry = rows.file.entry
            if entry not in self.digests:
                self.digests[entry] = Digests(shards.count_rows(rows.file.path))
            self.digests[entry].put(rows, digests)
            if not self.digests[entry].left:
                self._close(entry)

    def _close(self, entry: int) -> None:
        self.checked["file digests"] += 1
        self.open.remove(entry)
        file, described = self.digests.pop(entry, Digests(0)), self.entries[entry]
        digest = shards.content_digest(row.tobytes().hex() for row in file.found)
        if len(file.found) != described["rows"] or digest != described["content_digest"]:
            self.add(in_file(entry, len(file.found)), f"{described['path']}: its content differs from the manifest")

    def report(self) -> Report:
        """The report, once every part is taken. Files that are still open then have no rows."""
        for entry in list(self.open):
            self._close(entry)
        checked = {what: self.checked[what] for what in sorted(self.checked, key=ORDER.index)}
        return Report(checked, [problem for _, problem in sorted(self.problems)[:MOST]], self.wrong, dict(sorted(self.unchecked.items())))


def verify(release: Release, workers: int = 1, progress: Callable[[int, int], None] = lambda done, total: None, private: Source = None) -> Report:
    """Check everything, in this process or in `workers` processes. The SHA-256 of each file was checked when the release was opened.

    `progress(done, total)` counts users. `private`: the private bank that the release was made from, if any. Raises VerifyError if a worker was
    killed, the bank is not the release's, or the release is of an older schema version.
    """
    if release.schema_version != SCHEMA_VERSION:
        raise VerifyError(
            f"{release.path} has schema version {release.schema_version}: its labels were made by other rules and banks than those of version "
            f"{SCHEMA_VERSION}, which verify knows; its files are those of its manifest, or build it again with atlas-generate build"
        )
    source = _source(release, private)
    notes, done = Notes(release), 0
    total = sum(shards.count_rows(release.path / entry["path"]) for entry in release.manifest["files"] if entry["config"] == "users")
    progress(done, total)
    with closing(_looked_at(_parts(release, notes), min(workers, 1 + total // BLOCK), source)) as looked_at:
        for found in looked_at:
            notes.take(found)
            done += found.part.users
            progress(done, total)
    return notes.report()


def _source(release: Release, private: Source) -> Source:
    """The source of test users' phrasings: `unseen` if it is a private bank that was not given. Raises VerifyError if another bank was given."""
    made_of = release.manifest.get("bank_digest")
    if isinstance(private, PrivateBank) and private.digest != made_of:
        what = f"bank {made_of[:16]}" if made_of else "no private bank"
        raise VerifyError(f"{release.path} was made of {what}, --private is bank {private.digest[:16]}; give the one that it was made of")
    return "unseen" if made_of and private is None else private


def _parts(release: Release, notes: Notes) -> Iterator[Part]:
    """Yield the parts of the release.

    Files that the manifest does not list, records that belong to no user, requests of no item, and ids that occur twice are noted on the way.
    """
    for number, problem in enumerate(unlisted(release)):
        notes.add(in_file(UNLISTED, number), problem)
    seen: set[int] = set()
    for name in SPLITS:
        split = split_of(release, name)
        seen.update(file.entry for file in split.files.values())
        for number, problem in enumerate(chain(split.strangers(), split.twice())):
            notes.add(among_strangers(name, number), problem)
        yield from split.parts()
    yield from other_parts(release, seen)


def _looked_at(parts: Iterator[Part], workers: int, source: Source) -> Generator[Found]:
    """Check the parts, and yield what was found in each as it is done. Closing the generator kills the workers at once."""
    if workers <= 1:
        for part in parts:
            yield look_with(source, part)
        return
    others = set(active_children())
    with started(workers) as pool:
        try:
            waiting: set[Future[Found]] = set()
            for part in parts:
                waiting.add(pool.submit(look_with, source, part))
                if len(waiting) >= AHEAD * workers:
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in done)
            yield from (future.result() for future in as_completed(waiting))
        except BrokenProcessPool:
            raise VerifyError("a worker process was killed, perhaps for memory; run the same command again, with fewer --workers") from None
        except BaseException:
            for worker in set(active_children()) - others:
                worker.kill()
            raise
