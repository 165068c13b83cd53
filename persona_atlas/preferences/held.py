"""Held answers: texts whose values are known, against which checkers are measured.

Two kinds: examples written for a value (in its catalogue file), and outputs of real language models that were labelled blind, by somebody
who saw the text and the
descriptions of the values, and neither what the model had been told nor what any checker says (`held_outputs.json`).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from persona_atlas.answer import Answer
from persona_atlas.content import CatalogError
from persona_atlas.preferences.catalog import load_catalog

FILE = "held_outputs.json"
FIELDS = {"id", "model", "query", "text", "labels", "hard"}


@dataclass(frozen=True)
class HeldOutput:
    """One output of `model`. `labels`: dimension -> the value it shows (None: none), for the dimensions that were looked at; `hard`:
    constraint -> kept."""

    id: str
    model: str
    query: str
    text: str
    labels: Mapping[str, str | None]
    hard: Mapping[str, bool]


@dataclass(frozen=True)
class Judgement:
    """A checker on one held answer: for which value of which dimension, whether the answer has it, whether the checker says so."""

    family: str
    dimension: str
    value: str
    real: bool
    has: bool
    says: bool


@lru_cache(maxsize=1)
def load_outputs() -> tuple[HeldOutput, ...]:
    """The labelled outputs that ship with the package. Raises CatalogError where a label names what the catalogue does not know."""
    catalog = load_catalog()
    found = []
    for entry in json.loads(files("persona_atlas.preferences").joinpath(FILE).read_text(encoding="utf-8")):
        where = f"{FILE}, output {entry.get('id')}"
        if set(entry) != FIELDS:
            raise CatalogError(f"{where}: has the keys {', '.join(sorted(entry))}, wanted {', '.join(sorted(FIELDS))}")
        for dimension, value in entry["labels"].items():
            if dimension not in catalog.dimensions or value not in (None, *catalog.dimensions[dimension].values):
                raise CatalogError(f"{where}: there is no value {value!r} of dimension {dimension!r}; name one of the catalogue, or null")
        if unknown := sorted(set(entry["hard"]) - set(catalog.hard)):
            raise CatalogError(f"{where}: there is no hard constraint {unknown[0]!r}")
        found.append(HeldOutput(**entry))
    return tuple(found)


def judgements() -> Iterator[Judgement]:
    """Every checker on every held answer that says something of its value."""
    catalog = load_catalog()
    for value in catalog.values():
        family = catalog.dimensions[value.dimension].family
        for kind, texts in value.examples.items():
            for text in texts:
                yield Judgement(family, value.dimension, value.id, False, kind == "meets", value.met(Answer(text)))
    for constraint in catalog.hard.values():
        for kind, texts in constraint.examples.items():
            for text in texts:
                yield Judgement("hard", "hard", constraint.id, False, kind == "meets", constraint.met(Answer(text)))
    for output in load_outputs():
        answer = Answer(output.text)
        for dimension, label in output.labels.items():
            family = catalog.dimensions[dimension].family
            for value in catalog.dimensions[dimension].values.values():
                yield Judgement(family, dimension, value.id, True, label == value.id, value.met(answer))
        for name, kept in output.hard.items():
            yield Judgement("hard", "hard", name, True, kept, catalog.hard[name].met(answer))
