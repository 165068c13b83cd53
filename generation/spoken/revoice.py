"""Revoices an existing release: users, items and what conversations reveal stay, and the words change (MEASUREMENT 9)."""

from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

from generation.people import Block
from generation.shard import CONFIGS, Records
from persona_atlas import shards
from persona_atlas.data import DataError, Release, open_release
from persona_atlas.records import SCHEMA_VERSION, SPLITS

KEPT = ("users", "conversations", "history_noise", "items")


def revoiced(directory: Path, split: str | None = None) -> dict[str, Any]:
    """The fields of `build.Config` for revoicing a release, or one split of it. Raises DataError if it cannot be revoiced."""
    release = open_release(directory, f"folder {directory}")
    if release.imported:
        raise DataError(f"{directory} is imported: what its turns reveal is not labelled, so that nothing tells whether new words say the same")
    if release.manifest.get("private"):
        raise DataError(f"{directory} is private: what tells whether new words say the same are the phrasings of the package; give another release")
    if release.schema_version != SCHEMA_VERSION:
        raise DataError(
            f"{directory} has schema version {release.schema_version}, whose storylines are not those of version {SCHEMA_VERSION}; "
            "build a release with atlas-generate build, and revoice that"
        )
    config = release.manifest["config"]
    if config.get("engine") == "lm":
        raise DataError(
            f"{directory} is spoken by a language model already, whose words would pass for scripted ones where no new ones are fit; "
            f"give the scripted release: atlas-generate build --users {config['users']} --seed {config['seed']} --out NEW"
        )
    users = users_by_split(directory, split)
    if not users:
        raise DataError(f"{directory} has no split {split}: give one of {', '.join(users_by_split(directory))}")
    content = release.manifest["content_digest"]
    named = {"seed": config["seed"], "source": directory.absolute(), "source_digest": content, "only": split}
    return {"users": sum(users.values()), **named}


def users_by_split(directory: Path, only: str | None = None) -> dict[str, int]:
    """Split -> number of users; `only` restricts it to one split."""
    rows = {entry["split"]: entry["rows"] for entry in _release(directory).manifest["files"] if entry["config"] == "users"}
    return {split: rows[split] for split in SPLITS if split in rows and only in (None, split)}


def kept_records(directory: Path, block: Block) -> tuple[Records, Counter[str]]:
    """All records of a block's users in the release, in its order, and no failures."""
    users = {user.persona_id for user in _read(directory, "users", block.split)[block.start : block.start + block.size]}
    records: Records = {name: [] for name in CONFIGS}
    for config in KEPT:
        records[config] = [record for record in _read(directory, config, block.split) if record.persona_id in users]
    return records, Counter()


@lru_cache(maxsize=1)
def _release(directory: Path) -> Release:
    return open_release(directory, f"folder {directory}")


@lru_cache(maxsize=len(KEPT))
def _read(directory: Path, config: str, split: str) -> list[Any]:
    path = _release(directory).file(config, split)
    return list(shards.read_records(path, CONFIGS[config])) if path else []
