"""Recipes: what they name has to be there."""

from dataclasses import replace
from typing import Any

import pytest

from persona_atlas.content import CatalogError
from persona_atlas.ppopt.recipe import load_recipe, suited


@pytest.mark.parametrize(
    ("stage", "changed", "message"),
    [
        ("grpo", {"aggregation": "normalise_then_sum"}, "aggregation: 'normalise_then_sum'; give one of normalize_then_sum, sum_then_normalize"),
        ("grpo", {"rewards": {"format": 1.0, "bravity": 0.5}}, "rewards: 'bravity'; give one of format, profile, task"),
        ("grpo", {"precision": "f16"}, "precision: 'f16'; give one of auto, bf16, f32"),
        ("sft", {"precision": "BF16"}, "precision: 'BF16'; give one of auto, bf16, f32"),
        ("target", {"precision": "float32"}, "precision: 'float32'; give one of auto, bf16, f32"),
    ],
)
def test_what_a_recipe_names_wrongly_is_refused(stage: str, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        replace(load_recipe(stage, "smoke"), **changed)


@pytest.mark.parametrize(
    ("capabilities", "gpu", "precision"),
    [
        ({"architecture": "x86_64", "avx2": True, "avx512_f": True, "avx512_bf16": False, "amx_bf16": False}, None, "f32"),
        ({"architecture": "x86_64", "avx512_bf16": True, "amx_bf16": False}, None, "bf16"),
        ({"architecture": "x86_64", "avx512_bf16": False, "amx_bf16": True}, None, "bf16"),
        ({"architecture": "aarch64", "neon": True, "bf16": False}, None, "f32"),
        ({"architecture": "aarch64", "neon": True, "bf16": True}, None, "bf16"),
        ({"architecture": "x86_64", "avx2": True}, True, "bf16"),
        ({"architecture": "x86_64", "avx512_bf16": True}, False, "f32"),
    ],
)
def test_training_computes_in_bf16_where_the_machine_has_instructions_for_it(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, Any], gpu: bool | None, precision: str
) -> None:
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: capabilities)
    monkeypatch.setattr("torch.cuda.is_available", lambda: gpu is not None)
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda including_emulation: gpu)
    recipe = load_recipe("sft", "cpu")
    assert (recipe.precision, suited(recipe).precision) == ("auto", precision)
    assert suited(replace(recipe, precision="f32")).precision == "f32"
    assert suited(load_recipe("sft", "gpu")).precision == "bf16"
