"""A stream of prompts to an OpenAI-compatible server through lm-eval's backend, with a fixed number of requests at a time, each retried by itself.

Failures that may pass (a timeout, HTTP 429 or 5xx, a dropped connection, an answer that is not JSON) are retried after longer and longer waits. A
prompt that fails all its tries, or is refused, yields a `Generation` with an error. If MOST_LOST prompts in a row fail all their tries, the server is
taken to be gone, and if none of the first prompts is answered, it is taken to be useless: both raise `ModelError`.
"""

import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from persona_atlas.models.lmeval_api import ReportedAnswer, lost, reported
from persona_atlas.models.lmeval_backend import one_line
from persona_atlas.models.protocol import Generation, ModelError, Sampling
from persona_atlas.models.stream import Answers

MOST_LOST = 8
"""How many prompts in a row a backend may fail on, despite retries, before it is taken to be gone."""
LONGEST_WAIT = 20.0
"""The most seconds between two tries."""


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
    way, refusals arrive before the first answers do.
    """

    def __init__(self, model: Asking, concurrency: int, tries: int) -> None:
        self._model, self._tries = model, max(1, tries)
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="prompts")
        self._done: queue.SimpleQueue[tuple[int, Generation | ModelError]] = queue.SimpleQueue()
        self._unanswered = 0
        self._broken: ModelError | None = None
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._first = max(MOST_LOST, concurrency)
        self._answered = False
        self._failed = self._lost = 0  # refused or lost in total; lost in a row

    def submit(self, number: int, prompt: str, sampling: Sampling) -> None:
        self._unanswered += 1
        self._pool.submit(self._answer, number, prompt, sampling)

    def finished(self, wait: bool = True) -> Answers:
        """Wait for an answer and return it with any others that are there; without `wait`, return only what is there.

        Raises ModelError if MOST_LOST prompts in a row were lost, or none of the first was answered.
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
        from tenacity import Retrying, stop_after_attempt, wait_random_exponential

        wait = wait_random_exponential(multiplier=0.5, max=LONGEST_WAIT)
        retrying = Retrying(stop=stop_after_attempt(self._tries), wait=wait, sleep=self._rest, reraise=True)
        try:
            answer = retrying(self._once, context, sampling)
        except _StoppedError:
            raise
        except Exception as error:  # the boundary: backends raise what they like
            self._count_lost(error)
            answer = lost(f"The backend {self._model.name} failed on the prompt ({one_line(error)}).")
        else:
            with self._lock:
                self._lost = 0
        self._check_first(answer)
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

    def _count_lost(self, error: Exception) -> None:
        with self._lock:
            self._lost += 1
            gone = self._lost >= MOST_LOST
        if gone:
            raise ModelError(f"The backend {self._model.name} stopped answering ({one_line(error)}): mend that and resume.") from error

    def _check_first(self, answer: ReportedAnswer) -> None:
        with self._lock:
            self._answered = self._answered or answer.refusal is None
            self._failed += answer.refusal is not None and not answer.overflows
            useless = not self._answered and self._failed >= self._first
        if useless:
            found = f"The backend {self._model.name} answered none of its first {self._first} prompts"
            raise ModelError(f"{found}, so check --model_args. {answer.refusal}")


class _StoppedError(Exception):
    """The stream has been stopped, so the prompt is not tried again."""
