"""Cuts a release's files into parts that can be looked at apart: a block of users with all their records, or rows that are no user's.

Whose a row is is read in the columns of ids, not taken from its place: a user's records may stand anywhere in their file. Where the files are in the
order in which releases are written, the rows of a part lie in one row group of each, or two.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from generation.people import BLOCK
from persona_atlas import shards
from persona_atlas.data import Release

NOBODY = -1
IDS = {**dict.fromkeys(("users", "conversations", "history_noise", "items", "provenance"), "persona_id"), "benchmark": "request_id"}
"""The column of each config that says whose a row is."""
NAMES = {"conversations": "conversations", "history_noise": "noise", "items": "items", "provenance": "utterances"}
"""What a sentence about a stranger's records calls them."""


@dataclass(frozen=True)
class File:
    """A Parquet file; `name` is its path in the release, `entry` its place in the manifest (None: it is not there; only its labels are looked at)."""

    path: Path
    name: str
    config: str
    entry: int | None


@dataclass(frozen=True)
class Rows:
    """Some rows of a file: their places, ascending, and for each the number of its user in the split, or NOBODY."""

    file: File
    places: shards.Places
    owners: shards.Places


@dataclass(frozen=True)
class Part:
    """What is looked at in one go: of each file some rows. `imported`: of a release that was made of somebody else's data."""

    split: str
    rows: tuple[Rows, ...]
    imported: bool = False

    @property
    def users(self) -> int:
        return sum(len(some.places) for some in self.rows if some.file.config == "users")


@dataclass(frozen=True)
class Split:
    """The files of a split by config, what each row's column of IDS holds, and whose the row is."""

    name: str
    files: dict[str, File]
    ids: dict[str, pa.ChunkedArray]
    owners: dict[str, shards.Places]
    imported: bool = False

    def strangers(self) -> Iterator[str]:
        """A sentence for each record of somebody who is no user, and for each benchmark request of no item."""
        for config, name in NAMES.items():
            for id_ in self._nobodys(config):
                yield f"{id_} has {name} in {self.name} but is no user of it"
        for id_ in dict.fromkeys(self._nobodys("benchmark")):
            yield f"{id_} is in the benchmark of {self.name} and is no item"

    def _nobodys(self, config: str) -> Iterator[str]:
        for place in np.flatnonzero(self.owners[config] == NOBODY) if config in self.files else ():
            yield self.ids[config][int(place)].as_py()

    def parts(self) -> Iterator[Part]:
        """The rows that are nobody's, some at a time, then the users with all that is theirs, BLOCK at a time."""
        orders = {config: np.argsort(owners, kind="stable") for config, owners in self.owners.items()}
        ranked = {config: self.owners[config][order] for config, order in orders.items()}
        for config, order in orders.items():
            strangers = order[: np.searchsorted(ranked[config], 0)]
            for start in range(0, len(strangers), shards.BATCH):
                yield Part(self.name, (self._rows(config, strangers[start : start + shards.BATCH]),), self.imported)
        for first in range(0, len(self.owners.get("users", ())), BLOCK):
            bounds = {config: np.searchsorted(ranked[config], (first, first + BLOCK)) for config in orders}
            rows = [self._rows(config, orders[config][start:end]) for config, (start, end) in bounds.items() if start < end]
            yield Part(self.name, tuple(rows), self.imported)

    def _rows(self, config: str, places: shards.Places) -> Rows:
        ascending = np.sort(places)
        return Rows(self.files[config], ascending, self.owners[config][ascending])


def split_of(release: Release, name: str) -> Split:
    """Find out whose every row is. A user's number is the place of their id in the file of users; a benchmark request is of whose item it is."""
    files = {config: file for config in IDS if (file := _file(release, config, name)).path.is_file()}
    ids = {config: shards.read_column(file.path, IDS[config]).cast(pa.string()) for config, file in files.items()}
    users = ids.get("users", pa.chunked_array([], pa.string()))
    owners = {config: _places(column, users) for config, column in ids.items()}  # of requests: nobody's, unless an item has their id
    if "items" in files and "benchmark" in files:
        known = owners["items"] != NOBODY
        items = shards.read_column(files["items"].path, "item_id").filter(pa.array(known))
        owners["benchmark"] = np.append(owners["items"][known], NOBODY)[_places(ids["benchmark"], items)]
    return Split(name, files, ids, owners, release.imported)


def _file(release: Release, config: str, split: str) -> File:
    name = f"data/{config}/{split}.parquet"
    entries = (place for place, entry in enumerate(release.manifest["files"]) if (entry["path"], entry["config"]) == (name, config))
    return File(release.path / name, name, config, next(entries, None))


def _places(ids: pa.ChunkedArray, among: pa.ChunkedArray) -> shards.Places:
    """The first place of each id among others, or NOBODY."""
    places: shards.Places = pc.fill_null(pc.index_in(ids, value_set=among), NOBODY).to_numpy().astype(np.int64)
    return places


def other_parts(release: Release, seen: Container[int]) -> Iterator[Part]:
    """The files at the other places in the manifest: no split looks for them there, so that they are nobody's."""
    for entry, described in enumerate(release.manifest["files"]):
        if entry not in seen:
            file = File(release.path / described["path"], described["path"], described["config"], entry)
            places = np.arange(shards.count_rows(file.path))
            for start in range(0, len(places), shards.BATCH):
                some = places[start : start + shards.BATCH]
                yield Part(described["split"], (Rows(file, some, np.full_like(some, NOBODY)),))
