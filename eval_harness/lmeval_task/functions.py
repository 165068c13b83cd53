"""The functions that the YAML files in this folder call: they give the items as documents, and score an answer.

lm-eval does not tell a task whether an answer was cut off, so here a cut-off answer is scored as it stands; `atlas-eval` gives it 0.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from eval_harness.conditions import show
from eval_harness.controls import CONTROLS
from eval_harness.gold import Gold
from eval_harness.runner import choose_items
from persona_atlas.data import Release, load_dataset
from persona_atlas.records import Item, canonical_json, from_dict, to_dict
from persona_atlas.scoring import score

CHARACTERS_A_TOKEN = 4
"""A rough estimate, since a task does not know the model's tokenizer. It decides how much of the history is shown."""


def documents(arm: str, dataset: str = "persona-atlas", split: str = "test", users: int | None = None, **_: Any) -> dict[str, Any]:
    """One document per item: `prompt`, as the control `arm` writes it, and `item` as JSON. lm-eval's flag --metadata sets the other arguments."""
    from datasets import Dataset

    release = load_dataset(dataset)
    items = choose_items(release, split, users)
    gold = Gold(release, split, lambda text: len(text) // CHARACTERS_A_TOKEN, seed=0, wording=0, items=items)
    rows = [{"prompt": _prompt(arm, item, release, gold), "item": canonical_json(to_dict(item))} for item in items]
    return {"test": Dataset.from_list(rows)}


def _prompt(arm: str, item: Item, release: Release, gold: Gold) -> str:
    shown = show("clean", item, release)
    assert shown is not None, "every item is asked under the condition clean"
    return CONTROLS[arm](item, shown, gold)


def with_query(**metadata: Any) -> dict[str, Any]:
    return documents("identity", **metadata)


def with_history(**metadata: Any) -> dict[str, Any]:
    return documents("history", **metadata)


def with_oracle(**metadata: Any) -> dict[str, Any]:
    return documents("oracle", **metadata)


def scores(document: Mapping[str, Any], answers: Sequence[str]) -> dict[str, tuple[str, float]]:
    """Axis -> (user, value). Axes that do not apply to the item are left out."""
    item = from_dict(Item, json.loads(document["item"]))
    found = score(item, answers[0], "stop")
    values = {"personalization": found.personalization, "task": found.task, "met": found.met, "responsive": found.g}
    if "conflict" in item.slices:
        values["personalization"] = values["met"] = None
    return {axis: (item.persona_id, value) for axis, value in values.items() if value is not None}


def mean_over_users(pairs: Sequence[tuple[str, float]]) -> float:
    """The mean over users of the mean over a user's items."""
    mine: dict[str, list[float]] = defaultdict(list)
    for user, value in pairs:
        mine[user].append(value)
    return fmean(fmean(values) for values in mine.values())
