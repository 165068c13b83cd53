"""Checkers for what an answer holds besides the answer itself: an example, a caution, another way, a comparison, a cost, a time, comments in code."""

import regex

from persona_atlas.answer import Answer
from persona_atlas.preferences.checkers.locale import AMOUNT
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
ALTERNATIVE = regex.compile(
    r"\b(?:alternatively|as an alternative|(?:an|another|one) alternative\b|alternatives?(?: \w+){0,3} ?:|"
    r"(?:another|a different|a second) (?:option|way|approach|possibility|method|choice|route)|other options?|"
    r"option (?:2|b|two)\b|you (?:can|could) also|or you (?:can|could)|plan b\b)"
)
ANALOGY = regex.compile(
    r"\b(?:(?:it|this|that|which|they|these|he|she)(?:'s| is|'re| are) (?:a bit |a little |a lot |much |just |kind of |sort of |rather )?like\b|"
    r"(?:work|act|behave|look|function|serve)s? (?:a bit |a lot |much |just )?like an?\b|"
    r"think of (?:it|this|that|them|these|the \w+|an? \w+|your \w+)(?: \w+){0,3} as\b|(?:just|much|a bit) like an?\b|"
    r"(?:is|are) (?:similar|akin|comparable) to\b|(?:by|an|as an) analogy\b|compare (?:it|this|that) to\b|picture (?:it|this|an?)\b|as if\b)"
)
TIME = regex.compile(
    r"\b(?:(?:time|duration|total)(?: \w+){0,2}:|tak(?:es?|ing)\b|allow\b|set aside\b|plan on\b|reckon with\b|ready in\b|done in\b|needs? about\b)"
    r"[^.!?\n]{0,40}?\b(?:\d[\d.,–-]*|an?|half an?|one|two|three|four|five|ten|fifteen|twenty|thirty|a few|several)[\s-]"
    r"(?:to \w+ |or \w+ )?(?:seconds?|minutes?|mins?|hours?|hrs?|days?|weeks?|months?|afternoons?|evenings?|weekends?)\b"
)
COMMENT = regex.compile(r"(?m)(?:^|[\s;{}()])(?:#(?![!\w{])|//|--\s|/\*)|\"\"\"|'''")


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


@checker("has_alternative")
def has_alternative(answer: Answer) -> float:
    """1 if the answer marks a second way to the same end (`Alternatively, …`, `Another option is …`)."""
    return 1.0 if ALTERNATIVE.search(answer.lower) else 0.0


@checker("no_alternative")
def no_alternative(answer: Answer) -> float:
    return 0.0 if ALTERNATIVE.search(answer.lower) else 1.0


@checker("has_analogy")
def has_analogy(answer: Answer) -> float:
    """1 if the answer compares its matter to something familiar (`It is like …`, `Think of it as …`)."""
    return 1.0 if ANALOGY.search(answer.lower) else 0.0


@checker("no_analogy")
def no_analogy(answer: Answer) -> float:
    return 0.0 if ANALOGY.search(answer.lower) else 1.0


@checker("names_cost")
def names_cost(answer: Answer) -> float:
    """1 if the answer names an amount of money."""
    return 1.0 if AMOUNT.search(answer.lower) else 0.0


@checker("no_cost")
def no_cost(answer: Answer) -> float:
    return 0.0 if AMOUNT.search(answer.lower) else 1.0


@checker("names_time")
def names_time(answer: Answer) -> float:
    """1 if the answer says how long the whole takes (`Time needed: about 25 minutes`, `It takes an hour`)."""
    return 1.0 if TIME.search(answer.lower) else 0.0


@checker("no_time")
def no_time(answer: Answer) -> float:
    return 0.0 if TIME.search(answer.lower) else 1.0


@checker("code_commented")
def code_commented(answer: Answer) -> float:
    """1 if there is code, and a comment or docstring in it."""
    return 1.0 if any(COMMENT.search(block.text) for block in answer.of_kind("code")) else 0.0


@checker("code_bare")
def code_bare(answer: Answer) -> float:
    """1 if there is code, and no comment in any of it."""
    return 1.0 if answer.of_kind("code") and not code_commented(answer) else 0.0
