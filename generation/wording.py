"""Measures how much of a text is left in a rewording of it: its content words, weighted, its numbers, and its slot values.

    stems_of("the bars were sooo long")              ("bar", "sooo", "long")
    kept("3", "three of the eggs, please")           True: the slot's value still stands there, as a word

The weight of a word is its inverse document frequency among the phrasings of the catalogue.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from math import log
from typing import Any

import regex

from persona_atlas.content import need, read_yaml
from persona_atlas.preferences.catalog import load_catalog

LEFT = 0.7
"""The share of the weight of a text's words that must be left, in their order, for the text to count as said."""
FEW = 3
"""Texts with fewer content words than this are not compared by weight: one thank-you may replace any other."""
NUMBER = regex.compile(r"\d+(?:[.,:/]\d+)*")
WORD = regex.compile(r"[\p{L}\d]+(?:'[\p{L}]+)?")
LETTERS = regex.compile(r"\p{L}+")
QUOTED = regex.compile(r"[\"“”_`]")
SPACED = regex.compile(r"(?<=\d,) (?=\d{3}\b)")
EARLY = regex.compile(r"\b0(?=\d:\d\d\b)")
HYPHEN = regex.compile(r"(?<=\p{L})-(?=\p{L})")


@dataclass(frozen=True)
class Words:
    """The content of wording.yaml: words that mean little by themselves, and the words for the numbers from 2 on."""

    stop: frozenset[str]
    numbers: tuple[str, ...]


def kept(slot: str, lower: str) -> bool:
    """Whether a slot's value is in the text `lower`.

    If the value has FEW or more content words and no number or quotation mark, it is enough that most of them are there, in order.
    """
    several = len(stems_of(slot)) >= FEW and not NUMBER.search(slot) and not QUOTED.search(slot)
    return stands(slot, lower) or slot in in_words(lower) or (several and in_order(stems_of(slot), lower) >= LEFT)


def stands(slot: str, lower: str) -> bool:
    """Whether the value is in the text as a word, or as the start of one: 5 is in neither 15 nor 50."""
    at = lower.find(slot)
    while at >= 0:
        end = at + len(slot)
        if not (_in_word(lower[at - 1 : at]) or lower[end : end + 1].isdecimal()):
            return True
        at = lower.find(slot, at + 1)
    return False


def _in_word(letter: str) -> bool:
    return letter.isalnum() or letter == "_"


def plain(text: str) -> str:
    """The text in lower case, without spaces in numbers (`1, 000`) or leading zeros of hours (`07:30`). Hyphens between letters become spaces."""
    return SPACED.sub("", EARLY.sub("", HYPHEN.sub(" ", text.lower())))


def straight(text: str) -> str:
    """The text with straight apostrophes."""
    return text.replace("\u2019", "'")


def in_words(text: str) -> set[str]:
    """The numbers that the text spells out: `three` gives 3. `one` can mean too many things, so it does not count."""
    said = set(LETTERS.findall(text))
    return {str(number) for number, word in enumerate(_words().numbers, 2) if word in said}


@lru_cache(maxsize=20_000)
def stems_of(text: str) -> tuple[str, ...]:
    """The stems of the content words, each once, in order."""
    found = (word.lower() for word in WORD.findall(straight(text)))
    return tuple(dict.fromkeys(_stem(word) for word in found if word not in _words().stop))


@lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    return str(_stemmer().stem(word))


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    from nltk.stem.snowball import SnowballStemmer

    return SnowballStemmer("english")


def left(line: tuple[str, ...], stems: set[str]) -> float:
    """The share of the weight of a line's stems that is in `stems`, in [0, 1]."""
    weight = [weight_of(stem) for stem in line]
    return sum(w for w, stem in zip(weight, line, strict=True) if stem in stems) / sum(weight) if weight else 0.0


def in_order(line: tuple[str, ...], text: str) -> float:
    """The share of the weight of a line's stems that is in the text in the same order, in [0, 1]: the heaviest common subsequence."""
    weight = {stem: weight_of(stem) for stem in line}
    said = [_stem(word.lower()) for word in WORD.findall(straight(text))]
    best = [0.0] * (len(said) + 1)
    for stem in line:
        row = [0.0]
        for place, word in enumerate(said, 1):
            here = best[place - 1] + weight[stem] if word == stem else 0.0
            row.append(max(row[-1], best[place], here))
        best = row
    return best[-1] / sum(weight[stem] for stem in line) if line else 0.0


@lru_cache(maxsize=1)
def phrasing_stems() -> Mapping[tuple[str, str], list[tuple[str, ...]]]:
    """(dimension, value) -> the stems of each of its phrasings, over all splits and kinds."""
    catalog = load_catalog()
    banks = {(value.dimension, value.id): value.phrasings for value in catalog.values()}
    banks |= {("hard", constraint.id): constraint.phrasings for constraint in catalog.hard.values()}
    return {value: [stems_of(line) for kinds in splits.values() for lines in kinds.values() for line in lines] for value, splits in banks.items()}


@lru_cache(maxsize=1)
def phrasings_with() -> Mapping[str, list[tuple[tuple[str, str], int]]]:
    """stem -> the phrasings that contain it, each as ((dimension, value), index in `phrasing_stems`)."""
    found: dict[str, list[tuple[tuple[str, str], int]]] = defaultdict(list)
    for value, lines in phrasing_stems().items():
        for number, line in enumerate(lines):
            for stem in line:
                found[stem].append((value, number))
    return found


@lru_cache(maxsize=20_000)
def weight_of(stem: str) -> float:
    """A stem's inverse document frequency among the phrasings. A stem that is in none weighs as much as one that is in a single phrasing."""
    return log(sum(map(len, phrasing_stems().values())) / max(len(phrasings_with().get(stem, ())), 1))


@lru_cache(maxsize=1)
def _words() -> Words:
    """Read wording.yaml. Raises CatalogError."""
    data = read_yaml(files("generation").joinpath("data", "wording.yaml"))
    need(data, {"stop": str, "numbers": str}, "wording.yaml")
    return Words(frozenset(data["stop"].split()), tuple(data["numbers"].split()))
