"""DSPy's COPRO: a model proposes instructions, train tasks score them, and the next proposals are made from the scored ones.

    atlas-eval --optimizer dspy --optimizer_calls 300 --model smol-steerable

Needs the extra `dspy`. The run's target makes the proposals; if its output lacks DSPy's field markers, all of it is taken as the instruction.
"""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import eval_harness.adapters.offline  # noqa: F401  # isort: skip

import dspy
from dspy.utils.exceptions import AdapterParseError

from eval_harness.adapters.instruction import Instruction, value
from persona_atlas.protocol import Context, TrainTask

PROPOSAL_TOKENS = 200
BREADTH = 4


class Copro(Instruction):
    def fit(self, train: Sequence[TrainTask], context: Context) -> None:
        learned, judges = self.parts(train)
        a_round, choice = BREADTH * (len(learned) + 1), 2 * len(judges)  # BREADTH proposals, each scored; at the end the old and new are judged
        self.need(a_round + choice, context)
        rounds = (context.model.calls_left - choice) // a_round
        dspy.configure(adapter=_Lenient(), max_errors=1)
        copro = dspy.COPRO(prompt_model=_Target(context), metric=_scored, breadth=BREADTH, depth=rounds)
        examples = [dspy.Example(task=task, optimizer=self, context=context).with_inputs("task", "optimizer", "context") for task in learned]
        found = copro.compile(_Program(self.instruction), trainset=examples, eval_kwargs={"num_threads": 1, "display_progress": False})
        self.instruction = self.best([self.instruction, found.answer.signature.instructions], judges, context)


class _Program(dspy.Module):
    """The program that COPRO optimizes: COPRO changes the instruction of its signature; running it scores that instruction on a train task."""

    def __init__(self, instruction: str) -> None:
        super().__init__()
        self.answer = dspy.Predict(dspy.Signature("question -> answer", instruction))

    def forward(self, task: TrainTask, optimizer: Instruction, context: Context) -> Any:
        return dspy.Prediction(score=optimizer.scores(self.answer.signature.instructions, [task], context)[0])


def _scored(example: Any, prediction: Any, trace: Any = None) -> float:
    return value(prediction.score)


class _Target(dspy.BaseLM):
    """The run's target as DSPy's language model. It decodes greedily, so every further completion of a prompt is requested as another version."""

    def __init__(self, context: Context) -> None:
        super().__init__("target", cache=False)
        self.context = context

    def forward(self, prompt: str | None = None, messages: list[dict[str, Any]] | None = None, n: int = 1, **other: Any) -> Any:
        text = prompt or "\n\n".join(str(message["content"]) for message in messages or [])
        asked = [text] + [f"{text}\n\nGive version {i}, unlike the others." for i in range(2, n + 1)]
        answers = self.context.model.generate(asked, PROPOSAL_TOKENS)
        choices = [SimpleNamespace(message=SimpleNamespace(content=answer), finish_reason="stop") for answer in answers]
        return SimpleNamespace(choices=choices, usage={}, model="target")


class _Lenient(dspy.ChatAdapter):
    """Tolerates output without field markers, which small models often give: the first field gets the whole text, the others are empty."""

    def parse(self, signature: Any, completion: str) -> dict[str, Any]:
        try:
            return dict(super().parse(signature, completion))
        except AdapterParseError:
            fields = list(signature.output_fields)
            return {**dict.fromkeys(fields, ""), fields[0]: completion.strip()}
