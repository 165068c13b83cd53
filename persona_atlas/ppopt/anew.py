"""Says what users let be known in other words than the release's, so that the policy learns what is meant and not the phrasings of the train split.

    anew(Turn("user", "... From now on, use bullet points.", reveals=(Reveal("structure", "bulleted", "explicit"),)), {}, draw)
        Turn("user", "... For every reply to come, split it into dotted points.", ...)

The words come from PPOpt's own bank.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from persona_atlas.ppopt.bank import frames, phrasings
from persona_atlas.ppopt.evidence import Span, spoken
from persona_atlas.ppopt.examples import pick
from persona_atlas.records import Reveal, Turn

FRAMES_OF = {"explicit": "standing", "change": "change", "exception": "once", "end": "ended"}
"""How a reveal is made -> the frames that a request stands in."""
KEPT_FRAMES = 0.3
"""The share of requests that stay in the frame that they have."""
OUTRIGHT = 0.5
"""The share of standing wishes that are said in a sentence of their own, not as a request in a frame."""


def anew(turn: Turn, scoped: Mapping[str, str], draw: np.random.Generator) -> Turn:
    """The turn with each of its reveals in other words. `scoped`: dimension -> the areas that it holds in, in words; of these some requests alone are
    changed, and all where the areas have no words.
    """
    text = turn.content
    places = [(span, reveal) for reveal in turn.reveals if (span := spoken(text, reveal)) is not None]
    for span, reveal in sorted(places, key=lambda place: -place[0].start):
        said = _said(reveal, span, text, scoped.get(reveal.dimension), draw)
        if said is not None:
            text = said
    return replace(turn, content=text)


def _said(reveal: Reveal, span: Span, text: str, area: str | None, draw: np.random.Generator) -> str | None:
    """The text with the sentence of the reveal said anew; None where the bank has no words for it."""
    banks = phrasings().get((reveal.dimension, reveal.value), {})
    if span.kind not in banks:
        return None
    if span.kind == "request" and area and reveal.how == "explicit" and draw.random() >= KEPT_FRAMES:
        return _put(text, span.start, span.end, framed(frames()["scoped"], banks["request"], draw).replace("{area}", area))
    if span.kind == "request" and (area is not None or draw.random() < KEPT_FRAMES):
        return _put(text, *span.wish, pick(draw, banks["request"]))
    if span.kind == "request" or (reveal.how == "explicit" and reveal.dimension != "hard" and draw.random() >= OUTRIGHT):
        return _put(text, span.start, span.end, framed(frames()[FRAMES_OF[reveal.how]], banks["request"], draw))
    return _put(text, span.start, span.end, pick(draw, banks[span.kind]))


def framed(sentences: tuple[str, ...], requests: tuple[str, ...], draw: np.random.Generator) -> str:
    """One of the requests in one of the frames; a slot for a name stays."""
    request = str(pick(draw, requests))
    return str(pick(draw, sentences)).replace("{request}", request).replace("{Request}", request[:1].upper() + request[1:])


def _put(text: str, start: int, end: int, words: str) -> str:
    """The words in place of text[start:end], in the case of the message and with the end of the sentence that they replace."""
    before, old = text[:start], text[start:end]
    if text == text.lower():
        words = words.lower()
    elif old[:1].isupper():
        words = words[:1].upper() + words[1:]
    if not old.endswith((".", "!", "?")):
        words = words.rstrip(".")
    return f"{before}{words}{text[end:]}"
