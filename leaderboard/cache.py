"""What was found out about submissions before, so that a site of a thousand of them is built in a minute: a folder with one JSON file per key.

A key is a digest of everything that a verdict depends on: the submission's files and where they are, the release, the suite, and the versions of the
schema, the scorer and the package. What the folder holds is believed as the package itself is, so keep it where nobody else can write.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval_harness.suites import Suite
from persona_atlas import __version__, shards
from persona_atlas.randomness import digest
from persona_atlas.records import SCHEMA_VERSION, canonical_json
from persona_atlas.scoring import SCORER_VERSION

CACHE_VERSION = 4
"""Raise this when a check, or what an entry holds, changes within a version of the package."""


@dataclass(frozen=True)
class Cache:
    """Keys and what is kept under them. Without a folder nothing is kept. A file that is not readable as JSON counts as missing, and is rewritten."""

    folder: Path | None = None

    def get(self, key: str) -> Any:
        """Return what is kept under the key, or None."""
        if self.folder is None or not (file := self.folder / f"{key}.json").is_file():
            return None
        try:
            return json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            return None

    def put(self, key: str, value: Any) -> None:
        if self.folder is not None:
            shards.write_text(self.folder / f"{key}.json", json.dumps(value, ensure_ascii=False, allow_nan=False))


def key_of(path: Path, files: Mapping[str, bytes], release_digest: str, suite: Suite) -> str:
    """Return the key of the verdict on a submission whose files are at `path`."""
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    place = [path.parent.name, path.name]
    return _key("verdict", {"files": digests, "place": place, "release": release_digest, "suite": asdict(suite)})


def key_of_ties(columns: Mapping[str, Any], rounds: int) -> str:
    return _key("ties", {"columns": columns, "rounds": rounds})


def _key(kind: str, parts: Mapping[str, Any]) -> str:
    versions = [CACHE_VERSION, __version__, SCHEMA_VERSION, SCORER_VERSION]
    return digest(canonical_json({"kind": kind, "versions": versions, **parts}))
