"""The embedded target that listens: what ships is what its card says, and it does what it is told."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from safetensors import safe_open

from persona_atlas.answer import Answer
from persona_atlas.models import load_model
from persona_atlas.models.adapter import weights_digest
from persona_atlas.models.digest import path_digest
from persona_atlas.models.protocol import LanguageModel, Sampling
from persona_atlas.models.smol import smol_weights
from persona_atlas.models.steerable import adapter_path
from persona_atlas.preferences import load_catalog
from persona_atlas.render import applicable_dimensions, instruct
from persona_atlas.tasks import load_templates
from persona_atlas.tasks.templates import fill

MOST_BYTES = 16 * 2**20


@pytest.fixture(scope="module")
def steerable() -> LanguageModel:
    return load_model("smol-steerable")


@pytest.fixture(scope="module")
def card() -> str:
    return (adapter_path().parent / "README.md").read_text(encoding="utf-8")


def test_the_card_names_the_adapter_its_rank_and_its_base(card: str) -> None:
    with safe_open(adapter_path(), "np") as file:
        header = file.metadata()
    assert f"SHA-256 of the file {path_digest(adapter_path())}, of its weights alone {weights_digest(adapter_path())}" in card
    assert f"LoRA of rank {header['rank']} (alpha {header['alpha']})" in card
    assert header["base_sha256"] == path_digest(smol_weights())
    assert header["base_sha256"] in card


def test_the_card_says_that_its_scores_are_no_real_models(card: str) -> None:
    assert "scores are no real model's" in " ".join(card.split())


def test_everything_that_ships_with_the_adapter_is_small() -> None:
    assert sum(path.stat().st_size for path in _files(adapter_path().parent)) <= MOST_BYTES


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


VALUES = [
    ("structure", "bulleted"),
    ("structure", "prose"),
    ("length", "brief"),
    ("emoji", "some"),
    ("closing", "next_step"),
    ("opening", "summary_first"),
]


@pytest.mark.slow
def test_told_it_shows_more_of_the_values_than_untold_on_tasks_that_it_never_saw(steerable: LanguageModel) -> None:
    told, untold = (sum(_met(steerable, dimension, value, told) for dimension, value in VALUES) for told in (True, False))
    assert told >= untold + 10, f"{told} of 60 told, {untold} untold"


def _met(model: LanguageModel, dimension: str, value: str, told: bool) -> int:
    """How many of ten answers to test tasks show the value."""
    templates = [t for t in load_templates().values() if t.split == "test" and t.core and dimension in applicable_dimensions(t.template_id)][:10]
    queries = [fill(template, {name: options[0] for name, options in template.slots.items()}).query(0) for template in templates]
    prompts = [instruct(query, [(dimension, value)] if told else []) for query in queries]
    checked = load_catalog().value(dimension, value)
    return sum(checked.met(Answer(generation.text)) for _, generation in model.generate(prompts, Sampling(200)))
