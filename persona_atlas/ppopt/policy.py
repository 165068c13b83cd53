"""Trains PPOpt: makes cases from a release's train users, then fine-tunes on them (`sft`), or continues from that with GRPO (`grpo`).

OUT/config.json      what is trained on what; a run with another configuration is refused
OUT/cases.jsonl      the cases, in order
OUT/README.md        the card, with curves.svg, written last
beside the checkpoint (base.py) and the log
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from persona_atlas import shards
from persona_atlas.data import Release
from persona_atlas.models.adapter import weights_digest
from persona_atlas.models.digest import path_digest
from persona_atlas.models.protocol import LanguageModel, ModelError
from persona_atlas.ppopt.base import (
    ADAPTER,
    CHATS,
    RANDOM,
    Settings,
    adapter_header,
    base_path,
    check_training,
    make_random,
    read_settings,
    write_checkpoint,
)
from persona_atlas.ppopt.cases import Case
from persona_atlas.ppopt.folder import CHECKPOINTS, draw_curves, open_training, read_log
from persona_atlas.ppopt.making import Plan, made
from persona_atlas.ppopt.recipe import GrpoRecipe, SftRecipe, suited
from persona_atlas.randomness import digest
from persona_atlas.records import canonical_json

NEW_TOKENS = 512
"""The most tokens of a reply when the policy is used."""
Count = Callable[[int, int], None]
Progress = Callable[[dict[str, float]], None]
SFT_CURVES = {"loss": "Loss on the replies' tokens (nats)", "token_accuracy": "Share of next tokens guessed right"}


@dataclass(frozen=True)
class Run:
    """A training: recipe `config` on `release`'s train users, into `out`."""

    config: str
    release: Release
    seed: int
    out: Path

    def described(self, recipe: SftRecipe | GrpoRecipe, **more: Any) -> dict[str, Any]:
        """What config.json holds, and a resumed run must share."""
        return {"config": self.config, "recipe": asdict(recipe), "dataset_digest": self.release.manifest["content_digest"], "seed": self.seed, **more}


def train_sft(run: Run, recipe: SftRecipe, checkpoint: Path | None, count: Count, progress: Progress) -> Path:
    """Fine-tune a new adapter, or that of `checkpoint`, or resume a killed run; returns the run's folder.

    Raises ModelError where the folder holds something else, or `checkpoint` has another base than the recipe.
    """
    from persona_atlas.ppopt.sft import fine_tune

    if checkpoint and read_settings(checkpoint).base != recipe.base:
        raise ModelError(f"{checkpoint} was trained on {read_settings(checkpoint).base}, and the config is for {recipe.base}; give another --config")
    recipe = suited(recipe)
    check_training(recipe.precision)
    base = base_path(recipe.base, run.out)
    started = {"checkpoint_sha256": path_digest(checkpoint / ADAPTER)} if checkpoint else {}
    open_training(run.out, run.described(recipe, stage="sft", base_sha256=_digest(base), **started))
    if recipe.base == RANDOM:
        _random_base(run, checkpoint)
    plan = Plan(run.release, recipe, base, recipe.reads, recipe.profile, recipe.questions, run.seed)
    collected = _collected(run, plan, {"drills": recipe.drills, "writes": recipe.writes, "cases": recipe.cases}, count)
    trained = fine_tune(base, [(case.reads, case.writes) for case in collected], recipe, run.out, run.seed, progress, checkpoint)
    digests = {"cases_sha256": digest(canonical_json([asdict(case) for case in collected])), **started}
    before = read_settings(checkpoint).rewarded_by if checkpoint else ()
    settings = Settings(recipe.base, recipe.history_tokens, recipe.profile, NEW_TOKENS, recipe.reads, before)
    lora = trained.model.peft_config["default"]
    write_checkpoint(trained.model, run.out, adapter_header(base, lora.r, lora.lora_alpha, digests), settings)
    rows = {
        "method": f"supervised fine-tuning, {trained.extent}; LoRA of rank {lora.r} (alpha {lora.lora_alpha}) on all linear layers",
        "computed in": recipe.precision,
        **_begun_from(started, before),
        "cases": f"{trained.examples} of {len(collected)}, those of at most {recipe.max_tokens} tokens; SHA-256 {digests['cases_sha256']}",
    }
    _finish(run, "sft", settings, rows, SFT_CURVES)
    return run.out


def train_grpo(run: Run, recipe: GrpoRecipe, checkpoint: Path, target: LanguageModel, count: Count, progress: Progress) -> Path:
    """Train the policy of `checkpoint` further, rewarded by what `target` answers, or resume a killed run; returns the run's folder.

    The settings that it writes name the target beside those that rewarded the checkpoint before: the policy is not evaluated on any of them.
    Raises ModelError where the folder holds something else, or the recipe leaves out the reward `profile`, which the policy does not earn anyway.
    """
    from persona_atlas.ppopt.grpo import Rewarder, reinforce

    settings = read_settings(checkpoint)
    if "profile" not in recipe.rewards and not settings.profile_in_reply:
        raise ModelError(
            f"--config {run.config} leaves out the reward profile, which {checkpoint} does not earn in any case, since its replies hold none; "
            "give another --config"
        )
    recipe = suited(recipe)
    check_training(recipe.precision)
    started = {"checkpoint_sha256": path_digest(checkpoint / ADAPTER), "target": target.fingerprint}
    open_training(run.out, run.described(recipe, stage="grpo", **started))
    if settings.base == RANDOM:
        _random_base(run, checkpoint)
    base = base_path(settings.base, run.out)
    plan = Plan(run.release, recipe, base, settings.reads, settings.profile, 1.0, run.seed)
    collected = _collected(run, plan, {"cases": recipe.steps * recipe.groups}, count)
    rewarder = Rewarder(run.release, target, recipe, settings)
    model = reinforce(base, checkpoint, collected, rewarder, recipe, run.out, run.seed, progress)
    lora = model.peft_config["default"]
    write_checkpoint(model, run.out, adapter_header(base, lora.r, lora.lora_alpha, started), settings.after_rewards_by(target.fingerprint))
    weights = ", ".join(f"{name} {weight:g}" for name, weight in recipe.rewards.items() if name in rewarder.names)
    rows = {
        "method": f"GRPO, {recipe.steps} steps of {recipe.groups} x {recipe.rollouts} replies, {recipe.aggregation}",
        "computed in": recipe.precision,
        **_begun_from(started, settings.rewarded_by),
        "rewards": f"{weights}; spread at least {recipe.floor:g}",
        "rewarded on": f"{target.name}, {target.fingerprint}",
    }
    kinds = {f"{name}_mean": f"{name}, mean" for name in rewarder.names}
    _finish(
        run,
        "grpo",
        settings,
        rows,
        {**kinds, "kl": "KL to where it began", "reply_tokens": "Tokens of a reply", "clipped": "Share of replies cut off"},
    )
    return run.out


def _random_base(run: Run, checkpoint: Path | None) -> None:
    """Put the checkpoint's random base into the run's folder; without a checkpoint, a new one."""
    if checkpoint is None:
        make_random(run.out / "base", run.seed)
    elif not (run.out / "base").is_dir():
        shutil.copytree(checkpoint / "base", run.out / "base")


def _begun_from(started: Mapping[str, str], rewarded_by: Sequence[str]) -> dict[str, str]:
    """Return the rows of the card that say from which adapter training began, and which targets rewarded that one; none for a new one."""
    earlier = {"rewarded before on": "; ".join(rewarded_by)} if rewarded_by else {}
    return {"begun from": f"the adapter of SHA-256 {started['checkpoint_sha256']}", **earlier} if started else {}


def _digest(base: Path | str) -> str | None:
    return path_digest(base) if isinstance(base, Path) and base.is_file() else None


def _collected(run: Run, plan: Plan, numbers: dict[str, int], count: Count) -> list[Case]:
    """Return the cases, in order. They are kept in cases.jsonl, where a resumed run reads them."""
    path = run.out / "cases.jsonl"
    if not path.is_file():
        lines = []
        for case in made(plan, numbers):
            lines.append(json.dumps(asdict(case)) + "\n")
            count(len(lines), sum(numbers.values()))
        shards.write_text(path, "".join(lines))
    return [Case(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def _finish(run: Run, stage: str, settings: Settings, rows: Mapping[str, str], curves: Mapping[str, str]) -> None:
    log = read_log(run.out)
    draw_curves(log, curves, run.out / "curves.svg")
    shards.write_text(run.out / "README.md", _card(run, stage, settings, rows, log))
    shutil.rmtree(run.out / CHECKPOINTS)


def _way(settings: Settings) -> str:
    """How the policy is asked, in words."""
    if settings.reads == CHATS:
        return (
            f"It reads each of a user's chats by itself (at most {settings.history_tokens} tokens of it) and writes down what the chat shows. Then "
            "it reads what all chats show together, and the question, and writes the prompt."
        )
    written = "a profile, then the prompt" if settings.profile else "the prompt alone"
    return f"It reads the newest of a user's chats (at most {settings.history_tokens} tokens in all) and the question, and writes {written}."


def _cell(text: str) -> str:
    """Escape what would end a cell of a table: the fingerprints of targets have bars in them."""
    return text.replace("|", "\\|")


def _card(run: Run, stage: str, settings: Settings, rows: Mapping[str, str], log: list[dict[str, float]]) -> str:
    """The checkpoint's card, in Markdown."""
    adapter = run.out / ADAPTER
    listed = "\n".join(f"| {name} | {_cell(text)} |" for name, text in rows.items())
    last = "; ".join(f"{name} {value:.3g}" for name, value in log[-1].items() if name != "step")
    return f"""# PPOpt: a policy that rewrites a user's next prompt

{_way(settings)}

It was trained on the train split's users, tasks and phrasings, and on phrasings of PPOpt's own. None of them is a phrasing of another split, or
about a dimension that is held out for `test_ood`.

```console
atlas-eval --optimizer ppopt --optimizer_args checkpoint=DIR
```

| | |
|---|---|
| base | {settings.base} |
| command | `atlas-train {stage} --config {run.config} --seed {run.seed} --dataset DIR ...` |
{listed}
| release | content digest {run.release.manifest["content_digest"]} |
| at the end | step {int(log[-1]["step"])}: {last} |
| adapter | {adapter.stat().st_size / 2**20:.1f} MB, SHA-256 of the file {path_digest(adapter)}, of its weights alone {weights_digest(adapter)} |

![Curves](curves.svg)
"""
