"""Controls: built-in reference policies, trusted functions from an item to a prompt (MEASUREMENT 7). They see gold; optimizers never do.

identity        the query as it is
history         the newest conversations that fit, then the query
majority        the values most frequent among train users, the same for everybody
random_user     the values of another user of the split, drawn anew for every item
opposite_user   for each gold dimension another value than the user's
oracle          the gold values and hard constraints in instruction wording
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from eval_harness.conditions import Shown
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.protocol import as_text
from persona_atlas.randomness import generator
from persona_atlas.records import Item, User
from persona_atlas.render import instruct

ARGUMENTS: Mapping[str, Mapping[str, int]] = {"history": {"max_tokens": 2000}}
"""The arguments that controls take (`--optimizer_args`), whole numbers from 1 on, with their defaults."""
HISTORY_FRAME = "These are my earlier conversations with you:\n\n{history}\n\nAnswer my new question the way I like answers:\n{query}"


@dataclass(frozen=True)
class Gold:
    """What controls may look at: the users of the evaluated split and of train, the target's token count, the seed, the oracle's wording.

    `history_tokens`: how many of the target's tokens of earlier conversations the control `history` shows.
    """

    users: Mapping[str, User]
    train: tuple[User, ...]
    count_tokens: Callable[[str], int]
    seed: int
    wording: int
    history_tokens: int = ARGUMENTS["history"]["max_tokens"]


Control = Callable[[Item, Shown, Gold], str]


def identity(item: Item, shown: Shown, gold: Gold) -> str:
    return shown.query


def history(item: Item, shown: Shown, gold: Gold) -> str:
    """The newest conversations that fit `history_tokens`, in order, then the query."""
    kept: list[str] = []
    left = gold.history_tokens
    for conversation in reversed(shown.messages()):
        text = as_text([conversation]).split("\n", 1)[1]
        left -= gold.count_tokens(text)
        if left < 0:
            break
        kept.insert(0, text)
    if not kept:
        return shown.query
    return HISTORY_FRAME.format(history="\n\n".join(kept), query=shown.query)


def majority(item: Item, shown: Shown, gold: Gold) -> str:
    counts: dict[str, Counter[str]] = {}
    for user in gold.train:
        for preference in user.preferences:
            counts.setdefault(preference.dimension, Counter())[preference.value] += 1
    most = [(dimension, max(sorted(found), key=lambda value: found[value])) for dimension, found in sorted(counts.items())]
    return instruct(shown.query, most, wording=gold.wording)


def random_user(item: Item, shown: Shown, gold: Gold) -> str:
    others = sorted(persona_id for persona_id in gold.users if persona_id != item.persona_id)
    if not others:
        return shown.query
    draw = generator(gold.seed, "random_user", item.item_id)
    other = gold.users[others[int(draw.integers(len(others)))]]
    return instruct(shown.query, [(p.dimension, p.value) for p in other.preferences], wording=gold.wording)


def opposite_user(item: Item, shown: Shown, gold: Gold) -> str:
    draw, catalog = generator(gold.seed, "opposite_user", item.item_id), load_catalog()
    values = []
    for entry in item.gold:
        others = catalog.dimensions[entry.dimension].others(entry.value)
        values.append((entry.dimension, others[int(draw.integers(len(others)))].id))
    return instruct(shown.query, values, wording=gold.wording)


def oracle(item: Item, shown: Shown, gold: Gold) -> str:
    return instruct(shown.query, [(entry.dimension, entry.value) for entry in item.gold], item.hard, gold.wording)


CONTROLS: Mapping[str, Control] = {
    "identity": identity,
    "history": history,
    "majority": majority,
    "random_user": random_user,
    "opposite_user": opposite_user,
    "oracle": oracle,
}
