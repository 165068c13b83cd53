"""Prompts that come one after another: each may depend on answers that came before, and the engine's batch stays full all the same.

    stream = open_stream(load_model("smol"))
    stream.submit(0, "Name a colour.", Sampling(max_gen_toks=10))
    for number, generation in stream.finished():
        stream.submit(1, f"Why {generation.text}?", Sampling(max_gen_toks=40))

How prompts reach a model depends on what it is: OpenVINO and vLLM take them into the batch at any time, a server is asked by threads, and any other
model answers all that wait, a batch at a time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol, runtime_checkable

from persona_atlas.models.cache import ResponseCache, cache_key
from persona_atlas.models.protocol import Generation, LanguageModel, Sampling

Answers = list[tuple[int, Generation]]


class Stream(Protocol):
    """`number` is the caller's own, and may come again once its answer is there."""

    def submit(self, number: int, prompt: str, sampling: Sampling) -> None:
        """Hand over a prompt; returns at once."""
        ...

    def finished(self, wait: bool = True) -> Answers:
        """What has finished since the last call: at least one answer as long as any prompt is unanswered; without `wait` what is there, or nothing.

        Who serves several streams does not wait for one of them. Even so an engine in this process may make one step, and a batch may be answered.
        Raises ModelError as `generate` does; what was answered before that is not lost: it is given first, or by `close`.
        """
        ...

    def close(self) -> Answers:
        """Take back what is unanswered, and give what was answered by then and has not been given yet."""
        ...


@runtime_checkable
class Streaming(Protocol):
    """A model that takes prompts at any time."""

    def stream(self) -> Stream: ...


class BatchStream:
    """Any model: all that waits under one `max_gen_toks` and temperature is a batch; what comes while a batch is being answered waits for the next.

    A batch is decoded with the seed of the prompt in it that waits longest, whatever seeds the others have: where each has its own, every batch would
    be of one. So a sampled answer depends on what else was asked, and only a `ResponseCache` brings it again.
    """

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self._waiting: list[tuple[int, str, Sampling]] = []
        self._batch: Iterator[tuple[int, Generation]] = iter(())

    def submit(self, number: int, prompt: str, sampling: Sampling) -> None:
        self._waiting.append((number, prompt, sampling))

    def finished(self, wait: bool = True) -> Answers:
        """The next answer of the batch, as the model gives it, with `wait` or without; then that of the batch of the prompt that waits longest."""
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
    """Whether they differ in the seed at most."""
    return replace(one, seed=other.seed) == other


class CachedStream:
    """A stream that asks `model` only for what `cache` lacks; two prompts alike that are in hand at once are asked once.

    `hits` and `generated` count answers, `generated_tokens` the tokens of the latter where the model tells. What finishes is stored before it is
    given back, so that a kill loses no more than what was still being written; so is what is done when it is closed. An answer with finish_reason
    "error" is never stored.
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
        """The model's answers under the caller's numbers, once they are in the cache."""
        fresh = [(self._keys.pop(sent), generation) for sent, generation in answers]
        if keep := {key: generation for key, generation in fresh if generation.finish_reason != "error"}:
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
    """The model's own stream, or one of batches where it has none."""
    return model.stream() if isinstance(model, Streaming) else BatchStream(model)


@contextmanager
def cached_stream(model: LanguageModel, cache: ResponseCache) -> Iterator[CachedStream]:
    """A `CachedStream` that stores what is answered and takes back the rest at the end, whatever ends it."""
    stream = CachedStream(model, cache)
    try:
        yield stream
    finally:
        stream.close()
