"""`atlas-leaderboard build`: from a folder of submissions to a folder that is the site.

The site is written to a temporary folder beside its place, and then moved there at once. What was there is replaced as a whole, so that no pages of
withdrawn entries remain; if the new site cannot be moved there, the old one comes back.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval_harness.runner import choose_items
from eval_harness.suites import Suite
from leaderboard.accepted import accepted_in, in_order
from leaderboard.board import standings
from leaderboard.cache import Cache
from leaderboard.collect import Found, collect, folders_in
from leaderboard.entry import Board, Entry
from leaderboard.errors import SubmissionError
from leaderboard.escape import shown
from leaderboard.feed import Tiers
from leaderboard.site import Pages, site
from leaderboard.tiers import decided_in, tier_of
from leaderboard.verify import TIERS
from persona_atlas.data import Release
from persona_atlas.scoring import SCORER_VERSION

OURS = "feed.json"
"""The file by which a folder that this command wrote is recognized."""
TOP = {"index.html", "README.md", OURS, "feed.schema.json", "leaderboard.csv", "boards", "submissions"}
"""Everything at the top level of a site."""


@dataclass(frozen=True)
class Given:
    """What the site is made from.

    `submissions`: the folder of OPTIMIZER/RUN_ID; the maintainers' tiers lie beside it. `releases`: the first is the one of index.html. `cache`: the
    verdicts and ties that are known already.
    """

    submissions: Path
    releases: Sequence[Release]
    suite: Suite
    cache: Cache


@dataclass(frozen=True)
class Built:
    """What became of each submission, and the size in bytes of each file that was written."""

    found: tuple[Found, ...]
    sizes: dict[str, int]

    @property
    def refused(self) -> list[Found]:
        return [found for found in self.found if found.entry is None]

    def as_json(self, folder: Path, out: Path) -> dict[str, Any]:
        """Return plain data on the site at `out`, made of the submissions in `folder`. In their texts, what cannot be seen is written out."""
        return {
            "accepted": not self.refused,
            "submissions": [_plain(found, folder) for found in self.found],
            "out": str(out),
            "files": len(self.sizes),
            "bytes": sum(self.sizes.values()),
        }


def build(given: Given, out: Path, tell: Callable[[str], None]) -> Built:
    """Verify all submissions and write the site to `out`. Raises SubmissionError, for example if `out` holds something else."""
    _check_place(out)
    found = []
    accepted = accepted_in(given.submissions)
    for one in collect(folders_in(given.submissions), given.releases, given.suite, given.cache, accepted):
        found.append(one)
        tell("\n".join(_said(one, given.submissions)))
    entries = {one.path: one.entry for one in found if one.entry is not None}
    return Built(tuple(found), write(pages_of([entries[path] for path in in_order(list(entries), accepted)], given), out))


def _said(found: Found, folder: Path) -> Iterator[str]:
    name = shown(str(found.path.relative_to(folder)))
    if found.entry is None:
        yield f"{name}: left out, {shown(found.reason, 1000)}"
    else:
        yield f"{name}: accepted{' before' if found.cached else ''}"


def _plain(found: Found, folder: Path) -> dict[str, Any]:
    accepted = found.entry is not None
    return {
        "path": shown(str(found.path.relative_to(folder))),
        "accepted": accepted,
        "cached": found.cached,
        "reason": None if accepted else shown(found.reason, 1000),
    }


def pages_of(entries: Sequence[Entry], given: Given) -> Pages:
    """Return the files of the site. `entries` are in order of acceptance."""
    suite, digests = given.suite, [release.manifest["content_digest"] for release in given.releases]
    items = {
        digest: {item.item_id: item for item in choose_items(release, suite.split, suite.limit, suite.items_per_user)}
        for digest, release in zip(digests, given.releases, strict=True)
    }
    first = [Board(digest, SCORER_VERSION, suite.name) for digest in digests]
    tiers = tiers_of(entries, given.submissions.resolve().parent)
    return site(standings(entries, items, first, given.cache, *believed(tiers)), tiers)


def tiers_of(entries: Sequence[Entry], beside: Path) -> Tiers:
    """Return run -> its tier and the record of its reproduction, from tiers.yaml and reproductions/ in the folder `beside`."""
    decided = decided_in(beside / "tiers.yaml")
    return {entry.run_id: tier_of(entry.run_id, decided, beside / "reproductions") for entry in entries}


def believed(tiers: Tiers) -> tuple[set[str], set[str]]:
    """Return the runs that are trusted since they were reproduced, and those that are doubted since that failed, whatever tiers.yaml says of them."""
    doubted = {run for run, (_, record) in tiers.items() if record is not None and record["accepted"] is not True}
    return {run for run, (tier, record) in tiers.items() if tier == TIERS[1] or record is not None} - doubted, doubted


def _check_place(out: Path) -> None:
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise SubmissionError(f"--out {out} is no folder; give a new one")
    if out.is_dir() and any(out.iterdir()) and not (out / OURS).is_file():
        raise SubmissionError(f"--out {out} holds something else than a site; give a new folder")
    if out.is_dir() and (others := sorted({entry.name for entry in out.iterdir()} - TOP)):
        named = ", ".join(map(shown, others[:3]))
        raise SubmissionError(f"--out {out} is replaced whole, and holds {named} beside the site; give a new folder, and copy the site from there")


def write(pages: Pages, out: Path) -> dict[str, int]:
    """Write the site to `out`, in place of one that is there, which stays if that fails. Returns the size of each file in bytes."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as name:
        new, old, sizes = Path(name) / "new", Path(name) / "old", {}
        for page, text in pages.items():
            file, data = new / page, text.encode()
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            sizes[page] = len(data)
        try:
            if out.exists():
                out.replace(old)
            new.replace(out)
        except BaseException:
            if old.exists() and not out.exists():
                old.replace(out)
            raise
    return sizes
