"""Which optimizer a run is of: its module, its arguments, and the digest of its source and of the files that it is given."""

import ast
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from eval_harness.adapters import ADAPTERS
from eval_harness.errors import EvalError
from persona_atlas import shards
from persona_atlas.randomness import digest

SHIPPED = ("persona_atlas", "generation", "eval_harness", "leaderboard")
"""The packages of PersonaAtlas: a run has their version."""


@dataclass(frozen=True)
class OptimizerSpec:
    """What to load: MODULE[:ATTR], its arguments, where modules are looked for, and the seconds that one call may take."""

    module: str
    attribute: str | None
    arguments: dict[str, Any]
    path: str
    seconds: float

    @classmethod
    def parse(cls, text: str, arguments: dict[str, Any], seconds: float) -> "OptimizerSpec":
        """Read `MODULE[:ATTR]` or the name of an adapter; modules are looked for in the working directory too. Raises EvalError."""
        module, _, attribute = ADAPTERS.get(text, text).partition(":")
        if not module or not all(part.isidentifier() for part in module.split(".")):
            hint = f"; did you mean {module.removesuffix('.py')}?" if module.endswith(".py") else ""
            raise EvalError(f"--optimizer {text!r} is no module name, wanted MODULE or MODULE:ATTRIBUTE, for example mymodule{hint}")
        return cls(module, attribute or None, arguments, os.getcwd(), seconds)


def source_digest(spec: OptimizerSpec) -> str | None:
    """SHA-256 of what makes the optimizer, so that an edited one is not taken for the old one; None where nothing of it is a file that is looked at.

    Looked at are the module's file in the working folder, by itself if it is all that there is; the rest of its package; what these import from the
    working folder; and files and folders that arguments name. What ships with PersonaAtlas has its version, and is its own file alone. Raises
    EvalError where a file cannot be read.
    """
    root = Path(spec.path)
    try:
        own = _file(root, spec.module)
        sources = {} if own is None else {file.relative_to(root).as_posix(): file for file in (own, *_beside(root, spec.module, own))}
        given = dict(_named_by_arguments(spec))
        if own is not None and len(sources) == 1 and not given:
            return shards.file_sha256(own)
        found = [(name, _content(file)) for name, file in sorted({**sources, **given}.items())]
    except OSError as error:
        raise EvalError(f"{error.filename} belongs to the optimizer and cannot be read ({error.strerror}); give it other permissions") from None
    return digest(json.dumps(found)) if found else None


def not_looked_at(spec: OptimizerSpec) -> list[str]:
    """Folders among the arguments, as `key=value`, that hold the working folder: what runs write below it is not the optimizer's."""
    return [f"{key}={value}" for key, value, place in _paths(spec) if _holds(place, spec)]


def _file(root: Path, module: str) -> Path | None:
    stem = Path(root, *module.split("."))
    return next((file for file in (stem.with_suffix(".py"), stem / "__init__.py") if file.is_file()), None)


def _beside(root: Path, module: str, own: Path) -> set[Path]:
    """The other source files of the module's package, and those here that it or they import; none of what ships with PersonaAtlas."""
    top = module.partition(".")[0]
    if top in SHIPPED:
        return set()
    known = {own, *(_sources(root, top) if own != root / f"{top}.py" else ())}
    new = set(known)
    while new:
        imported = {name for file in new for name in _imported(file)}
        new = {file for name in imported if not _elsewhere(root, name) for file in _sources(root, name)} - known
        known |= new
    return known - {own}


def _sources(root: Path, top: str) -> Iterator[Path]:
    """The source files of a module or package in the working folder, by its name without dots."""
    yield from (root / top).rglob("*.py")
    if (root / f"{top}.py").is_file():
        yield root / f"{top}.py"


def _imported(file: Path) -> Iterator[str]:
    """What a source file imports anywhere in it, by the names before the first dot; nothing where it is no Python, which loading it will tell."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _elsewhere(root: Path, name: str) -> bool:
    """Whether a name is imported from another place than the working folder, which comes last."""
    if name in SHIPPED or name in sys.stdlib_module_names:
        return True
    found = PathFinder.find_spec(name, [entry for entry in sys.path if entry and Path(entry) != root])
    return found is not None and found.origin is not None


def _named_by_arguments(spec: OptimizerSpec) -> Iterator[tuple[str, Path]]:
    """Every file that an argument names, or that lies in a folder that one names, links followed, under `key=` and its place in the folder."""
    for key, _, place in _paths(spec):
        if place.is_file():
            yield f"{key}=", place
        elif place.is_dir() and not _holds(place, spec):
            yield f"{key}=", place
            yield from ((f"{key}={file.relative_to(place).as_posix()}", file) for file in _below(place, frozenset()))


def _below(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    """All that lies below a folder; one that it lies in itself, by a link, is passed over."""
    if (real := folder.resolve()) in above:
        return
    for entry in sorted(folder.iterdir()):
        yield entry
        if entry.is_dir():
            yield from _below(entry, above | {real})


def _paths(spec: OptimizerSpec) -> Iterator[tuple[str, str, Path]]:
    """The arguments that name an existing path, from the working folder on: key, value, path."""
    for key, value in spec.arguments.items():
        if isinstance(value, str) and value and os.path.exists(place := os.path.join(spec.path, os.path.expanduser(value))):
            yield key, value, Path(place)


def _holds(place: Path, spec: OptimizerSpec) -> bool:
    return Path(spec.path).resolve().is_relative_to(place.resolve())


def _content(file: Path) -> str | None:
    """The SHA-256 of a file; None for a folder, a broken link or a device."""
    return shards.file_sha256(file) if file.is_file() else None
