"""How hard items are: how many each slice has, how much gold they have, and how far back the history reveals it."""

from collections.abc import Mapping, Sequence
from typing import Any

from generation.audit.corpus import Chat, Corpus, words
from generation.audit.diversity import quantiles
from persona_atlas.records import SPLITS, Item

BINS = 13


Distance = tuple[int, int]
"""Sessions and words between a revealing turn and the query."""


def distances(item: Item, history: Sequence[Chat]) -> list[Distance]:
    """For each revealed gold value of a standing preference: sessions and words between the last turn that reveals it and the query.

    Words are counted over all turns after the revealing one, the user's and the assistant's, in the history that the item shows.
    """
    wanted = {(gold.dimension, gold.value) for gold in item.gold if gold.state == "revealed" and gold.source == "preference"}
    found, between = [], 0
    for chat in reversed(history):
        for turn in reversed(chat.turns):
            told = wanted & {(reveal.dimension, reveal.value) for reveal in turn.reveals if reveal.standing}
            found += [(item.session - chat.session, between)] * len(told)
            wanted -= told
            between += len(words(turn.text))
        if not wanted:
            break
    return found


def figures(corpus: Corpus) -> dict[str, Any]:
    """Per split and per slice: items, gold and lures per item, the share of gold that is revealed, distances; per slice also its share of items."""
    far = {item.item_id: distances(item, _shown(item, corpus)) for item in corpus.items}
    found: dict[str, Any] = {"splits": {}, "slices": {}}
    for split in SPLITS:
        items = [item for item in corpus.items if item.split == split]
        if items:
            found["splits"][split] = _row(items, far)
    for name in sorted({name for item in corpus.items for name in item.slices}):
        mine = [item for item in corpus.items if name in item.slices]
        found["slices"][name] = {**_row(mine, far), "share": len(mine) / len(corpus.items)}
    return found


def _row(items: Sequence[Item], distances_of: Mapping[str, Sequence[Distance]]) -> dict[str, Any]:
    far = [pair for item in items for pair in distances_of[item.item_id]]
    gold = [entry for item in items for entry in item.gold]
    sessions = [number for number, _ in far]
    return {
        "items": len(items),
        "gold": len(gold) / len(items),
        "revealed": sum(entry.state == "revealed" for entry in gold) / len(gold) if gold else None,
        "lures": sum(len(item.lures) for item in items) / len(items),
        "sessions": quantiles(sessions),
        "words": quantiles([number for _, number in far]),
        "by_sessions": [sum(number == n for number in sessions) / len(sessions) if sessions else 0.0 for n in range(1, BINS)],
    }


def _shown(item: Item, corpus: Corpus) -> list[Chat]:
    shown = set(item.history)
    return [chat for chat in corpus.histories.get(item.persona_id, ()) if chat.id in shown]
