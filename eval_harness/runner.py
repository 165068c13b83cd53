"""Runs one optimizer and its controls on the items of a split: prompts first, then answers, each saved as soon as it is there."""

import json
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from eval_harness.conditions import Shown, show
from eval_harness.controls import ASKING, CONTROLS
from eval_harness.gold import CONVERSATIONS, HISTORY_TOKENS, Gold
from eval_harness.metered import Meter, train_items
from eval_harness.optimizer_spec import OptimizerSpec
from eval_harness.runfolder import Key, PromptRecord, RunFolder, Sample
from eval_harness.sandbox import Sandbox
from persona_atlas import shards
from persona_atlas.data import Release
from persona_atlas.models.protocol import Generation, LanguageModel, Sampling
from persona_atlas.protocol import Request
from persona_atlas.randomness import generator
from persona_atlas.records import Item

Progress = Callable[[int, int], None]
LOG = "optimizer.log"
ASKED_AT_ONCE = 100
"""For how many requests at a time a control asks the target."""


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
    """Everything that determines a run. `dataset`: how the release was named. `arm`: the optimizer's name. `spec`: None if that is a control."""

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
    optimizer_calls: int = 0
    taken: tuple[PromptRecord, ...] = ()
    """The optimizer's prompts that are known from another run."""
    again: tuple[LanguageModel, ...] = ()
    """The target once more for each repeat; it does not see the answers that were cached for the others."""

    def meter(self, calls: int = 0, known: Iterable[str] = ()) -> Meter:
        """The target as the optimizer may ask it, with the train items that it may fit on. `calls` of its budget are spent already, on `known`."""
        items = train_items(self.release, self.seed, but={item.persona_id for item in self.items})
        return Meter(self.model, self.sampling, self.optimizer_calls, self.release, items, calls, known=set(known))

    def arms(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([self.arm, "identity", *self.controls]))

    def jobs(self) -> list[Job]:
        """All samples to make, ordered by condition, arm and item, so that a user's items are adjacent and share the history's prefix."""
        asked = {c: [item for item in self.items if show(c, item, self.release) is not None] for c in self.conditions}
        return [Job(arm, condition, item) for condition in self.conditions for arm in self.arms() for item in asked[condition]]

    def repeated(self) -> list[Key]:
        """The prompts that are answered again for each repeat: the optimizer's and identity's under `clean`, on a tenth of the items."""
        return [Key(arm, "clean", item.item_id) for arm in dict.fromkeys([self.arm, "identity"]) for item in self.items[::10]]

    def shown(self, job: Job) -> Shown:
        shown = show(job.condition, job.item, self.release)
        assert shown is not None, "jobs() leaves out what an item does not have"
        return shown


@dataclass(frozen=True)
class Unasked(PromptRecord):
    """A missing prompt: the target was to write it, or the optimizer asked the target for it, and an answer was lost, for the reason `error`. That is
    not the arm's fault. The record is not saved, so that the same command asks again.
    """

    error: str = ""


def choose_items(release: Release, split: str, limit: int | None, per_user: int | None = None) -> tuple[Item, ...]:
    """The items of the first `limit` users of a split, by id; only the first `per_user` of each user, if that is given."""
    mine: dict[str, list[tuple[str, int]]] = {}
    for place, (persona_id, item_id) in enumerate(release.item_ids(split)):
        mine.setdefault(persona_id, []).append((item_id, place))
    chosen = [place for persona_id in sorted(mine)[:limit] for _, place in sorted(mine[persona_id])[:per_user]]
    items = dict(zip(sorted(chosen), release.items_at(split, sorted(chosen)), strict=True))
    return tuple(items[place] for place in chosen)


def make_prompts(evaluation: Evaluation, folder: RunFolder, sandbox: Sandbox | None, progress: Progress) -> dict[Key, PromptRecord]:
    """The prompt of every job, read from the folder if it is there already."""
    jobs, known = evaluation.jobs(), folder.prompts()
    missing = [job for job in jobs if job.key not in known]
    done = len(jobs) - len(missing)
    progress(done, len(jobs))
    for record in _made(evaluation, missing, sandbox):
        if not isinstance(record, Unasked):
            folder.add_prompt(record)
        known[record.key] = record
        done += 1
        progress(done, len(jobs))
    return known


def _made(evaluation: Evaluation, jobs: Sequence[Job], sandbox: Sandbox | None) -> Iterator[PromptRecord]:
    """The prompts of the controls that ask the target, then of the optimizer, then of the other controls."""
    gold = _gold(evaluation)
    yield from _asked(evaluation, [job for job in jobs if job.arm in ASKING], gold)
    if sandbox is not None:
        yield from _optimized(evaluation, [job for job in jobs if job.arm == evaluation.arm], sandbox)
    for job in jobs:
        if job.arm in CONTROLS and (sandbox is None or job.arm != evaluation.arm):
            yield PromptRecord(*job.key, CONTROLS[job.arm](job.item, evaluation.shown(job), gold), None)


def _asked(evaluation: Evaluation, jobs: Sequence[Job], gold: Gold) -> Iterator[PromptRecord]:
    """The prompts of the controls that ask the target, for enough requests at a time to fill its batches, and few enough to show progress."""
    for arm in dict.fromkeys(job.arm for job in jobs):
        mine = [job for job in jobs if job.arm == arm]
        for some in (mine[start : start + ASKED_AT_ONCE] for start in range(0, len(mine), ASKED_AT_ONCE)):
            found = ASKING[arm]([evaluation.shown(job) for job in some], gold, evaluation.model)
            for job, made in zip(some, found, strict=True):
                record = PromptRecord(*job.key, made.text, made.failure, calls=made.calls, tokens=made.tokens)
                yield record if made.error is None else Unasked(**asdict(record), error=made.error)


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


def _optimized(evaluation: Evaluation, jobs: Sequence[Job], sandbox: Sandbox) -> Iterator[PromptRecord]:
    """The prompts of the optimizer, condition by condition, each asked of a process that has seen none of the others.

    Otherwise what it saw of a user under `clean` would help it where the history is thinner or the query noisier. Users' keys are drawn anew for each
    condition and each time, so that they cannot be looked up.
    """
    for number, condition in enumerate(dict.fromkeys(job.condition for job in jobs)):
        if number:
            sandbox.renew()
        yield from _asked_under_one(evaluation, [job for job in jobs if job.condition == condition], sandbox)


def _asked_under_one(evaluation: Evaluation, jobs: Sequence[Job], sandbox: Sandbox) -> Iterator[PromptRecord]:
    salt = secrets.token_hex(16)
    requests = []
    for job in jobs:
        shown, key = evaluation.shown(job), generator(0, salt, job.item.persona_id).integers(2**48)
        requests.append(Request(f"user-{key:012x}", shown.messages(), shown.query))
    for job, reply in zip(jobs, sandbox.optimize_all(requests), strict=True):
        used, seconds = reply.usage, round(reply.seconds, 3)
        record = PromptRecord(*job.key, reply.text, reply.failure, reply.profile, seconds, used.calls, used.tokens, reply.notes, used.asked)
        lost = f"the target lost {used.lost} of the answers that the optimizer asked for"
        yield Unasked(**asdict(replace(record, prompt=None, failure=None)), error=lost) if used.lost else record


def make_samples(evaluation: Evaluation, folder: RunFolder, prompts: dict[Key, PromptRecord], progress: Progress) -> dict[Key, Sample]:
    """The sample of every job, read from the folder if it is there already. New ones come in the order in which the target finishes them."""
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


def make_repeats(evaluation: Evaluation, folder: RunFolder, prompts: dict[Key, PromptRecord], progress: Progress) -> None:
    """Answer a tenth of the items again for every repeat, with the clean prompts of the optimizer and identity, as condition `repeat_1` and so on."""
    known, records = folder.repeats(), [prompts[key] for key in evaluation.repeated()]
    total = len(evaluation.again) * len(records)
    done = sum(sample.finish_reason != "error" for sample in known.values())
    for number, model in enumerate(evaluation.again, 1):
        asked = [replace(record, condition=f"repeat_{number}") for record in records]
        missing = [record for record in asked if record.key not in known or known[record.key].finish_reason == "error"]
        for sample in _answered(replace(evaluation, model=model), missing):
            folder.add_repeat(sample)
            done += 1
            progress(done, total)


def _answered(evaluation: Evaluation, records: Sequence[PromptRecord]) -> Iterator[Sample]:
    asked = [record for record in records if record.prompt is not None]
    for record in records:
        if isinstance(record, Unasked):
            yield Sample(*record.key, None, "", "error", record.error, None, None, None, **_own(record))
        elif record.prompt is None:
            yield Sample(*record.key, None, "", "no_prompt", None, record.failure, None, None, **_own(record))
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
        **_own(record),
    )


def _own(record: PromptRecord) -> dict[str, Any]:
    """The optimizer's profile, and what it used of the target, for the sample."""
    return {name: getattr(record, name) for name in ("profile", "calls", "tokens")}


def evaluate(
    evaluation: Evaluation, output: Path, config: dict[str, Any], announce: Callable[[dict[Key, PromptRecord]], None], progress: Any
) -> list[Sample]:
    """Run everything into `output` and return the samples in the order of the jobs.

    `announce` is called with the prompts before the target is asked; `progress(unit)` is a context manager that gives a Progress. Raises EvalError if
    `output` holds something else, which is left as it is, or if the module is no optimizer, and then leaves no new folder behind.
    """
    with RunFolder(output, config, evaluation.dataset) as folder:
        prompts = _prompts(evaluation, folder, progress)
        announce(prompts)
        with progress("answers") as tick:
            samples = make_samples(evaluation, folder, prompts, tick)
        if evaluation.again:
            with progress("repeated answers") as tick:
                make_repeats(evaluation, folder, prompts, tick)
    return [samples[job.key] for job in evaluation.jobs()]


def _prompts(evaluation: Evaluation, folder: RunFolder, progress: Any) -> dict[Key, PromptRecord]:
    """All prompts. The optimizer is started, and fits, only if one of its own prompts is missing."""
    known = {*folder.prompts(), *(record.key for record in evaluation.taken)}
    if evaluation.spec is None or all(job.key in known for job in evaluation.jobs() if job.arm == evaluation.arm):
        folder.begin(evaluation.taken)
        with progress("prompts") as tick:
            return make_prompts(evaluation, folder, None, tick)
    log = folder.path / LOG
    printed = log.read_bytes() if log.is_file() else b""  # by an earlier process of the same run
    with Sandbox(evaluation.spec, evaluation.seed, evaluation.meter(*folder.used(evaluation.arm)), log=bytearray(printed)) as sandbox:
        sandbox.start()
        folder.begin(evaluation.taken)
        _keep(sandbox, folder.path)  # before the first prompt, since a resumed run that has all prompts does not fit again
        try:
            with progress("prompts") as tick:
                return make_prompts(evaluation, folder, sandbox, tick)
        finally:
            sandbox.stop()
            _keep(sandbox, folder.path)
            if sandbox.batchless:
                print(f"optimize_batch failed ({sandbox.batchless}), so requests are answered one at a time by optimize.", file=sys.stderr)


def _keep(sandbox: Sandbox, output: Path) -> None:
    """Save what the optimizer printed, and what its `fit` used of the target."""
    if sandbox.log:
        with shards.naming(log := output / LOG):
            log.write_bytes(bytes(sandbox.log))
    if sandbox.fit_usage.calls:
        shards.write_text(output / "fit.json", json.dumps({"calls": sandbox.fit_usage.calls, "tokens": sandbox.fit_usage.tokens}) + "\n")
