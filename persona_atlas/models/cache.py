"""A cache of answers on disk, so that no prompt is answered twice across optimizers, runs, processes and interruptions.

It is one SQLite file with one table, `answers(key TEXT PRIMARY KEY, generation TEXT)`. The key is the SHA-256 of canonical JSON

    {"fingerprint": ..., "prompt": ..., "repeat": 0, "sampling": {"max_gen_toks": 320, "seed": 0, "temperature": 0.0}}

and the value is the `Generation` as JSON, without its `tokens`. Write-ahead logging makes it safe to kill a writer at any moment, and to share the
file between processes of one machine. Every answer is committed before anybody gets it, so a kill loses none.

A value that this version cannot read, because a newer one wrote more into it or because it is broken, counts as missing. A warning says so once, the
prompt is asked again, and the new answer takes the place of what could not be read.
"""

import hashlib
import json
import sqlite3
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from persona_atlas.models.protocol import Generation, LanguageModel, ModelError, Sampling, encodable

LASTING = ("stop", "length")
"""The finish reasons of answers that are stored. An error may be gone the next time, and a server restarted with room for a longer prompt."""
_KEYS_PER_QUERY = 500
_SECONDS_LOCKED = 60.0  # how long another process may hold the file
_REMEDIES = {
    sqlite3.SQLITE_BUSY: "end the other program that holds it, and resume",
    sqlite3.SQLITE_FULL: "make room on its disk, and resume",
    sqlite3.SQLITE_READONLY: "make it and its folder writable, or pass another file",
    sqlite3.SQLITE_CANTOPEN: "make it and its folder writable, or pass another file",
    sqlite3.SQLITE_IOERR: "look at its disk, or pass another file",
}


def cache_key(fingerprint: str, prompt: str, sampling: Sampling, repeat: int = 0) -> str:
    """SHA-256 (64 hexadecimal digits) of all that an answer depends on."""
    parts = {"fingerprint": fingerprint, "prompt": prompt, "sampling": asdict(sampling), "repeat": repeat}
    # ASCII JSON, so that a prompt with half a surrogate pair, which broken JSON can bring, still has a key.
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class ResponseCache:
    """The cache file. Raises `ModelError` if `path` is not such a file, and whenever it cannot be read or written."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser()
        self._lock = threading.Lock()
        self._unreadable: dict[str, str] = {}  # key -> what stands there
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(self.path, timeout=_SECONDS_LOCKED, check_same_thread=False, isolation_level=None)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=NORMAL")
            self._database.execute("CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, generation TEXT NOT NULL) WITHOUT ROWID")
        except (sqlite3.Error, OSError) as error:
            raise _unusable(self.path, error) from error

    def get(self, keys: Sequence[str]) -> dict[str, Generation]:
        """The stored answers among `keys`."""
        found: dict[str, Generation] = {}
        with self._access() as database:
            for start in range(0, len(keys), _KEYS_PER_QUERY):
                some = keys[start : start + _KEYS_PER_QUERY]
                query = f"SELECT key, generation FROM answers WHERE key IN ({','.join('?' * len(some))})"
                for key, text in database.execute(query, some):
                    if (generation := _read(text)) is not None:
                        found[key] = generation
                    else:
                        self._note_unreadable(key, text)
        return found

    def _note_unreadable(self, key: str, text: str) -> None:
        if not self._unreadable:
            told = f"{self.path} holds answers that this version cannot read, such as {text[:100]!r}: they are asked again"
            warnings.warn(told, stacklevel=4)
        self._unreadable[key] = text

    def put(self, answers: Mapping[str, Generation]) -> None:
        """Store `answers` in one transaction. A key that is already there keeps its first answer, unless `get` could not read it."""
        rows = [(key, json.dumps(_kept(generation))) for key, generation in answers.items()]
        unreadable = [(key, self._unreadable[key]) for key in answers if key in self._unreadable]
        with self._access() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                # By its text, too: another process may have put an answer there by now.
                database.executemany("DELETE FROM answers WHERE key = ? AND generation = ?", unreadable)
                database.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?)", rows)
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:  # a full disk ends the transaction by itself
                    database.execute("ROLLBACK")
                raise

    def __len__(self) -> int:
        with self._access() as database:
            return database.execute("SELECT count(*) FROM answers").fetchone()[0]

    def close(self) -> None:
        self._database.close()

    @contextmanager
    def _access(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._database
            except sqlite3.Error as error:
                raise _unusable(self.path, error) from error


def writable(generation: Generation) -> Generation:
    """Return the answer with half a surrogate pair, which broken JSON can bring, replaced, since no file can hold it."""
    return replace(generation, text=encodable(generation.text), error=None if generation.error is None else encodable(generation.error))


def _read(text: str) -> Generation | None:
    """The answer in a row, or `None` if it is none that this version knows."""
    try:
        generation = Generation(**json.loads(text))
    except (TypeError, ValueError):
        return None
    return writable(generation) if generation.finish_reason in LASTING and isinstance(generation.text, str) and generation.error is None else None


def _kept(generation: Generation) -> dict[str, Any]:
    found = asdict(generation)
    del found["tokens"]
    return found


def _unusable(path: Path, error: Exception) -> ModelError:
    remedy = _REMEDIES.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, "delete it, or pass another file")
    return ModelError(f"{path} cannot be used as a response cache ({error}): {remedy}.")


class CachedModel:
    """A `LanguageModel` that asks `model` only for what `cache` lacks. `repeat` distinguishes independent draws of the same run.

    `hits + generated` is the number of answers yielded: a prompt that occurs several times in a call is generated once, and its further
    occurrences count as hits. `generated_tokens` sums the tokens of generated answers where the model counts them. `seconds` is the time spent
    waiting for the model. An answer whose finish_reason is not in LASTING is never stored.
    """

    def __init__(self, model: LanguageModel, cache: ResponseCache, *, repeat: int = 0) -> None:
        self.model, self.cache, self.repeat = model, cache, repeat
        self.name, self.fingerprint, self.context_length = model.name, model.fingerprint, model.context_length
        self.hits = 0
        self.generated = 0
        self.generated_tokens = 0
        self.seconds = 0.0

    def count_tokens(self, text: str) -> int:
        return self.model.count_tokens(text)

    def unknown(self, prompts: Sequence[str], sampling: Sampling) -> list[str]:
        """The prompts that `generate` would ask the model, each once."""
        keys = {cache_key(self.fingerprint, prompt, sampling, self.repeat): prompt for prompt in prompts}
        known = self.cache.get(list(keys))
        return [prompt for key, prompt in keys.items() if key not in known]

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        """Yield the cached answers first, in the order of their prompts, then the others as the model finishes them."""
        keys = [cache_key(self.fingerprint, prompt, sampling, self.repeat) for prompt in prompts]
        indexes: dict[str, list[int]] = {}  # key -> the indexes of its prompt in `prompts`
        for index, key in enumerate(keys):
            indexes.setdefault(key, []).append(index)
        known = self.cache.get(list(indexes))
        for index, key in enumerate(keys):
            if key in known:
                self.hits += 1
                yield index, known[key]
        missing = [key for key in indexes if key not in known]
        for key, generation in self._generate_and_store(missing, [prompts[indexes[key][0]] for key in missing], sampling):
            self.generated += 1
            self.generated_tokens += generation.answer_tokens or 0
            for position, index in enumerate(indexes[key]):
                self.hits += position > 0
                yield index, generation

    def _generate_and_store(self, keys: list[str], prompts: list[str], sampling: Sampling) -> Iterator[tuple[str, Generation]]:
        if not keys:
            return
        answers = self.model.generate(prompts, sampling)
        while True:
            started = time.monotonic()
            finished = next(answers, None)
            self.seconds += time.monotonic() - started
            if finished is None:
                break
            key, generation = keys[finished[0]], writable(finished[1])
            if generation.finish_reason in LASTING:  # at once: the next answer may be an hour away
                self.cache.put({key: generation})
            yield key, generation
