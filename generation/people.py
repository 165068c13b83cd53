"""Users: names, attributes, a writing style, and preferences drawn evenly.

Values are drawn for blocks of 24 users of a split. Within a block, each value of a dimension goes to the same number of users, give or take one, in
an order that depends only on the seed, the split, the block and the dimension. So every value is equally likely for every user, independently of
attributes, tasks and other dimensions, and what optimizers that ignore the history gain by luck evens out within a block.

These are the values that hold at the end. `dynamics` draws how a user's preferences change up to then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from generation import dynamics
from generation.banks import people
from generation.life import TRIES, Life, contradictions
from persona_atlas.content import CatalogError
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.preferences.conflicts import load_conflicts
from persona_atlas.randomness import generator
from persona_atlas.records import HardLimit, User, WritingStyle

BLOCK = 24
FEWEST, MOST = 4, 7
SESSIONS = (8, 12)
HARD_NUMBER = (0.4, 0.45, 0.15)
"""The shares of users with no, one and two hard constraints."""
HABITS = {
    "verbosity": {"terse": 0.3, "plain": 0.4, "chatty": 0.3},
    "manner": {"blunt": 0.3, "neutral": 0.4, "polite": 0.3},
    "feedback": {"never": 0.12, "seldom": 0.4, "often": 0.48},
    "tells": {"plainly": 0.4, "by_complaint": 0.35, "by_praise": 0.25},
    "typo_rate": {"0.0": 0.5, "0.01": 0.3, "0.03": 0.2},
}
"""Field of WritingStyle -> value -> share of users."""


@dataclass(frozen=True)
class Block:
    """The users of one split at positions [start, start + size); the last block of a split may be smaller."""

    split: str
    number: int
    size: int

    @property
    def start(self) -> int:
        return self.number * BLOCK


@dataclass
class Design:
    """What the block decides for a user: the hard constraints, and dimension -> the value that holds at the end."""

    hard: tuple[str, ...]
    values: dict[str, str]


def blocks(counts: dict[str, int]) -> list[Block]:
    """The blocks of a release. `counts`: split -> number of users."""
    return [Block(split, number, min(BLOCK, count - number * BLOCK)) for split, count in counts.items() for number in range(-(-count // BLOCK))]


def users_of(seed: int, block: Block) -> list[User]:
    """The users of a block. Releases of the same seed have the same users, whatever their size."""
    design = _design(seed, block.split, block.number)
    return [_user(seed, block.split, block.start + i, design[i]) for i in range(block.size)]


def _design(seed: int, split: str, number: int) -> list[Design]:
    dimensions = [dimension for dimension in load_catalog().dimensions.values() if split in dimension.splits]
    design, sets = [], []
    for i in range(BLOCK):
        draw = generator(seed, "dimensions", split, number, i)
        hard = _hard_set(draw)
        design.append(Design(hard, {}))
        sets.append(_dimension_set([d.id for d in dimensions], hard, draw))
    for dimension in dimensions:
        draw = generator(seed, "values", split, number, dimension.id)
        having = [i for i in range(BLOCK) if dimension.id in sets[i]]
        values = draw.permutation(list(dimension.values))
        for rank, i in enumerate(draw.permutation(having) if having else []):
            design[int(i)].values[dimension.id] = str(values[rank % len(values)])
    return design


def _hard_set(draw: np.random.Generator) -> tuple[str, ...]:
    """Draw a user's hard constraints, in the order of the catalogue, until the conflict table allows them together."""
    ids = list(load_catalog().hard)
    number = int(draw.choice(len(HARD_NUMBER), p=HARD_NUMBER))
    while True:
        chosen = {ids[int(i)] for i in draw.choice(len(ids), size=number, replace=False)}
        if load_conflicts().allow(set(), chosen):
            return tuple(id_ for id_ in ids if id_ in chosen)


def _dimension_set(ids: Sequence[str], hard: Sequence[str], draw: np.random.Generator) -> set[str]:
    """Draw a user's dimensions, FEWEST to MOST of them, until the conflict table allows them. Their values play no part in this."""
    number = int(draw.integers(FEWEST, MOST + 1))
    while True:
        chosen = {ids[int(i)] for i in draw.choice(len(ids), size=number, replace=False)}
        if load_conflicts().allow(chosen, set(hard)):
            return chosen


def _user(seed: int, split: str, position: int, design: Design) -> User:
    persona_id = f"u-{split}-{position:06d}"
    draw, data = generator(seed, "user", persona_id), people()
    style, sessions = _style(draw, data["style"]), int(draw.integers(SESSIONS[0], SESSIONS[1] + 1))
    name, attributes = _pick(draw, data["names"]), _attributes(draw, data["attributes"])
    changes = generator(seed, "dynamics", persona_id)
    return User(
        persona_id=persona_id,
        split=split,
        name=name,
        sessions=sessions,
        attributes=attributes,
        style=style,
        preferences=dynamics.preferences(design.values, design.hard, split, style, sessions, Life(attributes), changes),
        hard=tuple(HardLimit(id_, "implied" if draw.random() < 0.5 else "stated") for id_ in design.hard),
    )


def _attributes(draw: np.random.Generator, options: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """One value of each attribute, redrawn until they are consistent. Raises CatalogError if TRIES draws find nothing."""
    for _ in range(TRIES):
        found = {name: str(_pick(draw, values)) for name, values in options.items()}
        if not any(pair.holds(found) for pair in contradictions()[0]):
            return found
    raise CatalogError(f"people.yaml, attributes: {TRIES} draws found none that go together; see contradictions.yaml")


def _style(draw: np.random.Generator, data: dict[str, Any]) -> WritingStyle:
    habit: dict[str, str] = _pick(draw, data["quirks"]) if draw.random() < 0.6 else {}
    chosen = {name: str(draw.choice(list(shares), p=list(shares.values()))) for name, shares in HABITS.items()}
    return WritingStyle(
        lowercase=bool(draw.random() < 0.3),
        drops_final_stop=bool(draw.random() < 0.35),
        dotted=bool(draw.random() < 0.12),
        opener=_pick(draw, data["openers"]) if draw.random() < 0.6 else "",
        closer=_pick(draw, data["closers"]) if draw.random() < 0.6 else "",
        habit_before=habit.get("before", ""),
        habit_after=habit.get("after", ""),
        abbreviations=dict(_pick(draw, data["abbreviations"])) if draw.random() < 0.3 else {},
        typo_rate=float(chosen.pop("typo_rate")),
        **chosen,
    )


def _pick(draw: np.random.Generator, options: Sequence[Any]) -> Any:
    return options[int(draw.integers(len(options)))]
