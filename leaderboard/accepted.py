"""The order in which submissions were accepted, as data beside them. Of two that copy each other, the one that was accepted first stays.

submissions/accepted.txt      one line for each: its folder, appended when it is merged:    ppopt/a698660deddbced5
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from leaderboard.errors import SubmissionError
from leaderboard.escape import shown

FILE = "accepted.txt"
FOLDER = re.compile(r"[A-Za-z0-9._-]+/[0-9a-f]{16}")


def accepted_in(folder: Path) -> tuple[str, ...]:
    """Return OPTIMIZER/RUN_ID of the accepted submissions in a folder, in order; none if it has no such file.

    Raises SubmissionError, also for a line whose folder is not there: where one was mistyped, the submission that was meant would lose its place.
    """
    file = folder / FILE
    if not file.exists():
        return ()
    try:
        found = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SubmissionError(f"{file} is not readable as text ({shown(str(error))})") from None
    for number, line in enumerate(found, 1):
        if not FOLDER.fullmatch(line):
            raise SubmissionError(f"{file} has {shown(line)!r} in line {number}, wanted a folder OPTIMIZER/RUN_ID such as ppopt/a698660deddbced5")
        if line in found[: number - 1]:
            raise SubmissionError(f"{file} names {line} twice, the second time in line {number}")
    for number, line in enumerate(found, 1):
        if not os.path.lexists(folder / line):
            raise SubmissionError(f"{file} names {line} in line {number}, and there is no such folder; correct the line, or take it out")
    return tuple(found)


def in_order(paths: Sequence[Path], accepted: Sequence[str]) -> list[Path]:
    """Sort paths OPTIMIZER/RUN_ID: first those that were accepted, in that order, then the rest by name."""
    return sorted(paths, key=lambda path: (place_of(path, accepted), path))


def place_of(path: Path, accepted: Sequence[str]) -> int:
    """Return a submission's place among the accepted ones; behind them all if it is not one of them."""
    name = f"{path.parent.name}/{path.name}"
    return accepted.index(name) if name in accepted else len(accepted)
