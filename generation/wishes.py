"""Turns reveals into words, from the banks of the user's split."""

from collections.abc import Sequence

import numpy as np

from generation.banks import PRESUMES, people
from generation.life import Life, life_of
from generation.quoting import going_with
from generation.said import frames_of, phrasings_of
from persona_atlas.preferences.catalog import Phrasings
from persona_atlas.records import Reveal, User


def phrase(user: User, reveal: Reveal, session: int, draw: np.random.Generator, answer: str = "") -> str:
    """What the user says to make `reveal`. `answer`: the answer that a complaint or praise is about."""
    banks, life = phrasings(reveal)[user.split], life_of(user)
    if reveal.how in ("complaint", "praise"):
        return _pick(going_with(life.fitting(banks[reveal.how]), reveal, answer), life, draw)
    if reveal.dimension == "hard" or reveal.how == "fact":
        return _pick(banks[reveal.how], life, draw)
    request = _pick(banks["request"], life, draw)
    frame = frames_of(user.split)
    if reveal.how == "end":
        return framed(_pick(frame["ended"], life, draw), request)
    if reveal.how == "exception":
        rule = any(p.dimension == reveal.dimension for p in user.preferences)
        return framed(_pick([line for line in frame["once"] if rule or not PRESUMES.search(line)], life, draw), request)
    held = next(p for p in user.preferences if p.dimension == reveal.dimension and p.value == reveal.value and p.first_session <= session)
    if reveal.how == "change":
        changed = framed(_pick([entry["text"] for entry in frame["change"] if entry["event"] == held.event], life, draw), request)
        return f"{changed} {framed(_pick(frame['only'], life, draw), request, area=area(held.scope))}" if held.scope else changed
    if held.scope:
        return framed(_pick(frame["scoped"], life, draw), request, area=area(held.scope))
    return _pick(banks["explicit"], life, draw) if draw.random() < 0.5 else framed(_pick(frame["standing"], life, draw), request)


def phrasings(reveal: Reveal) -> Phrasings:
    """The phrasings for a reveal's value."""
    return phrasings_of(reveal.dimension, reveal.value)


def framed(frame: str, request: str, **slots: str) -> str:
    """The frame filled with the wish. `{Request}` is the wish with a capital, at the start of a sentence."""
    return frame.format(request=request, Request=request[:1].upper() + request[1:], **slots)


def area(domains: Sequence[str]) -> str:
    """The domains in words: `cooking, travel plans and money matters`."""
    *earlier, last = (people()["areas"][domain] for domain in domains)
    return f"{', '.join(earlier)} and {last}" if earlier else last


def _pick(options: Sequence[str], life: Life, draw: np.random.Generator) -> str:
    allowed = life.fitting(options)
    return allowed[int(draw.integers(len(allowed)))]
