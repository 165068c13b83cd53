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
from typing import Protocol, runtime_checkable

from persona_atlas.models.cache import ResponseCache, cache_key
from persona_atlas.models.protocol import Generation, LanguageModel, Sampling

Answers = list[tuple[int, Generation]]


class Stream(Protocol):
    """`number` is the caller's own, and may come again once its answer is there."""

    def submit(self, number: int, prompt: str, sampling: Sampling) -> None:
        """Hand over a prompt; returns at once."""
        ...

    def finished(self) -> Answers:
        """What has finished since the last call: at least one answer as long as any prompt is unanswered. Raises ModelError as `generate` does."""
        ...

    def close(self) -> None:
        """Take back what is unanswered."""
        ...


@runtime_checkable
class Streaming(Protocol):
    """A model that takes prompts at any time."""

    def stream(self) -> Stream: ...


class BatchStream:
    """Any model: all that waits under one sampling is a batch; what comes while a batch is being answered waits for the next."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self._waiting: list[tuple[int, str, Sampling]] = []
        self._batch: Iterator[tuple[int, Generation]] = iter(())

    def submit(self, number: int, prompt: str, sampling: Sampling) -> None:
        self._waiting.append((number, prompt, sampling))

    def finished(self) -> Answers:
        """The next answer of the batch, as the model gives it; then that of the prompts with the sampling of the one that waits longest."""
        answer = next(self._batch, None)
        if answer is None and self._waiting:
            self._batch = self._begun(self._waiting[0][2])
            answer = next(self._batch, None)
        return [] if answer is None else [answer]

    def _begun(self, sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        mine = [(number, prompt) for number, prompt, wanted in self._waiting if wanted == sampling]
        self._waiting = [entry for entry in self._waiting if entry[2] != sampling]
        return ((mine[index][0], generation) for index, generation in self._model.generate([prompt for _, prompt in mine], sampling))

    def close(self) -> None:
        self._waiting.clear()
        self._batch = iter(())


class CachedStream:
    """A stream that asks `model` only for what `cache` lacks; two prompts alike that are in hand at once are asked once.

    `hits` and `generated` count answers, `generated_tokens` the tokens of the latter where the model tells. What finishes is stored before it is
    given back, so that a kill loses no more than what was still being written; an answer with finish_reason "error" is never stored.
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

    def finished(self) -> Answers:
        found, self._known = self._known, []
        if not found and self._keys:
            fresh = [(self._keys.pop(sent), generation) for sent, generation in self._stream.finished()]
            self._cache.put({key: generation for key, generation in fresh if generation.finish_reason != "error"})
            for key, generation in fresh:
                numbers = self._asked.pop(key)
                self.generated += 1
                self.generated_tokens += generation.answer_tokens or 0
                self.hits += len(numbers) - 1
                found += [(number, generation) for number in numbers]
        return found

    def close(self) -> None:
        self._stream.close()


def open_stream(model: LanguageModel) -> Stream:
    """The model's own stream, or one of batches where it has none."""
    return model.stream() if isinstance(model, Streaming) else BatchStream(model)


@contextmanager
def cached_stream(model: LanguageModel, cache: ResponseCache) -> Iterator[CachedStream]:
    """A `CachedStream` that takes back what is unanswered at the end, whatever ends it."""
    stream = CachedStream(model, cache)
    try:
        yield stream
    finally:
        stream.close()
