"""The records that everything speaks: users, conversations, items, and what verifies a release.

A release is made of four kinds of record (`schema/` holds the JSON Schema of each). In short, for one user:

    User("u-test-000007", split="test", preferences=(Preference("length", "brief", ...), ...))
    Conversation("u-test-000007-c02", session=2, turns=(Turn("user", "how long do I boil penne"), Turn("assistant", ...), ...))
    Item("u-test-000007-i00", query="How much rice for 6?", history=("u-test-000007-c00", ...), gold=(Gold("length", "brief", 2, ...), ...))

`to_dict` and `from_dict` go to plain data and back; a mapping with free keys is stored as canonical JSON text in Parquet (see shards.py).
"""

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

SCHEMA_VERSION = 2
SPLITS = ("train", "validation", "test", "test_ood")
IMPORTED = "imported"  # the engine of conversations, and the source of releases, that others published


@dataclass(frozen=True, slots=True)
class Preference:
    """A user's value in a dimension, in force from `first_session` to `last_session` (None: to the end), in the domains of `scope` (empty: in all).

    `origin` is `stated`, `implied` by a fact of life, or `unlabelled` (imported); `event` names what changed where the value took another's place.
    """

    dimension: str
    value: str
    parameters: Mapping[str, Any]
    scope: tuple[str, ...] = ()
    strength: str = "normal"
    origin: str = "stated"
    first_session: int = 0
    last_session: int | None = None
    event: str = ""

    def in_force(self, session: int, domain: str) -> bool:
        """Whether an answer in this session and domain should show the value."""
        begun = self.first_session <= session and (self.last_session is None or session <= self.last_session)
        return begun and (not self.scope or domain in self.scope)


@dataclass(frozen=True, slots=True)
class HardLimit:
    """A hard constraint that a user lives with, and how the history lets it be known (`stated` outright, or `implied` by a fact of life)."""

    constraint: str
    origin: str


@dataclass(frozen=True, slots=True)
class WritingStyle:
    """How a user writes: nothing about what they want.

    `verbosity` (`terse`, `plain`, `chatty`) says how much of their life they tell, `manner` (`blunt`, `neutral`, `polite`) how they react,
    `feedback` (`never`, `seldom`, `often`) how often, `tells` (`plainly`, `by_complaint`, `by_praise`) in what way. `habit_before` and `habit_after`
    are turns of phrase of their own. Of an imported user none of this is known: every text is empty, and no habit is set.
    """

    lowercase: bool
    drops_final_stop: bool
    dotted: bool
    opener: str
    closer: str
    habit_before: str
    habit_after: str
    abbreviations: Mapping[str, str]
    typo_rate: float
    verbosity: str
    manner: str
    feedback: str
    tells: str


@dataclass(frozen=True, slots=True)
class User:
    """A simulated person. `sessions` is how many conversations they have."""

    persona_id: str
    split: str
    name: str
    sessions: int
    attributes: Mapping[str, str]
    style: WritingStyle
    preferences: tuple[Preference, ...]
    hard: tuple[HardLimit, ...]

    def in_force(self, session: int, domain: str) -> dict[str, str]:
        """dimension -> the value that holds in this session and domain."""
        return {p.dimension: p.value for p in self.preferences if p.in_force(session, domain)}


@dataclass(frozen=True, slots=True)
class Reveal:
    """What a user turn lets be known: a dimension's value (or, for `hard`, a constraint), and how.

    `explicit`, `complaint`, `praise`, `fact` and `change` let a standing value be known; `exception` asks for a value this once, `end` lifts one.
    """

    dimension: str
    value: str
    how: str

    @property
    def standing(self) -> bool:
        return self.how not in ("exception", "end")


@dataclass(frozen=True, slots=True)
class Held:
    """A value in a dimension; the dimension `hard` stands for a constraint."""

    dimension: str
    value: str


@dataclass(frozen=True, slots=True)
class Shown:
    """Which value of a dimension an assistant turn shows; None where it shows none of them."""

    dimension: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Edit:
    """One labelled change to a text: what stood at [start, end) of the clean text, what replaces it, and its effect on what is said (empty: none)."""

    strategy: str
    start: int
    end: int
    before: str
    after: str
    effect: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message. User turns carry what they reveal; assistant turns what they show in the user's dimensions. `known` is what has been let known
    so far; `contradicted` are the dimensions in which the last word (an exception, a value that no longer holds) differs from what is in force.
    Where noise changed a turn, `clean` is its twin without, and `edits` lead from there to `content`.
    """

    role: str
    content: str
    act: str
    reveals: tuple[Reveal, ...] = ()
    shows: tuple[Shown, ...] = ()
    known: tuple[Held, ...] = ()
    contradicted: tuple[str, ...] = ()
    clean: str = ""
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    """One chat. `in_force`: the user's values that hold in it; `noise`: its kind, for conversations that dirty a history (else empty); `engine`: what
    gave it its words, `imported` where others published them, without a template and without labels of what is revealed.
    """

    conversation_id: str
    persona_id: str
    split: str
    session: int
    template_id: str
    domain: str
    slots: Mapping[str, Any]
    query: str
    turns: tuple[Turn, ...]
    in_force: tuple[Held, ...] = ()
    noise: str = ""
    engine: str = "scripted"


@dataclass(frozen=True, slots=True)
class Gold:
    """One dimension of an item in which a value is right. `revealed_in`: the session at which the history first reveals it (None: never); `state`:
    `revealed`, `unrevealed` or `contradicted` by the whole history, or `unlabelled` (imported); `source`: a standing `preference`, or the `query`
    itself, which has precedence.
    """

    dimension: str
    value: str
    revealed_in: int | None
    state: str = "unrevealed"
    source: str = "preference"


@dataclass(frozen=True, slots=True)
class Lure:
    """A value that the history speaks of and that is not in force: `out_of_scope`, `expired`, `exception_over`, or `replaced` by the gold."""

    dimension: str
    value: str
    why: str


@dataclass(frozen=True, slots=True)
class Twin:
    """A noisy version of an item's query, which is its clean twin.

    `restorable`: the task can still be solved, from the text or from the history; where it cannot, asking back is right.
    """

    layer: str
    intensity: str
    query: str
    edits: tuple[Edit, ...]
    restorable: bool = True


@dataclass(frozen=True, slots=True)
class Item:
    """One unit of evaluation. `witness` is an answer that passes the task and shows all gold values and hard constraints: the ceiling exists.

    `history_noise` names the conversations with which the history can be made dirtier. Of an imported item `template_id` and `witness` are empty.
    """

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
    slices: tuple[str, ...] = ()
    lures: tuple[Lure, ...] = ()
    history_noise: tuple[str, ...] = ()

    @property
    def has_task(self) -> bool:  # else no program can tell a right answer
        return bool(self.template_id)

    @property
    def question_id(self) -> str:  # what items about the same question share
        return self.template_id or self.item_id


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
    return _reader(kind)(data)


@cache
def _reader(hint: Any) -> Callable[[Any], Any]:
    """What makes a value of the type out of plain data. Put together once a type, since hints are slow to look at."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        readers = {name: _reader(inner) for name, inner in get_type_hints(hint).items()}
        return lambda data: hint(**{name: reader(data[name]) for name, reader in readers.items() if name in data})
    origin = get_origin(hint)
    if origin is tuple:
        entry = _reader(get_args(hint)[0])
        return lambda value: tuple(map(entry, value))
    if origin in (Union, UnionType):
        wanted = _reader(next(arg for arg in get_args(hint) if arg is not type(None)))
        return lambda value: None if value is None else wanted(value)
    return lambda value: value


def canonical_json(value: Any) -> str:
    """JSON text that is the same for the same content: sorted keys, no spaces, no ASCII escapes."""
    return plain_json(_plain(value))


def plain_json(data: Any) -> str:
    """The same of what is plain data already."""
    return _ENCODER.encode(data)


_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))
