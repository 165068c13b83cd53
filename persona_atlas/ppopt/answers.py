"""What is believed of a reading: the policy's own certainty, and what the assistant's answers say of it.

    Assistant: - Rinse the rice. - Simmer it for 12 minutes.
    User: I kept losing my place among the bullets.           read, with 0.6: "so this user wants bullet points"
    Assistant: Rinse the rice, then simmer it for 12 minutes.

A policy that reads words alone often takes a complaint for its opposite. But a chat has two sides, and an assistant that is told what somebody
wants mostly does it: the answer after the words shows what they meant (here prose), the answer before them what was praised or missed. What an
answer shows, the catalogue's checkers tell; they are in the package, and whoever looks at an answer can tell the same. Where an answer shows
nothing of the matter (units, where nothing is measured) the policy's word stands.

An assistant that does not heed its user bears nothing out. Those of scripted conversations always do what they are told in the chat, which no
real one does: what this is worth on other chats, their assistants decide.
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
BORNE_OUT = 0.6
"""What that is multiplied by for a reading that the answers bear out."""
Chat = Sequence[Message]


def believed(chat: Chat, readings: Iterable[Weighed], sure: float = SURE, answers: bool = True) -> tuple[Finding, ...]:
    """What counts of a chat's readings, some in the sense that the answers give them. `answers`: whether these are looked at."""
    found = (_heard(chat, finding, certainty, sure) if answers else finding if certainty >= sure else None for finding, certainty in readings)
    return tuple(finding for finding in found if finding)


def _heard(chat: Chat, finding: Finding, certainty: float, sure: float) -> Finding | None:
    """The finding as it is believed; None where it is not."""
    told = wanted(finding.verdict)
    by_itself = finding if certainty >= sure else None
    if told is None or told[0][0] == "hard":
        return by_itself
    dimension, value = told[0]
    borne_out = certainty >= sure * BORNE_OUT
    answers = _around(chat, finding.evidence)
    before, after = (answer and shown(answer, dimension) for answer in answers)
    if answers[1] is None and before is not None:  # who is not answered anew has not complained
        return finding if before == value and borne_out else None
    if after is None:
        return by_itself
    if after == value:
        return by_itself if before in (None, value) else finding if borne_out else None
    if before == after or not borne_out or (dimension, after) not in wishes():  # nothing changed: the words were about something else
        return None
    return replace(finding, verdict=reworded(finding.verdict, (dimension, after)))


def _around(chat: Chat, evidence: str) -> tuple[str | None, str | None]:
    """The answers before and after the user's message with these words; None where there is none."""
    said = {number: message.content.lower() for number, message in enumerate(chat) if message.role == "user"}
    if not said:
        return None, None
    *_, place = process.extractOne(evidence.lower(), said, scorer=fuzz.partial_ratio)
    before = (message.content for message in reversed(chat[:place]) if message.role == "assistant")
    after = (message.content for message in chat[place + 1 :] if message.role == "assistant")
    return next(before, None), next(after, None)


@lru_cache(maxsize=2**16)
def shown(answer: str, dimension: str) -> str | None:
    """The value of the dimension that an answer shows; None where it shows none."""
    return load_catalog().dimensions[dimension].met_by(_parsed(answer))


@lru_cache(maxsize=2**12)
def _parsed(answer: str) -> Answer:
    return Answer(answer)
