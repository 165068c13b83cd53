"""Suites: fixed choices of conditions, users, items and answer length, so that runs can be compared and ranked.

quick   clean, one noise layer, two thinner histories; ten users: a minute or two on the embedded model
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
"""Suite -> flag -> what it is set to."""
LONG_ANSWERS = 1024
"""What `max_gen_toks` may be in a run of a suite, too: where a target says much, more answers would be cut off than a ranked run may have. With
longer ones it is a target of its own.
"""


@dataclass(frozen=True)
class Suite:
    """A suite as a submission must have run it: every condition, the first `limit` users of the split, so many items each, and beside the optimizer
    at least the controls `arms`.
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
"""What the leaderboard takes."""


def with_suite(given: Mapping[str, Any], explicit: set[str]) -> dict[str, Any]:
    """The flags with those of the suite among them. A flag that the user gave wins, and but for LONG_ANSWERS the run is then of no suite. Raises
    EvalError.
    """
    name = given["suite"]
    if name is None:
        return dict(given)
    if name not in SUITES:
        raise nearest("suite", name, SUITES)
    flags = SUITES[name]
    changed = {flag for flag in explicit & set(flags) if given[flag] != flags[flag]}
    longer = changed == {"max_gen_toks"} and given["max_gen_toks"] == LONG_ANSWERS
    return {**given, **{flag: value for flag, value in flags.items() if flag not in changed}, "suite": name if longer or not changed else None}
