"""Finds what is damaged in a run's run.json and results.json, or was changed by hand, so that commands can say it in one sentence.

    limit is "2", wanted a whole number from 1, or null
    at finish_reasons/ok found 3, wanted object
    identity under clean in arms has no task

A local run is checked less strictly than a submission (schema/v2/run.json): any text may be the optimizer's name.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from eval_harness.report import MEANS, WITH_INTERVAL
from persona_atlas import older, schema
from persona_atlas.records import SCHEMA_VERSION, SPLITS
from persona_atlas.short import short


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _whole(value: Any, least: int) -> bool:
    return type(value) is int and value >= least


TEXT = ("text", _text)
TEXTS = ("a list of texts", _texts)
SEED = ("a whole number from 0", lambda value: _whole(value, 0))
COUNT = ("a whole number from 1", lambda value: _whole(value, 1))
LIMIT = ("a whole number from 1, or null", lambda value: value is None or _whole(value, 1))
WANTED: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "optimizer": TEXT, "model": TEXT, "model_fingerprint": TEXT, "dataset_digest": TEXT, "conditions": TEXTS, "controls": TEXTS,
    "split": (f"one of {', '.join(SPLITS)}", lambda value: value in SPLITS), "seed": SEED, "limit": LIMIT, "items_per_user": LIMIT,
    "max_gen_toks": COUNT, "repeats": COUNT, "scorer_version": COUNT,
}  # fmt: skip
"""What a key of the configuration must be, in words and as a check. Older runs may lack some of them."""
SHOWN = (*WITH_INTERVAL, *MEANS)
"""The axes that every table shows."""


def of_config(config: Mapping[str, Any]) -> str | None:
    """What is wrong with the configuration in run.json; None if nothing is."""
    for key, (wanted, fits) in WANTED.items():
        if key in config and not fits(config[key]):
            return f"{key} is {short(json.dumps(config[key], ensure_ascii=False))}, wanted {wanted}"
    return None


def of_results(found: Any) -> str | None:
    """What is wrong with the content of results.json, in the schema version that it states; None if nothing is."""
    version = found.get("schema_version") if isinstance(found, dict) else None
    try:
        schema.validate("results", found, SCHEMA_VERSION if type(version) is not int else version)
    except schema.SchemaError as error:
        return _line(str(error).removeprefix("results: "))
    return next(map(_line, _gaps(older.results(found))), None)


def _gaps(results: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the tables need and the results lack; the schema cannot tell, since arms, conditions and axes have free names."""
    optimizer, arms, scores = results["optimizer"], results["arms"], results["scores"]
    if "clean" not in arms.get(optimizer, {}):
        yield f"arms has no {optimizer} under clean"
        return
    for arm, conditions in arms.items():
        for condition in arms[optimizer]:
            yield from _lacking(conditions.get(condition, {}), SHOWN, f"{arm} under {condition} in arms")
    yield from _lacking(scores, ("personalization", "personalization_revealed", "personalization_unrevealed"), "scores")
    if own := results["differences"].get(optimizer, {}).get("clean"):
        yield from _lacking(own, ("personalization", "task"), f"{optimizer} under clean in differences")
    for found in (scores, *(axes for conditions in arms.values() for axes in conditions.values())):
        for axis, interval in found.items():
            if interval["mean"] is None and interval["ci"] is not None:
                yield f"an interval of {axis} has no mean"


def _lacking(axes: Mapping[str, Any], wanted: tuple[str, ...], where: str) -> Iterator[str]:
    yield from (f"{where} has no {axis}" for axis in wanted if axis not in axes)


def _line(text: str) -> str:
    """The text in one line, since names in it can be anything."""
    return " ".join(text.split())
