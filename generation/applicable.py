"""Which dimensions apply to which template, remembered from build to build: trying it out takes ten seconds on one core, as long as 200 users.

The memory is `~/.cache/persona-atlas/applicable-….json` (or below `$XDG_CACHE_HOME`), named after the sources and banks that decide it; deleting it
costs only time.
"""

import contextlib
import hashlib
import json
import os
from importlib.resources import files
from pathlib import Path

from persona_atlas import shards

Applicable = dict[str, tuple[str, ...]]
DECIDING = (".py", ".yaml")


def remembered() -> Applicable:
    """Template id -> the dimensions that apply, as an earlier run of the same sources found them; empty where none has."""
    try:
        found = json.loads(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {template: tuple(dimensions) for template, dimensions in found.items()}


def remember(found: Applicable) -> None:
    with contextlib.suppress(OSError):  # a read-only home costs the time of trying again, nothing else
        path = _path()
        path.parent.mkdir(parents=True, exist_ok=True)
        shards.write_text(path, json.dumps(found, indent=1))


def _path() -> Path:
    root = Path(str(files("persona_atlas")))
    sources = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.suffix in DECIDING):
        sources.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes())
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "persona-atlas" / f"applicable-{sources.hexdigest()[:16]}.json"
