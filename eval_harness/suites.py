"""Suites: fixed choices of conditions, users, items and answer length, so that runs can be compared and ranked.

quick   clean, one noise layer and two thinner histories; ten users, one item each: a minute or two on the embedded model
core    the leaderboard's: noise, thinner and dirtier histories; two hundred users, one item each
full    every condition, every user, every item
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eval_harness.conditions import CONDITIONS, LAYERS, parse_conditions
from eval_harness.errors import nearest

THINNER = ("history_0", "history_1", "history_2", "history_4")
DIRTIER = ("history_noise_25", "history_noise_50")
SUITES: Mapping[str, Mapping[str, Any]] = {
    "quick": {"conditions": "clean,surface,history_0,history_1", "limit": 10, "items_per_user": 1, "max_gen_toks": 320},
    "core": {"conditions": ",".join(("clean", *LAYERS, *THINNER, *DIRTIER)), "limit": 200, "items_per_user": 1, "max_gen_toks": 320},
    "full": {"conditions": ",".join(CONDITIONS), "limit": None, "items_per_user": None, "max_gen_toks": 320},
}
"""Suite -> flag -> the value that the suite sets."""
LONG_ANSWERS = 1024
"""The other `max_gen_toks` that a run of a suite may have, for targets that say so much that too many answers would be cut off for a ranked run. With
this limit, the model counts as a target of its own.
"""


@dataclass(frozen=True)
class Suite:
    """A suite as a submission must have run it: every condition, the first `limit` users of the split, `items_per_user` items each, and at least the
    controls `arms` beside the optimizer.
    """

    name: str
    conditions: tuple[str, ...]
    limit: int | None
    items_per_user: int | None
    max_gen_toks: int
    split: str = "test"
    arms: tuple[str, ...] = ("identity", "oracle", "placebo")


def suite(name: str) -> Suite:
    """The suite of that name. Raises EvalError."""
    if name not in SUITES:
        raise nearest("suite", name, SUITES)
    flags = SUITES[name]
    return Suite(name, parse_conditions(flags["conditions"]), flags["limit"], flags["items_per_user"], flags["max_gen_toks"])


CORE = suite("core")
"""The suite that the leaderboard accepts."""


def with_suite(given: Mapping[str, Any], explicit: set[str]) -> dict[str, Any]:
    """The flags, with those of the suite filled in. Raises EvalError.

    A flag that the user gave wins. With a value that does not fit the suite, the run is of no suite.
    """
    name = given["suite"]
    if name is None:
        return dict(given)
    if name not in SUITES:
        raise nearest("suite", name, SUITES)
    wanted = SUITES[name]
    flags = {flag: given[flag] if flag in explicit else value for flag, value in wanted.items()}
    return {**given, **flags, "suite": name if all(fits(flag, value, wanted[flag]) for flag, value in flags.items()) else None}


def fits(flag: str, value: Any, wanted: Any) -> bool:
    """Whether a run with this value of a flag is of a suite that has `wanted`: `max_gen_toks` may be LONG_ANSWERS, too."""
    return bool(value == wanted or (flag == "max_gen_toks" and value == LONG_ANSWERS))
