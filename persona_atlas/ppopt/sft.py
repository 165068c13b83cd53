"""Supervised fine-tuning of a LoRA adapter with TRL and PEFT, resumable: for the small target and for PPOpt.

OUT/checkpoints/           the newest two; a run that was killed goes on from the last; the caller removes them at the end
OUT/log.jsonl              one line per log step: step, loss, learning rate, next-token accuracy
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from persona_atlas import shards
from persona_atlas.ppopt.base import LAYERS, import_torch, load_to_train
from persona_atlas.ppopt.folder import CHECKPOINTS
from persona_atlas.ppopt.recipe import Tuning

LOGGED = {"step": "step", "loss": "loss", "learning_rate": "learning_rate", "mean_token_accuracy": "token_accuracy"}
Progress = Callable[[dict[str, float]], None]
Pair = tuple[str, str]
"""What is read, and what should be written."""


@dataclass(frozen=True)
class Trained:
    """What fine-tuning returns.

    `model`: with its adapter. `examples`: how many the epoch has, those of at most `max_tokens` tokens. `steps`: how many steps the epoch has.
    `last`: the step after which the training ended.
    """

    model: Any
    examples: int
    steps: int
    last: int

    @property
    def extent(self) -> str:
        """How long the training was, in words."""
        return "one epoch" if self.last == self.steps else f"step {self.last} of the {self.steps} of one epoch"


def fine_tune(
    base: Path | str, examples: Sequence[Pair], tuning: Tuning, out: Path, seed: int, progress: Progress, adapter: Path | None = None
) -> Trained:
    """Train an adapter for `base`, or resume from the last checkpoint. Raises ModelError without the extra `train`.

    `adapter`: a folder in PEFT's format, whose adapter is trained further in place of a new one. `progress` gets each line of the log.
    """
    trainer = _trainer(base, examples, tuning, out, seed, progress, adapter)
    from peft.helpers import disable_input_dtype_casting

    with disable_input_dtype_casting(trainer.model):  # the adapter computes in the type that autocast sets, a seventh faster on a CPU
        trainer.train(resume_from_checkpoint=last_checkpoint(out / CHECKPOINTS, tuning.stop))
    write_log(out, trainer.state.log_history, LOGGED)
    return Trained(trainer.model, len(trainer.train_dataset), trainer.state.max_steps, trainer.state.global_step)


def last_checkpoint(folder: Path, stop: int) -> str | None:
    """Return the newest checkpoint, with `stop` the newest from before that step; None where there is none."""
    steps = {int(path.parent.name.split("-")[1]): path.parent for path in folder.glob("checkpoint-*/trainer_state.json")}
    left = [step for step in steps if not stop or step < stop]
    return str(steps[max(left)]) if left else None


def _trainer(base: Path | str, examples: Sequence[Pair], tuning: Tuning, out: Path, seed: int, progress: Progress, adapter: Path | None) -> Any:
    torch = import_torch()
    tokenizer, model = load_to_train(base, tuning.precision, seed)
    import transformers
    import trl
    from datasets import Dataset
    from peft import LoraConfig, PeftModel, get_peft_model

    arguments = trl.SFTConfig(
        output_dir=str(out / CHECKPOINTS),
        per_device_train_batch_size=tuning.batch // tuning.gradient_accumulation_steps,
        gradient_accumulation_steps=tuning.gradient_accumulation_steps,
        num_train_epochs=1,
        max_length=tuning.max_tokens,
        learning_rate=tuning.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=tuning.warmup,
        train_sampling_strategy="group_by_length",
        dataset_kwargs={"skip_prepare_dataset": True},
        logging_steps=tuning.log_steps,
        save_steps=tuning.save_steps,
        save_total_limit=2,
        seed=seed,
        data_seed=seed,
        use_cpu=not torch.cuda.is_available(),
        bf16=tuning.precision == "bf16",
        gradient_checkpointing=tuning.gradient_checkpointing,
        disable_tqdm=True,
        report_to="none",
    )
    lora = LoraConfig(r=tuning.rank, lora_alpha=tuning.alpha, lora_dropout=0.0, target_modules=list(LAYERS), task_type="CAUSAL_LM")
    tuned = PeftModel.from_pretrained(model, adapter, is_trainable=True) if adapter else get_peft_model(model, lora)
    learned = Dataset.from_dict(encoded(tokenizer, examples, tuning.max_tokens))
    trainer = _answers_only(trl.SFTTrainer)(tuned, arguments, train_dataset=learned, processing_class=tokenizer)
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.add_callback(logger(transformers.TrainerCallback, out, progress, LOGGED, tuning.stop))
    return trainer


def _answers_only(base: type) -> Any:
    """Return TRL's trainer with a leaner loss, in bf16 where the recipe says so: TRL's own forward pass took twice as long on a CPU."""
    import torch

    class AnswersOnly(base):
        """Next-token loss, with logits for the tokens of the answers only.

        No attention mask is passed, since with one attention takes its slow path: padding comes after the text, where causal attention never looks.
        """

        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
            causal = model.get_base_model()
            with torch.autocast(self.args.device.type, torch.bfloat16, enabled=self.args.bf16):
                hidden = causal.model(input_ids=inputs["input_ids"]).last_hidden_state[:, :-1]
                wanted = inputs["labels"][:, 1:]
                learned = wanted != -100
                logits = causal.lm_head(hidden[learned]).float()
            right = (logits.argmax(-1) == wanted[learned]).float().mean()
            self._metrics["train"]["mean_token_accuracy"].append(right.item())
            loss = torch.nn.functional.cross_entropy(logits, wanted[learned], reduction="sum") / num_items_in_batch
            return (loss, logits) if return_outputs else loss

    return AnswersOnly


def encoded(tokenizer: Any, examples: Sequence[Pair], max_tokens: int) -> dict[str, list[list[int]]]:
    """Return the columns `input_ids` and `labels` for the examples of at most `max_tokens` tokens, in the base's chat format.

    What is only read has the label -100. All texts are tokenized at once, which takes a fraction of the time of one by one.
    """
    read = [[{"role": "user", "content": reads}] for reads, _ in examples]
    whole = [[*turn, {"role": "assistant", "content": writes}] for turn, (_, writes) in zip(read, examples, strict=True)]
    begins = _token_ids(tokenizer, tokenizer.apply_chat_template(read, tokenize=False, add_generation_prompt=True))
    found: dict[str, list[list[int]]] = {"input_ids": [], "labels": []}
    for begin, ids in zip(begins, _token_ids(tokenizer, tokenizer.apply_chat_template(whole, tokenize=False)), strict=True):
        if len(ids) <= max_tokens:
            alike = len(begin) if ids[: len(begin)] == begin else _alike(begin, ids)
            found["input_ids"].append(ids)
            found["labels"].append([-100] * alike + ids[alike:])
    return found


def _alike(left: Sequence[int], right: Sequence[int]) -> int:
    """Count the leading tokens that are the same: the last token of what is read may differ once text follows it."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))


def _token_ids(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    found: list[list[int]] = tokenizer(texts, add_special_tokens=False, return_attention_mask=False)["input_ids"]
    return found


def logger(base: type, out: Path, progress: Progress, logged: dict[str, str], stop: int = 0) -> Any:
    """Return a callback for Trainer that writes log.jsonl; `logged`: what Trainer logs -> its name there."""

    class Logger(base):
        """Rewrites the log from the trainer's history at each log step, so that a resume repeats no line. The last step is always a log step.

        Ends the training after step `stop`.
        """

        def on_step_end(self, args: Any, state: Any, control: Any, **other: Any) -> None:
            if state.global_step == stop:
                control.should_training_stop = True
            if state.global_step in (stop, state.max_steps):
                control.should_log = True

        def on_log(self, args: Any, state: Any, control: Any, **other: Any) -> None:
            lines = write_log(out, state.log_history, logged)
            if lines and "loss" in state.log_history[-1]:
                progress(lines[-1])

    return Logger()


def write_log(out: Path, history: Sequence[dict[str, Any]], logged: dict[str, str]) -> list[dict[str, float]]:
    """Write log.jsonl from Trainer's history; returns its lines."""
    lines = [{name: entry[key] for key, name in logged.items() if key in entry} for entry in history if "loss" in entry]
    shards.write_text(out / "log.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    return lines
