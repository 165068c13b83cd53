"""Users: names, attributes, a writing style, and preferences drawn evenly.

Values are drawn in blocks of 24 users of a split: within a block each value of a dimension goes to the same number of users, give or take one,
in an order that depends on the seed, the split, the block and the dimension alone. So each value is equally likely for every user, whatever the
attributes, tasks and other dimensions, and what history-blind optimizers gain by luck evens out within a block.
"""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
import yaml

from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.randomness import generator
from persona_atlas.records import HardLimit, Preference, User, WritingStyle

BLOCK = 24
SHARE = 0.45
FEWEST, MOST = 3, 7
HARD_SHARE = 0.2


@dataclass(frozen=True)
class Block:
    """The users of one split at positions [start, start + size); the last block of a split may be smaller."""

    split: str
    number: int
    size: int

    @property
    def start(self) -> int:
        return self.number * BLOCK


def blocks(counts: dict[str, int]) -> list[Block]:
    """The blocks of a release with so many users a split."""
    return [Block(split, number, min(BLOCK, count - number * BLOCK)) for split, count in counts.items() for number in range(-(-count // BLOCK))]


def users_of(seed: int, block: Block) -> list[User]:
    """The users of a block. A user is the same in a smaller or larger release of the same seed."""
    design = _design(seed, block.split, block.number)
    return [_user(seed, block.split, block.start + i, design[i]) for i in range(block.size)]


@lru_cache(maxsize=1)
def _data() -> dict[str, Any]:
    return dict(yaml.safe_load(files("generation").joinpath("data", "people.yaml").read_text(encoding="utf-8")))


@lru_cache(maxsize=1)
def _rules() -> list[dict[str, Any]]:
    text = files("persona_atlas.preferences").joinpath("conflicts.yaml").read_text(encoding="utf-8")
    return list(yaml.safe_load(text)["at_most"])


def _design(seed: int, split: str, number: int) -> list[dict[str, str]]:
    """For each position of a block the dimensions in force and their values."""
    dimensions = [dimension for dimension in load_catalog().dimensions.values() if split in dimension.splits]
    sets = [_dimension_set([d.id for d in dimensions], generator(seed, "dimensions", split, number, i)) for i in range(BLOCK)]
    design: list[dict[str, str]] = [{} for _ in range(BLOCK)]
    for dimension in dimensions:
        draw = generator(seed, "values", split, number, dimension.id)
        having = [i for i in range(BLOCK) if dimension.id in sets[i]]
        values = draw.permutation(list(dimension.values))
        for rank, i in enumerate(draw.permutation(having) if having else []):
            design[int(i)][dimension.id] = str(values[rank % len(values)])
    return design


def _dimension_set(ids: list[str], draw: np.random.Generator) -> set[str]:
    """Which dimensions a user has: each with probability SHARE, redrawn until their number and the conflict rules fit. Values play no part in it."""
    while True:
        chosen = {id_ for id_ in ids if draw.random() < SHARE}
        if FEWEST <= len(chosen) <= MOST and all(rule["with"] not in chosen or len(chosen & set(rule["of"])) <= rule["at_most"] for rule in _rules()):
            return chosen


def _user(seed: int, split: str, position: int, values: dict[str, str]) -> User:
    persona_id = f"u-{split}-{position:06d}"
    draw, data, catalog = generator(seed, "user", persona_id), _data(), load_catalog()

    def pick(options: list[str]) -> str:
        return options[int(draw.integers(len(options)))]

    return User(
        persona_id=persona_id,
        split=split,
        name=pick(data["names"]),
        attributes={name: pick(options) for name, options in data["attributes"].items()},
        style=WritingStyle(
            lowercase=bool(draw.random() < 0.3),
            drops_final_stop=bool(draw.random() < 0.35),
            opener=pick(data["style"]["openers"]),
            closer=pick(data["style"]["closers"]),
            typo_rate=round(float(draw.choice([0.0, 0.0, 0.01, 0.03])), 2),
        ),
        preferences=tuple(
            Preference(dimension, value, dict(catalog.value(dimension, value).parameters)) for dimension, value in sorted(values.items())
        ),
        hard=tuple(HardLimit(id_, "implied" if draw.random() < 0.5 else "stated") for id_ in catalog.hard if draw.random() < HARD_SHARE),
    )


def thanks() -> list[str]:
    return list(_data()["thanks"])


def asides() -> list[str]:
    return list(_data()["asides"])
