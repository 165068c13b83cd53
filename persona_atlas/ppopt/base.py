"""The base weights that PPOpt starts from, and the checkpoint that training writes: a LoRA adapter in PEFT's format.

DIR/adapter_model.safetensors   the adapter; its header holds the base's hash, so that it can be merged into that GGUF file (models/adapter.py)
DIR/adapter_config.json         PEFT's, so that transformers and vLLM load it
DIR/ppopt.json                  the base, how the policy is asked, and which targets rewarded it
"""

import json
import os
import warnings
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from persona_atlas import shards
from persona_atlas.models.digest import path_digest
from persona_atlas.models.protocol import ModelError
from persona_atlas.models.smol import smol_weights
from persona_atlas.ppopt.tokenizer import load_tokenizer

ADAPTER, SETTINGS = "adapter_model.safetensors", "ppopt.json"
LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
SMOLLM2, RANDOM = "smollm2", "random"
LIBRARIES = ("torch", "transformers", "trl", "peft", "accelerate", "matplotlib")
"""What the extra `train` brings."""
WHOLE, CHATS = FORMS = ("whole", "chats")
AUTO = "auto"
PRECISIONS = (AUTO, "bf16", "f32")
BF16_INSTRUCTIONS = ("amx_bf16", "avx512_bf16", "bf16")
"""Those of x86 and ARM processors, as torch names them."""


@dataclass(frozen=True)
class Settings:
    """The content of ppopt.json: the base, how the policy is asked, and which targets rewarded it.

    `base`: as in the recipe. `history_tokens`: the most tokens of the history, or of one chat in the form `chats`. `profile`: whether the policy
    writes one. `new_tokens`: the most tokens of a reply. `reads`: the form, one of FORMS: `whole`, one reply to the history and the question
    (text.py), or `chats`, one reply to each chat and then one to the question (chats.py). `rewarded_by`: the fingerprints of the targets that
    rewarded the policy in this or an earlier training, oldest first; none where the file has no such list. Raises ModelError for another form, or a
    list of anything else.
    """

    base: str
    history_tokens: int
    profile: bool
    new_tokens: int
    reads: str = WHOLE
    rewarded_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.reads not in FORMS:
            raise ModelError(f"reads is {self.reads!r}, wanted one of {', '.join(FORMS)}")
        if not isinstance(self.rewarded_by, tuple) or not all(isinstance(fingerprint, str) for fingerprint in self.rewarded_by):
            raise ModelError(f"rewarded_by is {self.rewarded_by!r}, wanted the fingerprints of targets")

    @property
    def one_reply(self) -> bool:
        return self.reads == WHOLE

    @property
    def profile_in_reply(self) -> bool:
        """Whether the reply that holds the prompt should hold a profile too."""
        return self.one_reply and self.profile

    def after_rewards_by(self, fingerprint: str) -> "Settings":
        """Return the settings after a training in which this target rewarded, too."""
        return replace(self, rewarded_by=tuple(dict.fromkeys([*self.rewarded_by, fingerprint])))

    def was_rewarded_by(self, fingerprint: str) -> bool:
        """Whether a target with this fingerprint rewarded the policy, or one with the same weights.

        Another version of the engine, or a penalty, makes another fingerprint. But it is the same model, with the habits that the policy was
        rewarded for.
        """
        weights = _weights(fingerprint)
        return any(known == fingerprint or (weights and _weights(known) == weights) for known in self.rewarded_by)


def _weights(fingerprint: str) -> tuple[str, ...]:
    """The hashes of a target's weights and of what is put beside them, as its fingerprint has them; none of a server, whose weights are not known."""
    return tuple(part for part in fingerprint.split("|") if "sha256:" in part)


def read_settings(checkpoint: Path) -> Settings:
    """Read a checkpoint's settings. Raises ModelError where the folder holds no checkpoint, or the file cannot be read."""
    file = checkpoint / SETTINGS
    if not file.is_file() or not (checkpoint / ADAPTER).is_file():
        raise ModelError(f"{checkpoint} holds no {ADAPTER} with a {SETTINGS}; give a folder that atlas-train sft or grpo wrote: checkpoint=DIR")
    try:
        found: dict[str, Any] = dict(json.loads(file.read_text(encoding="utf-8")))
        if isinstance(targets := found.get("rewarded_by"), list):
            found["rewarded_by"] = tuple(targets)
        return Settings(**found)
    except (ValueError, TypeError) as error:
        raise ModelError(f"{file} cannot be read ({error}); train again, or restore it") from None


def base_path(base: str, checkpoint: Path) -> Path | str:
    """Locate the weights of `base`: a GGUF file, a folder, or a Hugging Face name as given. Raises ModelError where a path does not exist."""
    if base == SMOLLM2:
        return smol_weights()
    if base == RANDOM:
        return checkpoint / "base"
    path = Path(base).expanduser()
    if path.suffix == ".gguf" or base.startswith((".", "/", "~")):
        if not path.exists():
            raise ModelError(f"The base {base} does not exist: give a GGUF file, a model folder, or a Hugging Face name.")
        return path
    return base


def load_base(base: Path | str, weights: bool = True, precision: str = "f32") -> tuple[Any, Any]:
    """Load the tokenizer and the model in `precision` (see `frozen`), or None without `weights`. Raises ModelError without the extra `train`."""
    os.environ.setdefault("TQDM_DISABLE", "1")
    if isinstance(base, Path):
        os.environ.setdefault("HF_HUB_OFFLINE", "1")  # all files are here: nothing has to be looked up on the Hub
    torch, transformers = import_torch(), _imported("transformers")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    is_file = isinstance(base, Path) and base.suffix == ".gguf"
    place, named = (base.parent, {"gguf_file": base.name}) if isinstance(base, Path) and is_file else (base, {})
    tokenizer = load_tokenizer(base)
    if not weights:
        return tokenizer, None
    model = transformers.AutoModelForCausalLM.from_pretrained(place, dtype=torch.float32, **named)
    return tokenizer, frozen(_dequantized(model) if is_file else model, precision)


def load_to_train(base: Path | str, precision: str, seed: int) -> tuple[Any, Any]:
    """Load as `load_base` does, for a trainer of TRL, which draws from `seed` and shows no progress bars and no warnings of its own."""
    tokenizer, model = load_base(base, precision=precision)
    import transformers
    from datasets import disable_progress_bars

    warnings.filterwarnings("ignore", message=r".*checkpointing\w*. is deprecated", category=FutureWarning)  # TRL's own call
    warnings.filterwarnings("ignore", message="Could not find a config file", category=UserWarning)  # a GGUF file has none beside it
    disable_progress_bars()
    transformers.set_seed(seed)
    return tokenizer, model


def frozen(model: Any, precision: str) -> Any:
    """Return the model, under `bf16` with the weights of its linear layers converted to bf16; embeddings and norms stay in f32.

    Autocast would convert the same weights at every step: the results are the same, and come sooner.
    """
    torch = import_torch()
    if precision == "bf16":
        for layer in (layer for layer in model.modules() if isinstance(layer, torch.nn.Linear)):
            layer.weight = torch.nn.Parameter(layer.weight.to(torch.bfloat16), requires_grad=False)
    return model


def import_torch() -> Any:
    """Import torch. Raises ModelError without the extra `train`."""
    return _imported("torch")


def _imported(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ModelError(f"Training needs the extra train ({error}): pip install 'persona-atlas[train]'.") from None


def check_training(precision: str) -> None:
    """Raise ModelError where training would fail later: without the extra `train`, on several GPUs, or on one that cannot compute in `precision`."""
    if absent := [name for name in LIBRARIES if find_spec(name) is None]:
        raise ModelError(f"Training needs the extra train (there is no {absent[0]}): pip install 'persona-atlas[train]'.")
    cuda = import_torch().cuda
    if cuda.is_available() and cuda.device_count() > 1:
        raise ModelError(f"Training is for one GPU, and {cuda.device_count()} are visible: set CUDA_VISIBLE_DEVICES=0")
    if cuda.is_available() and precision == "bf16" and not cuda.is_bf16_supported():
        raise ModelError("The recipe computes in bf16, which this GPU cannot: hide it (CUDA_VISIBLE_DEVICES=), or take a newer one")


def native_precision(precision: str) -> str:
    """Return the precision that `auto` is on this machine: bf16 where the processor or the GPU has instructions for it, otherwise f32.

    A processor without them emulates bf16: one with AVX2 alone multiplied matrices eight times faster in f32. Any other precision stays.
    """
    if precision != AUTO:
        return precision
    torch = import_torch()
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "f32"
    return "bf16" if any(torch.cpu.get_capabilities().get(name) for name in BF16_INSTRUCTIONS) else "f32"


def _dequantized(model: Any) -> Any:
    """Remove what marks the model as quantized: loading has turned its weights into plain numbers, but Trainer would still refuse it."""
    del model.config.quantization_config
    model.hf_quantizer, model.is_quantized = None, False
    return model


def make_random(out: Path, seed: int) -> None:
    """Write a model folder for tests: a Llama of two layers with random weights and the embedded model's tokenizer."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    if (out / "config.json").is_file():
        return
    torch, transformers = import_torch(), _imported("transformers")
    transformers.utils.logging.disable_progress_bar()
    tokenizer = load_tokenizer(smol_weights())
    torch.manual_seed(seed)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=48,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=3,
        num_key_value_heads=3,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    tokenizer.save_pretrained(out)
    transformers.LlamaForCausalLM(config).save_pretrained(out)  # config.json is written last


def adapter_header(base: Path | str, rank: int, alpha: int, more: dict[str, str]) -> dict[str, str]:
    """Return the header of an adapter's file. It holds the base's hash where the base is a file, since only into a file can an adapter be merged."""
    known = {"base_sha256": path_digest(base)} if isinstance(base, Path) and base.is_file() else {}
    return {**known, "rank": str(rank), "alpha": str(alpha), **more}


def write_adapter(model: Any, path: Path, header: dict[str, str]) -> None:
    """Write the adapter's weights in fp16, all or nothing."""
    torch = import_torch()
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    weights = {
        name: tensor.detach().to(torch.float16).contiguous() for name, tensor in get_peft_model_state_dict(model, save_embedding_layers=False).items()
    }
    part = path.with_suffix(".part")
    save_file(weights, part, {"format": "pt", **header})
    os.replace(part, path)


def write_checkpoint(model: Any, out: Path, header: dict[str, str], settings: Settings) -> None:
    """Write everything that `--optimizer_args checkpoint=DIR` reads, the adapter last."""
    config = {**model.peft_config["default"].to_dict(), "base_model_name_or_path": settings.base, "inference_mode": True}
    plain = {key: sorted(value) if isinstance(value, set) else value for key, value in config.items()}
    shards.write_text(out / "adapter_config.json", json.dumps(plain, indent=2, default=str) + "\n")
    shards.write_text(out / SETTINGS, json.dumps(asdict(settings), indent=2) + "\n")
    write_adapter(model, out / ADAPTER, header)
