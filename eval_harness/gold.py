"""What controls may look at, and optimizers never see."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from eval_harness.conditions import Shown
from persona_atlas.data import Release
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import Item, User

HISTORY_TOKENS = 2000
CONVERSATIONS = 2
CONSTANT = 5
"""The most values that best_constant asks for."""


@dataclass(frozen=True)
class Gold:
    """What controls may look at: the release, the items of the run, the target's token count, the seed, the number of the wording.

    `history_tokens` is how many tokens of earlier conversations the baselines show at most, as the target counts them. `conversations` is how many
    conversations `last_k` and `retrieval` choose.
    """

    release: Release
    split: str
    count_tokens: Callable[[str], int]
    seed: int
    wording: int
    history_tokens: int = HISTORY_TOKENS
    conversations: int = CONVERSATIONS
    items: tuple[Item, ...] = field(default=(), repr=False)

    @cached_property
    def users(self) -> Mapping[str, User]:
        return {user.persona_id: user for user in self.release.users(self.split)}

    @cached_property
    def majority(self) -> list[tuple[str, str]]:
        """The most common value of each dimension among train users."""
        counts = _counts((p.dimension, p.value) for user in self.release.users("train") for p in user.preferences)
        return [(dimension, max(sorted(found), key=lambda value: found[value])) for dimension, found in sorted(counts.items())]

    @cached_property
    def best_constant(self) -> list[tuple[str, str]]:
        """The values that would gain most if every answer to a train item showed them, by the sum of their terms of G.

        There is at most one per dimension, at most CONSTANT in all, and only those whose sum is above 0.
        """
        counts = _counts((gold.dimension, gold.value) for item in self.release.items("train") for gold in item.gold)
        gains = []
        for dimension, found in counts.items():
            rivals, total = len(load_catalog().dimensions[dimension].values) - 1, sum(found.values())
            gains += [(count - (total - count) / rivals, dimension, value) for value, count in found.items()]
        best = {dimension: (value, gain) for gain, dimension, value in sorted(gains)}
        ranked = sorted(best, key=lambda dimension: -best[dimension][1])
        return [(dimension, best[dimension][0]) for dimension in ranked[:CONSTANT] if best[dimension][1] > 0]


def _counts(values: Iterable[tuple[str, str]]) -> dict[str, Counter[str]]:
    """dimension -> value -> how often it is among `values`."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for dimension, value in values:
        counts[dimension][value] += 1
    return counts


Control = Callable[[Item, Shown, Gold], str]
