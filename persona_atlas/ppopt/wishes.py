"""PPOpt's own words for what a user wants: in its profile (`wants`) and in its prompts (`ask`).

These are neither keys of the catalogue nor the wordings with which the oracle tells values.

    wishes()["structure", "bulleted"]     Wish(ask=("Use bullet points.", ...), wants=("bullet points", ...))
    meant("bullet points")                ("structure", "bulleted")

Hard constraints have the dimension `hard`, as in the reveals of turns. Dimensions held out for test_ood have no words here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import regex
from rapidfuzz import fuzz, process

from persona_atlas.content import CatalogError, need, read_lines, read_yaml

ALIKE = 88
"""How similar (of 100) a phrase must be to one of PPOpt's to mean the same."""
SENTENCE = regex.compile(r"(?<=[.!?][\"']?)\s+(?=\p{Lu})")
NEGATION = regex.compile(r"\b(?:no|not|never|without|nothing|none|leave out|skip|avoid)\b|n't\b")
"""What turns a wish into its opposite, however similar the other words are."""
LIKE = "Answer it like this:"
Meaning = tuple[str, str]
"""A dimension and its value, or `hard` and a constraint."""


@dataclass(frozen=True)
class Wish:
    """The words for one value or constraint.

    `ask`: sentences that ask an assistant for it. `wants`: what completes "so this user wants ...". The first of each is written, all are understood.
    """

    ask: tuple[str, ...]
    wants: tuple[str, ...]


@lru_cache(maxsize=1)
def wishes() -> Mapping[Meaning, Wish]:
    """Return the words for every value and constraint that can be told. Raises CatalogError."""
    file = files("persona_atlas.ppopt").joinpath("words").joinpath("wishes.yaml")
    data = read_yaml(file)
    need(data, {"values": dict, "hard": dict}, file.name)
    found: dict[Meaning, Wish] = {}
    for dimension, values in {**data["values"], "hard": data["hard"]}.items():
        found.update({(dimension, value): _wish(entry, f"{dimension}, {value}") for value, entry in values.items()})
    phrases = [phrase for wish in found.values() for phrase in wish.wants]
    shared = next((phrase for phrase in phrases if phrases.count(phrase) > 1), None)
    if shared:
        raise CatalogError(f"{file.name}: two values want {shared!r}; reword one")
    return found


def _wish(data: Any, where: str) -> Wish:
    need(data, {"ask": list, "wants": list}, f"wishes.yaml, {where}")
    return Wish(read_lines(data["ask"], 2, f"wishes.yaml, {where}, ask"), read_lines(data["wants"], 2, f"wishes.yaml, {where}, wants"))


def subject(meaning: Meaning) -> str:
    """Return the matter, on which a later wish replaces an earlier one: the dimension, or the constraint by itself."""
    return meaning[1] if meaning[0] == "hard" else meaning[0]


def meant(phrase: str) -> Meaning | None:
    """Return what a phrase of a profile means, by the most similar of PPOpt's phrases; None where none is similar enough."""
    return _likest(phrase, "wants")


def asks_in(query: str, prompt: str) -> list[Meaning]:
    """Return what the sentences of a prompt, other than the query, ask for; sentences that are not understood are skipped."""
    return [meaning for sentence in beside(query, prompt) if (meaning := asked_for(sentence))]


def asking(query: str, sentences: Iterable[str]) -> str:
    """Put what is asked for under the query, one line each: a small model obeys a list with a heading better than a paragraph."""
    listed = "\n".join(f"- {sentence}" for sentence in sentences)
    return f"{query}\n\n{LIKE}\n{listed}" if listed else query


def beside(query: str, prompt: str) -> list[str]:
    """Return the sentences that a prompt has besides the query."""
    lines = (line.strip().removeprefix("- ") for line in prompt.replace(query, "\n", 1).splitlines())
    return [sentence for line in lines if line != LIKE for sentence in SENTENCE.split(line) if sentence]


def asked_for(sentence: str) -> Meaning | None:
    """Return what a sentence of a prompt asks for; None where none of PPOpt's sentences is similar enough."""
    return _likest(sentence, "ask")


def _likest(text: str, kind: str) -> Meaning | None:
    phrases, meanings = _phrases(kind)
    said = " ".join(text.lower().split()).strip(" .")
    near = process.extractOne(said, phrases, scorer=fuzz.ratio, score_cutoff=ALIKE)
    return meanings[near[2]] if near and bool(NEGATION.search(near[0])) == bool(NEGATION.search(said)) else None


@lru_cache(maxsize=2)
def _phrases(kind: str) -> tuple[list[str], list[Meaning]]:
    """Return PPOpt's phrases of a kind, and what each of them means."""
    pairs = [(phrase.lower().strip(" ."), meaning) for meaning, wish in wishes().items() for phrase in getattr(wish, kind)]
    return [phrase for phrase, _ in pairs], [meaning for _, meaning in pairs]
