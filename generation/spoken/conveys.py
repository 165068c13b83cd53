"""Rules that decide, without a language model, whether a message conveys the wish that it should, and no other.

    planned   "Spare me the danger notes, today and any other day."          (a phrasing of the bank, caveat = none)
    conveyed  "please spare me all those danger notes, today or on any other day"
    refused   "thanks for the danger notes, I like them every day"           turned round: a negation is gone
    refused   "keep it nice and easy today"                                  not conveyed: too few of its words are left

A message is compared with the phrasing that it rewords:

- enough of the weight of the phrasing's words must be left, in their order (rare words weigh more)
- it must speak of the same persons, be negated or not as before, and contain none of the opposites of the phrasing's words
- no phrasing of a rival value may fit better
- a wish for this once must say so, and a lasting one must not

The rules err on the side of refusing. What they refuse is asked for again, and in the end the scripted words stand. `benchmarks/conveying.py` prints
how often the rules are wrong about what a model really said.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Literal

import regex
from rapidfuzz import fuzz

from generation.wishes import phrasings
from generation.wording import (
    FEW,
    LEFT,
    NUMBER,
    WORD,
    in_order,
    in_words,
    kept,
    left,
    phrasing_stems,
    phrasings_with,
    plain,
    stands,
    stems_of,
    straight,
)
from persona_atlas.content import need, read_yaml
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import Reveal, Turn, User

STRANGER = 0.8
"""The share of an unwanted phrasing's weight from which on it counts as said."""
WORDS_OF_STRANGER = 3
PARROT = 95.0
"""The similarity (0 to 100) from which on a phrasing counts as repeated word for word."""
KEPT = 0.4
"""The share of the scripted message's weight that must be left in the new one, and of the new one's weight that must come from the scripted one."""
SENTENCE = regex.compile(r"(?<=[.!?…;])\s+|\n+")


@dataclass(frozen=True)
class Words:
    """The content of words.yaml, its lists as patterns."""

    negations: regex.Pattern[str]
    once: regex.Pattern[str]
    first_person: regex.Pattern[str]
    second_person: regex.Pattern[str]
    asking: regex.Pattern[str]
    opposites: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Wish:
    """What a message is to reveal, and the phrasing of the bank that reveals it in the scripted message."""

    reveal: Reveal
    phrase: str


Reason = Literal[
    "nothing", "cut off", "refusal", "language", "key", "other role", "comment", "echo", "copy", "parrot", "too long", "lost value", "left out",
    "added", "person", "no question", "not conveyed", "turned round", "another wish", "off the subject", "does not show", "shows too much",
    "overflow", "error",
]  # fmt: skip
"""Why an utterance is refused. agents.yaml says to the model what each reason means."""


@dataclass(frozen=True)
class Fault:
    """Why an utterance is refused, and the detail that its explanation needs."""

    reason: Reason
    detail: str = ""


def wishes_of(turn: Turn, user: User) -> tuple[Wish, ...]:
    """The wishes of a scripted user turn, each with the phrasing that is most similar to the turn's text."""
    text = (turn.clean or turn.content).lower()
    found = []
    for reveal in turn.reveals:
        lines = [line for kind in phrasings(reveal).get(user.split, {}).values() for line in kind]
        found.append(Wish(reveal, max(lines, key=lambda line: fuzz.partial_ratio(line.lower().rstrip("."), text))))
    return tuple(found)


def misconveyed(text: str, wish: Wish, scripted: str) -> Fault | None:
    """What is wrong with how `text` conveys the wish; None if it conveys it. `scripted` is the message that it rewords."""
    text, scripted = straight(text), straight(scripted)
    stems, planned = set(stems_of(text)), stems_of(wish.phrase)
    if in_order(planned, text) < LEFT:
        return Fault("not conveyed", wish.phrase)
    if not _persons(wish.phrase) <= _persons(_about(text, planned)):
        return Fault("person")
    mine = max(left(line, stems) for line in phrasing_stems()[_value_of(wish.reveal)])
    if any(left(line, stems) > mine for value in _rivals(wish.reveal) for line in phrasing_stems()[value]):
        return Fault("turned round", wish.phrase)
    if _negations(text, planned) != _negations(scripted, planned) or _opposed(wish.phrase, text, scripted):
        return Fault("turned round", wish.phrase)
    if wish.reveal.how in ("exception", "explicit", "change") and bool(words().once.search(text)) != bool(words().once.search(scripted)):
        return Fault("not conveyed", wish.phrase)
    return None


def says(text: str, reveal: Reveal, split: str) -> bool:
    """Whether enough is left of any phrasing in the split's bank. This is all that can be checked without the scripted message."""
    stems = set(stems_of(text))
    return any(left(stems_of(line), stems) >= LEFT for lines in phrasings(reveal).get(split, {}).values() for line in lines)


def another_wish(text: str, wishes: Iterable[Wish], scripted: str) -> Fault | None:
    """A fault if the message says a phrasing of a value that is in none of `wishes`, and not only in words of the scripted message."""
    stems, there = set(stems_of(text)), set(stems_of(scripted))
    planned = {_value_of(wish.reveal) for wish in wishes}
    for value, number in {place for stem in stems - there for place in phrasings_with().get(stem, ())}:
        line = phrasing_stems()[value][number]
        if value not in planned and len(line) >= WORDS_OF_STRANGER and left(line, stems) >= STRANGER:
            return Fault("another wish")
    return None


def changed_matter(text: str, scripted: str, slots: Iterable[str]) -> Fault | None:
    """A fault if the message is about something else than the scripted one. `slots`: the task's slot values as lower-case text.

    These are faults: a slot value or number of the scripted message is gone, a number is new, the speaker has changed, a question no longer asks, a
    word became its opposite, too little is left of what was said, or too much is new.
    """
    text, scripted = straight(text), straight(scripted)
    lower, before = plain(text), plain(scripted)
    numbers, wanted = ({found.replace(",", "") for found in NUMBER.findall(part)} for part in (lower, before))
    if lost := [slot for slot in map(plain, slots) if stands(slot, before) and not kept(slot, lower)] or sorted(wanted - numbers - in_words(lower)):
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
    if len(meant) >= FEW and left(meant, set(said)) < KEPT:
        return Fault("left out")
    return Fault("added", "things that were not said") if len(said) >= FEW and left(said, set(meant)) < KEPT else None


def parroted(text: str, wish: Wish) -> bool:
    """Whether the message contains the phrasing word for word, or nearly so."""
    return fuzz.partial_ratio(wish.phrase.lower().rstrip(".!?"), text.lower()) >= PARROT


def _value_of(reveal: Reveal) -> tuple[str, str]:
    return reveal.dimension, reveal.value


def _rivals(reveal: Reveal) -> list[tuple[str, str]]:
    if reveal.dimension == "hard":
        return []
    return [(reveal.dimension, other.id) for other in load_catalog().dimensions[reveal.dimension].others(reveal.value)]


def _negations(text: str, planned: tuple[str, ...]) -> tuple[bool, bool]:
    """Whether the sentences about the wish have a negation, and whether they have an odd number of them: two negations cancel out."""
    found = len(words().negations.findall(_about(text, planned)))
    return found > 0, found % 2 == 1


def _about(text: str, planned: tuple[str, ...]) -> str:
    """The sentences that contain a word of the phrasing."""
    return " ".join(sentence for sentence in SENTENCE.split(text) if set(stems_of(sentence)) & set(planned))


def _persons(text: str) -> set[str]:
    """Which of `I` and `you` the text speaks of."""
    return {name for name, pattern in (("I", words().first_person), ("you", words().second_person)) if pattern.search(text)}


def _opposed(phrase: str, text: str, scripted: str) -> bool:
    """Whether the message has the opposite of a word of `phrase` in place of that word, and the scripted message has not."""
    said, there, before = ({word.lower() for word in WORD.findall(part)} for part in (phrase, text, scripted))
    for pair in words().opposites:
        for one, other in (pair, reversed(pair)):
            if one in said and one not in there and other in there and other not in before:
                return True
    return False


@lru_cache(maxsize=1)
def words() -> Words:
    """Read words.yaml, the words that the rules look for. Raises CatalogError."""
    data = read_yaml(files("generation.spoken").joinpath("words.yaml"))
    patterns = ("negations", "once", "first_person", "second_person", "asking")
    need(data, {"opposites": list, **dict.fromkeys(patterns, list)}, "words.yaml")
    read = {key: regex.compile(rf"\b(?:{'|'.join(data[key])})\b", regex.I) for key in patterns}
    pairs = [line.split() for line in data["opposites"]]
    return Words(**read, opposites=tuple((one, other) for one, other in pairs))
