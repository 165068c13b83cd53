"""What can be wrong with an evaluation before it starts."""

import difflib
from collections.abc import Iterable


class EvalError(ValueError):
    """One sentence for the user: what was found, what was wanted, what to type next."""


def nearest(what: str, found: str, known: Iterable[str]) -> EvalError:
    """The error for a name that is not among `known`: it lists the nearest, or all where none is near."""
    known = sorted(known)
    near = difflib.get_close_matches(found, known, n=3, cutoff=0.5)
    return EvalError(f"there is no {what} {found!r}; {'did you mean ' if near else 'there are '}{', '.join(near or known)}?")
