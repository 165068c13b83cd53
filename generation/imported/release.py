"""Writes an imported release: the same folder that `atlas-generate build` writes, with import.json beside its card.

    import.json    {"files": [...], "converted": {...}, "mapped": [...], "not_mapped": [...], "contradictory": {...},
                    "without_item": {published id: [reason, ...]}, "left_out": {published id: [reason, ...]},
                    "ids": {published id: [ours, ...]}}    the conversations and items that are made from the record, or that it shows

The release is written beside `--out` under another name, and put in place when it is complete.
"""

import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generation.benchmark import benchmark_request
from generation.build import banks_digest
from generation.card import card
from generation.imported.convert import NOT_PUBLISHED, Converted, convert
from generation.imported.mapping import SPLITS, load_mapping, mapping_digest
from generation.imported.read import ImportFileError, encodable, read_file
from generation.shard import CONFIGS
from persona_atlas import schema, shards
from persona_atlas.randomness import digest
from persona_atlas.records import IMPORTED, SCHEMA_VERSION, canonical_json, to_dict
from persona_atlas.scoring import SCORER_VERSION

IMPORTER_VERSION = "import-ppopt-2"


@dataclass(frozen=True)
class Imported:
    """A finished import: the release's manifest, and the content of import.json."""

    manifest: Mapping[str, Any]
    report: Mapping[str, Any]


def import_release(paths: Sequence[Path], out: Path) -> Imported:
    """Convert the published files into a release at `out`. Raises ImportFileError, and then puts no part of a release there."""
    _check_out(out)
    ordered = sorted(paths, key=lambda path: (path.name, str(path)))
    read = [read_file(path) for path in ordered]
    converted = convert(record for records in read for record in records)
    if not any(converted.users.values()):
        (reason, *_), *_ = converted.account.left_out.values()
        raise ImportFileError(f"none of the {sum(map(len, read))} records can be used, the first because: {reason}; give other files")
    files = [
        {"name": encodable(path.name), "sha256": shards.file_sha256(path), "records": len(records)}
        for path, records in zip(ordered, read, strict=True)
    ]
    report = _report(converted, files)
    return Imported(_put(converted, report, out), report)


def _check_out(out: Path) -> None:
    try:
        found = sorted(path.name for path in out.iterdir()) if out.is_dir() else []
        taken = not out.is_dir() and (out.exists() or out.is_symlink())
    except OSError as error:
        raise ImportFileError(f"{out} cannot be looked into ({error.strerror}); give another --out") from None
    if taken:
        raise ImportFileError(f"{out} is there and no folder; give another --out")
    if found:
        raise ImportFileError(f"{out} is not empty (it holds {found[0]}); give a new folder with --out")


def _put(converted: Converted, report: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write the release beside `out`, on the same disk, move it into place, and return the manifest."""
    place = Path(os.path.realpath(out))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{place.name[:100]}.", ignore_cleanup_errors=True) as folder:
            work = Path(folder) / "release"
            manifest = _write(converted, report, work)
            if place.is_dir():
                place.rmdir()
            shutil.move(work, place)
    except OSError as error:
        raise ImportFileError(f"{out} cannot be written ({error.strerror or error}); give another --out") from None
    return manifest


def _write(converted: Converted, report: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    entries = [_file(converted, config, split, folder) for config in CONFIGS for split in SPLITS]
    files = [entry for entry in entries if entry]
    left_out = Counter(f"not imported: {reason}" for reasons in report["left_out"].values() for reason in reasons)
    config = {"importer": IMPORTER_VERSION, "schema": SCHEMA_VERSION, "mapping": mapping_digest(), "files": report["files"]}
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "generator_version": IMPORTER_VERSION,
        "scorer_version": SCORER_VERSION,
        "source": IMPORTED,
        "config": {"users": sum(map(len, converted.users.values()))},
        "config_digest": digest(canonical_json(config)),
        "catalog_digest": banks_digest(),
        "content_digest": shards.content_digest(entry["content_digest"] for entry in files),
        "files": files,
        "failures": dict(sorted(left_out.items())),
    }
    schema.validate("manifest", manifest)
    shards.write_text(folder / "import.json", json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    shards.write_text(folder / "README.md", card(manifest))
    shards.write_text(folder / "manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    return manifest


def _file(converted: Converted, config: str, split: str, folder: Path) -> dict[str, Any] | None:
    """Write one file and return its entry in the manifest; None if there are no records."""
    records, kind = _records(converted, config, split), CONFIGS[config]
    if not records:
        return None
    if config != "benchmark":
        for record in records:
            schema.validate(kind.__name__.lower(), to_dict(record))
    path = folder / "data" / config / f"{split}.parquet"
    shards.write_records(path, kind, records)
    return {
        "path": path.relative_to(folder).as_posix(), "config": config, "split": split, "rows": len(records),
        "content_digest": shards.content_digest(map(shards.record_digest, records)), "sha256": shards.file_sha256(path),
    }  # fmt: skip


def _records(converted: Converted, config: str, split: str) -> Sequence[Any]:
    match config:
        case "users":
            return converted.users[split]
        case "conversations":
            return converted.conversations[split]
        case "items":
            return converted.items[split]
        case "benchmark" if split == "test":
            mine: dict[str, list[Any]] = {user.persona_id: [] for user in converted.users[split]}
            for conversation in converted.conversations[split]:
                mine[conversation.persona_id].append(conversation)
            return [benchmark_request(item, mine[item.persona_id]) for item in converted.items[split]]
        case _:
            return ()


def _report(converted: Converted, files: list[dict[str, Any]]) -> dict[str, Any]:
    """The content of import.json, in an order that depends on the content alone."""
    account, mapping = converted.account, load_mapping()
    mapped, not_mapped = [], []
    for name, counts in sorted(account.traits.items()):
        known = mapping.get(name)
        for value, users in sorted(counts.items()):
            held = known.values.get(value) if known else None
            row = {"dimension": name, "value": value, "users": users}
            if held:
                mapped.append({**row, "to": f"{held.dimension} {held.value}"})
            else:
                not_mapped.append({**row, "reason": known.rest if known else NOT_PUBLISHED})
    conversations = [conversation for split in SPLITS for conversation in converted.conversations[split]]
    return {
        "files": files,
        "converted": {
            "users": sum(map(len, converted.users.values())),
            "conversations": len(conversations),
            "published_conversations": account.chats,
            "published_states": account.states,
            "items": sum(map(len, converted.items.values())),
            "noisy_turns": sum(bool(turn.edits) for conversation in conversations for turn in conversation.turns),
        },
        "mapped": mapped,
        "not_mapped": not_mapped,
        "contradictory": account.contradictory,
        "without_item": dict(sorted(account.without_item.items())),
        "left_out": dict(sorted(account.left_out.items())),
        "ids": dict(sorted(account.ids.items())),
    }
