"""Takes an optimizer's prompts over from a run of it on another target.

An optimizer does not learn what its target is. If it may not ask the target either, then the same requests lead to the same prompts on any target,
and a slow optimizer need not write them again for the next one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eval_harness.errors import EvalError
from eval_harness.runfolder import PromptRecord, read_run, records
from eval_harness.runner import Evaluation

SAME = ("optimizer", "optimizer_args", "optimizer_digest", "dataset_digest", "split", "seed", "schema_version", "persona_atlas")
"""What two runs must share for the optimizer to have been asked the same in both. Conditions and users may differ: what is not there is asked."""


def prompts_of(run: Path, evaluation: Evaluation, config: Mapping[str, Any]) -> tuple[PromptRecord, ...]:
    """The prompts in the folder `run` that the optimizer wrote for requests of this evaluation; failures are left out, so that it is asked again.

    Raises EvalError if they may be other ones than it would write here.
    """
    there = read_run(run)["config"]
    if evaluation.spec is None:
        raise EvalError(f"--prompts_of is for optimizers that run in a process of their own, and {evaluation.arm} is a control; leave it out")
    if differing := [key for key in SAME if there.get(key) != config[key]]:
        raise EvalError(f"--prompts_of {run} is a run with another {' and '.join(differing)}; leave it out, and the optimizer is asked")
    if calls := there.get("optimizer_calls") or evaluation.optimizer_calls:
        raise EvalError(f"--prompts_of is for optimizers that do not ask the target, and this one may ask it {calls} times; leave it out")
    if not (run / "prompts.jsonl").is_file():
        raise EvalError(f"--prompts_of {run} holds no prompts.jsonl; give the folder in which atlas-eval made the run")
    asked = {job.key for job in evaluation.jobs() if job.arm == evaluation.arm}
    found = {record.key: record for record in records(run / "prompts.jsonl", PromptRecord)}
    return tuple(record for key, record in found.items() if key in asked and record.prompt is not None)
