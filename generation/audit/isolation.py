"""Whether the splits are separate: n-grams of test turns that occur in train, phrasings of another split's bank, templates in two splits.

Users in two splits are found in `duplicates`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import regex

from generation.audit.corpus import Chat, Corpus, words
from generation.banks import frames
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import SPLITS
from persona_atlas.tasks.templates import load_templates

GRAM = 8
LEAST = 5
"""The fewest words of a phrasing that is looked for: shorter ones ("make it short") occur by chance."""
SHOWN = 5
Phrase = tuple[str, ...]


def grams(text: Sequence[str], n: int = GRAM) -> Iterator[int]:
    """Hash each run of n words."""
    return (hash(tuple(text[i : i + n])) for i in range(len(text) - n + 1))


def leakage(train: Iterable[str], tested: Iterable[str], n: int = GRAM) -> dict[str, float]:
    """The share of tested texts that hold a run of n words from train, and the mean share of a text's runs that occur in train.

    Texts of fewer than n words are left out. Source: the 8-gram overlap of Chowdhery et al. (2022, PaLM, section 8) and Brown et al. (2020,
    appendix C), there with 8 to 13 words.
    """
    known = {gram for text in train for gram in grams(words(text), n)}
    shares = []
    for text in tested:
        mine = list(grams(words(text), n))
        if mine:
            shares.append(sum(gram in known for gram in mine) / len(mine))
    return {
        "turns": len(shares),
        "turns_share": sum(share > 0 for share in shares) / max(len(shares), 1),
        "grams_share": sum(shares) / max(len(shares), 1),
    }


def strange_phrasings(corpus: Corpus) -> list[dict[str, str]]:
    """User turns that hold a whole phrasing of another split's bank, of at least LEAST words, that is not inside a phrasing of their own split."""
    index, found = phrasing_index(), []
    for chat, place, turn in corpus.turns():
        if turn.role != "user" or not chat.split:
            continue
        said = tuple(words(turn.text))
        hits = list(_hits(said, index))
        own = [(start, start + len(phrase)) for start, phrase, splits in hits if chat.split in splits]
        for start, phrase, splits in hits:
            inside = any(begin <= start and start + len(phrase) <= end for begin, end in own)
            if chat.split not in splits and not inside:
                found.append({"where": f"{chat.id}, turn {place}", "phrasing": " ".join(phrase), "of": ", ".join(sorted(splits))})
    return found


def _hits(said: Phrase, index: Mapping[Phrase, Mapping[Phrase, frozenset[str]]]) -> Iterator[tuple[int, Phrase, frozenset[str]]]:
    for start in range(len(said) - LEAST + 1):
        for phrase, splits in index.get(said[start : start + LEAST], {}).items():
            if said[start : start + len(phrase)] == phrase:
                yield start, phrase, splits


@lru_cache(maxsize=1)
def phrasing_index() -> Mapping[Phrase, Mapping[Phrase, frozenset[str]]]:
    """The first LEAST words of a phrasing -> each phrasing that begins with them -> the splits whose banks hold it."""
    places: dict[Phrase, set[str]] = defaultdict(set)
    for split, line in _lines():
        phrase = tuple(words(line))
        if len(phrase) >= LEAST:
            places[phrase].add(split)
    index: dict[Phrase, dict[Phrase, frozenset[str]]] = defaultdict(dict)
    for phrase, splits in places.items():
        index[phrase[:LEAST]][phrase] = frozenset(splits)
    return index


def _lines() -> Iterator[tuple[str, str]]:
    """Every phrasing with its split; of a frame, the parts around its slots."""
    catalog = load_catalog()
    owners: list[Any] = [*catalog.values(), *catalog.hard.values()]
    for owner in owners:
        for split, banks in owner.phrasings.items():
            yield from ((split, line) for lines in banks.values() for line in lines)
    for split in SPLITS:
        for lines in frames()[split].values():
            texts = [line["text"] if isinstance(line, Mapping) else line for line in lines]
            yield from ((split, part) for text in texts for part in regex.split(r"\{\w+\}", text))


def templates(corpus: Corpus) -> dict[str, Any]:
    """Task templates that are asked in two splits, and those that are asked in another split than the task bank says or are not in the bank."""
    asked: dict[str, set[str]] = defaultdict(set)
    for chat in corpus.chats:
        asked[chat.template].add(chat.split)
    for item in corpus.items:
        asked[item.template_id].add(item.split)
    asked.pop("", None)
    bank = load_templates()
    return {
        "templates": len(asked),
        "in_two_splits": sorted(name for name, splits in asked.items() if len(splits) > 1),
        "of_another_split": sorted(name for name, splits in asked.items() if name not in bank or splits != {bank[name].split}),
    }


def figures(corpus: Corpus) -> dict[str, Any]:
    """All of the above, with leakage both for all user turns of the test splits and for those that reveal something."""
    tested = [chat for split in SPLITS if split.startswith("test") for chat in corpus.of(split)]
    train = [turn for chat in corpus.of("train") for turn in chat.said("user")]
    strange = strange_phrasings(corpus)
    return {
        "leakage": leakage(train, [turn for chat in tested for turn in chat.said("user")]),
        "leakage_of_reveals": leakage(train, _telling(tested)),
        "phrasings": {"of_another_split": len(strange), "examples": strange[:SHOWN]},
        "templates": templates(corpus),
    }


def _telling(chats: Iterable[Chat]) -> list[str]:
    return [turn.text for chat in chats for turn in chat.turns if turn.role == "user" and turn.reveals]
