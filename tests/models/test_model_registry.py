"""Models by name: what a user types as --model and --model_args."""

import subprocess
import sys
from importlib.metadata import EntryPoint
from types import SimpleNamespace
from typing import Any

import pytest

from persona_atlas.models import ModelError, load_model, model_names, registry


def test_names_are_ours_and_lm_evals() -> None:
    assert {"smol", "openvino", "scripted", "hf", "vllm", "local-chat-completions", "dummy"} <= set(model_names())


def test_an_unknown_model_names_the_nearest() -> None:
    with pytest.raises(ModelError, match="no model 'local-chat-completion': did you mean local-chat-completions"):
        load_model("local-chat-completion")
    with pytest.raises(ModelError, match=r"did you mean .*smol"):
        load_model("smoll")


def test_a_name_near_to_nothing_lists_all() -> None:
    with pytest.raises(ModelError, match=r"there are .*dummy.*smol"):
        load_model("zzzzzzzz")


@pytest.mark.parametrize("model_args", [None, "", {}, "write_out=False"])
def test_a_backend_of_lm_eval_loads_by_its_name(model_args: str | dict[str, Any] | None) -> None:
    assert load_model("dummy", model_args).name == "dummy"


@pytest.mark.parametrize(
    ("name", "model_args", "complaint"),
    [
        ("openvino", None, r"type --model openvino --model_args pretrained=FILE\.gguf"),
        ("openvino", "pretrained=/nowhere/qwen.gguf", r"/nowhere/qwen\.gguf does not exist"),
        ("openvino", {"pretrained": "q.gguf", "max_num_seq": 8}, "did you mean max_num_seqs"),
        ("smol", "cache_gb=lots", "cache_gb=lots is no whole number"),
        ("smol", "cache_gb=²", "cache_gb=² is no whole number"),
        ("smol", "context_length=0", "context_length=0 is no whole number of at least 1"),
        ("smol", "max_num_seqs=0", "max_num_seqs=0 is no whole number of at least 1"),
        ("smol", "frequency_penalty=2.5", r"frequency_penalty=2\.5 is no number from 0 to 2"),
        ("smol", "frequency_penalty=3", "frequency_penalty=3 is no number from 0 to 2"),
        ("smol-steerable", "frequency_penalty=some", "frequency_penalty=some is no number from 0 to 2"),
        ("smol-steerable", "adapter=missing.safetensors", "There is no adapter missing.safetensors"),
        ("smol-steerable", "adaptor=mine.safetensors", "did you mean adapter?"),
        ("smol", "precision=f16", "precision=f16 is neither fast nor f32"),
        ("smol", "fast", "'fast', but key=value pairs are wanted"),
        ("dummy", "fast", "'fast', but key=value pairs are wanted"),
        ("scripted", "seed=1", "takes no arguments"),
    ],
)
def test_wrong_arguments_are_told_in_one_sentence(name: str, model_args: str | dict[str, Any] | None, complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        load_model(name, model_args)


@pytest.mark.parametrize(("said", "penalty"), [(".5", 0.5), ("1.25", 1.25), ("2", 2.0), (0.3, 0.3)])
def test_a_penalty_may_be_said_as_numbers_are(said: str | float, penalty: float) -> None:
    assert registry._engine_settings("smol", {"frequency_penalty": said}).frequency_penalty == penalty


def test_a_plugin_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("mine", "types:SimpleNamespace", registry.ENTRY_POINT_GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point] if group == registry.ENTRY_POINT_GROUP else [])
    assert "mine" in model_names()
    assert load_model("mine", "answer=42,url=http://host/?a=b") == SimpleNamespace(answer="42", url="http://host/?a=b")
    assert load_model("mine", "fast=False,exact=true") == SimpleNamespace(fast=False, exact=True)


def test_importing_the_package_loads_no_engine() -> None:
    code = "import sys, persona_atlas.models; print([m for m in ('lm_eval', 'openvino_genai', 'torch', 'numpy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
