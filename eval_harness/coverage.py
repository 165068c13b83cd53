"""What a finished run of a configuration holds: the keys of its samples and repeats, in order."""

from collections.abc import Mapping, Sequence
from typing import Any

from eval_harness.conditions import show
from eval_harness.runfolder import Key
from eval_harness.table import Plan
from persona_atlas.data import Release
from persona_atlas.records import Item


def plan_of(config: Mapping[str, Any]) -> Plan:
    """The plan of a run with this configuration."""
    arms = tuple(dict.fromkeys([config["optimizer"], "identity", *config["controls"]]))
    return Plan(config["optimizer"], arms, tuple(config["conditions"]), config["model"], config["split"], config["seed"])


def expected(config: Mapping[str, Any], items: Sequence[Item], release: Release) -> list[Key]:
    """The keys of a submission's samples.jsonl, by condition, arm and item. An item is left out of the conditions that it does not have."""
    plan = plan_of(config)
    asked = {c: [item.item_id for item in items if show(c, item, release) is not None] for c in plan.conditions}
    return [Key(arm, c, item_id) for c in plan.conditions for arm in plan.arms for item_id in asked[c]]


def expected_repeats(config: Mapping[str, Any], items: Sequence[Item]) -> list[Key]:
    """The keys of a submission's repeats.jsonl: for each repeat, the optimizer and identity on every tenth item."""
    arms = dict.fromkeys([config["optimizer"], "identity"])
    return [Key(arm, f"repeat_{number}", item.item_id) for number in range(1, config.get("repeats", 1)) for arm in arms for item in items[::10]]
