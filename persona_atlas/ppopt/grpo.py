"""GRPO of PPOpt with TRL: the policy's replies are rewarded by what a target answers to their prompts. Resumable.

OUT/checkpoints/     the newest two; a run that was killed goes on from the last
OUT/log.jsonl        one line per log step: loss, KL, length of the replies and share of them cut off; for each reward its mean, its spread in a group
                     of replies, and the share of groups in which it does not vary; the share of replies that break a guard
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from persona_atlas.data import Release
from persona_atlas.models.protocol import Generation, LanguageModel, ModelError, Sampling
from persona_atlas.ppopt.base import Settings, import_torch, load_to_train
from persona_atlas.ppopt.cases import Case
from persona_atlas.ppopt.chats import faithful, told_in
from persona_atlas.ppopt.evidence import SPLIT
from persona_atlas.ppopt.folder import CHECKPOINTS
from persona_atlas.ppopt.recipe import GrpoRecipe
from persona_atlas.ppopt.rewards import advantages, broken, of_answer, of_reply
from persona_atlas.ppopt.sft import Progress, last_checkpoint, logger, write_log
from persona_atlas.ppopt.text import Reply, by_user, parse
from persona_atlas.scoring import score

STILL = 1e-6
"""A spread below this counts as none."""
COMMON = {"step": "step", "loss": "loss", "kl": "kl", "completions/mean_length": "reply_tokens", "completions/clipped_ratio": "clipped"}


def logged(recipe: GrpoRecipe) -> dict[str, str]:
    """Map what the trainer logs to its name in log.jsonl."""
    return {**COMMON, **{f"{name}/{what}": f"{name}_{what}" for name in recipe.rewards for what in ("mean", "spread", "still")}, "guarded": "guarded"}


class Rewarder:
    """Rewards a batch of replies with advantages: asks the target, scores its answers, and reports the metrics to the trainer."""

    __name__ = "advantage"  # what TRL calls the reward in its own log

    def __init__(self, release: Release, target: LanguageModel, recipe: GrpoRecipe, settings: Settings) -> None:
        self.items = {item.item_id: item for item in release.items(SPLIT)}
        self.target, self.recipe, self.settings = target, recipe, settings
        self.names = [name for name in recipe.rewards if name != "profile" or settings.profile_in_reply]
        self.metrics: Any = None

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        item_id: Sequence[str],
        query: Sequence[str],
        said: Sequence[str],
        values: Sequence[Any],
        **other: Any,
    ) -> list[float]:
        replies = [self._reply(prompt, completion, asked) for prompt, completion, asked in zip(prompts, completions, query, strict=True)]
        items = [self.items[name] for name in item_id]
        shown = [[asked, *heard.split("\n")] for asked, heard in zip(query, said, strict=True)]
        guards = [broken(*given) for given in zip(replies, query, items, shown, strict=True)]
        put = [asked if guard else reply.prompt or asked for reply, asked, guard in zip(replies, query, guards, strict=True)]
        answers = self._answers([*put, *query])
        rows = []
        for i, (reply, item) in enumerate(zip(replies, items, strict=True)):
            mine, bare = (score(item, answer.text, answer.finish_reason) for answer in (answers[i], answers[len(replies) + i]))
            wanted = {entry["dimension"]: entry["value"] for entry in values[i]}
            rows.append({**of_reply(reply, query[i], wanted, by_user(prompts[i][0]["content"]), guards[i]), **of_answer(mine, bare, guards[i])})
        table = np.array([[row[name] for name in self.names] for row in rows])
        self._tell(table, float(np.mean([guard is not None for guard in guards])))
        found = advantages(
            table, [self.recipe.rewards[name] for name in self.names], self.recipe.rollouts, self.recipe.aggregation, self.recipe.floor
        )
        return [float(advantage) for advantage in found]

    def _reply(self, prompt: Any, completion: Any, query: str) -> Reply:
        """Parse a reply into the prompt that the optimizer would send: in the form `chats`, without sentences that ask for what was not told."""
        reply = parse(completion[0]["content"], self.settings.profile_in_reply)
        if reply.prompt is None or self.settings.one_reply:
            return reply
        return replace(reply, prompt=faithful(query, reply.prompt, told_in(prompt[0]["content"])))

    def _answers(self, prompts: Sequence[str]) -> list[Generation]:
        """Return the target's answers in order; each distinct prompt is asked once. Raises ModelError where one failed: that is not a bad answer."""
        different = list(dict.fromkeys(prompts))
        found = dict(self.target.generate(different, Sampling(self.recipe.answer_tokens)))
        if lost := next((answer.error for answer in found.values() if answer.error is not None), None):
            raise ModelError(f"An answer of the target did not come ({lost}); mend that, and the same command goes on from the last checkpoint.")
        place = {prompt: number for number, prompt in enumerate(different)}
        return [found[place[prompt]] for prompt in prompts]

    def _tell(self, table: np.ndarray, guarded: float) -> None:
        spreads = table.reshape(-1, self.recipe.rollouts, len(self.names)).std(axis=1)
        for number, name in enumerate(self.names):
            self.metrics[f"{name}/mean"].append(float(table[:, number].mean()))
            self.metrics[f"{name}/spread"].append(float(spreads[:, number].mean()))
            self.metrics[f"{name}/still"].append(float((spreads[:, number] < STILL).mean()))
        self.metrics["guarded"].append(guarded)


def reinforce(
    base: Path | str, adapter: Path, cases: Sequence[Case], rewarder: Rewarder, recipe: GrpoRecipe, out: Path, seed: int, progress: Progress
) -> Any:
    """Train the adapter further, or resume from the last checkpoint; returns the model. `progress` gets each line of the log."""
    trainer = _trainer(base, adapter, cases, rewarder, recipe, out, seed)
    import transformers

    names = logged(recipe)
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.add_callback(logger(transformers.TrainerCallback, out, progress, names))
    rewarder.metrics = trainer._metrics["train"]
    trainer.train(resume_from_checkpoint=last_checkpoint(out / CHECKPOINTS, recipe.steps))
    write_log(out, trainer.state.log_history, names)
    return trainer.model


def _trainer(
    base: Path | str, adapter: Path, cases: Sequence[Case], rewarder: Callable[..., list[float]], recipe: GrpoRecipe, out: Path, seed: int
) -> Any:
    torch = import_torch()
    tokenizer, model = load_to_train(base, recipe.precision, seed)
    import trl
    from datasets import Dataset
    from peft import PeftModel

    tokenizer.padding_side = "left"
    policy = PeftModel.from_pretrained(model, adapter, is_trainable=True)
    on_cpu = not torch.cuda.is_available()
    if recipe.precision == "bf16":  # the trainer runs its own passes under autocast, but not this one
        policy.generate = torch.autocast("cpu" if on_cpu else "cuda", torch.bfloat16)(policy.generate)
    arguments = trl.GRPOConfig(
        output_dir=str(out / CHECKPOINTS),
        per_device_train_batch_size=recipe.groups * recipe.rollouts // recipe.gradient_accumulation_steps,
        gradient_accumulation_steps=recipe.gradient_accumulation_steps,
        num_generations=recipe.rollouts,
        max_steps=recipe.steps,
        max_completion_length=recipe.new_tokens,
        temperature=recipe.temperature,
        learning_rate=recipe.learning_rate,
        warmup_steps=recipe.warmup,
        epsilon=recipe.clip,
        beta=recipe.kl,
        scale_rewards="none",  # the rewarder has scaled them
        logging_steps=recipe.log_steps,
        save_steps=recipe.save_steps,
        save_total_limit=2,
        seed=seed,
        data_seed=seed,
        use_cpu=on_cpu,
        bf16=recipe.precision == "bf16",
        gradient_checkpointing=recipe.gradient_checkpointing,
        disable_tqdm=True,
        report_to="none",
    )
    rows = Dataset.from_list([_row(case) for case in cases])
    return trl.GRPOTrainer(policy, rewarder, args=arguments, train_dataset=rows, processing_class=tokenizer)


def _row(case: Case) -> dict[str, Any]:
    return {
        "prompt": [{"role": "user", "content": case.reads}],
        "item_id": case.item_id,
        "query": case.query,
        "said": case.said,
        "values": [{"dimension": dimension, "value": value} for dimension, value in case.values.items()],
    }
