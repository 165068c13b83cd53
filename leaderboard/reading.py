"""JSON from strangers: strict, bounded, and never more than one sentence where it is wrong.

    read_json(b'{"a": 1, "a": 2}', "run.json")
    SubmissionError: run.json has the key 'a' twice in one object

Refused beside what is no JSON: bytes that are no UTF-8, duplicate keys, NaN and infinities however they are written (1e400 too), whole numbers of more
than 18 digits, halves of surrogate pairs, and nesting deeper than DEPTH.
"""

import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn

import regex

from leaderboard.errors import SubmissionError

DEPTH = 12
DIGITS, CHARACTERS = 18, 40
"""The most digits of a whole number, and the most characters of another."""
LINE_BYTES = 2**20
LINES = 100_000
"""The most lines of a file, and the most bytes of each."""
SURROGATE = regex.compile(r"\\u[dD][89a-fA-F]")


class _WrongError(Exception):
    """What is wrong, for the reader to say where."""


def read_json(data: bytes, where: str) -> Any:
    """The value in a file. Raises SubmissionError."""
    try:
        return _value(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise SubmissionError(f"{where} is not UTF-8 (byte {error.start})") from None
    except _WrongError as error:
        raise SubmissionError(f"{where} {error}") from None


def read_lines(data: bytes, where: str) -> Iterator[Any]:
    """The value of every line of a file. Raises SubmissionError."""
    if data and not data.endswith(b"\n"):
        raise SubmissionError(f"{where} is torn: its last line has no end")
    count = data.count(b"\n")
    if count > LINES:
        raise SubmissionError(f"{where} has {count:,} lines, at most {LINES:,} are taken")
    start = 0
    for number in range(1, count + 1):
        end = data.index(b"\n", start)
        if end - start > LINE_BYTES:
            raise SubmissionError(f"{where}, line {number} has {end - start:,} bytes, at most {LINE_BYTES:,} are taken")
        yield read_json(data[start:end], f"{where}, line {number}")
        start = end + 1


def _value(text: str) -> Any:
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise _WrongError(f"is nested deeper than {DEPTH} levels") from None
    except ValueError as error:
        raise _WrongError(f"is not readable as JSON ({error})") from None
    if not _shallow(value):
        raise _WrongError(f"is nested deeper than {DEPTH} levels")
    if SURROGATE.search(text) and not _writable(value):
        raise _WrongError("holds half a surrogate pair")
    return value


def _shallow(value: Any) -> bool:
    level = [value]
    for _ in range(DEPTH):
        level = [entry for found in level if isinstance(found, dict | list) for entry in (found.values() if isinstance(found, dict) else found)]
        if not level:
            return True
    return False


def _writable(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _WrongError(f"has the key {name[:80]!r} twice in one object")
            seen.add(name)
    return found


def _float(text: str) -> float:
    if len(text) > CHARACTERS:
        raise _WrongError(f"holds a number of {len(text):,} characters, at most {CHARACTERS} are taken")
    value = float(text)
    if not math.isfinite(value):
        raise _WrongError(f"holds the number {text}, which is not finite here")
    return value


def _int(text: str) -> int:
    if len(text) > DIGITS:
        raise _WrongError(f"holds a whole number of {len(text):,} digits, at most {DIGITS} are taken")
    return int(text)


def _constant(name: str) -> NoReturn:
    raise _WrongError(f"holds {name}, which is no JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_int=_int, parse_constant=_constant)
