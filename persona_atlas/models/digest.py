"""SHA-256 of weights, remembered by path, size and modification time, since hashing 600 MB takes seconds.

They are remembered in `~/.cache/persona-atlas/digests.json` (or below `$XDG_CACHE_HOME`); deleting that file costs only time.
"""

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path


def text_digest(text: str) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of `text`."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def path_digest(path: Path) -> str:
    """SHA-256 (64 hexadecimal digits) of a file, or of the names and contents of a folder's files, without hidden ones.

    Raises `OSError` if a file cannot be read. A path that does not exist counts as an empty folder.
    """
    if path.is_file():
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
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "persona-atlas" / "digests.json"


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
        json.dump(known, file, indent=1)
    os.replace(file.name, target)
