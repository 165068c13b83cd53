"""Compares two releases (versions, configuration, and every record by its id), and says which part of the dataset version has to move.

    major   what moves a score changed or is gone: a record, one of its fields in MOVES, the order of records (of which --limit takes the first), the
            scorer's version, the schema's version
    minor   records were added, and none that was there changed in such a way
    patch   anything else: labels that no score reads, provenance, the generator's version, the banks' digest, the configuration
    none    nothing but the bytes of files

Files with the same schema version, content digest and SHA-256 are not read.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from generation.shard import CONFIGS
from generation.sides import Side
from persona_atlas.data import Release
from persona_atlas.records import SPLITS

VERSIONS = ("dataset_version", "schema_version", "scorer_version", "generator_version", "catalog_digest")
MOVES: dict[str, tuple[str, ...]] = {
    "users": ("persona_id", "split", "attributes", "preferences"),
    "conversations": ("conversation_id", "persona_id", "split", "session", "turns", "noise", "engine"),
    "history_noise": ("conversation_id", "persona_id", "split", "session", "turns", "noise", "engine"),
    "items": (
        "item_id", "persona_id", "split", "session", "template_id", "domain", "slots", "query", "history", "gold", "hard", "twins", "witness",
        "slices", "lures", "history_noise",
    ),
    "benchmark": ("request_id", "history", "query"),
    "provenance": (),
}  # fmt: skip
"""The fields of each config that a score can depend on: what is asked and shown, what is right, and what controls look at."""
LEVELS = ("none", "patch", "minor", "major")
SHOWN = 5
"""How many ids of each kind are named."""


@dataclass
class FileDiff:
    """What differs in one config and split.

    `fields`: field -> number of records in which it differs; `ids`: some ids of records that were added, removed or changed; `reordered`: the records
    that both sides have are in another order.
    """

    config: str
    split: str
    rows: tuple[int, int]
    added: int = 0
    removed: int = 0
    changed: int = 0
    reordered: bool = False
    fields: Counter[str] = field(default_factory=Counter)
    ids: dict[str, list[str]] = field(default_factory=lambda: {"added": [], "removed": [], "changed": []})

    @property
    def moving(self) -> list[str]:
        """The fields that differ and that a score can depend on."""
        return [name for name in self.fields if name in MOVES[self.config]]

    @property
    def equal(self) -> bool:
        return not (self.added or self.removed or self.changed or self.reordered)


@dataclass(frozen=True)
class Diff:
    """What differs between two releases.

    `versions` and `config`: name -> (old, new); `rewritten`: files with the same content in other bytes; `moves_scores`: why scores may move;
    `needed`: which part of the dataset version has to move, one of LEVELS.
    """

    versions: Mapping[str, tuple[Any, Any]]
    config: Mapping[str, tuple[Any, Any]]
    files: tuple[FileDiff, ...]
    rewritten: tuple[str, ...]
    moves_scores: tuple[str, ...]
    needed: str
    dataset_versions: tuple[str | None, str | None]

    @property
    def equal(self) -> bool:
        return not (self.versions or self.config) and all(file.equal for file in self.files)

    @property
    def moved(self) -> str | None:
        """Which part of the dataset version moved forward; None if a release has no dataset version."""
        return moved(*self.dataset_versions)

    @property
    def enough(self) -> bool | None:
        """Whether the dataset version moved as far as it must; None if a release has none."""
        return None if self.moved is None else LEVELS.index(self.moved) >= LEVELS.index(self.needed)

    def described(self) -> dict[str, Any]:
        """The diff as plain data."""
        files = [{**asdict(file), "moving": file.moving} for file in self.files]
        return {**asdict(self), "files": files, "equal": self.equal, "moved": self.moved, "enough": self.enough}


def diff(old: Release, new: Release, progress: Callable[[int, int], None] = lambda done, total: None) -> Diff:
    """Compare two releases. `progress(done, total)` counts files. Raises DataError if two rows of a file share an id."""
    versions = _differing({name: old.manifest.get(name) for name in VERSIONS}, {name: new.manifest.get(name) for name in VERSIONS})
    config = _differing(old.manifest["config"], new.manifest["config"])
    pairs = [(Side(old, name, split), Side(new, name, split)) for name in CONFIGS for split in SPLITS]
    pairs = [(one, other) for one, other in pairs if one.entry or other.entry]
    files, rewritten = [], []
    for number, (one, other) in enumerate(pairs):
        progress(number, len(pairs))
        files.append(compare(one, other))
        if files[-1].equal and one.entry and other.entry and one.entry["sha256"] != other.entry["sha256"]:
            rewritten.append(f"data/{one.config}/{one.split}.parquet")
    progress(len(pairs), len(pairs))
    reasons = tuple(_reasons(versions, files))
    needed = "major" if reasons else "minor" if any(file.added for file in files) else "patch"
    content = any(not file.equal for file in files) or config or set(versions) - {"dataset_version"}
    both = (old.manifest.get("dataset_version"), new.manifest.get("dataset_version"))
    return Diff(versions, config, tuple(files), tuple(rewritten), reasons, needed if content else "none", both)


def compare(old: Side, new: Side) -> FileDiff:
    """Compare one config and split, by id. Files with the same schema version and hashes are equal, and are not read."""
    found = FileDiff(old.config, old.split, (old.rows, new.rows))
    same = old.release.schema_version == new.release.schema_version
    if same and old.entry and new.entry and all(old.entry[key] == new.entry[key] for key in ("content_digest", "sha256")):
        return found
    places = pc.index_in(old.ids, value_set=new.ids)
    kept = np.flatnonzero(pc.is_valid(places).to_numpy(zero_copy_only=False))
    there = pc.drop_null(places).to_numpy().astype(np.int64)
    _note(found, "removed", old.ids.filter(pc.is_null(places)))
    _note(found, "added", new.ids.filter(pc.invert(pc.is_in(new.ids, value_set=old.ids))))
    done = 0
    for one, other in zip(old.batches(kept), new.batches(there), strict=True):
        changed = np.zeros(len(one), dtype=bool)
        for name, differs in _fields(one, other):
            found.fields[name] += int(differs.sum())
            changed |= differs
        _note(found, "changed", old.ids.take(pa.array(kept[done : done + len(one)][changed])))
        done += len(one)
    found.reordered = bool((np.diff(there) < 0).any())
    return found


def _note(found: FileDiff, what: str, ids: pa.Array) -> None:
    setattr(found, what, getattr(found, what) + len(ids))
    found.ids[what] += ids.slice(0, SHOWN - len(found.ids[what])).to_pylist()


def _fields(one: pa.Table, other: pa.Table) -> Iterator[tuple[str, Any]]:
    """Each column that differs, and a mask of the rows in which it does. Only columns that are not equal as a whole are compared row by row."""
    for name in one.column_names:
        mine, theirs = one[name], other[name]
        if not mine.equals(theirs):
            yield name, np.array([a != b for a, b in zip(mine.to_pylist(), theirs.to_pylist(), strict=True)])


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (old.get(name), new.get(name)) for name in {**old, **new} if old.get(name) != new.get(name)}


def _reasons(versions: Mapping[str, tuple[Any, Any]], files: Iterable[FileDiff]) -> Iterator[str]:
    """Why scores on the two releases may differ."""
    for name in ("schema_version", "scorer_version"):
        if name in versions:
            yield f"{name} {versions[name][0]} became {versions[name][1]}"
    for file in files:
        where = f"{file.config} of {file.split}"
        if file.removed:
            yield f"{file.removed:,} {where} are gone"
        if file.reordered:
            yield f"{where} stand in another order"
        if file.moving:
            yield f"{where}: {', '.join(f'{name} ({file.fields[name]:,})' for name in file.moving)}"


def moved(old: str | None, new: str | None) -> str | None:
    """Which part of a version moved forward, `none` if it stayed or went back; None if either version is missing."""
    if old is None or new is None:
        return None
    before, after = (tuple(map(int, version.split("."))) for version in (old, new))
    if after < before:
        return "none"
    return next((level for level, a, b in zip(("major", "minor", "patch"), before, after, strict=True) if a != b), "none")
