"""The metered model as an optimizer sees it: questions go to the harness over the worker's own pipe, and the answers come back (metered.py)."""

import json
from collections.abc import Callable, Sequence
from typing import Any, TextIO

from persona_atlas.protocol import BudgetError, Score, TrainTask


class PipedModel:
    """`Context.model` and `Context.score`, spoken over the pipe."""

    def __init__(self, send: Callable[[dict[str, Any]], None], incoming: TextIO, budget: int) -> None:
        self._send, self._incoming = send, incoming
        self.calls_left = budget

    def generate(self, prompts: Sequence[str], max_gen_toks: int = 256) -> list[str]:
        """The answers in order, greedily decoded; empty where the target could not answer. Raises BudgetError, and TypeError for what is no text."""
        prompts = [_text(prompt) for prompt in prompts]
        return list(self._said({"ask": prompts, "max_gen_toks": max_gen_toks})["answers"]) if prompts else []

    def score(self, attempts: Sequence[tuple[TrainTask, str]]) -> list[Score]:
        """The score of each prompt for its train task. Raises BudgetError."""
        asked = [[task.number, _text(prompt)] for task, prompt in attempts]
        return [Score(*entry) for entry in self._said({"score": asked})["scores"]] if asked else []

    def _said(self, message: dict[str, Any]) -> dict[str, Any]:
        self._send(message)
        said: dict[str, Any] = json.loads(self._incoming.readline())
        self.calls_left = said["left"]
        if "exhausted" in said:
            raise BudgetError(said["exhausted"])
        return said


def _text(prompt: object) -> str:
    if not isinstance(prompt, str):
        raise TypeError(f"a prompt is a {type(prompt).__name__}, wanted a text")
    return prompt
