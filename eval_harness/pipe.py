"""The metered model as an optimizer sees it: questions go to the harness over the worker's own pipe, and the answers come back (metered.py).

What the harness would not accept is refused here, where the optimizer can catch the error: a message that the harness refuses ends the process.
"""

import json
import operator
import threading
from collections.abc import Callable, Sequence
from typing import Any, TextIO

from persona_atlas.protocol import MAX_NEW_TOKENS, MAX_PROMPT_CHARACTERS, MAX_PROMPTS, MAX_QUESTION_CHARACTERS, BudgetError, Score, TrainTask


class PipedModel:
    """`Context.model` and `Context.score`, over the pipe. Threads of an optimizer may share it: the pipe carries one question at a time."""

    def __init__(self, send: Callable[[dict[str, Any]], None], incoming: TextIO, budget: int) -> None:
        self._send, self._incoming = send, incoming
        self.calls_left = budget
        self._asking = threading.Lock()

    def generate(self, prompts: Sequence[str], max_gen_toks: int = 256) -> list[str]:
        """The answers in order, decoded greedily; empty text where the target could not answer. Raises BudgetError, TypeError, ValueError."""
        longest = int(operator.index(max_gen_toks))
        if not 1 <= longest <= MAX_NEW_TOKENS:
            raise ValueError(f"max_gen_toks is {longest:,}, wanted 1 to {MAX_NEW_TOKENS:,}")
        if isinstance(prompts, str):
            raise TypeError("generate was given one text, wanted a list of prompts: [prompt]")
        asked = _taken(list(prompts))
        return list(self._said({"ask": asked, "max_gen_toks": longest})["answers"]) if asked else []

    def score(self, attempts: Sequence[tuple[TrainTask, str]]) -> list[Score]:
        """The score of each prompt for its train task. Raises BudgetError, TypeError, ValueError."""
        tried = list(attempts)
        prompts = _taken([prompt for _, prompt in tried])
        asked = [[task.number, prompt] for (task, _), prompt in zip(tried, prompts, strict=True)]
        return [Score(*entry) for entry in self._said({"score": asked})["scores"]] if asked else []

    def _said(self, message: dict[str, Any]) -> dict[str, Any]:
        if (length := len(json.dumps(message))) > MAX_QUESTION_CHARACTERS:
            raise ValueError(f"the prompts have {length:,} characters together as JSON, at most {MAX_QUESTION_CHARACTERS:,} are taken at once")
        with self._asking:
            self._send(message)
            said: dict[str, Any] = json.loads(self._incoming.readline())
            self.calls_left = said["left"]
        if "exhausted" in said:
            raise BudgetError(said["exhausted"])
        return said


def _taken(prompts: Sequence[object]) -> list[str]:
    """The prompts, if they can all be asked at once. Raises TypeError, ValueError."""
    if len(prompts) > MAX_PROMPTS:
        raise ValueError(f"{len(prompts):,} prompts were asked at once, at most {MAX_PROMPTS} are taken")
    return [_text(prompt) for prompt in prompts]


def _text(prompt: object) -> str:
    if not isinstance(prompt, str):
        raise TypeError(f"a prompt is a {type(prompt).__name__}, wanted a text")
    if fault := fault_of(prompt):
        raise ValueError(f"a prompt {fault}")
    return prompt


def fault_of(prompt: str) -> str | None:
    """Why the target cannot be asked this prompt, worded to follow `a prompt `; None if it can."""
    if not prompt.strip():
        return "is blank"
    if len(prompt) > MAX_PROMPT_CHARACTERS:
        return f"has {len(prompt):,} characters, at most {MAX_PROMPT_CHARACTERS:,} are taken"
    if any("\ud800" <= sign <= "\udfff" for sign in prompt):
        return "holds half a surrogate pair"
    return None
