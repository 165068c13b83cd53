"""A stream of prompts into vLLM's running batch, through the engine that lm-eval's backend `vllm` holds.

`LLM.generate` answers a list and waits for the longest of it; the engine below it takes a request at any time. This uses `add_request`, `step` and
`abort_request` of `vllm.LLM.llm_engine` (0.19 and later).
"""

import itertools
from typing import Any

from persona_atlas.models.lmeval_backend import one_line
from persona_atlas.models.protocol import Generation, ModelError, Sampling
from persona_atlas.models.server import Asking


class VLLMStream:
    """A `Stream` on one engine of vLLM, in this process or steered from it."""

    def __init__(self, model: Asking) -> None:
        self._model, self._engine = model, model.backend.model.llm_engine
        self._ids = itertools.count()
        self._running: dict[str, int] = {}
        self._refused: list[tuple[int, Generation]] = []

    def submit(self, number: int, prompt: str, sampling: Sampling) -> None:
        """Raises ModelError where the engine does not take the prompt."""
        sent = self._model.context(prompt, sampling)
        if isinstance(sent, Generation):
            self._refused.append((number, sent))
            return
        request = str(next(self._ids))
        tokens = self._model.backend.tok_encode(sent[0])
        try:
            self._engine.add_request(request, {"prompt_token_ids": tokens}, _parameters(sampling))
        except Exception as error:  # the boundary: engines raise what they like
            raise ModelError(f"{self._model.name} does not take a prompt ({one_line(error)}): mend that and resume.") from error
        self._running[request] = number

    def finished(self) -> list[tuple[int, Generation]]:
        """Steps of the engine until an answer is there. Raises ModelError where the engine dies."""
        found, self._refused = self._refused, []
        while self._running and not found:
            try:
                outputs = self._engine.step()
            except Exception as error:  # the boundary: engines raise what they like
                raise ModelError(f"{self._model.name} stopped answering ({one_line(error)}): mend that and resume.") from error
            found = [(self._running.pop(output.request_id), _generation(output)) for output in outputs if output.finished]
        return found

    def close(self) -> None:
        """Take back what is unanswered."""
        if self._running:
            self._engine.abort_request(list(self._running))
            self._running.clear()


def _parameters(sampling: Sampling) -> Any:
    from vllm import SamplingParams

    return SamplingParams(max_tokens=sampling.max_gen_toks, temperature=sampling.temperature, seed=sampling.seed)


def _generation(output: Any) -> Generation:
    said = output.outputs[0]
    return Generation(said.text, "length" if said.finish_reason == "length" else "stop", len(output.prompt_token_ids), len(said.token_ids))
