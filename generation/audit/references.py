"""Other people's chats that a release is compared with, read from files in several forms, which are told apart by the keys of each object.

    the published files of arXiv:2602.12394     as `import-ppopt` reads them: {"full_conversation": ...}, {"history_texts": ...}
    {"conversation": [{"role", "content"}], "language"}                              JSON lines, a JSON array, or Parquet (WildChat and its like)
    {"conversation_history": [{"role", "content", "if_chosen"}], "user_id"}          JSON lines or a JSON array (PRISM and its like)
    a release of PersonaAtlas                                                        its folder

A folder is read file by file. Where the language is given, chats in languages other than English are left out. Where a turn was offered several
answers, the chosen one is kept. Of more than MOST chats, a seeded sample is kept.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from generation.audit.corpus import Chat, Said, read
from generation.errors import GenerateError
from generation.imported.read import MASK, ImportFileError, Message, Refused, State, read_file
from persona_atlas.data import open_release
from persona_atlas.randomness import generator

MOST = 20_000
ENDINGS = (".json", ".jsonl", ".parquet")
WANTED = "wanted objects with conversation, conversation_history, full_conversation or history_texts"
USERS = ("user_id", "hashed_ip", "user", "persona_id", "conversation_hash", "conversation_id", "id")
"""The keys that can identify the user of a chat; the first that the chat or its first turn has is taken. Without any, each chat has its own user."""
SPEAKERS = {"user": "user", "human": "user", "assistant": "assistant", "model": "assistant", "gpt": "assistant"}


class ReferenceFileError(GenerateError):
    """A reference cannot be read. The message says what was found, what was wanted and what to type next."""


@dataclass(frozen=True)
class Reference:
    """Other people's chats.

    `found`: how many usable chats there were before sampling. `left_out`: how many objects cannot be used, have no user turn, or are not in English.
    """

    name: str
    chats: tuple[Chat, ...]
    found: int
    left_out: int

    def texts(self) -> list[str]:
        return [turn.text for chat in self.chats for turn in chat.turns]


def read_reference(path: Path, seed: int) -> Reference:
    """Read the chats of a file, a release, or all files in a folder. Raises ReferenceFileError, or DataError for a release that cannot be opened."""
    if (path / "manifest.json").is_file():
        chats: Iterable[Chat | None] = read(open_release(path, f"folder {path}")).own
    else:
        chats = chain.from_iterable(_chats(file) for file in _files(path))
    kept, found, left_out = _reservoir(chats, seed)
    if not kept:
        raise ReferenceFileError(f"{path} holds no chat with a turn of a user in English, {WANTED}; give another --reference")
    return Reference(name_of(path), tuple(kept), found, left_out)


def name_of(path: Path) -> str:
    """The name of a file or folder, even if the path is `.` or ends in `..`."""
    return Path(os.path.abspath(path)).name


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(file for file in path.iterdir() if file.suffix in ENDINGS)
        if not found:
            raise ReferenceFileError(f"{path} holds no file that ends in {', '.join(ENDINGS)}; give a file or a folder of them with --reference")
        return found
    if not path.is_file():
        raise ReferenceFileError(f"{path} does not exist; give a file or folder with --reference")
    return [path]


def _reservoir(chats: Iterable[Chat | None], seed: int) -> tuple[list[Chat], int, int]:
    """A uniform sample of at most MOST chats, how many chats there were, and how many were left out. Source: Vitter (1985), algorithm R."""
    draw, kept, found, left_out = generator(seed, "audit", "reference"), list[Chat](), 0, 0
    for chat in chats:
        if chat is None:
            left_out += 1
            continue
        found += 1
        if len(kept) < MOST:
            kept.append(chat)
        elif (place := int(draw.integers(found))) < MOST:
            kept[place] = chat
    return kept, found, left_out


def _chats(path: Path) -> Iterator[Chat | None]:
    """The chats of a file, with None for each that is left out."""
    objects = enumerate(_parquet(path) if path.suffix == ".parquet" else _json(path), 1)
    first = next(objects, None)
    if first is None:
        raise ReferenceFileError(f"{path} is empty, {WANTED}; give another --reference")
    if isinstance(first[1], Mapping) and ("full_conversation" in first[1] or "history_texts" in first[1]):
        yield from _published(path)
        return
    for number, data in chain([first], objects):
        turns = data.get("conversation", data.get("conversation_history")) if isinstance(data, Mapping) else None
        if not isinstance(turns, list):
            keys = ", ".join(data) if isinstance(data, Mapping) else type(data).__name__
            raise ReferenceFileError(f"{path}, entry {number} has {keys[:200] or 'nothing in it'}, {WANTED}; give another --reference")
        yield _chat(data, turns, f"{path.name}-{number}")


def _chat(data: Mapping[str, Any], turns: list[Any], name: str) -> Chat | None:
    language = data.get("language")
    said = tuple(
        Said(SPEAKERS[turn["role"]], turn["content"])
        for turn in turns
        if isinstance(turn, Mapping) and isinstance(turn.get("role"), str) and turn["role"] in SPEAKERS
        and isinstance(turn.get("content"), str) and turn["content"].strip() and turn.get("if_chosen") is not False
    )  # fmt: skip
    if not any(turn.role == "user" for turn in said) or (isinstance(language, str) and language.lower() not in ("english", "en")):
        return None
    places = [place for place in (data, *turns[:1]) if isinstance(place, Mapping)]
    user = next((str(place[key]) for key in USERS for place in places if isinstance(place.get(key), str | int)), name)
    return Chat(name, user, said)


def _parquet(path: Path) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            wanted = [name for name in ("conversation", "conversation_history", "language", *USERS) if name in file.schema_arrow.names]
            for batch in file.iter_batches(batch_size=512, columns=wanted or None):
                yield from batch.to_pylist()
    except (pa.ArrowException, ValueError, OSError) as error:
        said = str(error).partition("\n")[0]
        raise ReferenceFileError(f"{path} is not readable as Parquet ({said}); give another --reference") from None


def _json(path: Path) -> Iterator[Any]:
    """The entries of a JSON array, or the objects of JSON lines, which are read one line at a time."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            first = next((sign for sign in iter(partial(file.read, 1), "") if not sign.isspace()), "")
            if first == "[":
                yield from json.loads("[" + file.read())
                return
            file.seek(0)
            yield from (json.loads(line) for line in file if line.strip())
    except UnicodeDecodeError as error:
        raise ReferenceFileError(f"{path} is no UTF-8 text (byte {error.start}); give it unpacked") from None
    except json.JSONDecodeError as error:
        raise ReferenceFileError(f"{path} is not readable as JSON ({error}); it may be cut off: copy the file again") from None
    except (ValueError, RecursionError) as error:  # a number with thousands of digits, or a thousand nested brackets
        raise ReferenceFileError(f"{path} is JSON beyond what can be read ({error}); give another --reference") from None
    except OSError as error:
        raise ReferenceFileError(f"{path} cannot be read ({error.strerror}); give a file that can be") from None


def _published(path: Path) -> Iterator[Chat | None]:
    """The conversations of the published files, and the earlier conversations of their states, of which only the user's turns were published."""
    try:
        records = read_file(path)
    except ImportFileError as error:
        raise ReferenceFileError(str(error)) from None
    for record in records:
        if isinstance(record, Refused):
            yield None
        elif isinstance(record, State):
            for number, messages in enumerate(record.histories):
                yield _said(f"{record.id}-{number}", record.persona, messages)
        else:
            yield _said(record.id, record.persona, record.messages)


def _said(id_: str, persona: str, messages: Iterable[Message]) -> Chat:
    return Chat(id_, persona, tuple(Said(message.role, message.content) for message in messages if message.content != MASK))
