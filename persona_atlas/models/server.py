"""A stream of prompts to an OpenAI-compatible server through lm-eval's backend, with a fixed number of requests at a time, each retried by itself.

Failures that may pass (a timeout, HTTP 429 or 5xx, a dropped connection, an answer that is not JSON) are retried after longer and longer waits, and
not before the server's `Retry-After`. A prompt that fails all its tries, or is refused, yields a `Generation` with an error; one that
is refused for its content, an empty answer. If so many prompts in a row fail that the server seems down, the rest are retried until it answers; after
OUTAGE seconds without an answer it counts as gone. If none of the first prompts is answered, it counts as useless. Both raise `ModelError`.
"""

import queue
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from persona_atlas.models.lmeval_api import ReportedAnswer, lost, reported, retry_after
from persona_atlas.models.lmeval_backend import one_line
from persona_atlas.models.protocol import Generation, ModelError, Sampling
from persona_atlas.models.stream import Answers

MOST_LOST = 8
"""How many prompts in a row a backend may fail on, despite retries, before it is taken to be gone (a server: only after an OUTAGE)."""
OUTAGE = 60.0
"""How many seconds a server may fail at everything before it is taken to be gone: it may be restarting, and many limits hold for a minute."""
FIRST_WAIT = 1.0
"""The least seconds between the first two tries: what is too much for a server now is rarely less a moment later."""
LONGEST_WAIT = 20.0
"""The most seconds between two tries, unless the server asks for more."""
LONGEST_NAMED = 60.0
"""The most seconds that a server's own `Retry-After` is heeded, since it may name a day."""


class Asking(Protocol):
    """What a `ServerStream` or `VLLMStream` needs of the model whose prompts it sends."""

    name: str
    backend: Any

    def context(self, prompt: str, sampling: Sampling) -> tuple[Any, int | None] | Generation:
        """What the backend is sent for the prompt, and its number of tokens if known; or the answer, for a prompt that is not sent."""
        ...

    def generation(self, answer: ReportedAnswer, prompt_tokens: int | None, sampling: Sampling) -> Generation: ...


class ServerStream:
    """A `Stream` with `concurrency` threads, each of which waits for one answer at a time.

    The server is given up if it refuses or fails its first MOST_LOST prompts, or its first `concurrency` if that is more: with many requests under
    way, refusals arrive before the first answers do. Later it seems to be out of order if MOST_LOST prompts in a row are lost, or twice `concurrency`
    if that is more: one moment of failure hits all requests that are under way.
    """

    def __init__(self, model: Asking, concurrency: int, tries: int) -> None:
        self._model, self._tries = model, max(1, tries)
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="prompts")
        self._done: queue.SimpleQueue[tuple[int, Generation | ModelError]] = queue.SimpleQueue()
        self._unanswered = 0
        self._broken: ModelError | None = None
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._first, self._most = max(MOST_LOST, concurrency), max(MOST_LOST, 2 * concurrency)
        self._answered = False
        self._failed = self._lost = 0  # refused or lost in total; lost in a row
        self._failing_since: float | None = None  # the first failed try since the last answer
        self._chance = random.Random()

    def submit(self, number: int, prompt: str, sampling: Sampling) -> None:
        self._unanswered += 1
        self._pool.submit(self._answer, number, prompt, sampling)

    def finished(self, wait: bool = True) -> Answers:
        """Wait for an answer and return it with any others that are there; without `wait`, return only what is there.

        Raises ModelError if the server is gone, or none of the first prompts was answered.
        """
        found = self._arrived(wait)
        if self._broken and not found:
            raise self._broken
        return found

    def close(self) -> Answers:
        """Start and retry nothing more, wait for the requests that are under way, and return the answers that have not been given yet."""
        self._stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        found, self._unanswered = self._arrived(wait=False), 0
        return found

    def _arrived(self, wait: bool) -> Answers:
        found: Answers = []
        while self._unanswered and (not self._done.empty() or (wait and not found and not self._broken)):
            number, answer = self._done.get()
            self._unanswered -= 1
            if isinstance(answer, ModelError):
                self._broken = self._broken or answer
                self._stop.set()
            else:
                found.append((number, answer))
        return found

    def _answer(self, number: int, prompt: str, sampling: Sampling) -> None:
        if self._stop.is_set():
            return
        try:
            self._done.put((number, self._generation(prompt, sampling)))
        except _StoppedError:
            return
        except Exception as error:  # the end of a thread, where nobody would see an exception
            self._done.put((number, error if isinstance(error, ModelError) else ModelError(f"{self._model.name}: {one_line(error)}")))

    def _generation(self, prompt: str, sampling: Sampling) -> Generation:
        sent = self._model.context(prompt, sampling)
        if isinstance(sent, Generation):
            return sent
        context, tokens = sent
        return self._model.generation(self._asked(context, sampling), tokens, sampling)

    def _asked(self, context: Any, sampling: Sampling) -> ReportedAnswer:
        tries = 1
        while isinstance(found := self._tried(context, sampling, tries), float):
            self._rest(found)
            tries += 1
        self._check_first(found)
        return found

    def _tried(self, context: Any, sampling: Sampling, tries: int) -> ReportedAnswer | float:
        """The answer, or the seconds to wait before the next try."""
        try:
            answer = self._once(context, sampling)
        except Exception as error:  # the boundary: backends raise what they like
            if self._is_tried_again(tries, error):
                return pause(tries, error, self._chance)
            return lost(f"The backend {self._model.name} failed on the prompt ({one_line(error)}).")
        with self._lock:
            self._lost, self._failing_since = 0, None
        return answer

    def _rest(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise _StoppedError

    def _once(self, context: Any, sampling: Sampling) -> ReportedAnswer:
        settings = {"max_gen_toks": sampling.max_gen_toks, "temperature": sampling.temperature, "until": [], "seed": sampling.seed}
        outputs = self._model.backend.model_call(messages=[context], generate=True, gen_kwargs=settings)
        answers = self._model.backend.parse_generations(outputs=outputs, contexts=[context])
        if not answers or answers[0] is None:
            raise ValueError("the server's answer holds no text")
        return reported(answers[0])

    def _is_tried_again(self, tries: int, error: Exception) -> bool:
        """Whether to retry a prompt after `tries` failures; if not, count it as lost. Raises ModelError if the server is gone."""
        now = time.monotonic()
        with self._lock:
            self._failing_since = now if self._failing_since is None else self._failing_since
            many, long = self._lost + 1 >= self._most, now - self._failing_since >= OUTAGE
            if tries < self._tries or (many and not long and self._answered):
                return True
            self._lost += 1
        if many and long:
            raise ModelError(f"The backend {self._model.name} stopped answering ({one_line(error)}): mend that and resume.") from error
        return False

    def _check_first(self, answer: ReportedAnswer) -> None:
        with self._lock:
            self._answered = self._answered or answer.refusal is None
            self._failed += answer.no_prompts_fault
            useless = not self._answered and self._failed >= self._first
        if useless:
            found = f"The backend {self._model.name} answered none of its first {self._first} prompts"
            raise ModelError(f"{found}, so check --model_args. {answer.refusal}")


def pause(tries: int, error: Exception, chance: random.Random) -> float:
    """The seconds to wait after so many failed tries: FIRST_WAIT, doubled with each try, or what the server asked for in `error` if that is more.

    Up to as much again is added by chance, so that prompts that failed at once do not come back at once.
    """
    least = min(FIRST_WAIT * 2 ** min(tries - 1, 30), LONGEST_WAIT / 2)
    return max(least, min(retry_after(error) or 0.0, LONGEST_NAMED)) + chance.uniform(0, least)


class _StoppedError(Exception):
    """The stream has been stopped, so the prompt is not tried again."""
