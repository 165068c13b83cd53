"""Decides which of the policy's readings of a chat count: by its own certainty, and by what the assistant's answers show.

    Assistant: - Rinse the rice. - Simmer it for 12 minutes.
    User: I kept losing my place among the bullets.           read with certainty 0.6: "so this user wants bullet points"
    Assistant: Rinse the rice, then simmer it for 12 minutes.

Whether the user wants something for good is for the words to say, and takes a probability of OWN. What it is takes less, since the answers tell, too.
A policy that reads the words alone often takes a complaint for its opposite. The answers around the words show what they may mean:

    with the question        if the answer shows the value that was read, the reading is confirmed; if it shows another value, it is dropped
    between two answers      if the value came in with the second answer, the reading is confirmed
                             if it was replaced by another value, the user complained about it: the reading becomes that other value
                             if both answers show it, the reading needs more certainty than usual
                             else it needs the usual certainty, since an assistant does not always heed its user
    after the last answer    a user who asks for nothing more is content with the value that was there, even if another one was read

The catalogue's checkers, which are in the package, tell what an answer shows; anyone who looks at the answer can see the same. Where an answer shows
no value of the dimension (units, where nothing is measured), the policy's reading stands, except after the last answer, where it is dropped.

How closely answers follow what users say differs between assistants. These rules are for scripted conversations, and were found on validation users.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from rapidfuzz import fuzz

from persona_atlas.answer import Answer
from persona_atlas.ppopt.chats import reworded, wanted
from persona_atlas.ppopt.text import Finding
from persona_atlas.ppopt.wishes import wishes
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.protocol import Message

OWN = 0.9
"""A wish counts if it is the user's own, and meant for good, with this probability or more. Chosen on validation users, as all numbers here are."""
SURE = 0.4
"""What is wanted counts from this probability on, unless the answers say otherwise."""
BORNE_OUT, DOUBTED = 0.6, 1.6
"""What the required certainty is multiplied by for a reading that the answers confirm, and for one that they leave in doubt."""
Chat = Sequence[Message]


def believed(chat: Chat, readings: Iterable[Finding], sure: float = SURE, own: float = OWN, answers: bool = True) -> tuple[Finding, ...]:
    """Return the readings of a chat that count, some corrected to the value that the answers show. `answers`: whether to look at the answers."""
    return tuple(found for finding in readings if (found := _heard(chat, finding, sure, own, answers)))


def _heard(chat: Chat, finding: Finding, sure: float, own: float, answers: bool) -> Finding | None:
    """Return the finding, corrected if need be, or None where it does not count."""
    told = wanted(finding.verdict)
    if told is None:
        return finding if finding.own * finding.sure >= sure else None
    if finding.own < own:
        return None
    if not answers or told[0][0] == "hard":
        return finding if finding.sure >= sure else None
    dimension, value = told[0]
    around = _around(chat, finding.evidence)
    before, after = (shown(answer, dimension) if answer else None for answer in around)
    match around:
        case (None, _):
            needed, meant = (sure * BORNE_OUT if after == value else sure), value if after in (None, value) else None
        case (_, None):
            needed, meant = (sure * BORNE_OUT if before == value else sure), before
        case _:
            needed, meant = _between(before, value, after, sure)
    if meant is None or finding.sure < needed or (dimension, meant) not in wishes():
        return None
    return finding if meant == value else replace(finding, verdict=reworded(finding.verdict, (dimension, meant)))


def _between(before: str | None, value: str, after: str | None, sure: float) -> tuple[float, str | None]:
    """Return the certainty that a reading between two answers needs, and the value that is then meant."""
    if before == value == after:
        return min(1.0, sure * DOUBTED), value
    if before == value and after is not None:
        return sure * BORNE_OUT, after
    return sure * BORNE_OUT if after == value else sure, value


def _around(chat: Chat, evidence: str) -> tuple[str | None, str | None]:
    """Return the answers before and after the user's message with these words; None for one that is missing."""
    place = place_of(chat, evidence)
    if place is None:
        return None, None
    before = (message.content for message in reversed(chat[:place]) if message.role == "assistant")
    after = (message.content for message in chat[place + 1 :] if message.role == "assistant")
    return next(before, None), next(after, None)


def place_of(chat: Chat, evidence: str) -> int | None:
    """Return the index of the user's message that is most similar to these words, or None where the user says nothing."""
    said = {number: message.content.lower() for number, message in enumerate(chat) if message.role == "user"}
    return max(said, key=lambda number: _alike(evidence.lower(), said[number])) if said else None


def _alike(evidence: str, message: str) -> float:
    """Return how similar (of 100) the evidence is to a part of the message. A message that is shorter has no such part, and counts as a whole."""
    return fuzz.partial_ratio(evidence, message) if len(message) >= len(evidence) else fuzz.ratio(evidence, message)


@lru_cache(maxsize=2**16)
def shown(answer: str, dimension: str) -> str | None:
    """Return the value of the dimension that an answer shows, or None."""
    return load_catalog().dimensions[dimension].met_by(_parsed(answer))


@lru_cache(maxsize=2**12)
def _parsed(answer: str) -> Answer:
    return Answer(answer)
