"""Supervised fine-tuning of a GGUF model's LoRA adapter with TRL and PEFT, resumable: the one module that imports torch, transformers, peft and trl.

OUT/config.json            what is trained on what; a run of another configuration is refused
OUT/examples.jsonl         the examples, in order
OUT/checkpoints/           the newest two; a run that was killed goes on from the last; `target.py` removes them at the end
OUT/log.jsonl              one line a log step: step, loss, learning rate, accuracy of the next token
OUT/adapter.safetensors    written last: fp16, with rank, alpha and the base's hash in its header
"""

import json
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from persona_atlas import shards
from persona_atlas.models.protocol import ModelError
from persona_atlas.ppopt.examples import Example
from persona_atlas.ppopt.recipe import Recipe

LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
LOGGED = {"step": "step", "loss": "loss", "learning_rate": "learning_rate", "mean_token_accuracy": "token_accuracy"}
Progress = Callable[[dict[str, float]], None]


@dataclass(frozen=True)
class Trained:
    """`examples`: how many were learned from in an epoch, those of at most `max_tokens` tokens; `steps`: how many steps that epoch has."""

    examples: int
    steps: int


def fine_tune(base: Path, examples: Sequence[Example], recipe: Recipe, out: Path, seed: int, metadata: dict[str, str], progress: Progress) -> Trained:
    """Write the adapter. `metadata` goes into its header, `progress` gets each line of the log. Raises ModelError without the extra `train`."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TQDM_DISABLE", "1")
    try:
        import trl
    except ImportError as error:
        raise ModelError(f"Training needs the extra train ({error}): pip install 'persona-atlas[train]'.") from None
    trainer = _trainer(trl, base, examples, recipe, out, seed, progress)
    trainer.train(resume_from_checkpoint=last_checkpoint(out / "checkpoints", recipe.stop))
    _write_log(out, trainer.state.log_history)
    _write_adapter(trainer.model, out / "adapter.safetensors", {**metadata, "rank": str(recipe.rank), "alpha": str(recipe.alpha)})
    return Trained(len(trainer.train_dataset), trainer.state.max_steps)


def last_checkpoint(folder: Path, stop: int) -> str | None:
    """The newest checkpoint from which a step is left to be made."""
    steps = {int(path.parent.name.split("-")[1]): path.parent for path in folder.glob("checkpoint-*/trainer_state.json")}
    left = [step for step in steps if not stop or step < stop]
    return str(steps[max(left)]) if left else None


def _trainer(trl: Any, base: Path, examples: Sequence[Example], recipe: Recipe, out: Path, seed: int, progress: Progress) -> Any:
    import torch
    import transformers
    from datasets import Dataset, disable_progress_bars
    from peft import LoraConfig

    transformers.utils.logging.set_verbosity_error()
    warnings.filterwarnings("ignore", message=".*checkpointing. is deprecated", category=FutureWarning)  # TRL's own call
    warnings.filterwarnings("ignore", message="Could not find a config file", category=UserWarning)  # a GGUF file has none beside it
    disable_progress_bars()
    transformers.set_seed(seed)
    tokenizer = transformers.AutoTokenizer.from_pretrained(base.parent, gguf_file=base.name)
    model = _dequantized(transformers.AutoModelForCausalLM.from_pretrained(base.parent, gguf_file=base.name, dtype=torch.float32))
    rows = [_row(example) for example in examples]
    kept = [row for row in rows if _tokens(tokenizer, row) <= recipe.max_tokens]
    on_cpu = not torch.cuda.is_available()
    arguments = trl.SFTConfig(
        output_dir=str(out / "checkpoints"),
        per_device_train_batch_size=recipe.batch,
        num_train_epochs=1,
        max_length=recipe.max_tokens,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=recipe.warmup,
        train_sampling_strategy="group_by_length",
        completion_only_loss=True,
        logging_steps=recipe.log_steps,
        save_steps=recipe.save_steps,
        save_total_limit=2,
        seed=seed,
        data_seed=seed,
        use_cpu=on_cpu,
        bf16=recipe.precision == "bf16",
        gradient_checkpointing=False,
        disable_tqdm=True,
        report_to="none",
    )
    lora = LoraConfig(r=recipe.rank, lora_alpha=recipe.alpha, lora_dropout=0.0, target_modules=list(LAYERS), task_type="CAUSAL_LM")
    trainer = _answers_only(trl.SFTTrainer)(model, arguments, train_dataset=Dataset.from_list(kept), processing_class=tokenizer, peft_config=lora)
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.add_callback(_logger(transformers.TrainerCallback, out, progress, recipe.stop))
    return trainer


def _answers_only(base: type) -> Any:
    """TRL's trainer with a leaner loss, in bf16 where the recipe says so: its own forward pass took twice as long on a CPU."""
    import torch

    class AnswersOnly(base):
        """Next-token loss: the vocabulary is looked at for the tokens of the answers alone."""

        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
            causal = model.get_base_model()
            with torch.autocast(self.args.device.type, torch.bfloat16, enabled=self.args.bf16):
                hidden = causal.model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).last_hidden_state[:, :-1]
                wanted = inputs["labels"][:, 1:]
                learned = wanted != -100
                logits = causal.lm_head(hidden[learned]).float()
            right = (logits.argmax(-1) == wanted[learned]).float().mean()
            self._metrics["train"]["mean_token_accuracy"].append(right.item())
            loss = torch.nn.functional.cross_entropy(logits, wanted[learned], reduction="sum") / num_items_in_batch
            return (loss, logits) if return_outputs else loss

    return AnswersOnly


def _dequantized(model: Any) -> Any:
    """The model without the marks of the file it came from: its weights are plain numbers by now, which Trainer would not believe."""
    del model.config.quantization_config
    model.hf_quantizer, model.is_quantized = None, False
    return model


def _row(example: Example) -> dict[str, list[dict[str, str]]]:
    return {"prompt": [{"role": "user", "content": example.prompt}], "completion": [{"role": "assistant", "content": example.answer}]}


def _tokens(tokenizer: Any, row: dict[str, list[dict[str, str]]]) -> int:
    return len(tokenizer.apply_chat_template([*row["prompt"], *row["completion"]], tokenize=True, return_dict=False))


def _logger(base: type, out: Path, progress: Progress, stop: int) -> Any:
    class Logger(base):
        """Writes the log anew at each log step, from the trainer's own history: after a resume no line stands twice. Ends after step `stop`."""

        def on_step_end(self, args: Any, state: Any, control: Any, **other: Any) -> None:
            if state.global_step == stop:
                control.should_training_stop = True

        def on_log(self, args: Any, state: Any, control: Any, **other: Any) -> None:
            lines = _write_log(out, state.log_history)
            if lines and "loss" in state.log_history[-1]:
                progress(lines[-1])

    return Logger()


def _write_log(out: Path, history: Sequence[dict[str, Any]]) -> list[dict[str, float]]:
    lines = [{name: entry[key] for key, name in LOGGED.items() if key in entry} for entry in history if "loss" in entry]
    shards.write_text(out / "log.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    return lines


def _write_adapter(model: Any, path: Path, metadata: dict[str, str]) -> None:
    import torch
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    weights = {
        name: tensor.detach().to(torch.float16).contiguous() for name, tensor in get_peft_model_state_dict(model, save_embedding_layers=False).items()
    }
    part = path.with_suffix(".part")
    save_file(weights, part, metadata)
    os.replace(part, path)
