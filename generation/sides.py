"""One side of the comparison of two releases: a file whose rows are read in batches, in the order asked for.

Only the ids are kept in memory. A file of an older schema version is migrated first, and is then in memory as a whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from generation.shard import CONFIGS, IDS, joined_ids
from persona_atlas import older, shards
from persona_atlas.data import DataError, Release
from persona_atlas.records import SCHEMA_VERSION, from_dict


@dataclass(frozen=True)
class Side:
    """The file of a config and split in a release. If the release has no such file, the side has no rows."""

    release: Release
    config: str
    split: str

    @property
    def path(self) -> Path:
        return self.release.path / "data" / self.config / f"{self.split}.parquet"

    @property
    def entry(self) -> dict[str, Any] | None:
        """The file's entry in the manifest, or None."""
        entries = self.release.manifest["files"]
        return next((entry for entry in entries if (entry["config"], entry["split"]) == (self.config, self.split)), None)

    @property
    def rows(self) -> int:
        return self.entry["rows"] if self.entry else 0

    @cached_property
    def ids(self) -> pa.Array:
        """The id of each row. Raises DataError if two rows have the same id."""
        if self.entry is None:
            return pa.array([], pa.string())
        chunks = joined_ids([self._column(name) for name in IDS[self.config]]).chunks
        found = pa.concat_arrays(chunks) if chunks else pa.array([], pa.string())
        if pc.count_distinct(found).as_py() < len(found):
            raise DataError(f"{self.path} holds two rows of one id; atlas-generate verify {self.release.path} says which")
        return found

    def batches(self, places: shards.Places) -> Iterator[pa.Table]:
        """The rows at `places`, in that order, in tables of BATCH rows."""
        if not len(places):  # there may be no file
            return
        if (np.diff(places) < 0).any():
            for start in range(0, len(places), shards.BATCH):
                some = places[start : start + shards.BATCH]
                order = np.argsort(some)
                table = pa.Table.from_batches(list(self._read(some[order])))
                yield table.take(pa.array(np.argsort(order)))
            return
        yield from _cut(self._read(places))

    def _read(self, places: shards.Places) -> Iterator[pa.RecordBatch]:
        if self._migrated is None:
            yield from shards.read_places(self.path, places)
        else:
            yield from self._migrated.take(pa.array(places)).to_batches()

    def _column(self, name: str) -> pa.ChunkedArray:
        return shards.read_column(self.path, name) if self._migrated is None else self._migrated[name]

    @cached_property
    def _migrated(self) -> pa.Table | None:
        """The rows migrated from an older schema version; None if the file is of today's version and is read directly."""
        version = self.release.schema_version
        if version == SCHEMA_VERSION:
            return None
        kind = CONFIGS[self.config]
        rows = [shards.to_row(from_dict(kind, record)) for record in older.records(self.release.path, self.config, self.split, version)]
        return pa.Table.from_pylist(rows, schema=shards.arrow_schema(kind))


def _cut(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Regroup the rows into tables of BATCH rows; the last one may be shorter."""
    waiting: list[pa.RecordBatch] = []
    length = 0
    for batch in batches:
        waiting.append(batch)
        length += len(batch)
        while length >= shards.BATCH:
            table = pa.Table.from_batches(waiting)
            yield table.slice(0, shards.BATCH)
            waiting, length = table.slice(shards.BATCH).to_batches(), length - shards.BATCH
    if length:
        yield pa.Table.from_batches(waiting)
