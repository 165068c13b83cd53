"""How a build is spoken, from the command's flags and a recipe, a YAML file of the same flags.

engine: lm
model: openvino
model_args: pretrained=qwen2.5-0.5b-instruct-q8_0.gguf
assistants:                       # by default one, the same model
  - {model: smol, weight: 1}
  - {model: openvino, model_args: pretrained=qwen2.5-0.5b-instruct-q8_0.gguf, weight: 3}
"""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from generation.build import BuildError
from generation.spoken.cast import Cast, Voice
from generation.spoken.engine import Speech

VOICE = ("model", "model_args", "weight")
WHOLE = {"users": 1, "seed": 0, "workers": 1, "at_once": 1}
"""The flags that take whole numbers, and the least that they take in a recipe."""
ENGINES = ("scripted", "lm")


def with_recipe(given: Mapping[str, Any], explicit: set[str], path: Path | None) -> dict[str, Any]:
    """The flags with those of the recipe among them; a flag that was typed wins. Raises BuildError."""
    if path is None:
        return dict(given)
    try:
        recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BuildError(f"the recipe {path} cannot be read ({' '.join(str(error).split())}); give a YAML file with --recipe") from error
    if not isinstance(recipe, dict):
        raise BuildError(f"the recipe {path} holds {type(recipe).__name__}, wanted names of flags with their values, such as engine: lm")
    known = {*given, "assistants", "user", "distractor"} - {"recipe", "as_json"}
    for key in recipe:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            raise BuildError(f"the recipe {path} has {key!r}, which is no flag{f'; did you mean {near[0]!r}?' if near else ''}")
        if key in WHOLE and (not isinstance(recipe[key], int) or recipe[key] < WHOLE[key]):
            raise BuildError(f"the recipe {path} has {key}: {recipe[key]!r}, wanted a whole number from {WHOLE[key]} on")
    found = {key: Path(value) if key in ("out", "use_cache") else value for key, value in recipe.items()}
    return {**given, **{key: value for key, value in found.items() if key not in explicit}}


def speech_of(given: Mapping[str, Any]) -> Speech | None:
    """Who speaks; None for the scripted engine. Raises BuildError."""
    if given["engine"] not in ENGINES:
        raise BuildError(f"there is no engine {given['engine']!r}; give --engine scripted or --engine lm")
    if given["engine"] == "scripted":
        if given["model"]:
            raise BuildError(f"--model {given['model']} is for language models; add --engine lm, or leave it out")
        return None
    if not given["model"]:
        raise BuildError("a language model is needed; give for example --model smol, or --model openvino --model_args pretrained=FILE.gguf")
    voice = Voice(given["model"], given["model_args"] or "")
    assistants = given.get("assistants") or [{"model": voice.model, "model_args": voice.model_args}]
    if not isinstance(assistants, list):
        raise BuildError(f"the recipe's assistants are {assistants!r}, wanted a list of models with weights")
    user, distractor = (_voice(given[agent], agent) if given.get(agent) else voice for agent in ("user", "distractor"))
    cast = Cast(user, distractor, tuple(_voice(one, "assistants") for one in assistants), given["entailment"] or "")
    return Speech(cast, Path(given["use_cache"]).expanduser(), given["at_once"])


def _voice(entry: Any, where: str) -> Voice:
    if not isinstance(entry, dict) or not isinstance(entry.get("model"), str) or set(entry) - set(VOICE):
        raise BuildError(f"the recipe's {where} has {entry!r}, wanted {{model: NAME, model_args: k=v, weight: 1}}")
    weight = entry.get("weight", 1.0)
    if not isinstance(weight, int | float) or weight <= 0:
        raise BuildError(f"the recipe's {where} has weight {weight!r}, wanted a number above 0")
    return Voice(entry["model"], str(entry.get("model_args") or ""), float(weight))
