"""Records to Parquet and back, digests, and writing that a kill cannot tear.

A column's type follows from the record's field: a mapping with free keys is stored as canonical JSON text, everything else natively, so that
`datasets` shows real columns. The content digest of a file is the SHA-256 over its records' own SHA-256 digests in order: it depends on the
records alone, not on how they were split among shards or on Parquet's bytes.
"""

import dataclasses
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from persona_atlas.records import canonical_json, from_dict, to_dict

_SCALARS = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


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
    """A record as a Parquet row: free mappings as canonical JSON text."""
    return {f.name: _row_value(getattr(record, f.name)) for f in dataclasses.fields(record)}


def _row_value(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_row(value)
    if isinstance(value, tuple | list):
        return [_row_value(entry) for entry in value]
    return canonical_json(value) if isinstance(value, Mapping) else value


def from_row(kind: type, row: Mapping[str, Any]) -> Any:
    """The record of `kind` in a Parquet row."""
    return from_dict(kind, _opened(kind, row))


def _opened(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return {name: _opened(inner, value[name]) for name, inner in _hints(hint).items()}
    origin = get_origin(hint)
    if origin is tuple:
        return [_opened(get_args(hint)[0], entry) for entry in value]
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return json.loads(value)
    return value


@lru_cache(maxsize=64)
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def record_digest(record: Any) -> str:
    """SHA-256 over the record's canonical JSON, in hex."""
    return hashlib.sha256(canonical_json(to_dict(record)).encode()).hexdigest()


def content_digest(digests: Iterable[str]) -> str:
    """The digest of a sequence of records, from their own digests."""
    total = hashlib.sha256()
    for entry in digests:
        total.update(bytes.fromhex(entry))
    return total.hexdigest()


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that is synced and renamed to it when the block ends well, and removed when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_records(path: Path, kind: type, records: Sequence[Any]) -> None:
    """Write records as one Parquet file, atomically."""
    table = pa.Table.from_pylist([to_row(record) for record in records], schema=arrow_schema(kind))
    with atomic(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def merge(parts: Sequence[Path], path: Path) -> None:
    """Join Parquet files of one schema, one at a time, into one file: memory stays that of one part."""
    schema = pq.read_schema(parts[0])
    with atomic(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for part in parts:
            writer.write_table(pq.read_table(part))


def read_records(path: Path, kind: type) -> Iterator[Any]:
    """The records of a Parquet file, in order, read in batches. Raises KeyError or TypeError where a row lacks a field."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=512):
            for row in batch.to_pylist():
                yield from_row(kind, row)
