"""Recipes: what they name has to be there."""

from dataclasses import replace
from typing import Any

import pytest

from persona_atlas.content import CatalogError
from persona_atlas.ppopt.recipe import load_recipe


@pytest.mark.parametrize(
    ("stage", "changed", "message"),
    [
        ("grpo", {"aggregation": "normalise_then_sum"}, "aggregation: 'normalise_then_sum'; give one of normalize_then_sum, sum_then_normalize"),
        ("grpo", {"rewards": {"format": 1.0, "bravity": 0.5}}, "rewards: 'bravity'; give one of format, profile, task"),
        ("grpo", {"precision": "f16"}, "precision: 'f16'; give one of bf16, f32"),
        ("sft", {"precision": "BF16"}, "precision: 'BF16'; give one of bf16, f32"),
        ("target", {"precision": "float32"}, "precision: 'float32'; give one of bf16, f32"),
    ],
)
def test_what_a_recipe_names_wrongly_is_refused(stage: str, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        replace(load_recipe(stage, "smoke"), **changed)
