"""Reads the published files: conversations and states, as they were published.

Three forms are known, each as a JSON array, as JSON lines or alone in a file, told apart by the keys of each object:

    {"sample_id", "persona_id", "persona_features", "initial_query", "full_conversation": [{"role", "content", "metadata"}], "metadata", ...}
    {"id", "persona_id", "persona", "initial_query", "full_conversation": [{"role", "content"}], ...}     the columns of the data card
    {"state_id", "persona_features", "history_texts": ["User: ...\\n[ASSISTANT_RESPONSE]\\n\\nUser: ...", ...], "original_query", ...}

Files that are none of these raise ImportFileError; one object that has the form and cannot be used becomes a `Refused`, with the reason.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MASK = "[ASSISTANT_RESPONSE]"
"""What stands for an answer that was not published."""
WANTED = "wanted objects with full_conversation (train_samples.json, or the data card's columns) or with history_texts (rl_states.jsonl)"
STAMP = re.compile(r"^(?:interaction_)?(?P<persona>.+?)_(?P<stamp>\d{8}_\d{6}_\d+)$")
SAID = "User: "


class ImportFileError(ValueError):
    """A file is not of the published format: what was found, what was wanted, what to type next."""


@dataclass(frozen=True)
class Message:
    """One published turn. `clean` is its twin without noise, empty where there was none; `strategies` made the noise, where that was published."""

    role: str
    content: str
    clean: str = ""
    strategies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chat:
    """One published conversation; `query` is its first question without noise, `stamp` its time."""

    id: str
    persona: str
    stamp: str
    traits: Mapping[str, str]
    query: str
    messages: tuple[Message, ...]


@dataclass(frozen=True)
class State:
    """One published state: a question, and the conversations before it, of which the answers are masked."""

    id: str
    persona: str
    traits: Mapping[str, str]
    query: str
    histories: tuple[tuple[Message, ...], ...]


@dataclass(frozen=True)
class Refused:
    """What has the form and cannot be used."""

    id: str
    reason: str


Read = Chat | State | Refused


class _UnusableError(ValueError):
    """Why an object cannot be used."""


def read_file(path: Path) -> list[Read]:
    """Everything in a published file, in order. Raises ImportFileError."""
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise ImportFileError(f"{path} {what}; give the published files, for example train_samples.json rl_states.jsonl")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ImportFileError(f"{path} is no UTF-8 text (byte {error.start}); give the published JSON or JSON lines, unpacked") from None
    except OSError as error:
        raise ImportFileError(f"{path} cannot be read ({error.strerror}); give a file that can be") from None
    found = [_read(data, where) for data, where in _objects(text, path)]
    if not found:
        raise ImportFileError(f"{path} is empty, {WANTED}; give another file")
    return found


def _objects(text: str, path: Path) -> Iterator[tuple[Any, str]]:
    """Each object of the file with its place: the entries of an array, one object that fills the file, or an object a line."""
    begun = text.lstrip().split("\n", 1)[0].strip()
    if begun.startswith("[") or begun == "{":
        try:
            entries = json.loads(text)
        except ValueError as error:
            raise ImportFileError(f"{path} is not readable as JSON ({error}); it may be cut off: copy it again") from None
        yield from ((entry, f"{path}, entry {number}") for number, entry in enumerate(entries if isinstance(entries, list) else [entries], 1))
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                entry = json.loads(line)
            except ValueError as error:
                raise ImportFileError(f"{path}, line {number} is not readable as JSON ({error}); it may be cut off: copy the file again") from None
            yield entry, f"{path}, line {number}"


def _read(data: Any, where: str) -> Read:
    if not isinstance(data, dict) or not ("full_conversation" in data or "history_texts" in data):
        found = f"an object with {', '.join(map(str, data)) or 'nothing in it'}" if isinstance(data, dict) else f"a {type(data).__name__}"
        raise ImportFileError(f"{where} is {found[:200]}, {WANTED}; give another file")
    name = next((data[key] for key in ("sample_id", "state_id", "id") if isinstance(data.get(key), str) and data[key]), None)
    if name is None:
        raise ImportFileError(f"{where} has no sample_id, state_id or id by which it could be named; give the files as they were published")
    try:
        return _chat(name, data) if "full_conversation" in data else _state(name, data)
    except _UnusableError as error:
        return Refused(name, str(error))


def _chat(name: str, data: Mapping[str, Any]) -> Chat:
    match = STAMP.match(name)
    turns = data["full_conversation"]
    if not isinstance(turns, list) or len(turns) < 2:
        raise _UnusableError("fewer than two turns")
    strategies = _strategies(data)
    messages = tuple(_message(turn, strategies) for turn in turns)
    if messages[0].role != "user":
        raise _UnusableError("the first turn is not the user's")
    query = data.get("initial_query") or messages[0].clean or messages[0].content
    return Chat(name, _persona(data, match, name), match["stamp"] if match else "", _traits(data), _text(query, "initial_query"), messages)


def _state(name: str, data: Mapping[str, Any]) -> State:
    histories = data["history_texts"]
    if not isinstance(histories, list) or not histories:
        raise _UnusableError("no earlier conversations")
    said = tuple(_masked(_text(text, "history_texts")) for text in histories)
    return State(name, _persona(data, STAMP.match(name), name), _traits(data), _text(data.get("original_query"), "original_query"), said)


def _persona(data: Mapping[str, Any], match: re.Match[str] | None, name: str) -> str:
    """The persona's published id; where it is not said apart it stands in the record's own."""
    given = data.get("persona_id")
    return given if isinstance(given, str) and given else match["persona"] if match else name


def _traits(data: Mapping[str, Any]) -> dict[str, str]:
    """The persona's dimensions that are present; a band of ages such as 18_24 was published as the number 1824."""
    found = data.get("persona_features", data.get("persona"))
    if not isinstance(found, dict) or any(isinstance(value, dict | list) for value in found.values()):
        raise _UnusableError("the persona is not a mapping from dimensions to values")
    return {str(key): str(value) for key, value in found.items() if value is not None}


def _message(turn: Any, strategies: Mapping[str, tuple[str, ...]]) -> Message:
    role = turn.get("role") if isinstance(turn, dict) else None
    if role not in ("user", "assistant"):
        raise _UnusableError(f"a turn of role {role!r}, wanted user or assistant")
    content, about = _text(turn.get("content"), "content"), turn.get("metadata")
    clean = about.get("clean_version") if isinstance(about, dict) and role == "user" else None
    if not isinstance(clean, str) or not clean.strip() or clean == content:
        return Message(role, content)
    return Message(role, content, clean, strategies.get(content, ()))


def _strategies(data: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Noisy text -> the strategies that made it, where they were published."""
    about = data.get("metadata")
    noisy = about.get("noisy_versions") if isinstance(about, dict) else None
    if not isinstance(noisy, dict):
        return {}
    parts = [noisy.get("initial_query"), *(noisy.get("followups") or ())]
    versions = [version for part in parts if isinstance(part, dict) for version in part.get("noisy_versions") or ()]
    return {version["noisy_text"]: tuple(version.get("applied_strategies") or ()) for version in versions if "noisy_text" in version}


def _masked(text: str) -> tuple[Message, ...]:
    """The turns of a conversation that was published as one text, `User: ...` and MASK in turn; the last answer may be missing."""
    turns: list[Message] = []
    blocks: Sequence[str] = re.split(rf"\n{re.escape(MASK)}(?:\s*\n\s*\n|\s*$)", text.rstrip() + "\n")
    for number, block in enumerate(blocks):
        if not block.strip():
            continue
        if not block.startswith(SAID) or not block[len(SAID) :].strip():
            raise _UnusableError(f"an earlier conversation has a part that does not begin with {SAID.strip()!r}: {block[:40]!r}")
        turns.append(Message("user", block[len(SAID) :].rstrip("\n")))
        if number < len(blocks) - 1:
            turns.append(Message("assistant", MASK))
    if len(turns) < 2:
        raise _UnusableError("an earlier conversation has fewer than two turns")
    return tuple(turns)


def _text(value: Any, key: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _UnusableError(f"{key} is empty, or no text")
    return value
