"""Turns errors in how a command is used into one sentence and status 2."""

from collections.abc import Callable
from typing import TypeVar

from persona_atlas import console

Result = TypeVar("Result")
LONGEST = 2000


def guarded(work: Callable[[], Result]) -> Result:
    """Return what `work` returns. An error in how the command is used ends the process with one sentence and status 2."""
    from eval_harness.errors import EvalError
    from leaderboard import escape
    from leaderboard.errors import SubmissionError
    from persona_atlas.data import DataError

    return console.guarded(work, (DataError, EvalError, SubmissionError), shown=lambda text: escape.shown(text, LONGEST))
