"""The rewards of PPOpt: pure functions of a reply and of what the target answered to its prompt.

    format                1 if the reply has the form asked for, 1/2 if its prompt can be read all the same, 0 without a prompt
    profile               F1 of the typed entries, which must quote the user, against what the history shows to be in force
    task                  task(y): whether the target's answer to the prompt solves the user's question
    personalization       G(y), in [-1, 1]
    overpersonalization   the share of the item's lures that the answer to the bare query shows, less the share that this one shows
    brevity               1 for nothing added to the query, falling to 0 at LONGEST words
    cost                  1 for an empty reply, falling to 0 at COSTLIEST words, those of the profile included

A prompt breaks a guard if it loses a part of the query or a detail that the query turns on, answers the query, tells gold as keys and values or in
the controls' wording, or is far longer than the query. Its reply then earns nothing for the answer, whatever the target made of it (`of_answer`),
and nothing for brevity.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
import regex

from persona_atlas.ppopt.text import Reply, lost
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import Item
from persona_atlas.scoring import Scores, leaks

REWARDS = ("format", "profile", "task", "personalization", "overpersonalization", "brevity", "cost")
AGGREGATIONS = ("normalize_then_sum", "sum_then_normalize")
LONGEST = 60
"""So many words added to the query, or more, earn nothing for brevity."""
MORE = 96
"""A prompt may have this many words beyond twice the query's: the compact track's 128 tokens, at 4/3 tokens per word."""
DETAIL = regex.compile(
    r"(?<=[\p{L}\p{N},;]\s)\p{Lu}[\p{L}\p{M}]+|(?i:\b(?:no|not|nothing|none|never|without|except|cannot|anything but)\s+\p{L}+)|"
    r"\b\p{L}+n['’]t\s+\p{L}+"
)
"""What a question turns on in a word or two: a name, a month, or what is excluded."""
LONG_WORD = 12
"""Words joined by marks in place of blanks count as one for every so many characters, with their blank. English has six."""
EVIDENCE = 2
"""The fewest words that an entry of a profile must quote."""
COSTLIEST = 300
"""A whole reply of so many words, or more, earns nothing for cost."""
Wanted = Mapping[str, str]
"""dimension -> value, what the shown history reveals and is in force."""


def broken(reply: Reply, query: str, item: Item, shown: Sequence[str]) -> str | None:
    """Return the guard that the prompt breaks, in words, or None. `shown`: every text of the request."""
    prompt = reply.prompt or ""
    if not prompt:
        return "no prompt"
    if gone := lost(query, prompt) or lost_detail(query, prompt, item):
        return f"lost {gone}"
    if words(prompt) > 2 * words(query) + MORE:
        return "too long"
    if leaks(item, prompt, shown):
        return "answers the question"
    if word := gold_words().search(prompt.replace(query, "\n", 1)):
        return f"says {word[0]}"
    return None


def lost_detail(query: str, prompt: str, item: Item) -> str | None:
    """Return a detail that the query says and the prompt does not: a slot's value, a name, or what is excluded. None where it says all of them."""
    if query in prompt:
        return None
    plain, kept = (" ".join(text.casefold().split()) for text in (query, prompt))
    slots = [str(value) for value in item.slots.values()]
    details = [" ".join(detail.casefold().split()) for detail in [*slots, *DETAIL.findall(query)]]
    return next((detail for detail in details if _stands(detail, plain) and not _stands(detail, kept)), None)


def _stands(words: str, text: str) -> bool:
    return bool(words) and regex.search(rf"(?<![\p{{L}}\p{{N}}]){regex.escape(words)}(?![\p{{L}}\p{{N}}])", text) is not None


@lru_cache(maxsize=1)
def gold_words() -> "regex.Pattern[str]":
    """Return a pattern for gold that is told as no person would tell it.

    It finds keys of the catalogue with an underscore or a digit, a dimension with its value after a colon or an equals sign, and the instruction
    wordings that the controls use.
    """
    catalog = load_catalog()
    keys = [*catalog.dimensions, *(value.id for value in catalog.values()), *catalog.hard]
    odd = [regex.escape(key) for key in dict.fromkeys(keys) if regex.search(r"[_\d]", key)]
    pairs = [rf"{regex.escape(value.dimension)}\s*[:=]\s*{regex.escape(value.id)}" for value in catalog.values()]
    lines = [*(value.instructions for value in catalog.values()), *(constraint.instructions for constraint in catalog.hard.values())]
    told = [regex.escape(line.strip(" .")) for instructions in lines for line in instructions]
    return regex.compile(rf"(?i)(?<!\w)(?:{'|'.join([*odd, *pairs, *told])})(?!\w)")


def words(text: str) -> int:
    """How many words the text has, however they are joined."""
    return max(len(text.split()), len(text) // LONG_WORD)


def added(query: str, prompt: str) -> int:
    """How many words the prompt has beyond the query's."""
    return max(0, words(prompt) - words(query))


def form(reply: Reply) -> float:
    """1 for a reply of the right form, 0.5 for a flawed one, 0 without a prompt."""
    return 0.0 if reply.prompt is None else 1.0 if reply.flaw is None else 0.5


def profile(reply: Reply, wanted: Wanted, said: str) -> float:
    """F1 in [0, 1]; 1 where nothing is known and nothing is stated. `said`: all that the user wrote; an entry must quote EVIDENCE words of it."""
    plain, stated = " ".join(said.casefold().split()), dict[tuple[str, str], bool]()
    for entry in reply.profile():
        quoted = entry.evidence.casefold().split()
        stated[entry.preference, entry.value] = len(quoted) >= EVIDENCE and " ".join(quoted) in plain
    if not stated and not wanted:
        return 1.0
    right = sum(heard and wanted.get(dimension) == value for (dimension, value), heard in stated.items())
    return 2 * right / (len(stated) + len(wanted))


def brevity(reply: Reply, query: str, guard: str | None) -> float:
    """In [0, 1], falling with the words added to the query; 0 without a prompt, or with a broken `guard`."""
    return 0.0 if reply.prompt is None or guard else max(0.0, 1.0 - added(query, reply.prompt) / LONGEST)


def cost(reply: Reply) -> float:
    """In [0, 1], falling with the words of the whole reply."""
    return max(0.0, 1.0 - words(reply.text) / COSTLIEST)


def of_reply(reply: Reply, query: str, wanted: Wanted, said: str, guard: str | None) -> dict[str, float]:
    """The rewards that a reply earns by itself. A broken `guard` leaves none for brevity: it is easy to be brief without the query."""
    return {"format": form(reply), "profile": profile(reply, wanted, said), "brevity": brevity(reply, query, guard), "cost": cost(reply)}


def of_answer(scores: Scores, bare: Scores, guard: str | None) -> dict[str, float]:
    """The rewards for the target's answer; `bare`: the scores of its answer to the bare query.

    Where an item has nothing of a kind, every reply that breaks no guard gets 0. With a broken `guard`, task is 0, personalization at most 0, and
    overpersonalization -1.
    """
    if guard is not None:
        return {"task": 0.0, "personalization": min(scores.personalization or 0.0, 0.0), "overpersonalization": -1.0}
    lured = 0.0 if scores.lured is None else (bare.lured or 0.0) - scores.lured
    return {"task": scores.task or 0.0, "personalization": scores.personalization or 0.0, "overpersonalization": lured}


def advantages(rewards: np.ndarray, weights: Sequence[float], group: int, how: str, floor: float) -> np.ndarray:
    """Turn rewards, shape (replies, kinds), into advantages, shape (replies,). The replies of a case are adjacent, in groups of `group`.

    `normalize_then_sum`: from each kind its mean in the group is subtracted, and the result divided by its standard deviation there, but at least by
    `floor`, so that what hardly varies hardly counts; then the kinds are weighted and summed. `sum_then_normalize`: the same for the weighted sum.
    """
    grouped = rewards.reshape(-1, group, rewards.shape[1])
    if how == "sum_then_normalize":
        grouped = (grouped * np.asarray(weights)).sum(axis=2, keepdims=True)
        weights = (1.0,)
    centred = grouped - grouped.mean(axis=1, keepdims=True)
    scaled = centred / np.maximum(grouped.std(axis=1, keepdims=True), floor)
    return np.asarray((scaled * np.asarray(weights)).sum(axis=2).reshape(-1))
