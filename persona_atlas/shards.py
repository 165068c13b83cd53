"""Converts records to Parquet and back, computes their digests, and writes files that a kill cannot tear.

A column's type follows from the record's field: a mapping with free keys is stored as canonical JSON text, everything else natively, so that
`datasets` shows real columns. The content digest of a file is the SHA-256 over its records' own SHA-256 digests in order: it depends on the
records alone, not on how they were split among shards or on Parquet's bytes.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from secrets import token_hex
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from persona_atlas.records import canonical_json, from_dict, plain_json, to_dict

Places = np.ndarray[Any, np.dtype[np.int64]]
BATCH = 512
"""Rows that are read at a time: some megabytes."""
GROUP = 512
"""The fewest rows of a row group, except for a file's last. With smaller groups, streaming spends its time on their headers."""
SHARED, PRIVATE = 0o666, 0o600
"""Who may read and write a new file: all whom the process's umask leaves in, or its owner alone."""
_SCALARS = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


class DataError(ValueError):
    """A release cannot be read: the message says what was found, what was wanted and what to type next."""


@lru_cache(maxsize=32)
def arrow_schema(kind: type) -> pa.Schema:
    """The Parquet schema of a record class."""
    return pa.schema(list(_arrow(kind)))


def _arrow(hint: Any) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return pa.struct([pa.field(name, _arrow(inner)) for name, inner in get_type_hints(hint).items()])
    origin = get_origin(hint)
    if origin is tuple:
        return pa.list_(_arrow(get_args(hint)[0]))
    if origin in (Union, UnionType):
        return _arrow(next(arg for arg in get_args(hint) if arg is not type(None)))
    if origin is not None and issubclass(origin, Mapping):
        return pa.string()
    return _SCALARS[hint]


def to_row(record: Any) -> dict[str, Any]:
    """Convert a record to a Parquet row, with mappings as canonical JSON text."""
    return {f.name: _row_value(getattr(record, f.name)) for f in dataclasses.fields(record)}


def _row_value(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_row(value)
    if isinstance(value, tuple | list):
        return [_row_value(entry) for entry in value]
    return canonical_json(value) if isinstance(value, Mapping) else value


def from_row(kind: type, row: Mapping[str, Any]) -> Any:
    """Build the record of `kind` from a Parquet row."""
    return from_dict(kind, plain(kind, row))


def plain(kind: type, row: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a row to plain data, as `to_dict` of its record would give it. Raises KeyError if a field is missing."""
    found: dict[str, Any] = _opener(kind)(row)
    return found


@cache
def _opener(hint: Any) -> Callable[[Any], Any]:
    """Return a function that converts a row's value of this type to plain data: JSON text becomes the mapping that it holds. Cached per type."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        openers = {name: _opener(inner) for name, inner in get_type_hints(hint).items()}
        return lambda row: None if row is None else {name: opener(row[name]) for name, opener in openers.items()}
    origin = get_origin(hint)
    if origin is tuple:
        inner = _opener(get_args(hint)[0])
        return lambda entries: None if entries is None else [inner(entry) for entry in entries]
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return lambda text: None if text is None else json.loads(text)
    return _as_it_is


def _as_it_is(value: Any) -> Any:
    return value


def record_digest(record: Any) -> str:
    """SHA-256 over the record's canonical JSON, in hex."""
    return plain_digest(to_dict(record)).hex()


def plain_digest(data: Mapping[str, Any]) -> bytes:
    """SHA-256 over the canonical JSON of a record that is plain data already, in bytes."""
    return hashlib.sha256(plain_json(data).encode()).digest()


def content_digest(digests: Iterable[str]) -> str:
    """The digest of a sequence of records, from their own digests (all in hex)."""
    total = hashlib.sha256()
    for entry in digests:
        total.update(bytes.fromhex(entry))
    return total.hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 over the file's bytes, in hex. Raises OSError if it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Make an OSError that leaves the block name `path`, if it names no file or a temporary file beside `path`."""
    try:
        yield
    except OSError as error:
        if error.filename is None or (isinstance(error.filename, str) and Path(error.filename).name.startswith(f".{path.name}.")):
            error.filename = str(path)
        raise


@contextmanager
def atomic(path: Path, mode: int = SHARED) -> Iterator[Path]:
    """Yield a temporary path beside `path`. It is synced and renamed to `path` if the block succeeds, and removed otherwise.

    `mode` is that of the new file, less what the umask takes away: the system applies it when the temporary file is made, before anything is in it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with naming(path):
        temporary = path.with_name(f".{path.name}.{token_hex(4)}")
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
        try:
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str, mode: int = SHARED) -> None:
    """Write a text file atomically."""
    with atomic(path, mode) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_records(path: Path, kind: type, records: Sequence[Any]) -> None:
    """Write records as one Parquet file, atomically."""
    table = pa.Table.from_pylist([to_row(record) for record in records], schema=arrow_schema(kind))
    with atomic(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def merge(parts: Sequence[Path], path: Path) -> None:
    """Join Parquet files of one schema into one file, a row group at a time, so that memory holds one group and one part at most."""
    schema = pq.read_schema(parts[0])
    waiting: list[pa.Table] = []
    with atomic(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for part in parts:
            waiting.append(pq.read_table(part))
            if sum(map(len, waiting)) >= GROUP or part == parts[-1]:
                writer.write_table(pa.concat_tables(waiting).combine_chunks())
                waiting = []


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Raise DataError if the block cannot read the file as Parquet."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        said = str(error).partition("\n")[0].rstrip(".")
        raise DataError(f"{path} is not readable as Parquet ({said}); copy the release again, or rebuild it") from None


def read_records(path: Path, kind: type) -> Iterator[Any]:
    """Yield the records of a Parquet file in order, read in batches. Raises DataError, or KeyError or TypeError if a row lacks a field."""
    for rows in read_batches(path):
        for row in rows:
            yield from_row(kind, row)


def read_batches(path: Path) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of a Parquet file in order, BATCH at a time."""
    with _readable(path), pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=BATCH):
            yield batch.to_pylist()


def read_columns(path: Path, *names: str) -> list[tuple[Any, ...]]:
    """Return the values of these columns in every row of a Parquet file, in order. Raises DataError, or KeyError if a column is missing."""
    with _readable(path):
        table = pq.read_table(path, columns=list(names))
    return list(zip(*(table.column(name).to_pylist() for name in names), strict=True))


def read_rows(path: Path, places: Places) -> Iterator[dict[str, Any]]:
    """Yield the rows of a Parquet file at `places`, which ascend. Only the row groups that hold one of them are read, in batches."""
    for batch in read_places(path, places):
        yield from batch.to_pylist()


def read_places(path: Path, places: Places) -> Iterator[pa.RecordBatch]:
    """Yield the same rows as record batches of any length."""
    start = 0
    with _readable(path), pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            end = start + file.metadata.row_group(group).num_rows
            first, last = np.searchsorted(places, (start, end))
            if first < last:
                yield from _taken(file.iter_batches(batch_size=BATCH, row_groups=[group]), places[first:last] - start)
            start = end


def _taken(batches: Iterator[pa.RecordBatch], places: Places) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the batches at `places`. The batches after the last of these are not read."""
    start = 0
    for batch in batches:
        first, last = np.searchsorted(places, (start, start + len(batch)))
        if first < last:
            yield batch.take(pa.array(places[first:last] - start))
        start += len(batch)
        if last == len(places):
            return


def read_column(path: Path, name: str) -> pa.ChunkedArray:
    """Read one column of a Parquet file. Raises DataError if there is none of that name."""
    with _readable(path):
        if name not in pq.read_schema(path).names:
            raise DataError(f"{path} has no column {name}; copy the release again, or rebuild it")
        return pq.read_table(path, columns=[name])[name]


def count_rows(path: Path) -> int:
    """Return the number of rows of a Parquet file."""
    with _readable(path):
        return int(pq.read_metadata(path).num_rows)
