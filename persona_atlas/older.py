"""Read releases and results of older schema versions as today's: each record is migrated from version to version.

Nothing on disk is changed. The manifest stays as it is, and its digests are those of the records as they were written.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from persona_atlas import schema, shards
from persona_atlas.records import SCHEMA_VERSION, SPLITS
from persona_atlas.schema import v1_to_v2

STEPS = {1: v1_to_v2}
"""The migration from each version to the next."""
KINDS = {"users": "user", "conversations": "conversation", "items": "item"}


def migratable(version: int) -> bool:
    """Whether there is a migration for every step from `version` to today's."""
    return all(step in STEPS for step in range(version, SCHEMA_VERSION))


def check(path: Path, manifest: Mapping[str, Any]) -> None:
    """Raise SchemaError if the release at `path` is not of the version that its manifest states, or has users that cannot be migrated."""
    version = manifest["schema_version"]
    for entry in manifest["files"]:
        kind = KINDS.get(entry["config"])
        if kind is None:
            continue
        found, wanted = set(pq.read_schema(path / entry["path"]).names), set(schema.schema(kind, version)["properties"])
        if odd := sorted(found ^ wanted):
            raise schema.SchemaError(f"{entry['path']} {'has' if odd[0] in found else 'lacks'} a column {odd[0]}")
    for split in SPLITS:
        _around(path, split, version, version)


def records(path: Path, config: str, split: str, version: int, wanted: int = SCHEMA_VERSION) -> Iterator[dict[str, Any]]:
    """Yield the records of one split of a release of `version`, as plain data of version `wanted`. Raises SchemaError if one cannot be migrated."""
    if version == wanted:
        yield from _opened(path / "data" / config / f"{split}.parquet", config, version)
        return
    around = _around(path, split, version, wanted - 1)
    for record in records(path, config, split, version, wanted - 1):
        yield STEPS[wanted - 1].CONFIGS[config](record, around)


def results(record: dict[str, Any]) -> dict[str, Any]:
    """Migrate the content of a results.json to today's version. A version without a migration is returned as it is."""
    version = record.get("schema_version")
    while version in STEPS:
        record = STEPS[version].results(record)
        version = record["schema_version"]
    return record


@lru_cache(maxsize=2 * len(SPLITS))
def _around(path: Path, split: str, version: int, at: int) -> Any:
    """What the migration from version `at` needs to know about the other records of a split."""
    return STEPS[at].around(records(path, "users", split, version, at), records(path, "conversations", split, version, at))


def _opened(path: Path, config: str, version: int) -> Iterator[dict[str, Any]]:
    return (STEPS[version].opened(config, row) for row in chain.from_iterable(shards.read_batches(path))) if path.is_file() else iter(())
