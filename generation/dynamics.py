"""How a user's preferences hold and change: scopes, drift at labelled events, wishes that are lifted, and wishes that are only implied.

The values that are right at the end come from the block's even design. An earlier value is drawn from the other values of its dimension, and a
lifted one from a dimension that the design does not give the user. A scoped user has all preferences in the same few domains, so that elsewhere
there is nothing to personalize.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from generation.life import Life
from generation.said import frames_of
from persona_atlas.preferences.catalog import Dimension, load_catalog
from persona_atlas.preferences.conflicts import load_conflicts
from persona_atlas.records import Preference, WritingStyle
from persona_atlas.tasks.templates import load_templates

SCOPED = 0.28
IMPLIED = 0.5
DRIFT = 0.25
LIFTED = 0.4
STRENGTHS = {"weak": 0.2, "normal": 0.55, "strong": 0.25}
EARLIEST = 3
"""The first session at which something can change."""


def preferences(
    values: Mapping[str, str], hard: Sequence[str], split: str, style: WritingStyle, sessions: int, life: Life, draw: np.random.Generator
) -> tuple[Preference, ...]:
    """The user's preferences over time, by dimension, then session; a lifted one comes last. Events that change them fit the user's life."""
    scope = _scope(split, draw) if draw.random() < SCOPED else ()
    found: list[Preference] = []
    for dimension, value in sorted(values.items()):
        implied = not scope and load_catalog().dimensions[dimension].implied_in(split) and draw.random() < IMPLIED
        drifts = not implied and style.feedback != "never" and draw.random() < DRIFT
        strength = str(draw.choice(list(STRENGTHS), p=list(STRENGTHS.values())))
        now = _preference(dimension, value, scope=scope, strength=strength, origin="implied" if implied else "stated")
        found += _drifted(now, split, sessions, life, draw) if drifts else [now]
    if style.feedback != "never" and draw.random() < LIFTED:
        found += _lifted(values, hard, split, scope, sessions, draw)
    return tuple(found)


def _preference(dimension: str, value: str, **held: object) -> Preference:
    return Preference(dimension, value, dict(load_catalog().value(dimension, value).parameters), **held)  # type: ignore[arg-type]


def _scope(split: str, draw: np.random.Generator) -> tuple[str, ...]:
    """Two or three of the split's domains, or half of them if that is fewer."""
    domains = sorted({template.domain for template in load_templates().values() if template.split == split})
    number = min(int(draw.integers(2, 4)), len(domains) // 2)
    return tuple(sorted(str(domain) for domain in draw.choice(domains, size=number, replace=False)))


def _drifted(now: Preference, split: str, sessions: int, life: Life, draw: np.random.Generator) -> list[Preference]:
    """Another value up to some session, then `now`, with the event that changed it."""
    change = int(draw.integers(EARLIEST, sessions - 1))
    others = load_catalog().dimensions[now.dimension].others(now.value)
    before = others[int(draw.integers(len(others)))]
    events = sorted({entry["event"] for entry in frames_of(split)["change"] if life.allows(entry["text"])})
    event = events[int(draw.integers(len(events)))]
    held = {"scope": now.scope, "strength": now.strength}
    return [
        _preference(now.dimension, before.id, last_session=change - 1, **held),
        _preference(now.dimension, now.value, first_session=change, event=event, **held),
    ]


def _lifted(
    values: Mapping[str, str], hard: Sequence[str], split: str, scope: tuple[str, ...], sessions: int, draw: np.random.Generator
) -> list[Preference]:
    """A preference in a further dimension that ends and is not replaced; none if the conflict table leaves no room."""
    free = [d for d in free_dimensions(split, values) if load_conflicts().allow({*values, d.id}, set(hard))]
    if not free:
        return []
    dimension = free[int(draw.integers(len(free)))]
    value = list(dimension.values)[int(draw.integers(len(dimension.values)))]
    return [_preference(dimension.id, value, scope=scope, last_session=int(draw.integers(EARLIEST, sessions - 1)) - 1)]


def free_dimensions(split: str, taken: Mapping[str, str]) -> list[Dimension]:
    """The dimensions of a split in which the user has no value."""
    return [d for d in load_catalog().dimensions.values() if split in d.splits and d.id not in taken]
