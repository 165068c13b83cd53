"""Reads the published files: conversations and states, as they were published.

Three forms are known, which are told apart by the keys of each object. Objects come in a JSON array, as JSON lines, or one alone in a file:

    {"sample_id", "persona_id", "persona_features", "initial_query", "full_conversation": [{"role", "content", "metadata"}], "metadata", ...}
    {"id", "persona_id", "persona", "initial_query", "full_conversation": [{"role", "content"}], ...}     the columns of the data card
    {"state_id", "persona_features", "history_texts": ["User: ...\\n[ASSISTANT_RESPONSE]\\n\\nUser: ...", ...], "original_query", ...}

A file in none of these forms raises ImportFileError. An object that has the form but cannot be used becomes a `Refused`, with the reason. A field
that may be absent may also be null. An object is refused if a field that is read has another type; fields that are not read may hold anything.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from generation.errors import GenerateError

MASK = "[ASSISTANT_RESPONSE]"
"""What stands in place of an answer that was not published."""
WANTED = "wanted objects with full_conversation (train_samples.json, or the data card's columns) or with history_texts (rl_states.jsonl)"
STAMP = re.compile(r"^(?:interaction_)?(?P<persona>.+?)_(?P<stamp>\d{8}_\d{6}_\d+)$")
SAID = "User: "
KINDS = {dict: "an object", list: "a list", str: "text", int: "a number", float: "a number", bool: "true or false", type(None): "null"}
Kind = TypeVar("Kind", dict[str, Any], list[Any], str)


class ImportFileError(GenerateError):
    """A file cannot be imported. The message says what was found, what was wanted and what to type next."""


@dataclass(frozen=True)
class Message:
    """One published turn. `clean` is its twin without noise, empty if there was no noise; `strategies` made the noise, if they were published."""

    role: str
    content: str
    clean: str = ""
    strategies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chat:
    """One published conversation. `query` is its first question without noise, `stamp` its time."""

    id: str
    persona: str
    stamp: str
    traits: Mapping[str, str]
    query: str
    messages: tuple[Message, ...]


@dataclass(frozen=True)
class State:
    """One published state: a question, and the conversations before it, whose answers are masked."""

    id: str
    persona: str
    traits: Mapping[str, str]
    query: str
    histories: tuple[tuple[Message, ...], ...]


@dataclass(frozen=True)
class Refused:
    """An object that has the form but cannot be used."""

    id: str
    reason: str


Read = Chat | State | Refused


class _UnusableError(ValueError):
    """Why an object cannot be used."""


def read_file(path: Path) -> list[Read]:
    """Everything in a published file, in order. Raises ImportFileError."""
    try:
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "is not a regular file" if path.exists() else "does not exist"
            raise ImportFileError(f"{path} {what}; give the published files, for example train_samples.json rl_states.jsonl")
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportFileError(f"{path} is no UTF-8 text (byte {error.start}); give the published JSON or JSON lines, unpacked") from None
    except OSError as error:
        raise ImportFileError(f"{path} cannot be read ({error.strerror}); give a file that can be") from None
    found = [_read(data, where) for data, where in _objects(text, path)]
    if not found:
        raise ImportFileError(f"{path} is empty, {WANTED}; give another file")
    return found


def _objects(text: str, path: Path) -> Iterator[tuple[Any, str]]:
    """Each object of the file with its place: the entries of an array, one object that fills the file, or one object per line."""
    begun = text.lstrip().split("\n", 1)[0].strip()
    if begun.startswith("[") or begun == "{" or _is_one(text.strip()):
        entries = _json(text, str(path))
        yield from ((entry, f"{path}, entry {number}") for number, entry in enumerate(entries if isinstance(entries, list) else [entries], 1))
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield _json(line, f"{path}, line {number}"), f"{path}, line {number}"


def _is_one(text: str) -> bool:
    """Whether the text is a single value of JSON on several lines."""
    try:
        return "\n" in text and json.JSONDecoder().raw_decode(text)[1] == len(text)
    except (ValueError, RecursionError):  # reading the lines says what is wrong
        return False


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ImportFileError(f"{where} is not readable as JSON ({error}); it may be cut off: copy the file again") from None
    except (ValueError, RecursionError) as error:  # a number with thousands of digits, or a thousand nested brackets
        raise ImportFileError(f"{where} is JSON beyond what can be read ({error}); give the files as they were published") from None


def _read(data: Any, where: str) -> Read:
    if not isinstance(data, dict) or not ("full_conversation" in data or "history_texts" in data):
        found = f"an object with {' '.join(', '.join(data).split()) or 'nothing in it'}" if isinstance(data, dict) else KINDS[type(data)]
        raise ImportFileError(f"{where} is {found[:200]}, {WANTED}; give another file")
    name = next((data[key] for key in ("sample_id", "state_id", "id") if isinstance(data.get(key), str) and data[key].strip()), None)
    if name is None:
        raise ImportFileError(f"{where} has no sample_id, state_id or id by which it could be named; give the files as they were published")
    try:
        _whole(name, "its id")
        return _chat(name, data) if "full_conversation" in data else _state(name, data)
    except _UnusableError as error:
        return Refused(encodable(name), str(error))


def _chat(name: str, data: Mapping[str, Any]) -> Chat:
    match = STAMP.match(name)
    turns = data["full_conversation"]
    if not isinstance(turns, list) or len(turns) < 2:
        raise _UnusableError("fewer than two turns")
    strategies = _strategies(data)
    messages = tuple(_message(turn, strategies) for turn in turns)
    if messages[0].role != "user":
        raise _UnusableError("the first turn is not the user's")
    query = _optional(str, data.get("initial_query"), "initial_query") or messages[0].clean or messages[0].content
    return Chat(name, _persona(data, match, name), match["stamp"] if match else "", _traits(data), _text(query, "initial_query"), messages)


def _state(name: str, data: Mapping[str, Any]) -> State:
    histories = data["history_texts"]
    if not isinstance(histories, list) or not histories:
        raise _UnusableError("no earlier conversations")
    said = tuple(_masked(_text(text, "history_texts")) for text in histories)
    return State(name, _persona(data, STAMP.match(name), name), _traits(data), _text(data.get("original_query"), "original_query"), said)


def _persona(data: Mapping[str, Any], match: re.Match[str] | None, name: str) -> str:
    """The persona's published id. Without `persona_id`, it is the part of the record's id before the time stamp, or the whole id."""
    given = _optional(str, data.get("persona_id"), "persona_id")
    return given if given.strip() else match["persona"] if match else name


def _traits(data: Mapping[str, Any]) -> dict[str, str]:
    """The persona's dimensions that are present, with their values as text: an age band such as 18_24 was published as the number 1824."""
    found = data.get("persona_features", data.get("persona"))
    if not isinstance(found, dict) or any(isinstance(value, dict | list) for value in found.values()):
        raise _UnusableError("the persona is not a mapping from dimensions to values")
    if any(isinstance(value, float) and not math.isfinite(value) for value in found.values()):
        raise _UnusableError("the persona has a value that is no number (NaN, or infinite)")
    return {_whole(key, "the persona"): _whole(str(value), "the persona") for key, value in found.items() if value is not None}


def _message(turn: Any, strategies: Mapping[str, tuple[str, ...]]) -> Message:
    role = turn.get("role") if isinstance(turn, dict) else None
    if role not in ("user", "assistant"):
        found = repr(role[:40]) if isinstance(role, str) else KINDS[type(role)]
        raise _UnusableError(f"a turn of role {found}, wanted user or assistant")
    content = _text(turn.get("content"), "content")
    if role == "assistant":
        return Message(role, content)
    about = _optional(dict, turn.get("metadata"), "the metadata of a turn")
    clean = _optional(str, about.get("clean_version"), "clean_version")
    if not clean.strip() or clean == content:
        return Message(role, content)
    return Message(role, content, clean, strategies.get(content, ()))


def _strategies(data: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Noisy text -> the strategies that made it, if they were published."""
    noisy = _optional(dict, _optional(dict, data.get("metadata"), "metadata").get("noisy_versions"), "metadata.noisy_versions")
    found: dict[str, tuple[str, ...]] = {}
    for entry in (noisy.get("initial_query"), *_optional(list, noisy.get("followups"), "followups")):
        part = _optional(dict, entry, "a turn of metadata.noisy_versions")
        for version in _optional(list, part.get("noisy_versions"), "noisy_versions"):
            made = _optional(dict, version, "a noisy version")
            strategies = _optional(list, made.get("applied_strategies"), "applied_strategies")
            found[_optional(str, made.get("noisy_text"), "noisy_text")] = tuple(_text(name, "an applied strategy") for name in strategies)
    return found


def _masked(text: str) -> tuple[Message, ...]:
    """The turns of a conversation that was published as one text, in which `User: ...` and MASK alternate; the last answer may be missing."""
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
    return _whole(value, key)


def _optional(kind: type[Kind], value: Any, key: str) -> Kind:
    """The value, or an empty one of the kind if it is None. Raises _UnusableError if it is of another kind."""
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise _UnusableError(f"{key} is {KINDS[type(value)]}, wanted {KINDS[kind]}")
    return _whole(value, key) if isinstance(value, str) else value


def _whole(text: str, key: str) -> str:
    if encodable(text) != text:
        raise _UnusableError(f"{key} has half of a character in it (a surrogate alone), which no file can hold")
    return text


def encodable(text: str) -> str:
    """The text with halves of characters (lone surrogates) spelled out, so that it can be written."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
