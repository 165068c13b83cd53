"""Checkers for what an answer holds besides the answer itself: an example, a caution."""

import regex

from persona_atlas.answer import Answer
from persona_atlas.preferences.registry import checker

EXAMPLE = regex.compile(
    r"\b(?:for (?:example|instance)|e\.g\.|examples?(?: \w+){0,3} ?:|as an example|here(?:'s| is) an example|"
    r"an example (?:is|would be|of)|to illustrate|let's say|say,|suppose|imagine)"
)
CAVEAT = regex.compile(
    r"\b(?:watch out|be careful|take care not|caution|caveat|warning|beware|be (?:aware|mindful|wary)|"
    r"keep in mind|bear in mind|(?:please )?note(?: that|:)|"
    r"important(?: note)?:|disclaimer|one thing to watch)\b|\bnote:|\bimportant:"
)


@checker("has_example")
def has_example(answer: Answer) -> float:
    """1 if the answer marks an example (`For example, …`). A bare `such as` introduces a list, not an example, and does not count."""
    return 1.0 if EXAMPLE.search(answer.lower) else 0.0


@checker("no_example")
def no_example(answer: Answer) -> float:
    return 0.0 if EXAMPLE.search(answer.lower) else 1.0


@checker("has_caveat")
def has_caveat(answer: Answer) -> float:
    """1 if the answer marks a caution (`Watch out: …`, `Keep in mind …`)."""
    return 1.0 if CAVEAT.search(answer.lower) else 0.0


@checker("no_caveat")
def no_caveat(answer: Answer) -> float:
    return 0.0 if CAVEAT.search(answer.lower) else 1.0
