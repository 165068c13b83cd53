"""Reads a wish again, together with the sentence before it.

    User: A neighbor of Ada speaking, my own internet is down. Boost my confidence, thanks.

The policy judges the sentence of a wish by itself. Here it takes the neighbor's wish for the user's. When the two sentences are one, it often sees
whose wish that is:

    User: A neighbor of Ada speaking, my own internet is down, so boost my confidence, thanks.
    - "a neighbor of Ada speaking, …, so boost my confidence, thanks" but that was somebody else.

A wish that was somebody else's or a mood's is then left out. Any other reading of the joined sentences changes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import regex
from rapidfuzz import fuzz

from persona_atlas.ppopt.answers import place_of
from persona_atlas.ppopt.cases import NOISE
from persona_atlas.ppopt.text import Finding
from persona_atlas.protocol import Message

END = regex.compile(r"[.!?:;,…]+$")
ALIKE = 75
"""How similar (of 100) the words of a reading must be to those of a wish to be about it."""


def joined(chat: Sequence[Message], evidence: str) -> tuple[Message, ...] | None:
    """Return the chat with the sentence that begins with these words joined to the one before it. None where none stands before it in the message."""
    place = place_of(chat, evidence)
    if place is None:
        return None
    text = chat[place].content
    near = fuzz.partial_ratio_alignment(evidence.lower(), text.lower())
    before, sentence = (text[: near.dest_start].rstrip(), text[near.dest_start :]) if near else ("", text)
    end = END.search(before)
    if not sentence or end is None or not before[: end.start()]:
        return None
    one = f"{before[: end.start()]}, so {sentence[0].lower()}{sentence[1:]}"
    return (*chat[:place], replace(chat[place], content=one), *chat[place + 1 :])


def disowned(evidence: str, again: Iterable[Finding]) -> bool:
    """Whether the readings of the joined chat say that the wish with these words was somebody else's or a mood's."""
    scored = [(fuzz.partial_ratio(evidence.lower(), finding.evidence.lower()), finding.verdict) for finding in again]
    alike, verdict = max(scored, default=(0.0, ""))
    return alike >= ALIKE and verdict in NOISE.values()
