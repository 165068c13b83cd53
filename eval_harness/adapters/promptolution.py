"""OPRO as implemented in promptolution: a model is shown instructions with their scores and proposes the next ones.

    atlas-eval --optimizer promptolution --optimizer_calls 300 --model smol-steerable

Needs the extra `promptolution`. The run's target makes the proposals.
"""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from promptolution.llms.base_llm import BaseLLM
from promptolution.optimizers.opro import OPRO
from promptolution.tasks.base_task import BaseTask, EvalResult

from eval_harness.adapters.instruction import Instruction, value
from persona_atlas.protocol import Context, TrainTask

PROPOSAL_TOKENS = 200
A_STEP = 4
"""How many instructions are proposed per step."""


class Opro(Instruction):
    def fit(self, train: Sequence[TrainTask], context: Context) -> None:
        learned, judges = self.parts(train)
        a_step, rest = A_STEP * (len(learned) + 1), len(learned) + 2 * len(judges)  # rest: scoring the initial instruction, and the final choice
        self.need(a_step + rest, context)
        steps = (context.model.calls_left - rest) // a_step
        np.random.seed(context.seed)  # promptolution draws from numpy's global generator
        optimizer = OPRO(
            predictor=SimpleNamespace(extraction_description=None),  # nothing to extract: the harness reads the answers
            task=_Tasks(self, learned, context),
            meta_llm=_Target(context),
            initial_prompts=[self.instruction],
            num_instructions_per_step=A_STEP,
        )
        found = [str(prompt) for prompt in optimizer.optimize(steps)]
        self.instruction = self.best([self.instruction, *(text for text in found[:1] if text.strip())], judges, context)


class _Tasks(BaseTask):
    """The train tasks as a promptolution task: takes instructions, gives one value per instruction and train task."""

    def __init__(self, optimizer: Instruction, tasks: Sequence[TrainTask], context: Context) -> None:
        queries = [f"{task.request.query} [{task.number}]" for task in tasks]
        super().__init__(pd.DataFrame({"x": queries}), "x", task_description="Answer a user's question the way that user likes answers.")
        self.optimizer, self.tasks, self.context = optimizer, list(tasks), context

    def evaluate(self, prompts: Any, predictor: Any = None, **other: Any) -> EvalResult:
        asked = prompts if isinstance(prompts, list) else [prompts]
        rows = [self.optimizer.scores(_nonempty(str(prompt)), self.tasks, self.context) for prompt in asked]
        values = np.array([[value(score) for score in row] for row in rows])
        answers = np.array([[score.answer for score in row] for row in rows], dtype=object)
        zeros = np.zeros_like(values)
        return EvalResult(values, values.mean(1), answers, zeros, zeros, zeros.mean(1), zeros.mean(1))

    def _evaluate(self, xs: list[str], ys: list[str], preds: list[str]) -> Any:
        raise NotImplementedError("evaluate() asks the harness, which scores")


def _nonempty(text: str) -> str:
    return text.strip() or "."


class _Target(BaseLLM):
    """The run's target as promptolution's model. It decodes greedily, so the number of the draw is put into the prompt to make proposals differ."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context, self.draw = context, 0

    def set_generation_seed(self, seed: int) -> None:
        self.draw = seed % 1000

    def _get_response(self, prompts: list[str], system_prompts: list[str]) -> list[str]:
        return self.context.model.generate([f"{prompt}\n\n(Draw {self.draw}.)" for prompt in prompts], PROPOSAL_TOKENS)
