"""A stream of prompts to an OpenAI-compatible server through lm-eval's backend: so many requests at a time, each tried again by itself.

What may pass (a timeout, HTTP 429 or 5xx, a dropped connection, an answer that is no JSON) is tried again, later and later; a prompt that fails all
its tries is a `Generation` with an error, and MOST_LOST of them in a row mean that the server is gone.
"""

import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from persona_atlas.models.lmeval_api import ReportedAnswer, lost, reported
from persona_atlas.models.lmeval_backend import one_line
from persona_atlas.models.protocol import Generation, ModelError, Sampling

MOST_LOST = 8
"""Prompts in a row that a backend fails on, each tried again: then it is gone."""
LONGEST_WAIT = 20.0
"""Seconds between two tries, at most."""


class Asking(Protocol):
    """What a `ServerStream` needs of the model whose prompts it sends."""

    name: str
    backend: Any

    def context(self, prompt: str, sampling: Sampling) -> tuple[Any, int | None] | Generation:
        """What the backend sends for the prompt, and its tokens where they are known; or why it is not sent."""
        ...

    def generation(self, answer: ReportedAnswer, prompt_tokens: int | None, sampling: Sampling) -> Generation: ...


class ServerStream:
    """A `Stream` with `concurrency` threads, each of which waits for one answer at a time."""

    def __init__(self, model: Asking, concurrency: int, tries: int) -> None:
        self._model, self._tries = model, max(1, tries)
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="prompts")
        self._done: queue.SimpleQueue[tuple[int, Generation | ModelError]] = queue.SimpleQueue()
        self._unanswered = 0
        self._lost = 0
        self._lock = threading.Lock()

    def submit(self, number: int, prompt: str, sampling: Sampling) -> None:
        self._unanswered += 1
        self._pool.submit(self._answer, number, prompt, sampling)

    def finished(self) -> list[tuple[int, Generation]]:
        """Waits for an answer, and takes what else is there. Raises ModelError where MOST_LOST prompts in a row were lost."""
        found: list[tuple[int, Generation]] = []
        while self._unanswered and (not found or not self._done.empty()):
            number, answer = self._done.get()
            if isinstance(answer, ModelError):
                raise answer
            self._unanswered -= 1
            found.append((number, answer))
        return found

    def close(self) -> None:
        """Begin nothing more; what is being answered is waited for."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _answer(self, number: int, prompt: str, sampling: Sampling) -> None:
        try:
            self._done.put((number, self._generation(prompt, sampling)))
        except Exception as error:  # a thread's end: what flies here would be seen by nobody
            self._done.put((number, error if isinstance(error, ModelError) else ModelError(f"{self._model.name}: {one_line(error)}")))

    def _generation(self, prompt: str, sampling: Sampling) -> Generation:
        sent = self._model.context(prompt, sampling)
        if isinstance(sent, Generation):
            return sent
        context, tokens = sent
        return self._model.generation(self._asked(context, sampling), tokens, sampling)

    def _asked(self, context: Any, sampling: Sampling) -> ReportedAnswer:
        from tenacity import Retrying, stop_after_attempt, wait_random_exponential

        retrying = Retrying(stop=stop_after_attempt(self._tries), wait=wait_random_exponential(multiplier=0.5, max=LONGEST_WAIT), reraise=True)
        try:
            answer = retrying(self._once, context, sampling)
        except Exception as error:  # the boundary: backends raise what they like
            self._count_lost(error)
            return lost(f"The backend {self._model.name} failed on the prompt ({one_line(error)}).")
        with self._lock:
            self._lost = 0
        return answer

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
