"""A long history, read a window at a time: each is as long as what the policy was trained on, and what they say is put together.

windows(history, count, budget)          the chats, oldest first, in runs of at most `budget` tokens
together(query, replies)                 one prompt and one profile: a later window replaces what an earlier one says of the same matter
"""

from collections.abc import Callable, Iterator, Sequence

import regex

from persona_atlas.ppopt.text import Reply, fitting, lost
from persona_atlas.ppopt.wishes import asked_for, subject
from persona_atlas.protocol import Message, ProfileEntry

MOST = 8
"""The most windows that are read, the newest."""
SENTENCE = regex.compile(r"(?<=[.!?][\"']?)\s+(?=\p{Lu})")
History = Sequence[Sequence[Message]]


def windows(history: History, count: Callable[[str], int], budget: int) -> list[History]:
    """The newest MOST windows, oldest first; one that is empty where the newest chat alone does not fit. A chat that does not fit is passed over."""
    found: list[History] = []
    end = len(history)
    while end > 0 and len(found) < MOST:
        number = fitting(history[:end], count, budget)
        if number:
            found.insert(0, history[end - number : end])
        end -= max(number, 1)
    return found or [()]


def together(query: str, replies: Sequence[Reply]) -> tuple[str, tuple[ProfileEntry, ...]]:
    """The query with what the replies' prompts ask for beside it, and their profile. A reply whose prompt lost a part of the query is passed over."""
    asks: dict[str, str] = {}
    entries: dict[str, ProfileEntry] = {}
    for reply in replies:
        if reply.prompt is None or lost(query, reply.prompt) is not None:
            continue
        for key, sentence in _asks(query, reply.prompt):
            asks.pop(key, None)
            asks[key] = sentence
        for entry in reply.profile():
            entries.pop(entry.preference, None)
            entries[entry.preference] = entry
    return "\n\n".join(filter(None, [query, " ".join(asks.values())])), tuple(entries.values())


def _asks(query: str, prompt: str) -> Iterator[tuple[str, str]]:
    """The sentences that a prompt has beside the query, each with its matter: that of a wish of ours, else the sentence itself."""
    beside = prompt[len(query) :] if prompt.startswith(query) else ""
    for sentence in SENTENCE.split(beside.strip()):
        if sentence:
            meaning = asked_for(sentence)
            yield subject(meaning) if meaning else sentence, sentence
