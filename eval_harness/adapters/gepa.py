"""GEPA (gepa.optimize): the instruction evolves by reflection on the scorer's feedback on each answer.

    atlas-eval --optimizer gepa --optimizer_calls 300 --model smol-steerable

Needs the extra `gepa`. The run's target does the reflecting.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gepa
from gepa import EvaluationBatch

from eval_harness.adapters.instruction import Instruction, value
from persona_atlas.protocol import Context, Score, TrainTask

REFLECTION_TOKENS = 300
MINIBATCH = 4


class Gepa(Instruction):
    def fit(self, train: Sequence[TrainTask], context: Context) -> None:
        learned, judges = self.parts(train)
        needed = len(judges) + 2 * MINIBATCH + 1
        self.need(needed + len(judges), context)
        found = gepa.optimize(
            {"instruction": self.instruction},
            trainset=learned,
            valset=judges,
            adapter=_Scored(self, context),
            reflection_lm=lambda prompt: context.model.generate([_as_text(prompt)], REFLECTION_TOKENS)[0],
            reflection_minibatch_size=MINIBATCH,
            stop_callbacks=lambda state: context.model.calls_left < needed,
            max_metric_calls=2 * context.model.calls_left,  # stops even if the target keeps repeating a proposal, which costs no call
            logger=_Printed(),
            seed=context.seed,
        )
        self.instruction = found.best_candidate["instruction"]
        print(f"instruction: {self.instruction}")


def _as_text(prompt: str | list[dict[str, Any]]) -> str:
    return prompt if isinstance(prompt, str) else "\n\n".join(str(message["content"]) for message in prompt)


@dataclass
class _Scored:
    """GEPA's view of the benchmark: a candidate is an instruction, an example is a train task, a trajectory is a task with its score."""

    optimizer: Gepa
    context: Context
    propose_new_texts = None

    def evaluate(self, batch: list[TrainTask], candidate: dict[str, str], capture_traces: bool = False) -> EvaluationBatch[Any, Any]:
        scores = self.optimizer.scores(candidate["instruction"], batch, self.context)
        traces = list(zip(batch, scores, strict=True)) if capture_traces else None
        return EvaluationBatch(outputs=[score.answer for score in scores], scores=[value(score) for score in scores], trajectories=traces)

    def make_reflective_dataset(
        self, candidate: dict[str, str], eval_batch: EvaluationBatch[Any, Any], components_to_update: list[str]
    ) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        traces: list[tuple[TrainTask, Score]] = eval_batch.trajectories or []
        seen = [{"Inputs": task.request.query, "Generated Outputs": score.answer, "Feedback": score.feedback} for task, score in traces]
        return dict.fromkeys(components_to_update, seen)


class _Printed:
    def log(self, message: str) -> None:
        print(message)
