"""A stream of prompts into vLLM's running batch, through the engine that lm-eval's backend `vllm` holds.

`LLM.generate` answers a list and waits for its longest answer, but the engine below it takes a request at any time. This module uses `add_request`,
`step` and `abort_request` of `vllm.LLM.llm_engine` (0.19 and later).
"""

import itertools
from typing import Any

from persona_atlas.models.lmeval_backend import one_line
from persona_atlas.models.protocol import Generation, ModelError, Sampling
from persona_atlas.models.server import MOST_LOST, Asking
from persona_atlas.models.stream import Answers


class VLLMStream:
    """A `Stream` on one vLLM engine, which runs in this process or is driven from it."""

    def __init__(self, model: Asking) -> None:
        self._model, self._engine = model, model.backend.model.llm_engine
        self._ids = itertools.count()
        self._running: dict[str, int] = {}
        self._refused: Answers = []
        self._refusals = 0  # by the engine, in a row

    def submit(self, number: int, prompt: str, sampling: Sampling) -> None:
        """Hand over a prompt. One that the engine refuses is answered with an error. Raises ModelError if it refuses MOST_LOST prompts in a row."""
        sent = self._model.context(prompt, sampling)
        if isinstance(sent, Generation):
            self._refused.append((number, sent))
            return
        request = str(next(self._ids))
        tokens = self._model.backend.tok_encode(sent[0])
        try:
            self._engine.add_request(request, {"prompt_token_ids": tokens}, _parameters(sampling))
        except Exception as error:  # the boundary: engines raise what they like
            self._refuse(number, len(tokens), error)
            return
        self._refusals = 0
        self._running[request] = number

    def finished(self, wait: bool = True) -> Answers:
        """Step the engine until there is an answer, or without `wait` at most once. Raises ModelError if the engine dies."""
        found = self._given()
        while self._running and not found:
            found = [(self._running.pop(output.request_id), self._generation(output)) for output in self._step() if output.finished]
            if not wait:
                break
        return found

    def close(self) -> Answers:
        """Take back the unanswered prompts, and return the answers that have not been given yet."""
        if self._running:
            self._engine.abort_request(list(self._running))
            self._running.clear()
        return self._given()

    def _given(self) -> Answers:
        found, self._refused = self._refused, []
        return found

    def _step(self) -> list[Any]:
        try:
            return list(self._engine.step())
        except Exception as error:  # the boundary: engines raise what they like
            self._running.clear()  # there is nothing to abort in a dead engine
            raise ModelError(f"{self._model.name} stopped answering ({one_line(error)}): mend that and resume.") from error

    def _refuse(self, number: int, prompt_tokens: int, error: Exception) -> None:
        self._refusals += 1
        if self._refusals >= MOST_LOST:
            raise ModelError(f"{self._model.name} takes no prompt any more ({one_line(error)}): mend that and resume.") from error
        why = f"{self._model.name} does not take the prompt ({one_line(error)})."
        self._refused.append((number, Generation("", "error", prompt_tokens, None, why)))

    def _generation(self, output: Any) -> Generation:
        said, tokens = output.outputs[0], len(output.prompt_token_ids)
        if said.finish_reason not in ("stop", "length"):
            return Generation("", "error", tokens, None, f"{self._model.name} gave the prompt up before its answer ended ({said.finish_reason}).")
        return Generation(said.text, said.finish_reason, tokens, len(said.token_ids))


def _parameters(sampling: Sampling) -> Any:
    from vllm import SamplingParams

    return SamplingParams(max_tokens=sampling.max_gen_toks, temperature=sampling.temperature, seed=sampling.seed)
