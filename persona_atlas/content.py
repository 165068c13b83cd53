"""Read content files (catalogue, task bank, voices): YAML whose mappings know their line, with checks that name the file, the line and the fix.

>>> need({"id": "x", "sloots": {}}, {"id": str, "slots": dict}, "cooking.yaml, line 7, template x")
Traceback (most recent call last):
persona_atlas.content.CatalogError: cooking.yaml, line 7, template x: unknown key 'sloots', did you mean 'slots'? known keys are id, slots
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib.resources.abc import Traversable
from typing import Any

import yaml


class CatalogError(ValueError):
    """A content file is wrong. The message names the file, the place, and what to do."""


class Marked(dict[str, Any]):
    """A mapping that knows on which line of its file it begins."""

    line: int = 0


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """A YAML loader that turns mappings into Marked and refuses a key that occurs twice in one mapping."""


def _mapping(loader: Any, node: yaml.MappingNode) -> Any:
    found = Marked()
    yield found
    found.line = node.start_mark.line + 1
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(problem="a key is a list or a mapping", problem_mark=key_node.start_mark)
        key = loader.construct_object(key_node)
        if key in found:
            raise yaml.constructor.ConstructorError(problem=f"the key {key!r} stands twice", problem_mark=key_node.start_mark)
        found[key] = loader.construct_object(value_node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Traversable) -> Any:
    """Return the content of a YAML file. Raises CatalogError, which names the file and the line, if it is not valid YAML."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except UnicodeDecodeError as error:
        raise CatalogError(f"{path.name}: not readable as UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        fix = "" if "twice" in str(error) else "; quote strings that hold a colon or a brace"
        raise CatalogError(f"{path.name}{line}: not readable as YAML ({getattr(error, 'problem', error)}){fix}") from None


def place(file: str, entry: Any, kind: str) -> str:
    """Describe where `entry` is: its file, line, kind and id."""
    if not isinstance(entry, Mapping):
        return f"{file}, {kind} {entry!r}"
    line = f", line {entry.line}" if isinstance(entry, Marked) else ""
    return f"{file}{line}, {kind} {entry.get('id')}"


def need(data: Any, keys: Mapping[str, type], where: str, optional: Mapping[str, type] | None = None) -> None:
    """Raise CatalogError unless `data` is a mapping with exactly `keys` (and perhaps `optional`) of the given types."""
    if not isinstance(data, dict):
        raise CatalogError(f"{where}: found {type(data).__name__}, wanted a mapping with {', '.join(keys)}")
    known = {**keys, **(optional or {})}
    for key in data:
        if key not in known:
            near = get_close_matches(str(key), known, n=1)
            hint = f", did you mean {near[0]!r}?" if near else ";"
            raise CatalogError(f"{where}: unknown key {key!r}{hint} known keys are {', '.join(known)}")
    for key, wanted in known.items():
        if key not in data:
            if key in keys:
                raise CatalogError(f"{where}: the key {key!r} is missing; add it")
        elif not isinstance(data[key], wanted):
            raise CatalogError(f"{where}: {key} is {type(data[key]).__name__}, wanted {wanted.__name__}")


def read_lines(lines: Any, least: int, where: str) -> tuple[str, ...]:
    """Return the lines of a list, stripped. Raises CatalogError if there are fewer than `least`, or if one is empty or not text."""
    if not isinstance(lines, list) or len(lines) < least:
        raise CatalogError(
            f"{where}: wanted at least {least} lines of text, found {len(lines) if isinstance(lines, list) else repr(lines)}; add more"
        )
    for line in lines:
        if not isinstance(line, str) or not line.strip():
            raise CatalogError(f"{where}: found {line!r}, wanted a line of text; quote it or take it out")
    return tuple(line.strip() for line in lines)


def unique_ids(entries: Iterable[Any], file: str, kind: str) -> None:
    """Raise CatalogError where two entries of a file have the same id."""
    seen: set[str] = set()
    for entry in entries:
        id_ = entry.get("id") if isinstance(entry, Mapping) else None
        if id_ in seen:
            raise CatalogError(f"{place(file, entry, kind)}: the id {id_!r} is defined twice; rename one")
        if id_ is not None:
            seen.add(id_)


def line_of(path: Traversable, text: str) -> str:
    """Return `, line N` for the last line of the file that contains `text`, or an empty string if no single line does."""
    hits = [number for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if text in line]
    return f", line {hits[-1]}" if hits else ""
