"""What was found out about submissions before, so that a site of a thousand of them is built in a minute: a folder with one JSON file per key.

A key is a digest of everything that a verdict depends on: the submission's files and where they are, the release, the suite, and the code that
verifies and scores. What the folder holds is believed as the package itself is, so keep it where nobody else can write.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import eval_harness
import persona_atlas
from eval_harness.suites import Suite
from persona_atlas import shards
from persona_atlas.randomness import digest
from persona_atlas.records import canonical_json

CODE = (".py", ".yaml", ".json")
"""The files that verification and scoring consist of: programs, and what they read."""


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
    """Return the key of the verdict on a submission whose files are at `path`.

    Whether a submission stands where it should depends on its own name and on those of the two folders above (submission.py).
    """
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    place = [path.is_dir(), path.parent.name, path.name, *path.resolve().parts[-3:]]
    return _key("verdict", {"files": digests, "place": place, "release": release_digest, "suite": asdict(suite)})


def key_of_ties(columns: Mapping[str, Any], rounds: int) -> str:
    return _key("ties", {"columns": columns, "rounds": rounds})


def _key(kind: str, parts: Mapping[str, Any]) -> str:
    return digest(canonical_json({"kind": kind, "code": code_digest(), **parts}))


@cache
def code_digest() -> str:
    """Return a digest of the code of this package, of the evaluation and of the scoring, and of the data that lie beside it. It is computed once."""
    return digest_of(Path(__file__).parent, *(Path(package.__path__[0]) for package in (eval_harness, persona_atlas)))


def digest_of(flat: Path, *deep: Path) -> str:
    """Return a digest of names and contents of the files in `flat`, and of those anywhere in `deep`, that end as in CODE."""
    found = hashlib.sha256()
    for file in chain(sorted(flat.iterdir()), *(sorted(folder.rglob("*")) for folder in deep)):
        if file.suffix in CODE and file.is_file():
            data = file.read_bytes()
            found.update(f"{file.parent.name}/{file.name} {len(data)}\n".encode() + data)
    return found.hexdigest()
