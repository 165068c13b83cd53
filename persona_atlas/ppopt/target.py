"""Trains the small target that listens: collects examples, fine-tunes, draws the curves, writes the card.

OUT/README.md        the card: data, command, hashes, curves, what it is for
OUT/curves.svg       loss and next-token accuracy over steps
beside what `sft.py` writes
"""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from persona_atlas import shards
from persona_atlas.data import Release
from persona_atlas.models.adapter import weights_digest
from persona_atlas.models.digest import path_digest
from persona_atlas.models.protocol import LanguageModel
from persona_atlas.models.steerable import FREQUENCY_PENALTY
from persona_atlas.ppopt.base import adapter_header, check_training, write_adapter
from persona_atlas.ppopt.examples import Example, history_examples, plain_examples, told_examples
from persona_atlas.ppopt.folder import CHECKPOINTS, draw_curves, open_training, read_log
from persona_atlas.ppopt.questions import question_examples
from persona_atlas.ppopt.recipe import TargetRecipe, load_recipe, suited
from persona_atlas.ppopt.sampled import sampled_examples
from persona_atlas.randomness import digest
from persona_atlas.records import canonical_json

if TYPE_CHECKING:
    from persona_atlas.ppopt.sft import Trained

Count = Callable[[int, int], None]
CURVES = {"loss": "Loss on the answers' tokens (nats)", "token_accuracy": "Share of next tokens guessed right"}


@dataclass(frozen=True)
class Training:
    """A training: recipe `config`, from `base` (a GGUF file), on `release`'s train users and, where there is a `sampler`, on its answers."""

    config: str
    base: Path
    release: Release
    sampler: LanguageModel | None
    seed: int
    out: Path

    @property
    def recipe(self) -> TargetRecipe:
        recipe: TargetRecipe = suited(load_recipe("target", self.config))
        return recipe

    def described(self) -> dict[str, Any]:
        """What config.json holds, and a resumed run must share."""
        return {
            "config": self.config,
            "recipe": asdict(self.recipe),
            "base_sha256": path_digest(self.base),
            "dataset_digest": self.release.manifest["content_digest"],
            "sampler": self.sampler.fingerprint if self.sampler else None,
            "seed": self.seed,
        }


def train_target(training: Training, count: Count, progress: Callable[[dict[str, float]], None]) -> Path:
    """Train, or resume a killed run; returns the adapter's path. Raises ModelError where the folder holds something else."""
    from persona_atlas.ppopt.sft import fine_tune

    check_training(training.recipe.precision)
    open_training(training.out, training.described())
    examples = collect(training, count)
    trained = fine_tune(
        training.base, [(example.prompt, example.answer) for example in examples], training.recipe, training.out, training.seed, progress
    )
    digests = {"examples_sha256": digest(canonical_json([asdict(example) for example in examples]))}
    adapter = training.out / "adapter.safetensors"
    write_adapter(trained.model, adapter, adapter_header(training.base, training.recipe.rank, training.recipe.alpha, digests))
    log = read_log(training.out)
    draw_curves(log, CURVES, training.out / "curves.svg")
    shards.write_text(training.out / "README.md", card(training, examples, trained, log))
    shutil.rmtree(training.out / CHECKPOINTS)
    return adapter


def collect(training: Training, count: Count) -> list[Example]:
    """Return the examples in order, those of kind `told` first. They are kept in examples.jsonl, where a resumed run reads them."""
    path, recipe, seed = training.out / "examples.jsonl", training.recipe, training.seed
    if not path.is_file():
        made: list[Example] = []
        total = recipe.told + recipe.plain + recipe.question + recipe.history
        for source in (
            told_examples(seed, recipe.told),
            plain_examples(seed, recipe.plain),
            question_examples(seed, recipe.question),
            history_examples(training.release, seed, recipe.history, recipe.history_characters),
        ):
            for example in source:
                made.append(example)
                count(len(made), total)
        if training.sampler is not None and recipe.sampled:
            made += sampled_examples(training.sampler, seed, recipe.sampled, training.out / "sampled.jsonl", count)
        shards.write_text(path, "".join(json.dumps(asdict(example), ensure_ascii=False) + "\n" for example in made))
    return [Example(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def card(training: Training, examples: list[Example], trained: "Trained", log: list[dict[str, float]]) -> str:
    """The adapter's card, in Markdown."""
    command = f"atlas-train target --config {training.config} --seed {training.seed} --dataset DIR"
    command += " --sampler_args pretrained=FILE.gguf" if training.sampler else ""
    adapter = training.out / "adapter.safetensors"
    ended = f"{trained.extent}, chosen on validation users" if training.recipe.stop else trained.extent
    kinds, recipe = Counter(example.kind for example in examples), training.recipe
    listed = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    sampler = f"{kinds['sampled']} of {recipe.sampled} answers of {training.sampler.name} passed and are in" if training.sampler else "none asked"
    return f"""# An adapter that makes SmolLM2-135M-Instruct listen to requests about style

It is trained to follow wishes about length, lists, tone, units and so on. With it, the benchmark shows a wide gap between answers to the bare
question and answers to a question that says what the user wants, on a laptop, offline. **It was trained on this benchmark's own train split (its
templates, its phrasings, its instruction wordings), so its scores are no real model's**: use it to develop optimizers and to test the harness. To
claim anything, use real models.

| | |
|---|---|
| base | SmolLM2-135M-Instruct, SHA-256 of the GGUF file {training.described()["base_sha256"]} |
| command | `{command}` |
| method | LoRA of rank {recipe.rank} (alpha {recipe.alpha}) on all linear layers, next-token loss on the answers, {ended} |
| computed in | {recipe.precision} |
| examples | {trained.examples}, those of at most {recipe.max_tokens} tokens, of {len(examples)} collected: {listed} |
| another model | {sampler} |
| release | content digest {training.release.manifest["content_digest"]} |
| loss | {log[0]["loss"]:.2f} at step {int(log[0]["step"])}, {log[-1]["loss"]:.2f} at step {int(log[-1]["step"])} |
| adapter | SHA-256 of the file {path_digest(adapter)}, of its weights alone {weights_digest(adapter)} |

The training answers were rendered from content plans or written by another model. Each passed its task's verifier and its values' checkers. They
start with what the question gives (`Given: 20 bath towels, 520 g each.`), so that an answer stays on the subject even where the model knows nothing
of it. For the same reason, everyday questions about other subjects (`persona_atlas/ppopt/questions.yaml`) are among the examples. No template or
phrasing of a test split is among them, and no dimension that is held out for `test_ood`.

It is decoded greedily with a frequency penalty of {FREQUENCY_PENALTY}, because so small a model falls into loops. The penalty was chosen on
validation users.

![Loss and accuracy](curves.svg)
"""
