"""TextGrad: the scorer's feedback on a batch of train tasks is the gradient, and a model uses it to rewrite the instruction.

    atlas-eval --optimizer textgrad --optimizer_calls 300 --model smol-steerable

Needs the extra `textgrad`. The run's target does the rewriting; output without TextGrad's tags leaves the instruction as it is.
"""

from collections.abc import Sequence
from typing import Any

import eval_harness.adapters.offline  # noqa: F401  # isort: skip
import textgrad
from textgrad.engine import EngineLM

from eval_harness.adapters.instruction import Instruction
from persona_atlas.protocol import Context, Score, TrainTask

REWRITING_TOKENS = 300
BATCH = 4
ROLE = "instruction to a language model that shall answer each user's question the way that user likes"


class TextGrad(Instruction):
    def fit(self, train: Sequence[TrainTask], context: Context) -> None:
        learned, judges = self.parts(train)
        a_step, choice = BATCH + 1, 2 * len(judges)
        self.need(a_step + choice, context)
        steps = (context.model.calls_left - choice) // a_step
        variable = textgrad.Variable(self.instruction, requires_grad=True, role_description=ROLE)
        descent = textgrad.TextualGradientDescent(parameters=[variable], engine=_Target(context))
        unchanged = 0
        for step in range(steps):
            batch = [learned[(step * BATCH + i) % len(learned)] for i in range(min(BATCH, len(learned)))]
            descent.zero_grad()
            for task, score in zip(batch, self.scores(variable.value, batch, context), strict=True):
                _add_gradient(variable, task, score)
            before = variable.value
            try:
                descent.step()
            except IndexError:  # TextGrad raises this if the tags are missing
                print(f"step {step + 1}: the rewriting has no tags")
            if not variable.value.strip():
                variable.set_value(before)
            unchanged = unchanged + 1 if variable.value == before else 0
            if unchanged == len(learned):  # every batch was there since the last change: from here on the same would be asked again
                break
        self.instruction = self.best([self.instruction, variable.value], judges, context)


def _add_gradient(variable: Any, task: TrainTask, score: Score) -> None:
    gradient = textgrad.Variable(score.feedback, requires_grad=False, role_description="feedback of the benchmark's scorer")
    variable.gradients.add(gradient)
    variable.gradients_context[gradient] = {
        "context": f"Question: {task.request.query}\nAnswer: {score.answer}",
        "response_desc": "answer of the language model",
        "variable_desc": ROLE,
    }


class _Target(EngineLM):
    """The run's target as TextGrad's engine."""

    def __init__(self, context: Context) -> None:
        self.context, self.model_string = context, "target"

    def generate(self, prompt: str, system_prompt: str | None = None, **other: Any) -> str:
        text = prompt if system_prompt is None else f"{system_prompt}\n\n{prompt}"
        return self.context.model.generate([text], REWRITING_TOKENS)[0]

    def __call__(self, prompt: str, **other: Any) -> str:
        return self.generate(prompt, **other)
