"""How a build is spoken, from the command's flags and a recipe: a YAML file of the same flags, and of the models of single agents.

engine: lm
model: openvino
model_args: pretrained=qwen2.5-0.5b-instruct-q8_0.gguf
assistants:                       # by default one, the same model
  - {model: smol, weight: 1}
  - {model: openvino, model_args: pretrained=qwen2.5-0.5b-instruct-q8_0.gguf, weight: 3}
"""

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from generation.spoken.cast import Cast, Voice
from generation.spoken.engine import Speech
from generation.workfolder import BuildError
from persona_atlas.console import AT_ONCE, CACHE

VOICE = {"model", "model_args", "weight"}
ENGINES = ("scripted", "lm")
MOST = 1e9
"""The largest number that a recipe may give: a weight, or a number of GPUs."""


@dataclass(frozen=True)
class Wanted:
    """What a value of a recipe must be, in words for messages and as a check."""

    words: str
    fits: Callable[[Any], bool]


def _whole(least: int) -> Wanted:
    return Wanted(f"a whole number from {least} on", lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= least)


def _number(value: Any, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most


TEXT = Wanted("text", lambda value: isinstance(value, str) and bool(value.strip()) and "\0" not in value)
PATH = Wanted("a path", TEXT.fits)
ARGUMENTS = Wanted("text such as pretrained=FILE.gguf", TEXT.fits)
WEIGHT = Wanted("a number above 0", lambda value: _number(value, MOST) and value > 0)
AGENT = Wanted("{model: NAME, model_args: k=v, weight: 1}", lambda value: isinstance(value, dict) and {"model"} <= set(value) <= VOICE)
FLAGS = {
    "users": _whole(1),
    "seed": _whole(0),
    "out": PATH,
    "workers": _whole(1),
    "executor": TEXT,
    "num_gpus": Wanted("a number from 0 on", lambda value: _number(value, MOST)),
    "ray_address": TEXT,
    "engine": TEXT,
    "model": TEXT,
    "model_args": ARGUMENTS,
    "entailment": TEXT,
    "at_once": _whole(1),
    "use_cache": PATH,
    "private": PATH,
    "user": AGENT,
    "distractor": AGENT,
    "assistants": Wanted("a list of models with weights", lambda value: isinstance(value, list) and bool(value)),
}
"""The keys of a recipe, and what each value must be."""
NO_FLAGS = ("user", "distractor", "assistants")
"""The keys of a recipe that are not flags of the command."""
SPOKEN = ("model", "model_args", "entailment", "at_once", "use_cache", *NO_FLAGS)
"""What only the engine `lm` uses."""


def with_recipe(given: Mapping[str, Any], explicit: set[str], path: Path | None) -> dict[str, Any]:
    """The flags merged with those of the recipe. Flags that were typed (`explicit`) take precedence. Raises BuildError."""
    if path is None:
        return dict(given)
    recipe = _read(path)
    for key, value in recipe.items():
        if key not in FLAGS:
            near = difflib.get_close_matches(str(key), FLAGS, n=1)
            raise BuildError(f"the recipe {path} has {key!r}, which is no flag{f'; did you mean {near[0]!r}?' if near else ''}")
        _check(f"the recipe {path}", key, value, FLAGS[key])
    found = {key: Path(os.path.expanduser(value)) if FLAGS[key] is PATH else value for key, value in recipe.items()}
    return {**given, **{key: value for key, value in found.items() if key not in explicit}}


def _read(path: Path) -> dict[Any, Any]:
    try:
        recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    except Exception as error:  # the boundary: YAML's constructors raise all kinds of errors, ValueError over an impossible date for one
        raise BuildError(f"the recipe {path} cannot be read ({_reason(error)}); give a YAML file with --recipe") from error
    if not isinstance(recipe, dict):
        what = _shown(recipe) if recipe is None or isinstance(recipe, list) else "a single value"
        raise BuildError(f"the recipe {path} holds {what}, wanted names of flags with their values, such as engine: lm")
    return recipe


def _reason(error: Exception) -> str:
    """The reason for a message, without anything that the recipe holds, which may be a secret."""
    where, said = "", str(error)
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        where, said = f"line {error.problem_mark.line + 1}: ", str(error.problem)
    if not isinstance(error, yaml.scanner.ScannerError | yaml.parser.ParserError | UnicodeError | OSError):
        said = re.split("[:']", said)[0]  # what follows is the value itself
    return where + (" ".join(said.split()) or type(error).__name__)


def _check(where: str, key: str, value: Any, wanted: Wanted) -> None:
    if not wanted.fits(value):
        raise BuildError(f"{where} has {key}: {_shown(value)}, wanted {wanted.words}")


def _shown(value: Any) -> str:
    """A value as a message shows it; of a mapping only the keys, since a value may be a secret."""
    match value:
        case None:
            return "nothing"
        case dict():
            return f"{{{', '.join(f'{key}: …' for key in value)}}}"
        case list():
            return "a list"
        case str() | bool() | int() | float():
            return repr(value)
    return str(value)


def speech_of(given: Mapping[str, Any]) -> Speech | None:
    """How the build is spoken, from the merged flags; None for the scripted engine. Raises BuildError."""
    if given["engine"] not in ENGINES:
        raise BuildError(f"there is no engine {given['engine']!r}; give --engine scripted or --engine lm")
    if given["engine"] == "scripted":
        for key in SPOKEN:
            if given.get(key):
                raise BuildError(f"{_named(key, given[key])} is for language models; add --engine lm, or leave it out")
        return None
    if given.get("executor") == "local" and (given.get("workers") or 1) > 1:
        raise BuildError(
            f"--workers {given['workers']} is not for --engine lm, which speaks many conversations at once in one process; "
            "give --at_once, or --executor ray, or leave it out"
        )
    if not given["model"]:
        raise BuildError("a language model is needed; give for example --model smol, or --model openvino --model_args pretrained=FILE.gguf")
    voice = Voice(given["model"], given["model_args"] or "")
    assistants = tuple(_voice(one, "assistants") for one in given.get("assistants") or ()) or (voice,)
    user, distractor = (_voice(given[agent], agent) if given.get(agent) else voice for agent in ("user", "distractor"))
    cache = Path(os.path.expanduser(given["use_cache"] or CACHE))
    return Speech(Cast(user, distractor, assistants, given["entailment"] or ""), cache, given["at_once"] or AT_ONCE)


def _named(key: str, value: Any) -> str:
    """The flag as a message names it, with its value unless that may be a secret."""
    if key in NO_FLAGS:
        return f"the recipe's {key}"
    return f"--{key}" if key == "model_args" else f"--{key} {value}"


def _voice(entry: Any, where: str) -> Voice:
    if not AGENT.fits(entry):
        raise BuildError(f"the recipe's {where} has {_shown(entry)}, wanted {AGENT.words}")
    wanted = {"model": TEXT, "model_args": ARGUMENTS, "weight": WEIGHT}
    for key, value in entry.items():
        _check(f"the recipe's {where}", key, value, wanted[key])
    return Voice(entry["model"], entry.get("model_args", ""), float(entry.get("weight", 1.0)))
