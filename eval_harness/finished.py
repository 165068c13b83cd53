"""Reads finished runs: rebuilds results from the samples, lists the runs of a folder, and picks samples to look at."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from eval_harness import damage, gate
from eval_harness.claims import named
from eval_harness.conditions import CONDITIONS, show
from eval_harness.coverage import expected, expected_repeats, plan_of
from eval_harness.errors import EvalError, nearest
from eval_harness.results import derive
from eval_harness.runfolder import Sample, lacking, read_run, read_samples
from eval_harness.runner import choose_items
from eval_harness.scores import score_samples
from eval_harness.table import Plan
from persona_atlas import older
from persona_atlas.data import Release
from persona_atlas.records import Conversation, Item
from persona_atlas.scoring import Scores


@dataclass(frozen=True)
class View:
    """One sample to look at: the item, the query and history as they were shown, the sample, and its scores (None if the target failed)."""

    item: Item
    query: str
    history: tuple[Conversation, ...]
    sample: Sample
    scores: Scores | None


SAME = ("dataset_digest", "scorer_version", "split", "model_fingerprint", "max_gen_toks", "limit", "items_per_user")
"""What two runs must share to be compared: targets are never pooled, and neither are releases or scorers."""


@dataclass(frozen=True)
class Run:
    """A run folder, its configuration, and the release as it was named."""

    path: Path
    config: dict[str, Any]
    dataset: str

    @cached_property
    def samples(self) -> list[Sample]:
        return read_samples(self.path)

    @cached_property
    def repeats(self) -> list[Sample]:
        return read_samples(self.path, "repeats")

    @property
    def plan(self) -> Plan:
        return plan_of(self.config)

    def items(self, release: Release) -> tuple[Item, ...]:
        """The items that the run asks. Raises EvalError if the release is not the one that the run was made on."""
        found, wanted = release.manifest["content_digest"], self.config["dataset_digest"]
        if found != wanted:
            raise EvalError(
                f"{self.path} was made on a release with content digest {wanted[:16]}, {release.source} has {found[:16]}; "
                "give the folder of that release with --dataset"
            )
        return choose_items(release, self.config["split"], self.config["limit"], self.config["items_per_user"])


def open_run(path: Path) -> Run:
    """Open the run in a folder. Raises EvalError."""
    run = read_run(path)
    _check_config(path, run["config"])
    missing = [key for key in (*SAME, "optimizer", "controls", "conditions", "model", "seed") if key not in run["config"]]
    if missing:
        raise EvalError(f"{path}/run.json lacks {', '.join(missing)}: it is of another version, or no run of atlas-eval; run it again")
    conditions = run["config"]["conditions"]
    if "clean" not in conditions or not set(conditions) <= set(CONDITIONS):
        raise EvalError(f"{path}/run.json has the conditions {', '.join(conditions) or 'none'}, wanted clean and others that are known; run it again")
    return Run(path, run["config"], str(run.get("dataset", "persona-atlas")))


def _check_config(path: Path, config: Mapping[str, Any]) -> None:
    """Raise EvalError if a key of the configuration in a run folder's run.json is not what it must be."""
    if wrong := damage.of_config(config):
        raise EvalError(f"{path}/run.json is damaged or was changed: {wrong}; put back what was there, or run it again in another folder")


def rebuild(run: Run, release: Release) -> dict[str, Any]:
    """The content of a run's results.json, made from its samples with the current scorer. Raises EvalError."""
    refuse_gate(run.path, run.config)
    items = run.items(release)
    check_samples(run, items, release)
    return derive(run.plan, run.samples, items, release, run.repeats)


def refuse_gate(path: Path, config: Mapping[str, Any]) -> None:
    """Raise EvalError if the run was made by `atlas-eval gate`."""
    if config.get("gate"):
        raise EvalError(f"{path} is a run of atlas-eval gate, with a verdict (atlas-eval ls shows it) and no results; give a run of an optimizer")


def check_samples(run: Run, items: Sequence[Item], release: Release) -> None:
    """Raise EvalError if samples are missing, or belong to arms, conditions or items that the run does not ask for."""
    wanted, plan = {item.item_id for item in items}, run.plan
    if strangers := [s for s in run.samples if s.arm not in plan.arms or s.condition not in plan.conditions or s.item_id not in wanted]:
        first = named(strangers[0].key)
        raise EvalError(f"{run.path}/samples.jsonl holds {len(strangers)} samples that are not of this run, the first {first}; remove their lines")
    there = {sample.key for sample in (*run.samples, *run.repeats)}
    keys = [*expected(run.config, items, release), *expected_repeats(run.config, items)]
    if missing := sum(key not in there for key in keys):
        raise _unfinished(run.path, missing, len(keys))


def _unfinished(path: Path, missing: int, total: int) -> EvalError:
    """The error for missing samples: answers come in the order in which the target finishes them, so those present are no fair sample."""
    return EvalError(f"{path} is not finished, {missing:,} of {total:,} samples are missing; run the same atlas-eval command again to go on")


def listed(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield one row per run in a folder, by name: what was run, and G if the run is finished.

    `gate` is the verdict of a gate's run, which has no G; `problem` says why a run cannot be read. Folders without run.json are skipped.
    """
    for file in sorted(folder.glob("*/run.json")):
        config, results, verdict, problem = {}, None, None, None
        try:
            given = read_run(file.parent)["config"]
            _check_config(file.parent, given)
            config = given
            verdict = _verdict(file.parent / gate.FILE) if config.get("gate") else None
            results = None if verdict else _results(file.parent)
            if not all(isinstance(config.get(key), str) for key in ("optimizer", "model", "split")):
                raise EvalError(f"{file} names no optimizer, model or split; give the folder of a run")
            if results and lacking(file.parent, _answers(results))[0]:
                results = None
        except (EvalError, OSError) as error:  # one run that cannot be read hides no other
            results, problem = None, str(error)
        row = {key: config.get(key) for key in ("optimizer", "model", "split", "conditions", "limit", "dataset_digest")}
        row["scorer_version"] = (results or config).get("scorer_version")
        track, own = (results.get("track"), results["scores"]["personalization"]) if results else (None, None)
        yield {"run": file.parent.name, **row, "track": track, "personalization": own, "gate": verdict, "problem": problem}


def _verdict(file: Path) -> str:
    """The verdict of a gate's run: `green`, `red`, or `none yet`. Raises EvalError if the verdict cannot be read."""
    if not file.is_file():
        return "none yet"
    try:
        targets = json.loads(file.read_text(encoding="utf-8"))["targets"]
        return "green" if all(found["passed"] for found in targets.values()) else "red"
    except (ValueError, LookupError, TypeError, AttributeError):
        raise EvalError(f"{file} holds no verdict; run the same atlas-eval gate command again") from None


def finished_results(path: Path) -> dict[str, Any]:
    """The content of results.json of a run folder. Raises EvalError if there is none, or if the run is unfinished."""
    refuse_gate(path, read_run(path)["config"])
    results = _results(path)
    if results is None:
        raise EvalError(f"{path} has no results.json yet; run the same atlas-eval command again to go on, or build them: atlas-eval score {path}")
    missing, total = lacking(path, _answers(results))
    if missing:
        raise _unfinished(path, missing, total)
    return results


def _answers(results: Mapping[str, Any]) -> int:
    """The number of samples from which results were made."""
    return sum(count for reasons in results["finish_reasons"].values() for count in reasons.values())


def _results(path: Path) -> dict[str, Any] | None:
    """The results of a run in the current schema; None if there are none yet. Raises EvalError if they cannot be read."""
    file = path / "results.json"
    if not file.is_file():
        return None
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise EvalError(f"{file} is not readable as JSON ({error}); write it anew with atlas-eval score {path}") from None
    if wrong := damage.of_results(found):
        raise EvalError(f"{file} holds no results ({wrong}); write it anew with atlas-eval score {path}")
    return older.results(found)


def viewed(run: Run, release: Release, arm: str, condition: str, item_id: str | None, limit: int) -> list[View]:
    """Samples of one arm under one condition: that of `item_id`, or the first of each user, for `limit` users. Raises EvalError."""
    items = {item.item_id: item for item in run.items(release)}
    for what, found, known in (("arm", arm, run.plan.arms), ("condition", condition, run.plan.conditions)):
        if found not in known:
            raise nearest(f"{what} in {run.path}", found, known)
    if item_id is not None and item_id not in items:
        raise nearest(f"item in {run.path}", item_id, items)
    mine = {sample.item_id: sample for sample in run.samples if (sample.arm, sample.condition) == (arm, condition)}
    first = {items[name].persona_id: name for name in reversed(items) if name in mine}
    wanted = [item_id] if item_id else sorted(first.values())[:limit]
    if not mine:
        raise EvalError(f"{run.path} holds no sample of {arm} under {condition} yet; run the same atlas-eval command again to go on")
    if missing := [name for name in wanted if name not in mine]:
        raise EvalError(f"{run.path} has no sample of {arm} for {missing[0]} under {condition}: unfinished, or an item without it")
    needed = [sample for sample in run.samples if sample.item_id in wanted and sample.condition == condition and sample.arm in (arm, "identity")]
    scores = score_samples(needed, items, release)
    views = []
    for name in wanted:
        shown = show(condition, items[name], release)
        assert shown is not None, "a sample is there, so the item has the condition"
        views.append(View(items[name], shown.query, shown.history, mine[name], scores[mine[name].key]))
    return views
