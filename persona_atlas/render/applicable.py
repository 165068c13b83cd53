"""Which dimensions apply to which template.

The table `applicable.json` beside this file, which `make small` writes, says so. If the banks or the code that decide it have changed since then,
templates are tried out instead.

    {"made_of": "5b1c0e…", "applicable": {"cooking.pasta_amount": ["caveat", "closing", "emoji", …], …}}
"""

import hashlib
import json
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path

from persona_atlas.render.witness import tried_out
from persona_atlas.tasks.templates import load_templates

TABLE = "applicable.json"
DECIDING = ("amounts.py", "answer.py", "content.py", "randomness.py", "records.py", "preferences", "render", "tasks")
"""The files and folders of the package that decide what applies."""


@cache
def applicable_dimensions(template_id: str) -> tuple[str, ...]:
    """Return the dimensions that apply to a template. Where the table is stale, trying the template out takes some 30 ms."""
    known = _table()
    return known[template_id] if template_id in known else tried_out(template_id)


def write_table() -> None:
    """Try out all templates and write the table."""
    found = {template: tried_out(template) for template in sorted(load_templates())}
    lines = ",\n".join(f"{json.dumps(template)}: {json.dumps(dimensions)}" for template, dimensions in found.items())
    _path().write_text(f'{{"made_of": "{made_of()}", "applicable": {{\n{lines}\n}}}}\n', encoding="utf-8")


def made_of() -> str:
    """Return a digest of the sources that decide the table."""
    root = Path(str(files("persona_atlas")))
    sources = hashlib.sha256()
    for name in DECIDING:
        inside = [path for path in (root / name).rglob("*") if path.suffix in (".py", ".yaml")] if (root / name).is_dir() else [root / name]
        for path in sorted(inside):
            sources.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes())
    return sources.hexdigest()[:16]


@lru_cache(maxsize=1)
def _table() -> dict[str, tuple[str, ...]]:
    """Read the package's table; empty if it was made from other sources."""
    table = json.loads(_path().read_text(encoding="utf-8"))
    if table["made_of"] != made_of():
        return {}
    return {template: tuple(dimensions) for template, dimensions in table["applicable"].items()}


def _path() -> Path:
    return Path(str(files("persona_atlas.render"))) / TABLE
