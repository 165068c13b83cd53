"""Rules for the form of an utterance, whatever it is meant to say.

An utterance is refused if it is empty, cut off, a refusal, not in English, or about the task of rewording, or if it contains a schema key, several
speakers, or text from its prompt.
"""

from functools import lru_cache

import regex
from rapidfuzz import fuzz

from generation.spoken.conveys import Fault
from persona_atlas.answer import Answer
from persona_atlas.models.protocol import Generation
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.scoring import REFUSAL, in_english

COPY = 95.0
"""The similarity (0 to 100) from which on an utterance counts as a copy."""
ROLE = regex.compile(r"^\W*(?:user|assistant|human|ai|system|bot|me|you)\W*:", regex.I | regex.M)
COMMENT = regex.compile(
    r"^\W*(?:sure|certainly|of course|here(?:'s| is| are)\b.{0,60}:|(?:re)?word(?:ed|ing)|paraphras|message|original|rewritten)|"
    r"\bhere(?:'s| is) (?:the|a|your|my|another) (?:\w+ )?(?:message|version|rewording|way)|as an ai\b|in other words:",
    regex.I,
)
ECHO = regex.compile(r"slightly different (?:way|words)|\blast (?:try|answer) would\b|\bwould not do:", regex.I)
"""Matches text from the agents' prompts."""
LONGEST = 2.2
"""A message may have this many times as many words as the scripted one, and WORDS_MORE on top."""
WORDS_MORE = 12


def unfit(generation: Generation) -> Fault | None:
    """What is wrong with the form of an utterance of any agent, or None."""
    answer = Answer(generation.text)
    if not answer.words:
        return Fault("nothing")
    if generation.finish_reason == "length":
        return Fault("cut off")
    if ROLE.search(generation.text):
        return Fault("other role")
    if ECHO.search(generation.text):
        return Fault("echo")
    if keys().search(generation.text):
        return Fault("key")
    return _wrong_words(answer)


def _wrong_words(answer: Answer) -> Fault | None:
    if REFUSAL.match(answer.lower[:200].strip()):
        return Fault("refusal")
    return None if in_english(answer) else Fault("language")


def unfit_message(text: str, scripted: str) -> Fault | None:
    """What is wrong with the form of a user message that rewords `scripted`, or None."""
    if COMMENT.search(text):
        return Fault("comment")
    if len(text.split()) > LONGEST * len(scripted.split()) + WORDS_MORE:
        return Fault("too long")
    return None


def copied(text: str, scripted: str) -> bool:
    """Whether a message is the scripted one, word for word or nearly so."""
    return fuzz.ratio(text.lower(), scripted.lower()) >= COPY


@lru_cache(maxsize=1)
def keys() -> regex.Pattern[str]:
    """Matches names that occur in records and that nobody says: those with an underscore, and `dimension: value`."""
    catalog = load_catalog()
    names = [*catalog.dimensions, *(value.id for value in catalog.values()), *catalog.hard, "persona_id", "in_force"]
    joined = "|".join(regex.escape(name) for name in sorted(names, key=len, reverse=True) if "_" in name)
    pairs = "|".join(f"{regex.escape(value.dimension)}\\s*[:=]\\s*{regex.escape(value.id)}" for value in catalog.values())
    return regex.compile(rf"\b(?:{joined}|{pairs})\b")
