"""What can go wrong with a command, and how it is reported."""

import difflib
from collections.abc import Callable, Iterable
from typing import TypeVar

from persona_atlas import console

Result = TypeVar("Result")


class EvalError(ValueError):
    """One sentence for the user: what was found, what was wanted, what to type next."""


def nearest(what: str, found: str, known: Iterable[str]) -> EvalError:
    """The error for a name that is not among `known`: it lists the nearest, or all where none is near."""
    known = sorted(known)
    near = difflib.get_close_matches(found, known, n=3, cutoff=0.5)
    return EvalError(f"there is no {what} {found!r}; " + (f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(known)}"))


def guarded(work: Callable[[], Result]) -> Result:
    """Return what `work` returns. An expected error or a disk error ends the command with one sentence and status 2, an interruption with 130."""
    from persona_atlas.content import CatalogError
    from persona_atlas.data import DataError
    from persona_atlas.models import ModelError

    errors = (EvalError, DataError, ModelError, CatalogError)
    return console.guarded(work, errors, "Stopped. What is finished is kept: run the same command again to go on.")
