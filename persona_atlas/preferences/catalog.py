"""The catalogue: dimensions with their values, and the hard constraints, read from YAML and checked when read.

Each dimension has a file in `dimensions/`, in the form that CONTRIBUTING.md shows. A dimension belongs to the splits for which all its values have
phrasings. One with phrasings for `test_ood` alone is held out: no user of another split has it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import regex

from persona_atlas.answer import Answer
from persona_atlas.content import CatalogError, line_of, need, place, read_lines, read_yaml, unique_ids
from persona_atlas.preferences.registry import get_checker
from persona_atlas.records import SPLITS

Phrasings = Mapping[str, Mapping[str, tuple[str, ...]]]
"""split -> kind -> what a user writes.

Kinds: `explicit` (a standing wish), `request` (a bare verb phrase, for frames such as `Just this once, {request}.`), `complaint`, `praise`,
`fact` (a fact of life from which the value follows); hard constraints have `explicit` and `fact`.
"""


KINDS = {"explicit": 4, "request": 4, "complaint": 4, "praise": 4}
"""The least number of phrasings that a value needs of each kind for each of its splits: eight explicit and eight implicit ones in all."""
SHARED_KINDS = {"fact": 4}
"""The same for kinds that either all values of a dimension have, or none."""
HARD_KINDS = {"explicit": 4, "fact": 4}
WORDS = regex.compile(r"[^\s,.;:!?]+")


@dataclass(frozen=True)
class Value:
    """One value of a dimension, and everything needed to express it and check it."""

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
        """Whether the degree reaches the value's threshold: s_v(y) in docs/measurement.md."""
        return self.degree(answer) >= self.threshold


@dataclass(frozen=True)
class Dimension:
    """A set of values of which an answer meets at most one."""

    id: str
    family: str
    description: str
    values: Mapping[str, Value]

    @cached_property
    def splits(self) -> frozenset[str]:
        """The splits whose users may have this dimension: those for which every value has phrasings."""
        return frozenset(split for split in SPLITS if all(split in value.phrasings for value in self.values.values()))

    def implied_in(self, split: str) -> bool:
        """Whether, in `split`, each of the values can be implied by a fact of life."""
        return all("fact" in value.phrasings.get(split, {}) for value in self.values.values())

    def others(self, value: str) -> tuple[Value, ...]:
        return tuple(other for id_, other in self.values.items() if id_ != value)

    def met_by(self, answer: Answer) -> str | None:
        """The value that `answer` meets, or None. Raises ValueError if it meets two, because then the checkers do not exclude each other."""
        met = [value.id for value in self.values.values() if value.met(answer)]
        if len(met) > 1:
            raise ValueError(f"an answer meets {' and '.join(met)} of dimension {self.id}: their checkers must exclude each other")
        return met[0] if met else None


@dataclass(frozen=True)
class HardConstraint:
    """Something that an answer must never break. A `universal` constraint applies to every task, any other to the tasks that list it."""

    id: str
    description: str
    checker: str
    parameters: Mapping[str, Any]
    instructions: tuple[str, ...]
    phrasings: Phrasings
    examples: Mapping[str, tuple[str, ...]]
    universal: bool = False

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
    unique_ids([{"id": dimension.id} for dimension in dimensions], "dimensions", "dimension")
    return Catalog({dimension.id: dimension for dimension in dimensions}, {constraint.id: constraint for constraint in hard})


def _dimension(path: Traversable) -> Dimension:
    data = read_yaml(path)
    need(data, {"dimension": str, "family": str, "description": str, "values": list}, path.name)
    values = [_value(data["dimension"], entry, path.name) for entry in data["values"]]
    if len(values) < 2:
        raise CatalogError(f"{path.name}: a dimension needs at least two values, found {len(values)}; add another")
    unique_ids(data["values"], path.name, "value")
    _disjoint({value.id: value.phrasings for value in values}, path)
    _shared(values, path.name)
    return Dimension(data["dimension"], data["family"], data["description"], {value.id: value for value in values})


def _value(dimension: str, data: Any, file: str) -> Value:
    where = place(file, data, "value")
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
        instructions=_lines(data["instructions"], 4, f"{where}, instructions"),
        phrasings=_phrasings(data["phrasings"], KINDS, SHARED_KINDS, where),
        examples=_examples(data["examples"], where),
    )


def _hard(path: Traversable) -> list[HardConstraint]:
    data = read_yaml(path)
    need(data, {"constraints": list}, path.name)
    found = []
    for entry in data["constraints"]:
        where = place(path.name, entry, "constraint")
        keys = {
            "id": str,
            "description": str,
            "checker": str,
            "parameters": dict,
            "instructions": list,
            "phrasings": dict,
            "examples": dict,
        }
        need(entry, keys, where, {"universal": bool})
        _known_checker(entry["checker"], where)
        parameters = {key: tuple(value) if isinstance(value, list) else value for key, value in entry["parameters"].items()}
        found.append(
            HardConstraint(
                id=entry["id"],
                description=entry["description"],
                checker=entry["checker"],
                parameters=parameters,
                instructions=_lines(entry["instructions"], 4, f"{where}, instructions"),
                phrasings=_phrasings(entry["phrasings"], HARD_KINDS, {}, where),
                examples=_examples(entry["examples"], where),
                universal=entry.get("universal", False),
            )
        )
    unique_ids(data["constraints"], path.name, "constraint")
    _disjoint({constraint.id: constraint.phrasings for constraint in found}, path)
    return found


def _known_checker(name: str, where: str) -> None:
    try:
        get_checker(name)
    except KeyError as error:
        raise CatalogError(f"{where}: {error.args[0]}") from None


def _phrasings(data: dict[str, Any], kinds: Mapping[str, int], optional: Mapping[str, int], where: str) -> Phrasings:
    unknown = set(data) - set(SPLITS)
    if unknown:
        raise CatalogError(f"{where}: phrasings for unknown split {sorted(unknown)[0]!r}; splits are {', '.join(SPLITS)}")
    least = {**kinds, **optional}
    for split, banks in data.items():
        need(banks, dict.fromkeys(kinds, list), f"{where}, phrasings for {split}", dict.fromkeys(optional, list))
    return {
        split: {kind: _lines(lines, least[kind], f"{where}, phrasings for {split}, {kind}") for kind, lines in banks.items()}
        for split, banks in data.items()
    }


def _examples(data: dict[str, Any], where: str) -> Mapping[str, tuple[str, ...]]:
    need(data, {"meets": list, "misses": list}, f"{where}, examples")
    return {kind: read_lines(data[kind], 4, f"{where}, examples, {kind}") for kind in ("meets", "misses")}


def _lines(lines: Any, least: int, where: str) -> tuple[str, ...]:
    """Read lines of two words or more: a single word would be found in sentences that mean something else."""
    found = read_lines(lines, least, where)
    if short := [line for line in found if len(WORDS.findall(line)) < 2]:
        raise CatalogError(f"{where}: {short[0]!r} is a single word, which does not tell it from other sentences; use two or more")
    return found


def bare(line: str) -> str:
    """The line as it is compared with others: in lower case, with single spaces and without its full stop."""
    return " ".join(line.lower().split()).rstrip(".")


def _disjoint(phrasings: Mapping[str, Phrasings], path: Traversable) -> None:
    """Raise if a phrasing occurs twice in the file: in two values it would be ambiguous, in two splits it would give test phrasings away."""
    seen: dict[str, str] = {}
    for value, splits in phrasings.items():
        for split, banks in splits.items():
            for kind, lines in banks.items():
                for line in lines:
                    key = bare(line)
                    here = f"{value}/{split}/{kind}"
                    if key in seen:
                        raise CatalogError(f"{path.name}{line_of(path, line)}: the phrasing {line!r} stands in {seen[key]} and in {here}; reword one")
                    seen[key] = here


def _shared(values: list[Value], file: str) -> None:
    """Raise if only some values of a dimension have phrasings of a kind in SHARED_KINDS: values would then not be revealed evenly."""
    for kind in SHARED_KINDS:
        for split in SPLITS:
            having = [value.id for value in values if kind in value.phrasings.get(split, {})]
            if having and len(having) < len(values):
                lacking = next(value.id for value in values if value.id not in having)
                raise CatalogError(
                    f"{file}: value {lacking} has no {kind} phrasings for {split}, {having[0]} has; add some, or take them out of all values"
                )
