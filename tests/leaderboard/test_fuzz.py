"""Whatever is handed in, verification ends with a verdict: nothing but SubmissionError comes out of reading, and nothing at all out of a verdict.

`make test-slow` looks for longer.
"""

import copy
import gzip
import json
import math
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eval_harness.submission import LARGEST
from eval_harness.suites import Suite
from leaderboard import report
from leaderboard.archives import of_tar_gz, of_zip
from leaderboard.errors import SubmissionError
from leaderboard.reading import DEPTH, DIGITS, read_json, read_lines
from leaderboard.verify import verify_one
from persona_atlas.data import Release

pytestmark = pytest.mark.usefixtures("scores_are_kept")
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=8)
FRAGMENTS = st.sampled_from(
    ['{"a":', "[", "]", "}", '"', "\\", "\\ud800", "1e999", "NaN", "9" * 30, ",", ":", '"a"', "null", "\n", "\x00", "\u202e", "é"]
)
SETTINGS = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def reads(read: Callable[[], Any]) -> None:
    said = ""
    try:
        read()
    except SubmissionError as error:
        said = str(error)
    assert len(said) < 2000


@SETTINGS
@given(st.binary(max_size=300) | st.lists(FRAGMENTS, max_size=30).map(lambda parts: "".join(parts).encode()))
def test_any_bytes_are_json_or_refused(data: bytes) -> None:
    reads(lambda: read_json(data, "x"))
    reads(lambda: list(read_lines(data, "x")))


def within(value: Any, depth: int = DEPTH) -> bool:
    """Whether a value keeps to the limits of reading.py."""
    if isinstance(value, dict | list):
        return depth > 0 and all(within(inner, depth - 1) for inner in (value.values() if isinstance(value, dict) else value))
    return math.isfinite(value) if isinstance(value, float) else not isinstance(value, int) or len(str(value)) <= DIGITS


@SETTINGS
@given(VALUES)
def test_any_json_is_read_as_it_is_and_refused_only_beyond_the_limits(value: Any) -> None:
    data = json.dumps(value).encode()
    try:
        found = read_json(data, "x")
    except SubmissionError:
        assert not within(value)
    else:
        assert found == value


def archives() -> tuple[bytes, bytes]:
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("run/run.json", "{}")
        archive.writestr("run/samples.jsonl", "{}\n" * 100)
    header = bytearray(512)
    header[:8], header[124:135], header[156:157], header[257:265] = b"run.json", b"00000000002", b"0", b"ustar\x0000"
    header[148:156] = b"%06o\0 " % (sum(header) + 8 * 32)
    return target.getvalue(), bytes(header) + b"{}".ljust(512, b"\0") + bytes(1024)


ZIP, TAR = archives()
EDITS = st.lists(st.tuples(st.integers(0, 2000), st.binary(min_size=1, max_size=8)), max_size=6)


def edited(data: bytes, edits: list[tuple[int, bytes]]) -> bytes:
    changed = bytearray(data)
    for place, new in edits:
        changed[place % len(data) : place % len(data) + len(new)] = new
    return bytes(changed)


@SETTINGS
@given(EDITS)
def test_any_archive_is_read_or_refused(edits: list[tuple[int, bytes]]) -> None:
    reads(lambda: of_zip(edited(ZIP, edits), LARGEST))
    reads(lambda: of_tar_gz(gzip.compress(edited(TAR, edits)), LARGEST))
    reads(lambda: of_tar_gz(edited(gzip.compress(TAR), edits), LARGEST))


def put(record: Any, steps: list[int], value: Any) -> None:
    """Put the value somewhere into the record: the steps lead there."""
    for step in steps[:-1]:
        inner = list(record.values()) if isinstance(record, dict) else record
        if not inner or not isinstance(inner[step % len(inner)], dict | list):
            break
        record = inner[step % len(inner)]
    if isinstance(record, dict) and record:
        record[list(record)[steps[-1] % len(record)]] = value
    elif isinstance(record, list) and record:
        record[steps[-1] % len(record)] = value


LIKELY = st.sampled_from([
    "identity", "oracle", "placebo", "brief", "masked", "history", "clean", "history_0", "repeat_1", "stop", "length", "error", "no_prompt",
    "context_overflow", "u-test-000001-i00", "", "x", 0, 1, 3, 259, 260, 10**17, None, [], ["identity"], {"k": 2}, {"max_tokens": 5},
])  # fmt: skip
PARTS = st.sampled_from(["record", "config", "config", "results", "samples", "samples"])
CHANGES = st.lists(st.tuples(PARTS, st.lists(st.integers(0, 400), min_size=1, max_size=5), LIKELY | VALUES), min_size=1, max_size=3)


def any_changes(examples: int, untouched: Any, small: Release, tiny: Suite, folder: Path) -> None:
    """Change the submission in so many ways: each time there is a verdict, unless the change cannot be written down, which is seldom so."""
    reached: list[bool] = []

    @settings(parent=SETTINGS, max_examples=examples)
    @given(changes=CHANGES, again=st.booleans())
    def any_change(changes: list[tuple[str, list[int], Any]], again: bool) -> None:
        forged = copy.deepcopy(untouched)
        for part, steps, value in changes:
            put(getattr(forged, part), steps, copy.deepcopy(value))
        with TemporaryDirectory(dir=folder) as place:
            reached.append(judge(forged, again, Path(place), small, tiny))

    any_change()
    assert sum(reached) > len(reached) / 2


def test_any_change_to_a_submission_ends_in_a_verdict(untouched: Any, small: Release, tiny: Suite, tmp_path: Path) -> None:
    any_changes(20, untouched, small, tiny, tmp_path)


@pytest.mark.slow
def test_many_changes_to_a_submission_end_in_verdicts(untouched: Any, small: Release, tiny: Suite, tmp_path: Path) -> None:
    any_changes(3000, untouched, small, tiny, tmp_path)


def judge(forged: Any, again: bool, folder: Path, release: Release, suite: Suite) -> bool:
    """Return whether there is a verdict, which can be shown. There is none if the forger's own tools break on what was made."""
    try:
        if again:
            forged.digest_again()
        path = forged.write(folder, "run")
    except (KeyError, TypeError, AttributeError, UnicodeEncodeError, OSError, ValueError):
        return False
    verdict = verify_one(path, release, suite)
    for said in (*report.lines(verdict), report.comment([verdict]), json.dumps(report.as_json([verdict]))):
        said.encode("utf-8")
    return True
