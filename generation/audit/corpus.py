"""What the audit reads of a release: users, items, and the turns of every chat, reduced so that all of them fit into memory."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import regex

from persona_atlas import shards
from persona_atlas.data import Release
from persona_atlas.randomness import generator
from persona_atlas.records import SCHEMA_VERSION, SPLITS, Conversation, Item, Reveal, User

WORD = regex.compile(r"[\p{L}\p{N}]+(?:['’\-][\p{L}\p{N}]+)*")
Sampled = TypeVar("Sampled")


@dataclass(frozen=True, slots=True)
class Said:
    """One turn. `reveals` is what it reveals, where that is labelled; `clean` is its twin without noise, empty if no noise changed it."""

    role: str
    text: str
    act: str = ""
    reveals: tuple[Reveal, ...] = ()
    clean: str = ""


@dataclass(frozen=True, slots=True)
class Chat:
    """One conversation. In a reference, `split` is empty and `user` identifies whoever spoke there."""

    id: str
    user: str
    turns: tuple[Said, ...]
    split: str = ""
    session: int = 0
    template: str = ""
    noise: str = ""

    def said(self, role: str) -> list[str]:
        return [turn.text for turn in self.turns if turn.role == role]


@dataclass(frozen=True)
class Corpus:
    """A release as the audit sees it.

    `chats` holds the users' own chats first, then those that dirty histories. `spoken`: a language model gave conversations their words; `private`:
    test users speak from a private bank.
    """

    users: tuple[User, ...]
    chats: tuple[Chat, ...]
    items: tuple[Item, ...]
    imported: bool = False
    spoken: bool = False
    private: bool = False

    @cached_property
    def own(self) -> tuple[Chat, ...]:
        """The users' own chats, without those that dirty histories: what a history holds by default."""
        return tuple(chat for chat in self.chats if not chat.noise)

    def of(self, split: str) -> list[Chat]:
        return [chat for chat in self.own if chat.split == split]

    @cached_property
    def histories(self) -> dict[str, list[Chat]]:
        """persona_id -> the user's own chats in order."""
        found: dict[str, list[Chat]] = {user.persona_id: [] for user in self.users}
        for chat in self.own:
            found.setdefault(chat.user, []).append(chat)
        return found

    def turns(self) -> Iterator[tuple[Chat, int, Said]]:
        """Every turn of every chat, with its place."""
        return ((chat, place, turn) for chat in self.chats for place, turn in enumerate(chat.turns))


def read(release: Release) -> Corpus:
    """Read a release. Conversations are read in batches and reduced to chats one by one; those of an older schema version are migrated first."""
    users = [user for split in SPLITS for user in release.users(split)]
    items = [item for split in SPLITS for item in release.items(split)]
    chats = [_chat(record) for config in ("conversations", "history_noise") for record in _records(release, config)]
    spoken, private = "cast" in release.manifest["config"], bool(release.manifest.get("private"))
    return Corpus(tuple(users), tuple(chats), tuple(items), release.imported, spoken, private)


def _records(release: Release, config: str) -> Iterator[Conversation]:
    for split in SPLITS:
        if release.schema_version < SCHEMA_VERSION:
            yield from release.conversations(split) if config == "conversations" else release.history_noise(split)
        elif path := release.file(config, split):
            yield from shards.read_records(path, Conversation)


def _chat(record: Conversation) -> Chat:
    turns = tuple(Said(turn.role, turn.content, turn.act, turn.reveals, turn.clean) for turn in record.turns)
    return Chat(record.conversation_id, record.persona_id, turns, record.split, record.session, record.template_id, record.noise)


def words(text: str) -> list[str]:
    """The words of a text, in lower case and with straight apostrophes."""
    return [word.replace("’", "'") for word in WORD.findall(text.lower())]


def normal(text: str) -> str:
    """A text in the form in which texts are compared: its words, joined by single spaces."""
    return " ".join(words(text))


def user_turns(chats: Iterable[Chat]) -> list[str]:
    return [turn.text for chat in chats for turn in chat.turns if turn.role == "user"]


def sample(options: Sequence[Sampled], most: int, seed: int, *key: Any) -> list[Sampled]:
    """Draw at most `most` of the options without replacement, keeping their order. The same seed and key give the same sample."""
    if len(options) <= most:
        return list(options)
    chosen = generator(seed, "audit", *key).choice(len(options), size=most, replace=False)
    return [options[int(i)] for i in np.sort(chosen)]
