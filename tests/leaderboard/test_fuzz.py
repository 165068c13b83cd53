"""Whatever is handed in, verification ends with a verdict: nothing but SubmissionError comes out of reading, and nothing at all out of a verdict.

`make test-slow` looks for longer.
"""

import copy
import gzip
import json
import shutil
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eval_harness.submission import LARGEST
from eval_harness.suites import Suite
from leaderboard import report
from leaderboard.archives import of_tar_gz, of_zip
from leaderboard.errors import SubmissionError
from leaderboard.reading import read_json, read_lines
from leaderboard.verify import verify_one
from persona_atlas.data import Release

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


@SETTINGS
@given(VALUES)
def test_any_json_is_read_as_it_is_or_refused(value: Any) -> None:
    data = json.dumps(value).encode()
    try:
        assert read_json(data, "x") == value
    except SubmissionError:
        return


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


def any_change(
    changes: list[tuple[str, list[int], Any]], again: bool, untouched: Any, small: Release, tiny: Suite, tmp_path_factory: pytest.TempPathFactory
) -> None:
    forged = copy.deepcopy(untouched)
    for part, steps, value in changes:
        put(getattr(forged, part), steps, copy.deepcopy(value))
    folder = tmp_path_factory.mktemp("fuzz")
    judge(forged, again, folder, small, tiny)
    shutil.rmtree(folder)


test_any_change_to_a_submission_ends_in_a_verdict = settings(parent=SETTINGS, max_examples=40)(
    given(changes=CHANGES, again=st.booleans())(any_change)
)


@pytest.mark.slow
@settings(parent=SETTINGS, max_examples=3000)
@given(changes=CHANGES, again=st.booleans())
def test_many_changes_to_a_submission_end_in_verdicts(
    changes: list[tuple[str, list[int], Any]], again: bool, untouched: Any, small: Release, tiny: Suite, tmp_path_factory: pytest.TempPathFactory
) -> None:
    any_change(changes, again, untouched, small, tiny, tmp_path_factory)


def judge(forged: Any, again: bool, folder: Path, release: Release, suite: Suite) -> None:
    if again:
        try:
            forged.digest_again()
        except (KeyError, TypeError, AttributeError, UnicodeEncodeError):
            return  # the forger's own tools break on it
    try:
        path = forged.write(folder, "run")
    except (OSError, ValueError):
        return
    verdict = verify_one(path, release, suite)
    for said in (*report.lines(verdict), report.comment([verdict]), json.dumps(report.as_json([verdict]))):
        said.encode("utf-8")
