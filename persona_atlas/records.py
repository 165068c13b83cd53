"""The records that everything speaks: users, conversations, items, and what verifies a release.

A release is made of four kinds of record (`schema/` holds the JSON Schema of each). In short, for one user:

    User("u-test-00007", split="test", preferences=(Preference("length", "brief", ...), ...))
    Conversation("u-test-00007-c02", session=2, turns=(Turn("user", "how long do I boil penne"), Turn("assistant", ...), ...))
    Item("u-test-00007-i00", query="How much rice for 6?", history=("u-test-00007-c00", ...), gold=(Gold("length", "brief", revealed=True), ...))

`to_dict` and `from_dict` go to plain data and back; a mapping with free keys is stored as canonical JSON text in Parquet (see shards.py).
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

SCHEMA_VERSION = 1
SPLITS = ("train", "validation", "test", "test_ood")


@dataclass(frozen=True, slots=True)
class Preference:
    """A user's value in a dimension.

    In force from `first_session` to `last_session` (None: to the end), in the domains of `scope` (empty: in all).
    """

    dimension: str
    value: str
    parameters: Mapping[str, Any]
    scope: tuple[str, ...] = ()
    strength: str = "normal"
    origin: str = "stated"
    first_session: int = 0
    last_session: int | None = None


@dataclass(frozen=True, slots=True)
class HardLimit:
    """A hard constraint that a user lives with, and how the history lets it be known (`stated` outright, or `implied` by a fact of life)."""

    constraint: str
    origin: str


@dataclass(frozen=True, slots=True)
class WritingStyle:
    """How a user types: a transformation of their turns, nothing about what they want."""

    lowercase: bool
    drops_final_stop: bool
    opener: str
    closer: str
    typo_rate: float


@dataclass(frozen=True, slots=True)
class User:
    persona_id: str
    split: str
    name: str
    attributes: Mapping[str, str]
    style: WritingStyle
    preferences: tuple[Preference, ...]
    hard: tuple[HardLimit, ...]


@dataclass(frozen=True, slots=True)
class Reveal:
    """What a user turn lets be known: a dimension's value (or, for `hard`, a constraint), and how (`explicit`, `complaint`, `praise`, `fact`)."""

    dimension: str
    value: str
    how: str


@dataclass(frozen=True, slots=True)
class Shown:
    """Which value of a dimension an assistant turn shows; None where it shows none of them."""

    dimension: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Turn:
    """One message.

    User turns carry what they reveal; assistant turns what they show in the user's dimensions. `known` is what has been revealed so
    far.
    """

    role: str
    content: str
    act: str
    reveals: tuple[Reveal, ...] = ()
    shows: tuple[Shown, ...] = ()
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    conversation_id: str
    persona_id: str
    split: str
    session: int
    template_id: str
    domain: str
    slots: Mapping[str, Any]
    query: str
    turns: tuple[Turn, ...]
    engine: str = "scripted"


@dataclass(frozen=True, slots=True)
class Gold:
    """One applicable dimension of an item: the user's value, and the session at which the history first reveals it (None: never)."""

    dimension: str
    value: str
    revealed_in: int | None


@dataclass(frozen=True, slots=True)
class Edit:
    """One labelled change to a text: what stood at [start, end) of the clean twin, and what replaces it."""

    strategy: str
    start: int
    end: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Twin:
    """A noisy version of an item's query; `query` of the item is its clean twin.

    `restorable`: the task can still be solved (from the text or the history).
    """

    layer: str
    query: str
    edits: tuple[Edit, ...]
    restorable: bool = True


@dataclass(frozen=True, slots=True)
class Item:
    """One unit of evaluation. `witness` is an answer that passes the task and shows all gold values and hard constraints: the ceiling exists."""

    item_id: str
    persona_id: str
    split: str
    session: int
    template_id: str
    domain: str
    slots: Mapping[str, Any]
    query: str
    history: tuple[str, ...]
    gold: tuple[Gold, ...]
    hard: tuple[str, ...]
    twins: tuple[Twin, ...]
    witness: str
    slices: tuple[str, ...] = field(default=())


RECORD_KINDS: dict[str, type] = {"user": User, "conversation": Conversation, "item": Item}


def to_dict(record: Any) -> dict[str, Any]:
    """Plain lists, dicts and scalars, ready for JSON and for the schema."""
    return {f.name: _plain(getattr(record, f.name)) for f in dataclasses.fields(record)}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_dict(value)
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    return value


def from_dict(kind: type, data: Mapping[str, Any]) -> Any:
    """The record of `kind` that `data` holds. Raises KeyError or TypeError where a field is missing; validate first for a readable message."""
    hints = _hints(kind)
    return kind(**{name: _typed(hint, data[name]) for name, hint in hints.items() if name in data})


_HINTS: dict[type, dict[str, Any]] = {}


def _hints(kind: type) -> dict[str, Any]:
    if kind not in _HINTS:
        _HINTS[kind] = get_type_hints(kind)
    return _HINTS[kind]


def _typed(hint: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_dict(hint, value)
    origin = get_origin(hint)
    if origin is tuple:
        inner = get_args(hint)[0]
        return tuple(_typed(inner, entry) for entry in value)
    if origin in (Union, UnionType):
        return None if value is None else _typed(next(arg for arg in get_args(hint) if arg is not type(None)), value)
    return value


def canonical_json(value: Any) -> str:
    """JSON text that is the same for the same content: sorted keys, no spaces, no ASCII escapes."""
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
