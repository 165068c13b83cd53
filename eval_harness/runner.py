"""Runs one optimizer and its controls on the items of a split: prompts first, then answers, each kept as soon as it is there."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval_harness.conditions import Shown, show
from eval_harness.controls import CONTROLS
from eval_harness.gold import CONVERSATIONS, HISTORY_TOKENS, Gold
from eval_harness.runfolder import Key, PromptRecord, RunFolder, Sample
from eval_harness.sandbox import OptimizerSpec, Sandbox
from persona_atlas.data import Release
from persona_atlas.models.protocol import Generation, LanguageModel, Sampling
from persona_atlas.protocol import Request
from persona_atlas.randomness import generator
from persona_atlas.records import Item

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Job:
    """One sample to make: which arm, under which condition, for which item."""

    arm: str
    condition: str
    item: Item

    @property
    def key(self) -> Key:
        return Key(self.arm, self.condition, self.item.item_id)


@dataclass(frozen=True)
class Evaluation:
    """Everything that determines a run. `dataset` is the release as it was named; `arm` the optimizer's row; `spec` is None where it is a control."""

    release: Release
    split: str
    items: tuple[Item, ...]
    conditions: tuple[str, ...]
    arm: str
    spec: OptimizerSpec | None
    controls: tuple[str, ...]
    model: LanguageModel
    sampling: Sampling
    seed: int
    wording: int
    history_tokens: int = HISTORY_TOKENS
    conversations: int = CONVERSATIONS
    dataset: str = "persona-atlas"

    def arms(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([self.arm, "identity", *self.controls]))

    def jobs(self) -> list[Job]:
        """All samples, ordered by condition, arm, and item, so that a user's items stand together and share the history's prefix."""
        asked = {c: [item for item in self.items if show(c, item, self.release) is not None] for c in self.conditions}
        return [Job(arm, condition, item) for condition in self.conditions for arm in self.arms() for item in asked[condition]]

    def shown(self, job: Job) -> Shown:
        shown = show(job.condition, job.item, self.release)
        assert shown is not None, "jobs() leaves out what an item does not have"
        return shown


def choose_items(release: Release, split: str, limit: int | None, per_user: int | None = None) -> tuple[Item, ...]:
    """The items of the first `limit` users of a split, by id; of each user the first `per_user` where that is given."""
    items = sorted(release.items(split), key=lambda item: item.item_id)
    mine: dict[str, list[Item]] = {}
    for item in items:
        mine.setdefault(item.persona_id, []).append(item)
    return tuple(item for persona_id in sorted(mine)[:limit] for item in mine[persona_id][:per_user])


def make_prompts(evaluation: Evaluation, folder: RunFolder, sandbox: Sandbox | None, progress: Progress) -> dict[Key, PromptRecord]:
    """The prompt of every job, from the folder where it is there already."""
    jobs, known = evaluation.jobs(), folder.prompts()
    gold = _gold(evaluation)
    salt = secrets.token_hex(16)
    for done, job in enumerate(jobs):
        progress(done, len(jobs))
        if job.key in known:
            continue
        if sandbox is not None and job.arm == evaluation.arm:
            record = _optimized(evaluation, job, sandbox, salt)
        else:
            record = PromptRecord(*job.key, CONTROLS[job.arm](job.item, evaluation.shown(job), gold), None)
        folder.add_prompt(record)
        known[job.key] = record
    progress(len(jobs), len(jobs))
    return known


def _gold(evaluation: Evaluation) -> Gold:
    return Gold(
        release=evaluation.release,
        split=evaluation.split,
        count_tokens=evaluation.model.count_tokens,
        seed=evaluation.seed,
        wording=evaluation.wording,
        history_tokens=evaluation.history_tokens,
        conversations=evaluation.conversations,
        items=evaluation.items,
    )


def _optimized(evaluation: Evaluation, job: Job, sandbox: Sandbox, salt: str) -> PromptRecord:
    shown = evaluation.shown(job)
    user = f"user-{generator(0, salt, job.item.persona_id).integers(2**48):012x}"
    reply = sandbox.optimize(Request(user, shown.messages(), shown.query))
    return PromptRecord(*job.key, reply.text, reply.failure, reply.profile, round(reply.seconds, 3))


def make_samples(evaluation: Evaluation, folder: RunFolder, prompts: dict[Key, PromptRecord], progress: Progress) -> dict[Key, Sample]:
    """The sample of every job, from the folder where it is there already; answers come in the order in which the target finishes them."""
    jobs, known = evaluation.jobs(), folder.samples()
    missing = [job for job in jobs if job.key not in known or known[job.key].finish_reason == "error"]
    done = len(jobs) - len(missing)
    progress(done, len(jobs))
    for sample in _answered(evaluation, [prompts[job.key] for job in missing]):
        folder.add_sample(sample)
        known[sample.key] = sample
        done += 1
        progress(done, len(jobs))
    return known


def _answered(evaluation: Evaluation, records: Sequence[PromptRecord]) -> Iterator[Sample]:
    asked = [record for record in records if record.prompt is not None]
    for record in records:
        if record.prompt is None:
            yield Sample(*record.key, None, "", "no_prompt", None, record.failure, None, None)
    for index, generation in evaluation.model.generate([record.prompt or "" for record in asked], evaluation.sampling):
        yield _sample(asked[index], generation)


def _sample(record: PromptRecord, generation: Generation) -> Sample:
    return Sample(
        *record.key,
        prompt=record.prompt,
        answer=generation.text,
        finish_reason=generation.finish_reason,
        error=generation.error,
        failure=None,
        prompt_tokens=generation.prompt_tokens,
        answer_tokens=generation.answer_tokens,
    )


def evaluate(
    evaluation: Evaluation, output: Path, config: dict[str, Any], announce: Callable[[dict[Key, PromptRecord]], None], progress: Any
) -> list[Sample]:
    """Run everything into `output` and return the samples in the order of the jobs. Raises EvalError before anything is written where
    the module is no optimizer.

    `announce` is told the prompts before the target is asked; `progress(unit)` is a context manager that gives a Progress.
    """
    if evaluation.spec is None:
        return _run(evaluation, output, config, None, announce, progress)
    with Sandbox(evaluation.spec, evaluation.seed) as sandbox:
        sandbox.start()
        try:
            return _run(evaluation, output, config, sandbox, announce, progress)
        finally:
            if sandbox.log and output.is_dir():
                (output / "optimizer.log").write_bytes(bytes(sandbox.log))


def _run(
    evaluation: Evaluation,
    output: Path,
    config: dict[str, Any],
    sandbox: Sandbox | None,
    announce: Callable[[dict[Key, PromptRecord]], None],
    progress: Any,
) -> list[Sample]:
    with RunFolder(output, config, evaluation.dataset) as folder:
        with progress("prompts") as tick:
            prompts = make_prompts(evaluation, folder, sandbox, tick)
        announce(prompts)
        with progress("answers") as tick:
            samples = make_samples(evaluation, folder, prompts, tick)
    return [samples[job.key] for job in evaluation.jobs()]
