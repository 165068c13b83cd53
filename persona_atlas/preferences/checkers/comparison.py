"""Checkers for an analogy: a comparison to something familiar, not to a thing of the same kind, and not a mere resemblance in looks."""

import regex

from persona_atlas.answer import Answer
from persona_atlas.preferences.registry import checker

_DEGREE = r"(?:(?:a (?:bit|little|lot)|much|just|exactly|kind of|sort of|rather|quite|almost|very much|really|basically|somewhat) ){0,2}"
_THING = r"(?:an?|one|your|two|three|four|five|six|\w+ing)\b(?<!thing)"
_SUBJECT = r"(?:it|this|that|them|these|those|(?:the|your|each|every|an?) (?!things?\b)(?:[\w'-]+ ){0,2}[\w'-]+)"
_SAME_KIND = (
    r"(?:that|this|these|those|it|before|in|on|at|for|to|when|any|all|most|every|you|so|new|always|ever|\d|[$€£]|"
    r"the (?:recipe|old|new|last|first|previous|other|one|rest|original))\b"
)
_LIKE = (
    rf"(?<!\bwhat (?:it|this|that|the \w+) )\b(?:is|are|be|'s|'re) {_DEGREE}like (?!{_SAME_KIND})\w",
    rf"\b(?:work|act|behave|function|flow|move|spread|grow)s? {_DEGREE}like (?:{_THING}|(?!this|hours|always)\w+s\b)",
    rf"\b(?:just|much|rather|a bit|a little|almost|a lot) like {_THING}",
    r"(?:^|[.!?:] +|\n)(?:just |much )?like an? [^,.\n]{1,40}, (?!(?:use|take|try|add|buy|put|make)\b)",
    rf"\b(?:is|are) {_DEGREE}(?:similar|akin|comparable|analogous) to {_THING}",
    rf"\b(?:can|could|may) be (?:compared|likened) (?:to|with) {_THING}|\bcompare (?:it|this|that|them) (?:to|with) {_THING}",
    r"\bresembles? (?:an?|\w+ing)\b",
    rf"\bthink of {_SUBJECT} (?:just |much |a bit |kind of |sort of )?like {_THING}",
)
_AS = (
    r"\bthink of (?:(?!as )[\w'-]+ ){1,5}as (?!soon|long|well|much|many|\w+ as\b|(?:you|we|he|she|it|they|i)\b)",
    rf"\bpicture (?:it|this|that|them|the \w+|your \w+) as\b|\b(?:imagine|visuali[sz]e) {_SUBJECT} as {_THING}",
    r"(?<!\b(?:looks?|seems?|sounds?|feels?|act|treat (?:it|them)) )\bas (?:if|though) (?:it|they|he|she|you|someone|somebody|the \w+|"
    r"an? \w+) (?:were|was|had)\b",
    r"\b(?:the (?:same )?way|much as|just as) (?:an?|your) (?:[\w'-]+ ){1,4}(?:does|do|did|would|might|can|has|is)\b|"
    r"\bas an? (?:[\w'-]+ ){1,3}(?:does|would)(?=[.,;:])",
    r"\b(?:much|rather|just) (?:as|the way) an? (?!matter|precaution|reminder|backup|guide|start|test|joke|hobby|side|last|general|"
    r"child\b)(?:[\w'-]+ ){1,3}\w+s\b",
    r"\bjust as (?:you|one|we|people) (?:would|might|do)\b|\bjust as [^.\n]{3,80}, so\b",
    r"\b(?:is|are) to (?:[\w']+ ){1,5}what\b",
    r"\b(?:is|are|'s) (?:just )?the (?:\w+ )?(?:equivalent|version) of (?:an?|\w+ing)\b|\bin (?:much |exactly )?the same way (?:that|as) an?\b",
)
_NAMED = (
    r"\b(?:by|an?|as|use an|here(?:'s| is) an) (?:\w+ )?(?:analogy|comparison|metaphor)(?= ?[:,]| (?:is|would be|helps|from|with|to)\b)",
    r"\banalogy:",
)
_SCENE = (
    r"(?:^|[.!?:] +|\n)(?:imagine|picture|consider|think of) (?:an?|the|your|two|\w+ing)\b[^\n]{0,200}?\b(?:(?:same|similar|that|this) way|"
    r"likewise|similarly|same (?:thing|principle|idea)|that(?:'s| is) (?:exactly |just |basically )?(?:how|what))\b",
    r"(?:^|[.!?:] +|\n)picture an? [^.\n]{2,60}:",
)
ANALOGY = regex.compile("|".join((*_LIKE, *_AS, *_NAMED, *_SCENE)))
NOTHING_BEFORE = regex.compile(r"\A\W*(?:(?:it|this|that)(?:'s| is)|think of (?:it|this|that|them))\b[^.!?\n]*[.!?]?")
"""An opening that compares something not mentioned yet. Models write it when they merely repeat the instruction."""


@checker("has_analogy")
def has_analogy(answer: Answer) -> float:
    """1 if the answer compares its subject to something familiar (`It is like …`, `Think of it as …`)."""
    return 1.0 if ANALOGY.search(NOTHING_BEFORE.sub("", answer.lower)) else 0.0


@checker("no_analogy")
def no_analogy(answer: Answer) -> float:
    return 1.0 - has_analogy(answer)
