"""What a run of a configuration holds when it is finished: the keys of its samples and repeats, in their order."""

from collections.abc import Mapping, Sequence
from typing import Any

from eval_harness.conditions import show
from eval_harness.runfolder import Key
from eval_harness.table import Plan
from persona_atlas.data import Release
from persona_atlas.records import Item


def plan_of(config: Mapping[str, Any]) -> Plan:
    """What the results of a run of this configuration are of."""
    arms = tuple(dict.fromkeys([config["optimizer"], "identity", *config["controls"]]))
    return Plan(config["optimizer"], arms, tuple(config["conditions"]), config["model"], config["split"], config["seed"])


def expected(config: Mapping[str, Any], items: Sequence[Item], release: Release) -> list[Key]:
    """What samples.jsonl of a submission holds, in this order: by condition, arm and item; an item without a condition is left out of it."""
    plan = plan_of(config)
    asked = {c: [item.item_id for item in items if show(c, item, release) is not None] for c in plan.conditions}
    return [Key(arm, c, item_id) for c in plan.conditions for arm in plan.arms for item_id in asked[c]]


def expected_repeats(config: Mapping[str, Any], items: Sequence[Item]) -> list[Key]:
    """What repeats.jsonl holds: of each repeat a tenth of the items, answered for the optimizer and identity."""
    arms = dict.fromkeys([config["optimizer"], "identity"])
    return [Key(arm, f"repeat_{number}", item.item_id) for number in range(1, config.get("repeats", 1)) for arm in arms for item in items[::10]]
