"""What is believed of a reading: the policy's own certainty, and what the assistant's answers say of it.

    Assistant: - Rinse the rice. - Simmer it for 12 minutes.
    User: I kept losing my place among the bullets.           read, with 0.6: "so this user wants bullet points"
    Assistant: Rinse the rice, then simmer it for 12 minutes.

A policy that reads words alone often takes a complaint for its opposite. But a chat has two sides, and an assistant that is told what somebody
wants mostly does it: the answer after the words shows what they meant (here prose), the answer before them what was praised or missed. What an
answer shows, the catalogue's checkers tell; they are in the package, and whoever looks at an answer can tell the same. Where an answer shows
nothing of the matter (units, where nothing is measured) the policy's word stands.

Where the same question is answered a second time, what is otherwise in the second answer is what the words between asked for, whatever the policy
made of them (second_answers.py). Its reading then still says to which areas that is bound, and whether it was meant for good.

An assistant that does not heed its user bears nothing out. Those of scripted conversations always do what they are told in the chat, which no
real one does: what this is worth on other chats, their assistants decide.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from rapidfuzz import fuzz, process

from persona_atlas.answer import Answer
from persona_atlas.ppopt.certainty import Weighed
from persona_atlas.ppopt.chats import reworded, wanted, wish
from persona_atlas.ppopt.text import WANTS, Finding
from persona_atlas.ppopt.wishes import wishes
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.protocol import Message
from persona_atlas.second_answers import second_answers

SURE = 0.5
"""The probability from which on a reading is believed by itself: more likely so than not."""
BORNE_OUT = 0.6
"""What that is multiplied by for a reading that the answers bear out."""
Chat = Sequence[Message]


def believed(chat: Chat, readings: Iterable[Weighed], sure: float = SURE, answers: bool = True) -> tuple[Finding, ...]:
    """What counts of a chat's readings, some in the sense that the answers give them. `answers`: whether these are looked at."""
    if not answers:
        return tuple(finding for finding, certainty in readings if certainty >= sure)
    readings = tuple(readings)
    heard = [found for finding, certainty in readings if (found := _heard(chat, finding, certainty, sure))]
    return (*heard, *_from_second_answers(chat, readings, heard, sure))


def _from_second_answers(chat: Chat, readings: Sequence[Weighed], heard: Iterable[Finding], sure: float) -> Iterator[Finding]:
    """What second answers show and no reading does. A message that the policy surely takes for something that passes is left alone."""
    spoken: dict[int | None, list[Weighed]] = {}
    for finding, certainty in readings:
        spoken.setdefault(_place(chat, finding.evidence), []).append((finding, certainty))
    known = {(_place(chat, finding.evidence), told[0][0]) for finding in heard if (told := wanted(finding.verdict))}
    for place, dimension, value in second_answers(chat, _dimensions()):
        meaning, said = (dimension, value), spoken.get(place, [])
        if (place, dimension) in known or any(certainty >= sure and not finding.verdict.startswith(WANTS) for finding, certainty in said):
            continue
        misread = next((finding for finding, _ in said if (told := wanted(finding.verdict)) and (place, told[0][0]) not in known), None)
        if misread:
            yield replace(misread, verdict=reworded(misread.verdict, meaning))
        else:
            yield Finding(chat[place].content, f"{WANTS} {wish(meaning)}.")


@lru_cache(maxsize=1)
def _dimensions() -> tuple[str, ...]:
    """Those that the policy has words for."""
    return tuple(dict.fromkeys(dimension for dimension, _ in wishes() if dimension != "hard"))


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
