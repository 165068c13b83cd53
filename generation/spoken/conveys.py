"""Does a message convey the wish that it should, and no other? Rules, without a language model.

    planned   "Spare me the danger notes, today and any other day."          (a phrasing of the bank, caveat = none)
    conveyed  "please spare me all those danger notes, today or on any other day"
    not       "thanks for the danger notes, I like them every day"           turned round: a negation is gone
    not       "keep it nice and easy today"                                  not conveyed: too few of its words are left

A message is held against the phrasing that it words anew: enough of the weight of the phrasing's words must be left in their order (rare words weigh
more), the same persons, as many negations, none of the opposites of its words, and no phrasing of another value may fit better. What is asked for
this once must say so, and what is to last must not. The rules err on the side of refusing: what they refuse is asked for again, and in the end said
by the scripted engine. How often they err on what a model really said, benchmarks/conveying.py prints.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from math import log
from typing import Any

import regex
from rapidfuzz import fuzz

from generation.wishes import phrasings
from persona_atlas.content import need, read_yaml
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import Reveal, Turn, User

LEFT = 0.7
"""The share of the weight of a phrasing's words that must be left, in their order."""
STRANGER = 0.8
"""From which share on a phrasing of another dimension counts as said."""
WORDS_OF_STRANGER = 3
PARROT = 95.0
"""From which likeness (0 to 100) on a phrasing counts as repeated word for word."""
KEPT = 0.4
"""The share of the weight of a message's words that must be left in the new one, and of the new one's that must come from it."""
FEW = 3
"""Fewer words that mean something are too few to weigh: a thank-you may become any other."""
NUMBER = regex.compile(r"\d+(?:[.,:/]\d+)*")
WORD = regex.compile(r"[\p{L}\d]+(?:'[\p{L}]+)?")
QUOTED = regex.compile(r"[\"“”_`]")
SPACED = regex.compile(r"(?<=\d,) (?=\d{3}\b)")
EARLY = regex.compile(r"\b0(?=\d:\d\d\b)")
HYPHEN = regex.compile(r"(?<=\p{L})-(?=\p{L})")
SENTENCE = regex.compile(r"(?<=[.!?…;])\s+|\n+")


@dataclass(frozen=True)
class Words:
    """words.yaml, read."""

    stop: frozenset[str]
    negations: regex.Pattern[str]
    once: regex.Pattern[str]
    first_person: regex.Pattern[str]
    second_person: regex.Pattern[str]
    asking: regex.Pattern[str]
    opposites: tuple[tuple[str, str], ...]
    numbers: tuple[str, ...]


@dataclass(frozen=True)
class Wish:
    """What a message is to let be known, and the phrasing of the bank that says it in the scripted message."""

    reveal: Reveal
    phrase: str


@dataclass(frozen=True)
class Fault:
    """Why an utterance will not do: one of the reasons of agents.yaml, and what it is about."""

    reason: str
    detail: str = ""


def wishes_of(turn: Turn, user: User) -> tuple[Wish, ...]:
    """The wishes of a scripted user turn, each with the phrasing that is most like what the turn says."""
    text = (turn.clean or turn.content).lower()
    found = []
    for reveal in turn.reveals:
        lines = [line for kind in phrasings(reveal).get(user.split, {}).values() for line in kind]
        found.append(Wish(reveal, max(lines, key=lambda line: fuzz.partial_ratio(line.lower().rstrip("."), text))))
    return tuple(found)


def misconveyed(text: str, wish: Wish, scripted: str) -> Fault | None:
    """What is wrong with how `text` conveys the wish; None where it does. `scripted` is the message that it words anew."""
    stems, planned = set(stems_of(text)), stems_of(wish.phrase)
    if _in_order(planned, text) < LEFT:
        return Fault("not conveyed", wish.phrase)
    if not _persons(wish.phrase) <= _persons(_about(text, planned)):
        return Fault("person")
    mine = max(_left(line, stems) for line in _lines()[_value_of(wish.reveal)])
    if any(_left(line, stems) > mine for value in _rivals(wish.reveal) for line in _lines()[value]):
        return Fault("turned round", wish.phrase)
    if _negations(text, planned) != _negations(scripted, planned) or _opposed(wish.phrase, text, scripted):
        return Fault("turned round", wish.phrase)
    if wish.reveal.how in ("exception", "explicit", "change") and bool(words().once.search(text)) != bool(words().once.search(scripted)):
        return Fault("not conveyed", wish.phrase)
    return None


def says(text: str, reveal: Reveal, split: str) -> bool:
    """Whether enough is left of any phrasing of the split's bank: what can be told of a message whose scripted twin is not there."""
    stems = set(stems_of(text))
    return any(_left(stems_of(line), stems) >= LEFT for lines in phrasings(reveal).get(split, {}).values() for line in lines)


def another_wish(text: str, wishes: Iterable[Wish], scripted: str) -> Fault | None:
    """Whether the message says what a phrasing of a value says that it is not to speak of; what the scripted message says too is let pass."""
    stems, there = set(stems_of(text)), set(stems_of(scripted))
    planned = {_value_of(wish.reveal) for wish in wishes}
    hits: Counter[tuple[tuple[str, str], int]] = Counter()
    for stem in stems - there:
        hits.update(_index().get(stem, ()))
    for (value, number), _ in hits.items():
        line = _lines()[value][number]
        if value not in planned and len(line) >= WORDS_OF_STRANGER and _left(line, stems) >= STRANGER:
            return Fault("another wish")
    return None


def changed_matter(text: str, scripted: str, slots: Iterable[str]) -> Fault | None:
    """Whether the message speaks of something else than the scripted one. `slots`: texts of slot values in lower case, all of which it must keep.

    Wrong are numbers that went or came, little that is left of what was said, much that was not, another speaker, a question that is none any more.
    """
    lower, before = plain(text), plain(scripted)
    numbers, wanted = ({found.replace(",", "") for found in NUMBER.findall(part)} for part in (lower, before))
    if lost := [slot for slot in map(plain, slots) if _stands(slot, before) and not kept(slot, lower)] or sorted(wanted - numbers - _in_words(lower)):
        return Fault("lost value", lost[0])
    if numbers - wanted:
        return Fault("added", min(numbers - wanted))
    if "I" in _persons(scripted) - _persons(text) and "you" in _persons(text) - _persons(scripted):
        return Fault("person")
    if "?" in scripted and "?" not in text and not words().asking.search(text):
        return Fault("no question")
    if _opposed(scripted, text, scripted):
        return Fault("turned round", scripted)
    said, meant = stems_of(text), stems_of(scripted)
    if len(meant) >= FEW and _left(meant, set(said)) < KEPT:
        return Fault("left out")
    return Fault("added", "things that were not said") if len(said) >= FEW and _left(said, set(meant)) < KEPT else None


def kept(slot: str, lower: str) -> bool:
    """Whether a slot's value is still there; of one in several words, with no number or quotation, it is enough that most are, in order."""
    several = len(stems_of(slot)) >= FEW and not NUMBER.search(slot) and not QUOTED.search(slot)
    return _stands(slot, lower) or slot in _in_words(lower) or (several and _in_order(stems_of(slot), lower) >= LEFT)


def _stands(slot: str, lower: str) -> bool:
    """Whether it stands there as a word, or as the beginning of one: 5 is not in 15, nor in 50."""
    return bool(regex.search(rf"(?<!\w){regex.escape(slot)}(?!\d)", lower))


def plain(text: str) -> str:
    """Lower case, numbers without spaces within, hours without a zero before them, no hyphens between words."""
    return SPACED.sub("", EARLY.sub("", HYPHEN.sub(" ", text.lower())))


def _in_words(text: str) -> set[str]:
    """The numbers that stand in the text as words: `three` is 3."""
    return {str(number) for number, word in enumerate(words().numbers, 1) if regex.search(rf"\b{word}\b", text)}


def parroted(text: str, wish: Wish) -> bool:
    """Whether the phrasing stands in the message word for word."""
    return fuzz.partial_ratio(wish.phrase.lower().rstrip(".!?"), text.lower()) >= PARROT


@lru_cache(maxsize=20_000)
def stems_of(text: str) -> tuple[str, ...]:
    """The stems of the words that mean something, each once, in order."""
    found = (word.lower() for word in WORD.findall(text.replace("\u2019", "'")))
    return tuple(dict.fromkeys(_stem(word) for word in found if word not in words().stop))


@lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    return str(_stemmer().stem(word))


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    from nltk.stem.snowball import SnowballStemmer

    return SnowballStemmer("english")


def _left(line: tuple[str, ...], stems: set[str]) -> float:
    """The share of the weight of a line's words that is left."""
    weights = [_weights()[stem] for stem in line]
    return sum(w for w, stem in zip(weights, line, strict=True) if stem in stems) / sum(weights) if weights else 0.0


def _value_of(reveal: Reveal) -> tuple[str, str]:
    return reveal.dimension, reveal.value


def _rivals(reveal: Reveal) -> list[tuple[str, str]]:
    if reveal.dimension == "hard":
        return []
    return [(reveal.dimension, other.id) for other in load_catalog().dimensions[reveal.dimension].others(reveal.value)]


@lru_cache(maxsize=1)
def _lines() -> Mapping[tuple[str, str], list[tuple[str, ...]]]:
    """(dimension, value) -> the stems of each of its phrasings, of all splits and kinds."""
    catalog = load_catalog()
    banks = {(value.dimension, value.id): value.phrasings for value in catalog.values()}
    banks |= {("hard", constraint.id): constraint.phrasings for constraint in catalog.hard.values()}
    return {value: [stems_of(line) for kinds in splits.values() for lines in kinds.values() for line in lines] for value, splits in banks.items()}


@lru_cache(maxsize=1)
def _index() -> Mapping[str, list[tuple[tuple[str, str], int]]]:
    """stem -> the phrasings that it stands in: their value and number."""
    found: dict[str, list[tuple[tuple[str, str], int]]] = defaultdict(list)
    for value, lines in _lines().items():
        for number, line in enumerate(lines):
            for stem in line:
                found[stem].append((value, number))
    return found


@lru_cache(maxsize=1)
def _weights() -> Mapping[str, float]:
    """stem -> its inverse document frequency among the phrasings; a stem of none weighs like that of one."""
    total = sum(map(len, _lines().values()))
    found: dict[str, float] = defaultdict(lambda: log(total))
    found.update({stem: log(total / len(places)) for stem, places in _index().items()})
    return found


def _negations(text: str, planned: tuple[str, ...]) -> int:
    """Whether the sentences that speak of the wish are negated, 0 or 1: how many negations stand there, by twos."""
    return len(words().negations.findall(_about(text, planned))) % 2


def _about(text: str, planned: tuple[str, ...]) -> str:
    """The sentences that have a word of the phrasing."""
    return " ".join(sentence for sentence in SENTENCE.split(text) if set(stems_of(sentence)) & set(planned))


def _persons(text: str) -> set[str]:
    """Which of `I` and `you` the text speaks of."""
    return {name for name, pattern in (("I", words().first_person), ("you", words().second_person)) if pattern.search(text)}


def _in_order(line: tuple[str, ...], text: str) -> float:
    """The share of the weight of a line's words that is left in their order: the heaviest common subsequence."""
    weights = _weights()
    said = [_stem(word.lower()) for word in WORD.findall(text)]
    best = [0.0] * (len(said) + 1)
    for stem in line:
        row = [0.0]
        for place, word in enumerate(said, 1):
            here = best[place - 1] + weights[stem] if word == stem else 0.0
            row.append(max(row[-1], best[place], here))
        best = row
    return best[-1] / sum(weights[stem] for stem in line) if line else 0.0


def _opposed(phrase: str, text: str, scripted: str) -> bool:
    """Whether the message has the opposite of a word of the phrasing, and the scripted one has not."""
    said, there, before = ({word.lower() for word in WORD.findall(part)} for part in (phrase, text, scripted))
    for pair in words().opposites:
        for one, other in (pair, reversed(pair)):
            if one in said and one not in there and other in there and other not in before:
                return True
    return False


@lru_cache(maxsize=1)
def words() -> Words:
    """The words that the rules look for. Raises CatalogError."""
    data = read_yaml(files("generation.spoken").joinpath("words.yaml"))
    patterns = ("negations", "once", "first_person", "second_person", "asking")
    need(data, {"stop": str, "opposites": list, "numbers": str, **dict.fromkeys(patterns, list)}, "words.yaml")
    read = {key: regex.compile(rf"\b(?:{'|'.join(data[key])})\b", regex.I) for key in patterns}
    pairs = [line.split() for line in data["opposites"]]
    return Words(
        frozenset(data["stop"].split()), **read, opposites=tuple((one, other) for one, other in pairs), numbers=tuple(data["numbers"].split())
    )
