"""Migrates records of schema version 1 to version 2: pure functions from a record (plain data) to a record, one per kind.

In version 1, users have one lasting value per dimension, conversations have no noise, and items have surface twins only. So what version 2 has in
addition is the same for every record, or follows from the other records of the split (`Around`):

    user.sessions                 the number of the user's conversations
    user.style                    what version 1 did not record is empty, as for imported users
    conversation.in_force         all of the user's values
    turn.known                    each dimension gets the user's value in it; constraints come last
    item.gold                     state: `revealed` if a session reveals it, else `unrevealed`; source: `preference`
    item.twins                    intensity: light up to two edits, medium up to four, else heavy
    item.slices                   `stated` and `implied`, from how the history reveals the gold, come before `hard`

A preference that is restricted to some subjects or sessions is refused: version 1 records neither the event behind it nor the lures it leaves.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from persona_atlas.schema import SchemaError

Data = dict[str, Any]
VOICE = {
    "dotted": False, "habit_before": "", "habit_after": "", "abbreviations": {}, "verbosity": "", "manner": "", "feedback": "", "tells": "",
}  # fmt: skip
NO_NOISE: Data = {"clean": "", "edits": []}
LASTING = {"scope": [], "first_session": 0, "last_session": None}
LIGHT, MEDIUM = 2, 4
"""The most edits of a light twin, and of a medium one."""
NOT_MADE = "migrated from schema version 1: slices, robustness, cost, harm and track are not computed; run it again for them"
UNKNOWN: Data = {"mean": None, "ci": None, "analytic_ci": None, "method": "not computed", "n_users": 0, "n_templates": 0, "n_items": 0}


@dataclass
class Around:
    """What the migration of a record needs to know of the split's other records.

    `values`: user -> dimension -> value. `sessions`: user -> number of conversations. `reveals`: conversation -> its (dimension, value, how).
    """

    values: dict[str, dict[str, str]] = field(default_factory=dict)
    sessions: Counter[str] = field(default_factory=Counter)
    reveals: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)


def around(users: Iterable[Data], conversations: Iterable[Data]) -> Around:
    """Collect what `Around` holds from the users and conversations of a split (version 1). Raises SchemaError if a user cannot be migrated."""
    found = Around()
    for user in users:
        for preference in user["preferences"]:
            if other := [key for key, lasting in LASTING.items() if preference[key] != lasting]:
                raise SchemaError(
                    f"{user['persona_id']} wants {preference['dimension']} {preference['value']} with a {other[0]}, "
                    "of which version 1 says neither the event nor the lures"
                )
        found.values[user["persona_id"]] = {preference["dimension"]: preference["value"] for preference in user["preferences"]}
    for conversation in conversations:
        found.sessions[conversation["persona_id"]] += 1
        reveals = [reveal for turn in conversation["turns"] for reveal in turn["reveals"]]
        found.reveals[conversation["conversation_id"]] = [(reveal["dimension"], reveal["value"], reveal["how"]) for reveal in reveals]
    return found


def user(record: Data, around: Around) -> Data:
    """Migrate a user, whose sessions are counted in `around`; one whom `around` does not know gets 0."""
    return {
        **record,
        "sessions": around.sessions[record["persona_id"]],
        "style": {**record["style"], **VOICE},
        "preferences": [{**preference, "event": ""} for preference in record["preferences"]],
    }


def conversation(record: Data, around: Around) -> Data:
    """Migrate a conversation. Raises SchemaError if its user is not in the split."""
    values = _values(record, around)
    turns = [{**turn, "known": _known(turn["known"], values), "contradicted": [], **NO_NOISE} for turn in record["turns"]]
    return {**record, "turns": turns, "in_force": [_held(*pair) for pair in values.items()], "noise": ""}


def item(record: Data, around: Around) -> Data:
    """Migrate an item; how its gold was revealed comes from the conversations in `around`."""
    gold = [{**entry, "state": "unrevealed" if entry["revealed_in"] is None else "revealed", "source": "preference"} for entry in record["gold"]]
    return {
        **record,
        "gold": gold,
        "lures": [],
        "twins": [_twin(twin) for twin in record["twins"]],
        "history_noise": [],
        "slices": [*_slices(record, around), *record["slices"]],
    }


def request(record: Data, around: Around) -> Data:
    """Return a request of the benchmark as it is: it has no labels, and its form did not change."""
    return record


def results(record: Data) -> Data:
    """Migrate results.json. What only the samples can tell is left empty, and a note says so. The scorer's version stays what it was."""
    empty: Data = {name: {} for name in ("slices", "robustness", "cost", "harm", "without_one_dimension")}
    nothing = {"changed": UNKNOWN, "beyond_placebo": UNKNOWN}
    return {
        **record, "schema_version": 2, **empty, "track": "free", "nothing_to_personalize": nothing, "repeats": None,
        "notes": [*record["notes"], NOT_MADE],
    }  # fmt: skip


def opened(config: str, row: Mapping[str, Any]) -> Data:
    """Convert a Parquet row of version 1 to plain data. It holds mappings with free keys as JSON text."""
    found = {name: json.loads(value) if name in ("attributes", "slots") else value for name, value in row.items()}
    if config == "users":
        found["preferences"] = [{**preference, "parameters": json.loads(preference["parameters"])} for preference in row["preferences"]]
    return found


CONFIGS: dict[str, Callable[[Data, Around], Data]] = {"users": user, "conversations": conversation, "items": item, "benchmark": request}
"""config -> the function that migrates its records."""


def _values(record: Data, around: Around) -> dict[str, str]:
    if record["persona_id"] not in around.values:
        raise SchemaError(f"{record['conversation_id']} is of {record['persona_id']}, who is no user of its split")
    return around.values[record["persona_id"]]


def _known(names: Iterable[str], values: Mapping[str, str]) -> list[Data]:
    """Return the values in the order in which they were revealed, then the constraints, as version 2 lists them."""
    ordered = list(names)
    return [_held(name, values[name]) for name in ordered if name in values] + [_held("hard", name) for name in ordered if name not in values]


def _held(dimension: str, value: str) -> Data:
    return {"dimension": dimension, "value": value}


def _twin(twin: Data) -> Data:
    number = len(twin["edits"])
    intensity = "light" if number <= LIGHT else "medium" if number <= MEDIUM else "heavy"
    return {**twin, "intensity": intensity, "edits": [{**edit, "effect": ""} for edit in twin["edits"]]}


def _slices(record: Data, around: Around) -> Iterable[str]:
    """Yield `stated` if the history states some of the gold outright, and `implied` if it reveals some without ever stating it."""
    gold = {(entry["dimension"], entry["value"]) for entry in record["gold"]}
    hows: dict[tuple[str, str], set[str]] = {}
    for conversation_id in record["history"]:
        for dimension, value, how in around.reveals.get(conversation_id, ()):
            if (dimension, value) in gold:
                hows.setdefault((dimension, value), set()).add(how)
    if any("explicit" in found for found in hows.values()):
        yield "stated"
    if any("explicit" not in found for found in hows.values()):
        yield "implied"
