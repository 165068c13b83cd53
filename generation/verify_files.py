"""Cuts a release's files into parts that can be verified independently: a block of users with all their records, or rows that belong to no user.

The owner of a row is read from its id column, not inferred from its position, so a user's records may be anywhere in their file. If the files are in
the order in which releases are written, the rows of a part lie in one or two row groups of each file.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from generation.people import BLOCK
from generation.shard import IDS, joined_ids
from persona_atlas import shards
from persona_atlas.data import Release

NOBODY = -1
OWNER = {**dict.fromkeys(("users", "conversations", "history_noise", "items", "provenance"), "persona_id"), "benchmark": "request_id"}
"""Config -> the column that says which user, or for benchmark requests which item, a row belongs to."""
NAMES = {"conversations": "conversations", "history_noise": "noise", "items": "items", "provenance": "utterances"}
"""Config -> what a problem message calls its records."""


@dataclass(frozen=True)
class File:
    """A Parquet file. `name`: its path in the release; `entry`: its index in the manifest."""

    path: Path
    name: str
    config: str
    entry: int


@dataclass(frozen=True)
class Rows:
    """Some rows of a file: their positions, ascending, and for each its user's number in the split, or NOBODY."""

    file: File
    places: shards.Places
    owners: shards.Places


@dataclass(frozen=True)
class Part:
    """What is checked in one go: some rows of each file. `imported`: whether the release is an imported one."""

    split: str
    rows: tuple[Rows, ...]
    imported: bool = False

    @property
    def users(self) -> int:
        return sum(len(some.places) for some in self.rows if some.file.config == "users")


@dataclass(frozen=True)
class Split:
    """A split's files, and for each row its value in the column of OWNER and its owner; all by config."""

    name: str
    files: dict[str, File]
    ids: dict[str, pa.ChunkedArray]
    owners: dict[str, shards.Places]
    imported: bool = False

    def strangers(self) -> Iterator[str]:
        """A sentence for each record of a user who is not in the split, and for each benchmark request without an item."""
        for config, name in NAMES.items():
            for id_ in self._nobodys(config):
                yield f"{id_} has {name} in {self.name} but is no user of it"
        for id_ in dict.fromkeys(self._nobodys("benchmark")):
            yield f"{id_} is in the benchmark of {self.name} and is no item"

    def twice(self) -> Iterator[str]:
        """A sentence for each id that more than one row of a file has."""
        for config, file in self.files.items():
            ids = joined_ids([shards.read_column(file.path, column) for column in IDS[config]])
            counted = ids.drop_null().value_counts()
            for entry in counted.filter(pc.greater(counted.field("counts"), 1)).to_pylist():
                yield f"{entry['values']} stands {entry['counts']} times in {config} of {self.name}"

    def _nobodys(self, config: str) -> Iterator[str]:
        for place in np.flatnonzero(self.owners[config] == NOBODY) if config in self.files else ():
            yield self.ids[config][int(place)].as_py()

    def parts(self) -> Iterator[Part]:
        """The rows without an owner, in batches, then the users with all their records, BLOCK at a time."""
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
    """Find the owner of every row. A user's number is the position of their id in the users file; a benchmark request belongs to its item's user."""
    files = {config: file for config in OWNER if (file := _file(release, config, name))}
    ids = {config: shards.read_column(file.path, OWNER[config]).cast(pa.string()) for config, file in files.items()}
    users = ids.get("users", pa.chunked_array([], pa.string()))
    owners = {config: _places(column, users) for config, column in ids.items()}  # for requests NOBODY, unless items say more below
    if "items" in files and "benchmark" in files:
        known = owners["items"] != NOBODY
        items = shards.read_column(files["items"].path, "item_id").filter(pa.array(known))
        owners["benchmark"] = np.append(owners["items"][known], NOBODY)[_places(ids["benchmark"], items)]
    return Split(name, files, ids, owners, release.imported)


def _file(release: Release, config: str, split: str) -> File | None:
    name = f"data/{config}/{split}.parquet"
    listed = (entry for entry, described in enumerate(release.manifest["files"]) if (described["path"], described["config"]) == (name, config))
    return next((File(release.path / name, name, config, entry) for entry in listed), None)


def unlisted(release: Release) -> Iterator[str]:
    """A sentence for each Parquet file in the release's folder of data that the manifest does not list."""
    listed = {entry["path"] for entry in release.manifest["files"]}
    for path in sorted((release.path / "data").rglob("*.parquet")):
        if (name := path.relative_to(release.path).as_posix()) not in listed:
            yield f"{name}: it is in the folder but not in the manifest, so no hash vouches for it; remove it, or build the release again"


def _places(ids: pa.ChunkedArray, among: pa.ChunkedArray) -> shards.Places:
    """The first position of each id in `among`, or NOBODY."""
    places: shards.Places = pc.fill_null(pc.index_in(ids, value_set=among), NOBODY).to_numpy().astype(np.int64)
    return places


def other_parts(release: Release, seen: Container[int]) -> Iterator[Part]:
    """The files that the manifest lists but no split uses. Their rows belong to nobody."""
    for entry, described in enumerate(release.manifest["files"]):
        if entry not in seen:
            file = File(release.path / described["path"], described["path"], described["config"], entry)
            places = np.arange(shards.count_rows(file.path))
            for start in range(0, len(places), shards.BATCH):
                some = places[start : start + shards.BATCH]
                yield Part(described["split"], (Rows(file, some, np.full_like(some, NOBODY)),))
