"""Held answers: texts whose values are known, used to measure the checkers.

There are two kinds: the examples written for each value and hard constraint (in the catalogue's files), and outputs of real language models
(`held_outputs.json`). The outputs were labelled blind, by somebody who saw the text and the descriptions of the values, but neither what the
model had been told nor what any checker says.
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
    """One output of `model`, with its labels.

    `labels`: dimension -> the value that the output shows (None: none), for the dimensions that were labelled. `hard`: constraint -> whether the
    output keeps it.
    """

    id: str
    model: str
    query: str
    text: str
    labels: Mapping[str, str | None]
    hard: Mapping[str, bool]


@dataclass(frozen=True)
class Judgement:
    """What one checker says of one held answer.

    `real`: whether a language model wrote the answer, as opposed to an example. `has`: whether the answer has the value, by its label. `says`:
    whether the checker finds it. For a hard constraint `family` and `dimension` are `hard`, and `value` is the constraint.
    """

    family: str
    dimension: str
    value: str
    real: bool
    has: bool
    says: bool


@lru_cache(maxsize=1)
def load_outputs() -> tuple[HeldOutput, ...]:
    """Read the labelled outputs that ship with the package.

    Raises CatalogError if an entry has the wrong keys, or a label names something that is not in the catalogue.
    """
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
    """Apply every checker to every held answer that has a label for its value."""
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
