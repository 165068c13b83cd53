"""Rewords what users reveal, so that the policy learns what is meant and not the phrasings of the train split.

    anew(Turn("user", "... From now on, use bullet points.", reveals=(Reveal("structure", "bulleted", "explicit"),)), {}, draw)
        Turn("user", "... For every reply to come, split it into dotted points.", ...)

The new words come from PPOpt's own bank (bank.py).
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from persona_atlas.ppopt.bank import frames, phrasings
from persona_atlas.ppopt.evidence import Span, spoken
from persona_atlas.ppopt.examples import pick
from persona_atlas.records import Reveal, Turn

FRAMES_OF = {"explicit": "standing", "change": "change", "exception": "once", "end": "ended"}
"""How a reveal is made -> the kind of frame that its request is put in."""
KEPT_FRAMES = 0.3
"""The share of requests that keep their frame, so that only the request itself is reworded."""
OUTRIGHT = 0.5
"""The share of values' `explicit` phrasings that are replaced by another such phrasing; the others become a request in a frame."""


def anew(turn: Turn, scoped: Mapping[str, str], draw: np.random.Generator) -> Turn:
    """Return the turn with each of its reveals reworded.

    `scoped`: dimension -> the areas that the wish is bound to, in words; empty where an area has no words. A request bound to areas gets another
    frame only if it is explicit and the areas have words; otherwise only the request itself is reworded.
    """
    text = turn.content
    places = [(span, reveal) for reveal in turn.reveals if (span := spoken(text, reveal)) is not None]
    for span, reveal in sorted(places, key=lambda place: -place[0].start):
        said = _said(reveal, span, text, scoped.get(reveal.dimension), draw)
        if said is not None:
            text = said
    return replace(turn, content=text)


def _said(reveal: Reveal, span: Span, text: str, area: str | None, draw: np.random.Generator) -> str | None:
    """Return the text with the sentence of the reveal reworded. None where the bank has no words for it, or none that name its areas."""
    banks = phrasings().get((reveal.dimension, reveal.value), {})
    if span.kind not in banks or (span.kind == "explicit" and area is not None):
        return None
    if span.kind == "request" and area and reveal.how == "explicit" and draw.random() >= KEPT_FRAMES:
        return _put(text, span.start, span.end, framed(frames()["scoped"], banks["request"], draw).replace("{area}", area))
    if span.kind == "request" and (area is not None or draw.random() < KEPT_FRAMES):
        return _put(text, *span.wish, pick(draw, banks["request"]))
    if span.kind == "request" or (reveal.how == "explicit" and reveal.dimension != "hard" and draw.random() >= OUTRIGHT):
        return _put(text, span.start, span.end, framed(frames()[FRAMES_OF[reveal.how]], banks["request"], draw))
    return _put(text, span.start, span.end, pick(draw, banks[span.kind]))


def framed(sentences: tuple[str, ...], requests: tuple[str, ...], draw: np.random.Generator) -> str:
    """Put one of the requests into one of the frames. The slots `{name}` and `{area}` are left for the caller."""
    request = str(pick(draw, requests))
    return str(pick(draw, sentences)).replace("{request}", request).replace("{Request}", request[:1].upper() + request[1:])


def _put(text: str, start: int, end: int, words: str) -> str:
    """Replace text[start:end] by the words, in the message's case, ending in a full stop only if the old text ended a sentence."""
    before, old = text[:start], text[start:end]
    if text == text.lower():
        words = words.lower()
    elif old[:1].isupper():
        words = words[:1].upper() + words[1:]
    words = ended(words) if old.endswith((".", "!", "?")) else words.rstrip(".")
    return f"{before}{words}{text[end:]}"


def ended(sentence: str) -> str:
    """Return the sentence with a full stop, where it has no mark at its end."""
    return sentence if sentence.endswith((".", "!", "?", '"', "'")) else f"{sentence}."
