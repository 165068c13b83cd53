"""Models by name, as `--model NAME --model_args k=v,k=v` gives them.

    load_model("smol", None)
    load_model("openvino", "pretrained=qwen.gguf,max_num_seqs=32")
    load_model("local-chat-completions", "base_url=http://localhost:8000/v1/chat/completions,model=qwen,num_concurrent=8")

A name is looked up in this module first, then among the entry points of the group `persona_atlas.models` (callables that take the arguments as
keywords, text or booleans, and return a `LanguageModel`), then among lm-eval's backends. lm-eval has an "openvino" of its own (optimum, with
torch); here that name means ours.
"""

import dataclasses
import importlib
import re
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from persona_atlas.arguments import truth
from persona_atlas.models.protocol import LanguageModel, ModelError, unknown_name, whole_number

ENTRY_POINT_GROUP = "persona_atlas.models"


def load_model(name: str, model_args: str | Mapping[str, Any] | None = None) -> LanguageModel:
    """Build the model `name`. Raises `ModelError` for an unknown name, for unknown arguments, and if the model cannot be loaded."""
    if name in _OURS:
        return _OURS[name](_parse(model_args))
    plugins = _plugins()
    if name in plugins:
        return plugins[name].load()(**{key: truth(value) if isinstance(value, str) else value for key, value in _parse(model_args).items()})
    if name not in model_names():
        raise unknown_name("model", name, model_names())
    return _load_lm_eval(name, model_args)


def model_names() -> list[str]:
    """All names that `load_model` takes, sorted."""
    from persona_atlas.models.lmeval_backend import lm_eval_names

    return sorted({*_OURS, *_plugins(), *lm_eval_names()})


def _load_scripted(args: dict[str, Any]) -> LanguageModel:
    if args:
        raise ModelError(f"The model scripted takes no arguments, but --model_args has {', '.join(args)}: leave it out.")
    return importlib.import_module("persona_atlas.models.scripted").ScriptedModel()


def _load_smol(args: dict[str, Any]) -> LanguageModel:
    from persona_atlas.models.smol import load_smol

    return load_smol(_engine_settings("smol", args))


def _load_steerable(args: dict[str, Any]) -> LanguageModel:
    from persona_atlas.models.steerable import FREQUENCY_PENALTY, load_steerable

    adapter = args.pop("adapter", None)
    settings = _engine_settings("smol-steerable", {"frequency_penalty": FREQUENCY_PENALTY, **args})
    return load_steerable(settings, Path(adapter).expanduser() if adapter else None)


def _load_openvino(args: dict[str, Any]) -> LanguageModel:
    from persona_atlas.models.openvino import OpenVINOModel

    if not args.get("pretrained"):
        raise ModelError("The model openvino needs a file: type --model openvino --model_args pretrained=FILE.gguf.")
    path = args.pop("pretrained")
    return OpenVINOModel(path, settings=_engine_settings("openvino", args))


def _engine_settings(model: str, args: dict[str, Any]) -> Any:
    from persona_atlas.models.openvino import EngineSettings

    known = [field.name for field in dataclasses.fields(EngineSettings)]
    values: dict[str, Any] = {}
    for key, value in args.items():
        if key not in known:
            raise unknown_name(f"argument of {model}", key, [*known, *_FILES.get(model, ())])
        values[key] = _setting(key, value)
    return EngineSettings(**values)


def _setting(key: str, value: Any) -> Any:
    match key:
        case "device":
            return value
        case "precision":
            if value not in ("fast", "f32"):
                raise ModelError(f"precision={value} is neither fast nor f32: pass precision=f32 for answers that depend on nothing else.")
            return value
        case "frequency_penalty":
            if not re.fullmatch(r"[01]?\.\d+|[01]|2(\.0+)?", str(value)):
                raise ModelError(f"frequency_penalty={value} is no number from 0 to 2: pass for example frequency_penalty=0.3.")
            return float(value)
    return whole_number(key, value, least=1 if key in ("context_length", "max_num_seqs") else 0)


def _load_lm_eval(name: str, model_args: str | Mapping[str, Any] | None) -> LanguageModel:
    from persona_atlas.models.lmeval import LMEvalModel

    if isinstance(model_args, str):
        _parse(model_args)  # only for its error: lm-eval would read a word without "=" as an empty value
        from lm_eval.utils import simple_parse_args_string

        return LMEvalModel(name, simple_parse_args_string(model_args))
    return LMEvalModel(name, dict(model_args or {}))


def _parse(model_args: str | Mapping[str, Any] | None) -> dict[str, Any]:
    """Parse `k=v,k=v` into text values, without importing lm-eval (half a second). Raises `ModelError` for a part without `=`."""
    if not isinstance(model_args, str):
        return dict(model_args or {})
    parsed = {}
    for part in filter(None, (part.strip() for part in model_args.split(","))):
        key, equals, value = part.partition("=")
        if not equals or not key:
            raise ModelError(f"--model_args has {part!r}, but key=value pairs are wanted: type for example pretrained=FILE.gguf.")
        parsed[key.strip()] = value.strip()
    return parsed


def _plugins() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}


_OURS: dict[str, Callable[[dict[str, Any]], LanguageModel]] = {
    "openvino": _load_openvino,
    "scripted": _load_scripted,
    "smol": _load_smol,
    "smol-steerable": _load_steerable,
}
_FILES = {"openvino": ("pretrained",), "smol-steerable": ("adapter",)}
"""For each model that takes a file, the names of its arguments for files."""
