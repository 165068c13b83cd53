"""Build lm-eval's backends by name, apply their chat templates, and compute their fingerprints."""

import importlib
import importlib.metadata
import json
import sys
from pathlib import Path
from typing import Any

from persona_atlas.models.digest import path_digest, text_digest
from persona_atlas.models.protocol import ModelError, unknown_name

SECRETS = {"api_key", "auth_token", "header", "hf_token", "token"}
SPEED_ONLY = {"batch_size", "ca_cert_path", "max_batch_size", "max_retries", "num_concurrent", "timeout", "verify_certificate"}
BESIDE_WEIGHTS = {"delta", "lora_local_path", "peft", "tokenizer"}
"""Arguments that may name a file or a folder on which answers depend, beside the weights themselves (`pretrained`)."""
_EXTRAS = {"torch": "hf", "transformers": "hf", "accelerate": "hf", "vllm": "vllm"}
_EXTRAS |= dict.fromkeys(("aiohttp", "requests", "tenacity", "tiktoken"), "api")


def lm_eval_names() -> list[str]:
    """The names of lm-eval's backends, without importing any of them."""
    import lm_eval.models
    from lm_eval.api.registry import model_registry

    return sorted({*model_registry, *lm_eval.models.MODEL_MAPPING})


def build(name: str, model_args: dict[str, Any]) -> Any:
    """Build lm-eval's `LM` called `name`. Raises `ModelError` for an unknown name, a missing package, or a backend that does not start."""
    names = lm_eval_names()
    if name not in names:
        raise unknown_name("model", name, names)
    from lm_eval.api.registry import get_model

    try:
        if name == "hf":
            importlib.import_module("torch")  # lm-eval's module, if already imported, would not notice that torch is missing
        return get_model(name).create_from_arg_obj(model_args)
    except ImportError as error:
        package = (error.name or "").partition(".")[0]
        extra = _EXTRAS.get(package) or ("api" if "API model" in str(error) else "")
        remedy = f'pip install "persona-atlas[{extra}]"' if extra else f"pip install {package or f'lm-eval[{name}]'}"
        raise ModelError(f"The backend {name} needs {package or 'a package'}, which is not installed: {remedy}.") from error
    except Exception as error:  # the boundary: backends raise what they like
        raise ModelError(f"The backend {name} does not start with {_shown(model_args)} ({one_line(error)}).") from error


def has_chat_template(backend: Any) -> bool:
    """Whether `backend` can turn a user message into a context that its own `generate_until` takes."""
    try:
        context = apply_template(backend, "hello")
    except (NotImplementedError, AttributeError, ValueError):  # a base model, or a backend without a tokenizer of its own
        return False
    # A text completion server without a tokenizer would be sent the JSON of the messages as its prompt.
    return isinstance(context, str) or type(backend).__name__ not in ("LocalCompletionsAPI", "OpenAICompletionsAPI")


def apply_template(backend: Any, prompt: str) -> Any:
    """Turn `prompt` into `backend`'s context: text, or for chat servers lm-eval's `JsonChatStr`, which holds the messages as JSON."""
    messages = [{"role": "user", "content": prompt}]
    context = backend.apply_chat_template(messages)
    return backend.tokenizer.apply_chat_template(messages) if isinstance(context, list) else context


def fingerprint_of(name: str, model_args: dict[str, Any], backend: Any, templated: bool) -> str:
    """The fingerprint: versions, name, arguments that affect answers, hashes of local weights and of what is put beside them (an adapter, a
    tokenizer), and if `templated` hash of the chat template.
    """
    versions = " ".join(f"{package} {importlib.metadata.version(package)}" for package in ["lm_eval", *_engines(name, backend)])
    weights = str(model_args.get("pretrained", ""))
    parts = [versions, name, _shown(model_args)]
    parts += [f"sha256:{path_digest(Path(weights))}"] if weights and Path(weights).exists() else []
    parts += [f"{key} sha256:{path_digest(path)}" for key in sorted(BESIDE_WEIGHTS & {*model_args}) if (path := Path(str(model_args[key]))).exists()]
    parts += [f"template:{_template_digest(backend) if templated else 'none'}"]
    return "|".join(parts)


def _template_digest(backend: Any) -> str:
    template = getattr(getattr(backend, "tokenizer", None), "chat_template", None)
    return text_digest(json.dumps(template, default=str))


def _engines(name: str, backend: Any) -> list[str]:
    """The packages that have a part in the backend's answers, whatever else this process imported: for a server, at most those of its tokenizer."""
    if hasattr(backend, "model_call") and not type(backend.tokenizer).__module__.startswith("transformers"):
        return []
    return [package for package in ("torch", "transformers", "vllm") if package in sys.modules and (package != "vllm" or name.startswith("vllm"))]


def _shown(model_args: dict[str, Any]) -> str:
    """Canonical JSON of the arguments that affect answers. It has no secrets, so it may be written to a run folder."""
    shown = {key: value for key, value in model_args.items() if key not in SECRETS | SPEED_ONLY}
    return json.dumps(shown, sort_keys=True, default=str)


def one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__
