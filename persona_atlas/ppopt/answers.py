"""What is believed of a reading: the policy's own certainty, and what the assistant's answers say of it.

    Assistant: - Rinse the rice. - Simmer it for 12 minutes.
    User: I kept losing my place among the bullets.           read, with 0.6: "so this user wants bullet points"
    Assistant: Rinse the rice, then simmer it for 12 minutes.

A policy that reads words alone often takes a complaint for its opposite. But a chat has two sides, and where the words stand between them says
what they may mean:

    with the question        an answer that shows what was read bears it out, one that shows another value speaks against it
    between two answers      a value that came bears it out; one that went, when it was read as wanted, was complained of; the others are as sure as
                             the policy, since an assistant does not always heed its user; of one that was there and stayed more is asked
    behind the last answer   who asks for nothing again is content: with what was there, also where another value was read

What an answer shows, the catalogue's checkers tell; they are in the package, and whoever looks at an answer can tell the same. Where an answer shows
nothing of the matter (units, where nothing is measured) the policy's word stands, but for praise.

How far answers go with what users say differs from one assistant to another: this is how it is in scripted conversations, found on validation users.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from rapidfuzz import fuzz, process

from persona_atlas.answer import Answer
from persona_atlas.ppopt.certainty import Weighed
from persona_atlas.ppopt.chats import reworded, wanted
from persona_atlas.ppopt.text import Finding
from persona_atlas.ppopt.wishes import wishes
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.protocol import Message

SURE = 0.5
"""The probability from which on a reading is believed by itself: more likely so than not."""
BORNE_OUT, DOUBTED = 0.6, 1.6
"""What that is multiplied by for a reading that the answers bear out, and for one that they leave in doubt."""
Chat = Sequence[Message]


def believed(chat: Chat, readings: Iterable[Weighed], sure: float = SURE, answers: bool = True) -> tuple[Finding, ...]:
    """What counts of a chat's readings, some in the sense that the answers give them. `answers`: whether these are looked at."""
    if not answers:
        return tuple(finding for finding, certainty in readings if certainty >= sure)
    return tuple(found for finding, certainty in readings if (found := _heard(chat, finding, certainty, sure)))


def _heard(chat: Chat, finding: Finding, certainty: float, sure: float) -> Finding | None:
    """The finding as it is believed; None where it is not."""
    told = wanted(finding.verdict)
    if told is None or told[0][0] == "hard":
        return finding if certainty >= sure else None
    dimension, value = told[0]
    answers = _around(chat, finding.evidence)
    before, after = (answer and shown(answer, dimension) for answer in answers)
    match answers:
        case (None, _):
            needed, meant = (sure * BORNE_OUT if after == value else sure), value if after in (None, value) else None
        case (_, None):
            needed, meant = (sure * BORNE_OUT if before == value else sure), before
        case _:
            needed, meant = _between(before, value, after, sure)
    if meant is None or certainty < needed or (dimension, meant) not in wishes():
        return None
    return finding if meant == value else replace(finding, verdict=reworded(finding.verdict, (dimension, meant)))


def _between(before: str | None, value: str, after: str | None, sure: float) -> tuple[float, str | None]:
    """Of what was read between two answers: the certainty that it needs, and the value that is then meant."""
    if before == value == after:
        return min(1.0, sure * DOUBTED), value
    if before == value and after is not None:
        return sure * BORNE_OUT, after
    return sure * BORNE_OUT if after == value else sure, value


def _around(chat: Chat, evidence: str) -> tuple[str | None, str | None]:
    """The answers before and after the user's message with these words; None where there is none."""
    place = _place(chat, evidence)
    if place is None:
        return None, None
    before = (message.content for message in reversed(chat[:place]) if message.role == "assistant")
    after = (message.content for message in chat[place + 1 :] if message.role == "assistant")
    return next(before, None), next(after, None)


def _place(chat: Chat, evidence: str) -> int | None:
    """Where the user's message with these words stands; None where the user says nothing."""
    said = {number: message.content.lower() for number, message in enumerate(chat) if message.role == "user"}
    return process.extractOne(evidence.lower(), said, scorer=fuzz.partial_ratio)[2] if said else None


@lru_cache(maxsize=2**16)
def shown(answer: str, dimension: str) -> str | None:
    """The value of the dimension that an answer shows; None where it shows none."""
    return load_catalog().dimensions[dimension].met_by(_parsed(answer))


@lru_cache(maxsize=2**12)
def _parsed(answer: str) -> Answer:
    return Answer(answer)
