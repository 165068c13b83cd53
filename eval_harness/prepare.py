"""Turns the flags of `atlas-eval` into an Evaluation, and into the configuration that a resumed run must share."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from eval_harness.adapters import ADAPTERS
from eval_harness.baselines import check_control_arguments, shown_by_controls
from eval_harness.conditions import parse_conditions
from eval_harness.controls import KNOWN, OF_TASKS
from eval_harness.errors import EvalError, nearest
from eval_harness.optimizer_spec import OptimizerSpec, check_seconds, check_target, source_digest
from eval_harness.reuse import prompts_of
from eval_harness.runner import Evaluation, choose_items
from persona_atlas import __version__
from persona_atlas.arguments import typed
from persona_atlas.data import Release, load_dataset
from persona_atlas.models import Sampling, load_model
from persona_atlas.models.cache import CachedModel, ResponseCache
from persona_atlas.records import SCHEMA_VERSION, SPLITS, Item
from persona_atlas.scoring import SCORER_VERSION

ALL_CONTROLS = "all-controls"


def prepare(given: dict[str, Any]) -> tuple[Evaluation, dict[str, Any]]:
    """The evaluation that the flags ask for, and its configuration.

    Everything that can be wrong with the flags is found here, before a run is written. Raises EvalError, DataError, ModelError.
    """

    check_shadowed(given["optimizer"])
    whole_panel, given = given["optimizer"] == ALL_CONTROLS, panel(given)
    conditions = parse_conditions(given["conditions"])
    controls = _controls(given["controls"])
    arguments = read_arguments(given["optimizer_args"])
    spec = _spec(given, arguments)
    release = load_dataset(given["dataset"])
    if release.imported:
        controls = _without_tasks(given["optimizer"], controls, whole_panel)
    items = _items(release, given)
    model = CachedModel(load_model(given["model"], given["model_args"]), ResponseCache(given["use_cache"].expanduser()))
    if spec is not None:
        check_target(spec, model.fingerprint)
    again = tuple(CachedModel(model.model, model.cache, repeat=number) for number in range(1, given["repeats"]))
    history_tokens, conversations = shown_by_controls(given["optimizer"], arguments)
    evaluation = Evaluation(
        release=release,
        dataset=given["dataset"],
        split=given["split"],
        items=items,
        conditions=conditions,
        arm=given["optimizer"],
        spec=spec,
        controls=controls,
        model=model,
        sampling=Sampling(max_gen_toks=given["max_gen_toks"]),
        seed=given["seed"],
        wording=given["oracle_wording"],
        history_tokens=history_tokens,
        conversations=conversations,
        optimizer_calls=given["optimizer_calls"],
        again=again,
    )
    config = _config(given, evaluation, arguments)
    if given["prompts_of"]:
        evaluation = replace(evaluation, taken=prompts_of(given["prompts_of"], evaluation, config))
    return evaluation, config


def _controls(text: str) -> tuple[str, ...]:
    """The names of controls in a list with commas. Raises EvalError for one that is not known."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in KNOWN:
            raise nearest("control", name, KNOWN)
    return names


def _spec(given: dict[str, Any], arguments: dict[str, Any]) -> OptimizerSpec | None:
    """How to load the optimizer, or None for a control, which takes few arguments or none. Raises EvalError."""
    check_seconds(given["optimizer_timeout"])
    if given["optimizer"] in KNOWN:
        check_control_arguments(given["optimizer"], arguments)
        return None
    return OptimizerSpec.parse(given["optimizer"], arguments, given["optimizer_timeout"])


def _items(release: Release, given: dict[str, Any]) -> tuple[Item, ...]:
    items = choose_items(release, given["split"], given["limit"], given["items_per_user"])
    if not items:
        raise EvalError(f"the release has no items in split {given['split']}; choose another --split{_with_items(release)}")
    return items


def shipped() -> tuple[str, ...]:
    """What `--optimizer` takes for a control or an adapter, and never for a module here."""
    return (*KNOWN, ALL_CONTROLS, *ADAPTERS)


def check_shadowed(name: str) -> None:
    """Raise EvalError if a control or adapter has the name, and a module in the working directory does, too, which somebody may mean by it."""
    if name in shipped() and Path(f"{name}.py").exists():
        raise EvalError(f"{name} is what ships with PersonaAtlas under that name, and never {name}.py here; rename it, for example my_{name}.py")


def panel(given: dict[str, Any]) -> dict[str, Any]:
    """The flags, with `--optimizer all-controls` spelled out: `history` is the optimizer, and every other control runs beside it."""
    if given["optimizer"] != ALL_CONTROLS:
        return given
    return {**given, "optimizer": "history", "controls": ",".join(name for name in KNOWN if name != "history")}


def _without_tasks(optimizer: str, controls: tuple[str, ...], whole_panel: bool) -> tuple[str, ...]:
    """The controls that an imported release allows. The whole panel runs without those that need tasks; one that was asked for raises EvalError."""
    named = [name for name in (optimizer, *controls) if name in OF_TASKS]
    if named and not whole_panel:
        raise EvalError(f"the control {named[0]} repeats a right answer, and imported questions have none; leave it out, or give another --dataset")
    return tuple(name for name in controls if name not in OF_TASKS)


def _with_items(release: Release) -> str:
    """The splits that have items, to end a message, as `: test, test_ood`; empty if none has."""
    found = [split for split in SPLITS if release.items(split)]
    return f": {', '.join(found)}" if found else ""


def read_arguments(text: str) -> dict[str, Any]:
    """Parse `k=v,k=v`. A value is read as JSON if it is JSON, `True` and `False` as booleans, anything else as text. Raises EvalError.

    layers=[1,2],wish="brief, please",name=x   becomes   {"layers": [1, 2], "wish": "brief, please", "name": "x"}
    """

    found: dict[str, Any] = {}
    while text := text.lstrip(", \t\n"):
        key, equals, rest = text.partition("=")
        if not equals or not key.isidentifier():
            raise EvalError(f"--optimizer_args has {text.partition(',')[0].strip()!r}, wanted key=value pairs, for example checkpoint=DIR")
        value = _first(rest)
        found[key], text = typed(value.rstrip()), rest[len(value) :]
    return found


def _first(text: str) -> str:
    """The value that a text begins with: JSON, which may contain commas, if that is what stands before a comma or the end; else all up to a comma."""
    plain = text.partition(",")[0]
    try:
        end = json.JSONDecoder().raw_decode(text)[1]
    except ValueError:
        return plain
    return text[:end] if text[end:].lstrip()[:1] in ("", ",") else plain


def _config(given: dict[str, Any], evaluation: Evaluation, arguments: dict[str, Any]) -> dict[str, Any]:
    """The configuration that run.json records and a resumed run must share."""

    return {
        "optimizer": evaluation.arm,
        "optimizer_args": arguments,
        "optimizer_digest": source_digest(evaluation.spec) if evaluation.spec else None,
        "optimizer_timeout": given["optimizer_timeout"],
        "optimizer_calls": evaluation.optimizer_calls,
        "model": given["model"],
        "model_args": given["model_args"],
        "model_fingerprint": evaluation.model.fingerprint,
        "max_gen_toks": given["max_gen_toks"],
        "dataset_digest": evaluation.release.manifest["content_digest"],
        "split": evaluation.split,
        "conditions": list(evaluation.conditions),
        "controls": list(evaluation.controls),
        "oracle_wording": evaluation.wording,
        "suite": given.get("suite"),
        "limit": given["limit"],
        "items_per_user": given["items_per_user"],
        "repeats": given["repeats"],
        "seed": evaluation.seed,
        "schema_version": SCHEMA_VERSION,
        "scorer_version": SCORER_VERSION,
        "persona_atlas": __version__,
    }
