"""How far a run is to be trusted: its tier, from what the maintainers keep beside the folder of submissions.

tiers.yaml                    run -> tier, where a maintainer has decided:    "0123456789abcdef": held-out
submissions/OPTIMIZER/RUN_ID  what it may name
reproductions/RUN_ID.json     the record of a reproduction: {"run_id", "accepted", "fraction", "agreed", "asked", "checked_with"}
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leaderboard.errors import SubmissionError
from leaderboard.escape import shown
from leaderboard.verify import TIERS

RUN = re.compile(r"[0-9a-f]{16}")
FIELDS = ("accepted", "fraction", "agreed", "asked")
"""The fields of a record that are numbers or booleans."""


def tier_of(run_id: str, decided: Mapping[str, str], reproductions: Path) -> tuple[str, dict[str, Any] | None]:
    """Return the tier of a run, and the record of its reproduction if there is one. Raises SubmissionError if that cannot be read."""
    file = reproductions / f"{run_id}.json"
    try:
        record: dict[str, Any] | None = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
        if record is not None and not (record["run_id"] == run_id and all(isinstance(record[key], int | float) for key in FIELDS)):
            raise ValueError(f"it is of run {record['run_id']}, or lacks a number")
        reproduced = record is not None and record["accepted"] is True
    except (ValueError, KeyError, TypeError) as error:
        raise SubmissionError(f"{file} is no record of a reproduction ({error!r}); write it with atlas-leaderboard reproduce") from None
    return decided.get(run_id, TIERS[1] if reproduced else TIERS[0]), record


def decided_in(file: Path) -> dict[str, str]:
    """Return run -> tier, as the maintainers' file has it; empty if there is none.

    Raises SubmissionError, also for a run that no folder beside the file holds as FOLDER/OPTIMIZER/RUN_ID: a mistyped one would decide nothing.
    """
    if not file.is_file():
        return {}
    import yaml

    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SubmissionError(f"{file} is not readable as YAML ({' '.join(str(error).split())})") from None
    if not isinstance(found, dict) or (wrong := [key for key, tier in found.items() if not isinstance(key, str) or tier not in TIERS]):
        said = f"{wrong[0]!r}" if isinstance(found, dict) else f"a {type(found).__name__}"
        raise SubmissionError(f'{file} has {said}, wanted lines such as "0123456789abcdef": held-out, with one of {", ".join(TIERS)}')
    if missing := [run for run in found if not RUN.fullmatch(run) or next(file.parent.glob(f"*/*/{run}"), None) is None]:
        raise SubmissionError(f"{file} names the run {shown(missing[0])}, which no submission beside it has; correct the line, or take it out")
    return found
