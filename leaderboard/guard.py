"""What is wrong with a command itself: one sentence and status 2."""

from collections.abc import Callable
from typing import TypeVar

from persona_atlas import console

Result = TypeVar("Result")
LONGEST = 2000


def guarded(work: Callable[[], Result]) -> Result:
    """What `work` returns; what is wrong with the command itself is one sentence and status 2."""
    from eval_harness.errors import EvalError
    from leaderboard import escape
    from leaderboard.errors import SubmissionError
    from persona_atlas.data import DataError

    return console.guarded(work, (DataError, EvalError, SubmissionError), shown=lambda text: escape.shown(text, LONGEST))
