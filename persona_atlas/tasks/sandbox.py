"""Runs the code of an answer on test cases, in a process of its own without network, files or other processes, under limits on time and memory.

The limits withstand answers that are wrong or clumsy, and the usual mischief. They would not stop an expert, so tasks that run code stay out of
the core suite.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

RUNNER = Path(__file__).with_name("code_runner.py")
SECONDS = 2
MEGABYTES = 512


def passed(blocks: Sequence[str], function: str, cases: Sequence[Mapping[str, Any]]) -> float:
    """Return the share of `cases` ({args, result}) for which `function` of these blocks of code returns the result; 0 if they hang or lack it."""
    arguments = [case["args"] for case in cases]
    job = {"blocks": list(blocks), "function": function, "cases": arguments, "seconds": SECONDS, "megabytes": MEGABYTES}
    values = _returned(json.dumps(job))
    if not isinstance(values, list) or len(values) != len(cases):
        return 0.0
    found = zip(values, cases, strict=True)
    return sum(isinstance(value, list) and len(value) == 1 and alike(value[0], case["result"]) for value, case in found) / len(cases)


@lru_cache(maxsize=4096)
def _returned(job: str) -> Any:
    """Return what the runner wrote; None if it was killed at a limit, the source did not compile, or what it wrote is not readable as JSON."""
    with tempfile.TemporaryDirectory() as empty:
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-S", str(RUNNER)],
                input=job,
                capture_output=True,
                text=True,
                timeout=SECONDS + 3,
                cwd=empty,
                env={},
                check=False,
            )
            return json.loads(done.stdout)
        except (subprocess.TimeoutExpired, ValueError, RecursionError):
            return None


def alike(found: Any, wanted: Any) -> bool:
    """Return whether two results are equal: numbers within a billionth, lists entry by entry. True and 1 differ."""
    if isinstance(found, bool) != isinstance(wanted, bool):
        return False
    if isinstance(wanted, int | float) and isinstance(found, int | float):
        try:
            return abs(found - wanted) <= 1e-9 * max(1.0, abs(wanted))
        except OverflowError:  # a whole number beyond every float
            return bool(found == wanted)
    if isinstance(wanted, list) and isinstance(found, list):
        return len(found) == len(wanted) and all(map(alike, found, wanted))
    return bool(found == wanted)
