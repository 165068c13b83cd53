"""Identifies the optimizer of a run: its module, its arguments, and a digest of its source and of the files that its arguments name."""

import ast
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from eval_harness.adapters import ADAPTERS
from eval_harness.errors import EvalError
from persona_atlas import shards
from persona_atlas.randomness import digest

SHIPPED = ("persona_atlas", "generation", "eval_harness", "leaderboard")
"""The packages of PersonaAtlas itself, whose version a run records."""
LONGEST = 86_400.0
"""The most seconds that one call may take."""


@dataclass(frozen=True)
class OptimizerSpec:
    """What to load: MODULE[:ATTR], its arguments, the folder (`path`) where modules are looked for, and the seconds that one call may take."""

    module: str
    attribute: str | None
    arguments: dict[str, Any]
    path: str
    seconds: float

    @classmethod
    def parse(cls, text: str, arguments: dict[str, Any], seconds: float) -> "OptimizerSpec":
        """Parse `MODULE[:ATTR]` or the name of an adapter. Modules are also looked for in the working directory. Raises EvalError."""
        module, _, attribute = ADAPTERS.get(text, text).partition(":")
        if not module or not all(part.isidentifier() for part in module.split(".")):
            hint = f"; did you mean {module.removesuffix('.py')}?" if module.endswith(".py") else ""
            raise EvalError(f"--optimizer {text!r} is no module name, wanted MODULE or MODULE:ATTRIBUTE, for example mymodule{hint}")
        return cls(module, attribute or None, arguments, os.getcwd(), seconds)


def check_seconds(seconds: float) -> None:
    """Raise EvalError where an optimizer cannot be given so much time."""
    if not seconds <= LONGEST:  # also true for nan
        raise EvalError(f"--optimizer_timeout is {seconds:g}, wanted seconds up to {LONGEST:,.0f}")


def source_digest(spec: OptimizerSpec) -> str | None:
    """SHA-256 of what makes up the optimizer, so that an edited one is not taken for the old one; None if none of the files below exists.

    The digest covers the module's file in the working folder, the rest of its package (data files too, since it may read them), what these import
    from the working folder, and the files and folders that arguments name. If there is only the module's file, it is the SHA-256 of that file. A
    module that ships with PersonaAtlas is not looked for in the working folder, and all files in its own folder count: for PPOpt, the adapter, too.
    Raises EvalError if a file cannot be read.
    """
    try:
        sources = dict(_shipped(spec.module) if spec.module.partition(".")[0] in SHIPPED else _of_module(Path(spec.path), spec.module))
        given = dict(_named_by_arguments(spec))
        if len(sources) == 1 and not given:
            return shards.file_sha256(*sources.values())
        found = [(name, _content(file)) for name, file in sorted({**sources, **given}.items())]
    except OSError as error:
        raise EvalError(f"{error.filename} belongs to the optimizer and cannot be read ({error.strerror}); give it other permissions") from None
    return digest(json.dumps(found)) if found else None


def check_target(spec: OptimizerSpec, fingerprint: str) -> None:
    """Raise EvalError where an argument names a checkpoint of PPOpt that the target with this fingerprint rewarded in training.

    It is found here, since an optimizer's process does not learn what its target is. Raises ModelError where the checkpoint cannot be read.
    """
    from persona_atlas.ppopt.base import SETTINGS, read_settings

    for key, value, place in _paths(spec):
        if (place / SETTINGS).is_file() and read_settings(place).was_rewarded_by(fingerprint):
            raise EvalError(
                f"{key}={value} was rewarded by this very target in training, so a score on it would say too much; evaluate on another target: "
                "give another --model"
            )


def not_looked_at(spec: OptimizerSpec) -> list[str]:
    """Folders among the arguments, as `key=value`, that contain the working folder. They are not hashed, since runs write below them."""
    return [f"{key}={value}" for key, value, place in _paths(spec) if _holds(place, spec)]


def _shipped(module: str) -> Iterator[tuple[str, Path]]:
    """The files in the folder of a module that ships with PersonaAtlas, each with its place; none if there is no such module."""
    try:
        found = find_spec(module)
    except ModuleNotFoundError:
        return
    if found is not None and found.origin is not None:
        folder = Path(found.origin).parent
        yield from ((file.relative_to(folder).as_posix(), file) for file in _sources(folder.parent, folder.name))


def _of_module(root: Path, module: str) -> Iterator[tuple[str, Path]]:
    """The same for a module in the working folder and what it imports from there."""
    if (own := _file(root, module)) is not None:
        yield from ((file.relative_to(root).as_posix(), file) for file in (own, *_beside(root, module, own)))


def _file(root: Path, module: str) -> Path | None:
    stem = Path(root, *module.split("."))
    return next((file for file in (stem / "__init__.py", stem.with_suffix(".py")) if file.is_file()), None)  # as Python chooses


def _beside(root: Path, module: str, own: Path) -> set[Path]:
    """The other files of the module's package, and those in the working folder that any of them import."""
    top = module.partition(".")[0]
    known = {own, *(_sources(root, top) if own != root / f"{top}.py" else ())}
    new = set(known)
    while new:
        imported = {name for file in new for name in _imported(file)}
        new = {file for name in imported if not elsewhere(root, name) for file in _sources(root, name)} - known
        known |= new
    return known - {own}


def _sources(root: Path, top: str) -> Iterator[Path]:
    """The files of the top-level module or package `top` in the working folder, without what Python compiled and hidden ones.

    A folder without an `__init__.py` may be something else than a package, so that only its source counts.
    """
    for file in (root / top).rglob("*" if (root / top / "__init__.py").is_file() else "*.py"):
        if file.is_file() and not any(part == "__pycache__" or part.startswith(".") for part in file.relative_to(root).parts):
            yield file
    if (root / f"{top}.py").is_file():
        yield root / f"{top}.py"


def _imported(file: Path) -> Iterator[str]:
    """The top-level names that a file imports anywhere in it; none if it is no source, or not valid Python, which loading it will report."""
    if file.suffix != ".py":
        return
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def elsewhere(root: Path, name: str) -> bool:
    """Whether a name is imported from somewhere other than the working folder, which is searched last."""
    if name in SHIPPED or name in sys.stdlib_module_names:
        return True
    found = PathFinder.find_spec(name, [entry for entry in sys.path if entry and Path(entry) != root])
    return found is not None and found.origin is not None


def _named_by_arguments(spec: OptimizerSpec) -> Iterator[tuple[str, Path]]:
    """Every path that an argument names and, links followed, everything below it, each with a name: `key=` and its place in the folder."""
    for key, _, place in _paths(spec):
        if place.is_file():
            yield f"{key}=", place
        elif place.is_dir() and not _holds(place, spec):
            yield f"{key}=", place
            yield from ((f"{key}={file.relative_to(place).as_posix()}", file) for file in _below(place, frozenset()))


def _below(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    """Everything below a folder, except the contents of a link to a folder that encloses it."""
    if (real := folder.resolve()) in above:
        return
    for entry in sorted(folder.iterdir()):
        yield entry
        if entry.is_dir():
            yield from _below(entry, above | {real})


def _paths(spec: OptimizerSpec) -> Iterator[tuple[str, str, Path]]:
    """The arguments that name an existing path, relative to the working folder: key, value, path."""
    for key, value in spec.arguments.items():
        if isinstance(value, str) and value and os.path.exists(place := os.path.join(spec.path, os.path.expanduser(value))):
            yield key, value, Path(place)


def _holds(place: Path, spec: OptimizerSpec) -> bool:
    return Path(spec.path).resolve().is_relative_to(place.resolve())


def _content(file: Path) -> str | None:
    """The SHA-256 of a file; None for a folder, a broken link or a device."""
    return shards.file_sha256(file) if file.is_file() else None
