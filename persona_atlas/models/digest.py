"""SHA-256 of weights, remembered by path, size and modification time, since hashing 600 MB takes seconds.

They are remembered in `digests.json` in the cache folder; deleting that file costs only time.
"""

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path

from persona_atlas.folders import cache_folder


def text_digest(text: str) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of `text`."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def path_digest(path: Path) -> str:
    """SHA-256 (64 hexadecimal digits) of a file, or of the names and contents of a folder's files, without hidden ones.

    Raises `OSError` if the path does not exist or a file cannot be read.
    """
    if not path.is_dir():
        return _remembered_file_digest(path)
    files = sorted(file for file in path.rglob("*") if file.is_file() and not _hidden(file.relative_to(path)))
    listing = [(file.relative_to(path).as_posix(), _remembered_file_digest(file)) for file in files]
    return hashlib.sha256(json.dumps(listing).encode()).hexdigest()


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _remembered_file_digest(path: Path) -> str:
    status = path.stat()
    key = f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}"
    known = _read_memory()
    if key not in known:
        with path.open("rb") as file:
            known[key] = hashlib.file_digest(file, "sha256").hexdigest()
        with contextlib.suppress(OSError):  # in a read-only home the file is hashed again each time, nothing worse
            _write_memory(known)
    return known[key]


def _memory_path() -> Path:
    return cache_folder().expanduser() / "digests.json"


def _read_memory() -> dict[str, str]:
    try:
        known = json.loads(_memory_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write_memory(known: dict[str, str]) -> None:
    target = _memory_path()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=target.parent, delete=False, encoding="utf-8") as file:
        part = Path(file.name)
    try:
        part.write_text(json.dumps(known, indent=1), encoding="utf-8")
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
