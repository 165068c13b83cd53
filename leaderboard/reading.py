"""Reads JSON from strangers: strictly, within bounds, and with one sentence about what is wrong.

    read_json(b'{"a": 1, "a": 2}', "run.json")
    SubmissionError: run.json has the key 'a' twice in one object

Refused, besides what is no JSON: bytes that are not UTF-8, duplicate keys, NaN and infinities however they are written (1e400 too), integers of more
than 18 digits (for lines, the schema limits them), halves of surrogate pairs, and nesting deeper than DEPTH.
"""

import gc
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from eval_harness.submission import LONGEST_LINE, MOST_LINES
from leaderboard.errors import SubmissionError

DEPTH = 12
DIGITS, CHARACTERS = 18, 40
"""The most digits of an integer, and the most characters of any other number."""
HALVES = (b"\\ud", b"\\uD")
"""How an escape begins that may be half of a surrogate pair."""


class _WrongError(Exception):
    """Says what is wrong; the caller adds where."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Switch off garbage collection while the block runs. All that is read is kept, and scanning it again and again takes a third of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def read_json(data: bytes, where: str) -> Any:
    """Return the value in a file. Raises SubmissionError."""
    try:
        return _value(data.strip(b" \t\r\n"), _ANY, _may_hold_halves(data))
    except _WrongError as error:
        raise SubmissionError(f"{where} {error}") from None


def read_lines(data: bytes, where: str) -> Iterator[Any]:
    """Yield the value of every line of a file in which all numbers are integers (the schema says how large). Raises SubmissionError."""
    if data and not data.endswith(b"\n"):
        raise SubmissionError(f"{where} is torn: its last line has no end")
    lines = data.split(b"\n", MOST_LINES + 1)[:-1]
    if len(lines) > MOST_LINES:
        raise SubmissionError(f"{where} has more than {MOST_LINES:,} lines")
    halves = _may_hold_halves(data)
    for number, line in enumerate(lines, 1):
        if len(line) > LONGEST_LINE:
            raise SubmissionError(f"{where}, line {number} has {len(line):,} bytes, at most {LONGEST_LINE:,} are taken")
        try:
            yield _value(line, _WHOLE, halves)
        except _WrongError as error:
            raise SubmissionError(f"{where}, line {number} {error}") from None


def _may_hold_halves(data: bytes) -> bool:
    return b"\\u" in data and any(half in data for half in HALVES)


def _value(data: bytes, decoder: json.JSONDecoder, halves: bool) -> Any:
    """Return the only value in `data`. `halves`: whether to look for halves of surrogate pairs."""
    try:
        text = data.decode("utf-8")
        value, end = decoder.scan_once(text, 0)  # type: ignore[attr-defined]  # raw_decode's core
    except RecursionError:
        raise _WrongError(f"is nested deeper than {DEPTH} levels") from None
    except UnicodeDecodeError as error:
        raise _WrongError(f"is not UTF-8 (byte {error.start})") from None
    except StopIteration:
        raise _WrongError("is not readable as JSON (no value stands there)") from None
    except ValueError as error:
        raise _WrongError(f"is not readable as JSON ({error})") from None
    if end != len(text):
        raise _WrongError(f"is not readable as JSON (something stands behind the value, at character {end})")
    if data.count(b"[") + data.count(b"{") > DEPTH and not _shallow(value):
        raise _WrongError(f"is nested deeper than {DEPTH} levels")
    if halves and not _writable(value):
        raise _WrongError("holds half a surrogate pair")
    return value


def _shallow(value: Any) -> bool:
    level = [value]
    for _ in range(DEPTH):
        inner: list[Any] = []
        for found in level:
            if isinstance(found, dict):
                inner += [entry for entry in found.values() if entry and isinstance(entry, dict | list)]
            elif isinstance(found, list):
                inner += [entry for entry in found if entry and isinstance(entry, dict | list)]
        if not inner:
            return True
        level = inner
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


def _no_float(text: str) -> NoReturn:
    raise _WrongError(f"holds the number {text[:CHARACTERS]}, wanted whole numbers without a point")


_ANY = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_int=_int, parse_constant=_constant)
_WHOLE = json.JSONDecoder(object_pairs_hook=_object, parse_float=_no_float, parse_constant=_constant)
"""For lines, of which there are many. Their schema says how large an integer may be."""
