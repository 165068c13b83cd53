"""A reward's target is never the evaluation's target: a checkpoint names the targets that rewarded it, and a run on one of them is refused."""

import json
from pathlib import Path

import pytest

from eval_harness.errors import EvalError
from eval_harness.optimizer_spec import OptimizerSpec, check_target
from persona_atlas.models.protocol import ModelError
from persona_atlas.ppopt.base import ADAPTER, SETTINGS, Settings, read_settings
from persona_atlas.ppopt.optimizer import shipped

SMALL = "openvino-genai 1 CPU f32|sha256:12ab|template:34cd|context:2048"
SERVER = 'lm_eval 1|local-chat-completions|{"model": "large"}|template:none'


def checkpoint(folder: Path, **more: object) -> Path:
    folder.mkdir()
    (folder / ADAPTER).touch()
    told = {"base": "smollm2", "history_tokens": 50, "profile": True, "new_tokens": 64, "reads": "chats", **more}
    (folder / SETTINGS).write_text(json.dumps(told), encoding="utf-8")
    return folder


def spec(module: str = "ppopt", **arguments: object) -> OptimizerSpec:
    return OptimizerSpec.parse(module, arguments, 30.0)


@pytest.mark.parametrize("module", ["ppopt", "persona_atlas.ppopt.optimizer:PPOpt", "one_around_it"])
def test_a_run_on_a_target_that_rewarded_the_checkpoint_is_refused(module: str, tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "grpo", rewarded_by=[SERVER, SMALL])
    for fingerprint in (SERVER, SMALL):
        with pytest.raises(EvalError, match=r"grpo was rewarded by this very target in training.*: give another --model"):
            check_target(spec(module, checkpoint=str(folder), engine="hf"), fingerprint)


def test_any_other_target_is_taken(tmp_path: Path) -> None:
    rewarded, never = checkpoint(tmp_path / "grpo", rewarded_by=[SMALL, SERVER]), checkpoint(tmp_path / "sft", rewarded_by=[])
    check_target(spec(checkpoint=str(rewarded)), SMALL.replace("12ab", "56ef"))
    check_target(spec(checkpoint=str(rewarded)), SERVER.replace("large", "larger"))
    check_target(spec(checkpoint=str(never)), SMALL)
    check_target(spec(answers=False, checkpoint=str(tmp_path / "nowhere")), SMALL)


def test_a_checkpoint_without_the_list_was_rewarded_by_none(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "older")
    assert read_settings(folder).rewarded_by == ()
    check_target(spec(checkpoint=str(folder)), SMALL)


def test_the_adapter_that_ships_was_rewarded_by_none() -> None:
    """Nor may it be, as long as a run looks for the list only where arguments say."""
    assert read_settings(shipped()).rewarded_by == ()


def test_the_same_weights_are_the_same_target_whatever_runs_them() -> None:
    settings = Settings("smollm2", 50, True, 64, rewarded_by=(SMALL,))
    assert settings.was_rewarded_by(SMALL.replace("openvino-genai 1", "openvino-genai 2") + "|frequency penalty:0.3")
    assert not settings.was_rewarded_by(f"{SMALL}|peft sha256:78ab")
    assert not settings.was_rewarded_by(SERVER)
    assert not Settings("smollm2", 50, True, 64, rewarded_by=(SERVER,)).was_rewarded_by("scripted-2-12ab")


def test_a_target_that_rewards_again_is_named_once() -> None:
    settings = Settings("smollm2", 50, True, 64).after_rewards_by(SERVER).after_rewards_by(SMALL).after_rewards_by(SERVER)
    assert settings.rewarded_by == (SERVER, SMALL)


@pytest.mark.parametrize("told", ["scripted", [1], None, {"scripted": 1}])
def test_a_list_that_is_none_is_refused(told: object, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"rewarded_by is .*, wanted the fingerprints of targets"):
        read_settings(checkpoint(tmp_path / "edited", rewarded_by=told))
