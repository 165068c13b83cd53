"""The catalogue: dimensions as contrast sets, their values, and the hard constraints, read from YAML and checked when read.

One file a dimension in `dimensions/`, in the form that CONTRIBUTING.md shows. A dimension belongs to the splits for which its values have
phrasings: one with phrasings for `test_ood` alone is held out, and no training or test user has it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import yaml

from persona_atlas.answer import Answer
from persona_atlas.preferences.registry import get_checker
from persona_atlas.records import SPLITS

Phrasings = Mapping[str, Mapping[str, tuple[str, ...]]]
"""split -> kind (`explicit`, `complaint`, `praise`; for hard constraints `explicit`, `fact`) -> what a user writes."""


class CatalogError(ValueError):
    """A catalogue or task file is wrong: the message names the file, the place, and what to do."""


@dataclass(frozen=True)
class Value:
    """One value of a dimension, and everything needed to say it, show it and check it."""

    dimension: str
    id: str
    description: str
    checker: str
    parameters: Mapping[str, Any]
    threshold: float
    instructions: tuple[str, ...]
    phrasings: Phrasings
    examples: Mapping[str, tuple[str, ...]]

    def degree(self, answer: Answer) -> float:
        """How far `answer` meets this value, in [0, 1]."""
        return get_checker(self.checker)(answer, **self.parameters)

    def met(self, answer: Answer) -> bool:
        """s_v(y): the degree cut at the value's threshold."""
        return self.degree(answer) >= self.threshold


@dataclass(frozen=True)
class Dimension:
    """A contrast set: values of which an answer meets at most one."""

    id: str
    family: str
    description: str
    values: Mapping[str, Value]

    @cached_property
    def splits(self) -> frozenset[str]:
        """The splits in which users may have this dimension: those for which every value has phrasings."""
        return frozenset(split for split in SPLITS if all(split in value.phrasings for value in self.values.values()))

    def others(self, value: str) -> tuple[Value, ...]:
        return tuple(other for id_, other in self.values.items() if id_ != value)

    def met_by(self, answer: Answer) -> str | None:
        """The value that `answer` meets, or None. Raises ValueError where it meets two: the checkers then do not exclude each other."""
        met = [value.id for value in self.values.values() if value.met(answer)]
        if len(met) > 1:
            raise ValueError(f"an answer meets {' and '.join(met)} of dimension {self.id}: their checkers must exclude each other")
        return met[0] if met else None


@dataclass(frozen=True)
class HardConstraint:
    """What an answer must not name for a user, whatever else it does."""

    id: str
    description: str
    checker: str
    parameters: Mapping[str, Any]
    instructions: tuple[str, ...]
    phrasings: Phrasings
    examples: Mapping[str, tuple[str, ...]]

    def met(self, answer: Answer) -> bool:
        return get_checker(self.checker)(answer, **self.parameters) >= 0.5


@dataclass(frozen=True)
class Catalog:
    """All dimensions and hard constraints, in the order of their ids."""

    dimensions: Mapping[str, Dimension]
    hard: Mapping[str, HardConstraint]

    def value(self, dimension: str, value: str) -> Value:
        return self.dimensions[dimension].values[value]

    def values(self) -> Iterator[Value]:
        for dimension in self.dimensions.values():
            yield from dimension.values.values()


@lru_cache(maxsize=1)
def load_catalog() -> Catalog:
    """The catalogue that ships with the package. Raises CatalogError."""
    root = files("persona_atlas.preferences")
    dimensions = [_dimension(path) for path in sorted(root.joinpath("dimensions").iterdir(), key=lambda p: p.name) if path.name.endswith(".yaml")]
    hard = _hard(root.joinpath("hard_constraints.yaml"))
    _unique([dimension.id for dimension in dimensions], "dimension")
    return Catalog({dimension.id: dimension for dimension in dimensions}, {constraint.id: constraint for constraint in hard})


def read_yaml(path: Traversable) -> Any:
    """The content of a YAML file. Raises CatalogError naming file and line where it is no YAML."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise CatalogError(
            f"{path.name}{line}: not readable as YAML ({getattr(error, 'problem', error)}); quote strings that hold a colon or a brace"
        ) from None


def need(data: Any, keys: Mapping[str, type], where: str, optional: Mapping[str, type] | None = None) -> None:
    """Raise CatalogError unless `data` is a mapping with exactly `keys` (and perhaps `optional`) of the given types."""
    if not isinstance(data, dict):
        raise CatalogError(f"{where}: found {type(data).__name__}, wanted a mapping with {', '.join(keys)}")
    known = {**keys, **(optional or {})}
    for key in data:
        if key not in known:
            raise CatalogError(f"{where}: unknown key {key!r}; known keys are {', '.join(known)}")
    for key, wanted in known.items():
        if key not in data:
            if key in keys:
                raise CatalogError(f"{where}: the key {key!r} is missing; add it")
        elif not isinstance(data[key], wanted):
            raise CatalogError(f"{where}: {key} is {type(data[key]).__name__}, wanted {wanted.__name__}")


def _dimension(path: Traversable) -> Dimension:
    data = read_yaml(path)
    need(data, {"dimension": str, "family": str, "description": str, "values": list}, path.name)
    values = [_value(data["dimension"], entry, path.name) for entry in data["values"]]
    if len(values) < 2:
        raise CatalogError(f"{path.name}: a dimension needs at least two values, found {len(values)}")
    _unique([value.id for value in values], f"{path.name}: value")
    _disjoint({f"{value.id}": value.phrasings for value in values}, path.name)
    return Dimension(data["dimension"], data["family"], data["description"], {value.id: value for value in values})


def _value(dimension: str, data: Any, file: str) -> Value:
    where = f"{file}, value {data.get('id') if isinstance(data, dict) else data!r}"
    keys = {"id": str, "description": str, "checker": str, "parameters": dict, "instructions": list, "phrasings": dict, "examples": dict}
    need(data, keys, where, {"threshold": float})
    _known_checker(data["checker"], where)
    return Value(
        dimension=dimension,
        id=data["id"],
        description=data["description"],
        checker=data["checker"],
        parameters=data["parameters"],
        threshold=data.get("threshold", 0.5),
        instructions=read_lines(data["instructions"], 4, f"{where}, instructions"),
        phrasings=_phrasings(data["phrasings"], ("explicit", "complaint", "praise"), where),
        examples=_examples(data["examples"], where),
    )


def _hard(path: Traversable) -> list[HardConstraint]:
    data = read_yaml(path)
    need(data, {"constraints": list}, path.name)
    found = []
    for entry in data["constraints"]:
        where = f"{path.name}, constraint {entry.get('id') if isinstance(entry, dict) else entry!r}"
        keys = {
            "id": str,
            "description": str,
            "checker": str,
            "parameters": dict,
            "instructions": list,
            "phrasings": dict,
            "examples": dict,
        }
        need(entry, keys, where)
        _known_checker(entry["checker"], where)
        parameters = {key: tuple(words) for key, words in entry["parameters"].items()}
        found.append(
            HardConstraint(
                id=entry["id"],
                description=entry["description"],
                checker=entry["checker"],
                parameters=parameters,
                instructions=read_lines(entry["instructions"], 4, f"{where}, instructions"),
                phrasings=_phrasings(entry["phrasings"], ("explicit", "fact"), where),
                examples=_examples(entry["examples"], where),
            )
        )
    _unique([constraint.id for constraint in found], f"{path.name}: constraint")
    return found


def _known_checker(name: str, where: str) -> None:
    try:
        get_checker(name)
    except KeyError as error:
        raise CatalogError(f"{where}: {error.args[0]}") from None


def read_lines(lines: Any, least: int, where: str) -> tuple[str, ...]:
    """The lines of a list, stripped. Raises CatalogError unless there are `least` of them, none of them empty."""
    if not isinstance(lines, list) or len(lines) < least:
        raise CatalogError(f"{where}: wanted at least {least} lines of text, found {len(lines) if isinstance(lines, list) else lines!r}")
    for line in lines:
        if not isinstance(line, str) or not line.strip():
            raise CatalogError(f"{where}: found {line!r}, wanted a line of text; quote it or take it out")
    return tuple(line.strip() for line in lines)


def _phrasings(data: dict[str, Any], kinds: tuple[str, ...], where: str) -> Phrasings:
    unknown = set(data) - set(SPLITS)
    if unknown:
        raise CatalogError(f"{where}: phrasings for unknown split {sorted(unknown)[0]!r}; splits are {', '.join(SPLITS)}")
    for split, banks in data.items():
        need(banks, dict.fromkeys(kinds, list), f"{where}, phrasings for {split}")
    return {split: {kind: read_lines(banks[kind], 3, f"{where}, phrasings for {split}, {kind}") for kind in kinds} for split, banks in data.items()}


def _examples(data: dict[str, Any], where: str) -> Mapping[str, tuple[str, ...]]:
    need(data, {"meets": list, "misses": list}, f"{where}, examples")
    return {kind: read_lines(data[kind], 4, f"{where}, examples, {kind}") for kind in ("meets", "misses")}


def _disjoint(phrasings: Mapping[str, Phrasings], file: str) -> None:
    """Raise unless each phrasing stands once in the file: across values it would be ambiguous, across splits an answer key."""
    seen: dict[str, str] = {}
    for value, splits in phrasings.items():
        for split, banks in splits.items():
            for kind, lines in banks.items():
                for line in lines:
                    key = " ".join(line.lower().split())
                    here = f"{value}/{split}/{kind}"
                    if key in seen:
                        raise CatalogError(f"{file}: the phrasing {line!r} stands in {seen[key]} and in {here}; reword one")
                    seen[key] = here


def _unique(ids: list[str], what: str) -> None:
    for id_ in ids:
        if ids.count(id_) > 1:
            raise CatalogError(f"{what} {id_!r} is defined twice; rename one")
