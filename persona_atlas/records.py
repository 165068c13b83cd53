"""The records that all packages share: users, conversations and items.

A release is made of these three kinds of record (`schema/` holds the JSON Schema of each). In short, for one user:

    User("u-test-000007", split="test", preferences=(Preference("length", "brief", ...), ...))
    Conversation("u-test-000007-c02", session=2, turns=(Turn("user", "how long do I boil penne"), Turn("assistant", ...), ...))
    Item("u-test-000007-i00", query="How much rice for 6?", history=("u-test-000007-c00", ...), gold=(Gold("length", "brief", 2, ...), ...))

`to_dict` and `from_dict` convert records to plain data and back. Parquet holds a mapping with free keys as canonical JSON text (see shards.py).
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
IMPORTED = "imported"  # the `engine` of conversations, and the `source` of releases, that somebody else published


@dataclass(frozen=True, slots=True)
class Preference:
    """A user's value in a dimension, in force from `first_session` to `last_session` (None: to the end), in the domains of `scope` (empty: in all).

    `origin` is `stated`, `implied` by a fact of life, or `unlabelled` (imported). If the value replaced another one, `event` names the reason.
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
    """A user's hard constraint, and how the history reveals it (`stated` outright, or `implied` by a fact of life)."""

    constraint: str
    origin: str


@dataclass(frozen=True, slots=True)
class WritingStyle:
    """How a user writes. It says nothing about what they want.

    `verbosity` (`terse`, `plain`, `chatty`): how much they tell of their life. `manner` (`blunt`, `neutral`, `polite`): how they react. `feedback`
    (`never`, `seldom`, `often`): how often they do. `tells` (`plainly`, `by_complaint`, `by_praise`): in what way. `habit_before` and `habit_after`
    are their own turns of phrase. For an imported user none of this is known: every text is empty, and every flag False.
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
    """What a user turn reveals: a dimension's value (or, for `hard`, a constraint), and how.

    `explicit`, `complaint`, `praise`, `fact` and `change` reveal a standing value; `exception` asks for a value just this once; `end` lifts one.
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
    """One labelled change: `after` replaces `before`, at [start, end) of the clean text. `effect`: what it does to the meaning (empty: nothing)."""

    strategy: str
    start: int
    end: int
    before: str
    after: str
    effect: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message. User turns have what they reveal, assistant turns what they show in the user's dimensions. `known` is all that is revealed so
    far; `contradicted` are the dimensions in which the last word (an exception, or a value that no longer holds) differs from what is in force.
    If noise changed the turn, `clean` is its text without noise, and `edits` lead from that to `content`.
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
    """One chat. `in_force`: the user's values that hold in it. `noise`: the kind of a noise conversation (else empty). `engine`: what gave it its
    words; a conversation whose engine is `imported` was published by others, and has no template and no labels of what it reveals.
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
    """The right value in one dimension of an item. `revealed_in`: the session in which the history first reveals it (None: never). `state`:
    `revealed`, `unrevealed` or `contradicted` by the whole history, or `unlabelled` (imported). `source`: a standing `preference`, or the `query`
    itself, which takes precedence.
    """

    dimension: str
    value: str
    revealed_in: int | None
    state: str = "unrevealed"
    source: str = "preference"


@dataclass(frozen=True, slots=True)
class Lure:
    """A value that the history speaks of but that is not in force; `why`: `out_of_scope`, `expired`, `exception_over`, or `replaced` by the gold."""

    dimension: str
    value: str
    why: str


@dataclass(frozen=True, slots=True)
class Twin:
    """A noisy version of an item's query.

    `restorable`: whether the task can still be solved, from the text or from the history. If not, the right thing is to ask back.
    """

    layer: str
    intensity: str
    query: str
    edits: tuple[Edit, ...]
    restorable: bool = True


@dataclass(frozen=True, slots=True)
class Item:
    """One unit of evaluation. `witness` is an answer that passes the task, shows all gold values and keeps all hard constraints.

    `history_noise` names the noise conversations that can be mixed into the history. An imported item has an empty `template_id` and `witness`.
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
    def has_task(self) -> bool:  # without one, no program can tell whether an answer is right
        return bool(self.template_id)

    @property
    def question_id(self) -> str:  # the same for all items with the same question
        return self.template_id or self.item_id


RECORD_KINDS: dict[str, type] = {"user": User, "conversation": Conversation, "item": Item}


def to_dict(record: Any) -> dict[str, Any]:
    """Convert a record to plain lists, dicts and scalars, ready for JSON and for schema validation."""
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
    """Build the record of `kind` from plain data. Raises TypeError if a field is missing; validate first for a readable message."""
    return _reader(kind)(data)


@cache
def _reader(hint: Any) -> Callable[[Any], Any]:
    """Return a function that builds a value of this type from plain data. Cached, since type hints are slow to resolve."""
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
    """Encode `value` as JSON text that is the same for the same content: sorted keys, no spaces, non-ASCII characters not escaped."""
    return plain_json(_plain(value))


def plain_json(data: Any) -> str:
    """Encode data that is already plain as canonical JSON text."""
    return _ENCODER.encode(data)


_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))
