"""Streams of prompts that come one after another: each may depend on earlier answers, and the engine's batch stays full all the same.

    stream = open_stream(load_model("smol"))
    stream.submit(0, "Name a colour.", Sampling(max_gen_toks=10))
    for number, generation in stream.finished():
        stream.submit(1, f"Why {generation.text}?", Sampling(max_gen_toks=40))

How prompts reach a model depends on the model. OpenVINO and vLLM take them into the running batch at any time, a server is asked by threads, and any
other model answers the waiting prompts in batches.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol, runtime_checkable

from persona_atlas.models.cache import LASTING, ResponseCache, cache_key, writable
from persona_atlas.models.protocol import Generation, LanguageModel, Sampling

Answers = list[tuple[int, Generation]]


class Stream(Protocol):
    """A stream of prompts to one model. The caller chooses each prompt's `number`, and may use it again once its answer is there."""

    def submit(self, number: int, prompt: str, sampling: Sampling) -> None:
        """Hand over a prompt, and return at once."""
        ...

    def finished(self, wait: bool = True) -> Answers:
        """Return what has finished since the last call: at least one answer as long as any prompt is unanswered; without `wait` perhaps nothing.

        A caller that serves several streams passes `wait=False`. Even then an engine in this process may make a step, and a batch may be answered.
        Raises ModelError as `generate` does. Earlier answers are not lost by that: they are returned first, or by `close`.
        """
        ...

    def close(self) -> Answers:
        """Take back the unanswered prompts, and return the answers that have not been given yet."""
        ...


@runtime_checkable
class Streaming(Protocol):
    """A model that takes prompts at any time."""

    def stream(self) -> Stream: ...


class BatchStream:
    """A `Stream` for any model, in batches: all waiting prompts with the same `max_gen_toks` and temperature form a batch. Later ones wait.

    A batch is decoded with the seed of its prompt that has waited longest, whatever the seeds of the others: if each prompt had its own seed, every
    batch would hold one prompt. So a sampled answer depends on what else was asked, and only a `ResponseCache` reproduces it.
    """

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self._waiting: list[tuple[int, str, Sampling]] = []
        self._batch: Iterator[tuple[int, Generation]] = iter(())

    def submit(self, number: int, prompt: str, sampling: Sampling) -> None:
        self._waiting.append((number, prompt, sampling))

    def finished(self, wait: bool = True) -> Answers:
        """Return the model's next answer of the batch, whatever `wait` is. After the last, the prompt that has waited longest begins a new batch."""
        answer = next(self._batch, None)
        if answer is None and self._waiting:
            self._batch = self._begun(self._waiting[0][2])
            answer = next(self._batch, None)
        return [] if answer is None else [answer]

    def _begun(self, sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        mine = [entry for entry in self._waiting if _batched(entry[2], sampling)]
        self._waiting = [entry for entry in self._waiting if not _batched(entry[2], sampling)]
        return ((mine[index][0], generation) for index, generation in self._model.generate([prompt for _, prompt, _ in mine], sampling))

    def close(self) -> Answers:
        self._waiting.clear()
        self._batch = iter(())
        return []


def _batched(one: Sampling, other: Sampling) -> bool:
    """Whether the two are equal except perhaps for the seed."""
    return replace(one, seed=other.seed) == other


class CachedStream:
    """A `Stream` that asks `model` only for what `cache` lacks. Equal prompts that are unanswered at the same time are asked once.

    `hits` and `generated` count answers, and `generated_tokens` the tokens of the generated ones where the model counts them. Answers are stored
    before `finished` or `close` returns them, so a kill loses only unfinished ones. An answer whose finish_reason is not in LASTING is never stored.
    """

    def __init__(self, model: LanguageModel, cache: ResponseCache) -> None:
        self._stream, self._cache, self._fingerprint = open_stream(model), cache, model.fingerprint
        self._known: Answers = []
        self._asked: dict[str, list[int]] = {}  # key -> the numbers that wait for its answer
        self._keys: dict[int, str] = {}
        self._sent = 0
        self.hits = self.generated = self.generated_tokens = 0

    def submit(self, number: int, prompt: str, sampling: Sampling) -> None:
        key = cache_key(self._fingerprint, prompt, sampling)
        if (known := self._cache.get([key]).get(key)) is not None:
            self.hits += 1
            self._known.append((number, known))
        elif key in self._asked:
            self._asked[key].append(number)
        else:
            self._asked[key] = [number]
            self._sent += 1
            self._keys[self._sent] = key
            self._stream.submit(self._sent, prompt, sampling)

    def finished(self, wait: bool = True) -> Answers:
        found, self._known = self._known, []
        return found or (self._stored(self._stream.finished(wait)) if self._keys else [])

    def close(self) -> Answers:
        found, self._known = self._known, []
        return found + self._stored(self._stream.close())

    def _stored(self, answers: Answers) -> Answers:
        """Store the model's answers in the cache, and return them under the caller's numbers."""
        fresh = [(self._keys.pop(sent), writable(generation)) for sent, generation in answers]
        if keep := {key: generation for key, generation in fresh if generation.finish_reason in LASTING}:
            self._cache.put(keep)
        found: Answers = []
        for key, generation in fresh:
            numbers = self._asked.pop(key)
            self.generated += 1
            self.generated_tokens += generation.answer_tokens or 0
            self.hits += len(numbers) - 1
            found += [(number, generation) for number in numbers]
        return found


def open_stream(model: LanguageModel) -> Stream:
    """The model's own stream, or a `BatchStream` if it has none."""
    return model.stream() if isinstance(model, Streaming) else BatchStream(model)


@contextmanager
def cached_stream(model: LanguageModel, cache: ResponseCache) -> Iterator[CachedStream]:
    """A `CachedStream` that is closed when the block ends, however it ends: what is answered is stored, and the rest is taken back."""
    stream = CachedStream(model, cache)
    try:
        yield stream
    finally:
        stream.close()
