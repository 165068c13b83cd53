"""The policy `bank_reader`: it knows every phrasing that the package ships for the other splits, and looks for them in the history.

If it scored on the evaluated split, phrasings would be shared between splits (docs/measurement.md, 7 and 9). It does not show how much the evaluated
split's own phrasings would gain. A phrasing is recognized if at least SHARE of its three-word runs occur in a turn, so typing slips do not hide it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

import regex

from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import Conversation

WORD = regex.compile(r"[\w']+")
SHARE = 0.75
Run = tuple[str, ...]


def recognized(history: Iterable[Conversation], split: str) -> dict[str, str]:
    """dimension -> the value whose phrasing was recognized last in the user's turns. All splits' banks are used except that of `split`."""
    known, index = _banks(split)
    found: dict[str, str] = {}
    for conversation in history:
        for turn in conversation.turns:
            if turn.role == "user":
                found.update(_in_turn(turn.content, known, index))
    return found


def _in_turn(text: str, known: Mapping[str, tuple[str, str, int]], index: Mapping[Run, list[str]]) -> dict[str, str]:
    hits: dict[str, int] = defaultdict(int)
    for run in dict.fromkeys(_runs(text)):  # in the order of the text, so that of two values the one said last holds
        for line in index.get(run, ()):
            hits[line] += 1
    return {known[line][0]: known[line][1] for line, count in hits.items() if count >= SHARE * known[line][2]}


@lru_cache(maxsize=4)
def _banks(split: str) -> tuple[dict[str, tuple[str, str, int]], dict[Run, list[str]]]:
    """Phrasing -> dimension, value and number of runs; and run -> the phrasings that contain it. Those of `split` are left out."""
    known: dict[str, tuple[str, str, int]] = {}
    index: dict[Run, list[str]] = defaultdict(list)
    for value in load_catalog().values():
        lines = [line for other, kinds in value.phrasings.items() if other != split for bank in kinds.values() for line in bank]
        for line in lines:
            runs = set(_runs(line))
            known[line] = (value.dimension, value.id, len(runs))
            for run in runs:
                index[run].append(line)
    return known, index


def _runs(text: str) -> list[Run]:
    """The three-word runs of a text, or one run of all its words if it has fewer than three."""
    words = WORD.findall(text.lower())
    return [tuple(words[i : i + 3]) for i in range(len(words) - 2)] or [tuple(words)]
