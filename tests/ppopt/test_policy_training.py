"""SFT and GRPO, really run on a random model of two layers: they end with a checkpoint that loads, and a kill changes nothing."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import load_file

from eval_harness import cli as evaluating
from persona_atlas.content import CatalogError
from persona_atlas.data import load_dataset
from persona_atlas.models import load_model
from persona_atlas.models.digest import path_digest
from persona_atlas.models.protocol import ModelError
from persona_atlas.ppopt import cli
from persona_atlas.ppopt.base import ADAPTER, Settings, check_training, import_torch, load_base, make_random, read_settings
from persona_atlas.ppopt.folder import open_training
from persona_atlas.ppopt.optimizer import PPOpt
from persona_atlas.ppopt.policy import Run, train_grpo, train_sft
from persona_atlas.ppopt.recipe import load_recipe, recipe_names
from persona_atlas.protocol import Context, Message, Request

TRAIN = [sys.executable, "-c", "from persona_atlas.ppopt.cli import main; main()"]
LEFT = {"config.json", "cases.jsonl", "log.jsonl", "curves.svg", "README.md", "base", ADAPTER, "adapter_config.json", "ppopt.json"}


def run(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*TRAIN, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False)


def sft(out: Path, *more: str) -> list[str | Path]:
    return ["sft", "--config", "smoke", "--output_path", out, *more]


def grpo(out: Path, checkpoint: Path, *more: str) -> list[str | Path]:
    return ["grpo", "--config", "smoke", "--checkpoint", checkpoint, "--target", "scripted", "--output_path", out, *more]


def log(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sft") / "undisturbed"
    done = CliRunner().invoke(cli.main, [str(part) for part in sft(out)])  # here, where torch is imported once for all tests
    assert done.exit_code == 0, done.output
    assert [json.loads(line) for line in done.stdout.splitlines()] == log(out)
    return out


@pytest.fixture(scope="module")
def reinforced(tuned: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("grpo") / "undisturbed"
    done = CliRunner().invoke(cli.main, [str(part) for part in grpo(out, tuned)])
    assert done.exit_code == 0, done.output
    return out


def test_sft_leaves_a_checkpoint_its_card_its_log_and_its_curves(tuned: Path) -> None:
    assert {path.name for path in tuned.iterdir()} == LEFT
    assert read_settings(tuned) == Settings("random", 300, True, 512)
    assert [line["step"] for line in log(tuned)] == [1, 2, 3, 4, 5]
    assert log(tuned)[0]["loss"] == pytest.approx(np.log(49152), rel=0.02)
    card = (tuned / "README.md").read_text(encoding="utf-8")
    assert "12 of 12" in card
    assert "step 5 of the 6 of one epoch" in card


def test_sft_trains_a_checkpoint_on(tuned: Path, tmp_path: Path) -> None:
    train_sft(Run("smoke", load_dataset(), 1, tmp_path / "out"), load_recipe("sft", "smoke"), tuned, silent, silent)
    assert log(tmp_path / "out")[0]["loss"] < log(tuned)[-1]["loss"] + 0.05
    assert path_digest(tuned / ADAPTER) in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    before, after = load_file(tuned / ADAPTER), load_file(tmp_path / "out" / ADAPTER)
    assert any(not np.array_equal(before[name], after[name]) for name in before)


def test_grpo_goes_on_from_it_and_logs_each_reward(tuned: Path, reinforced: Path) -> None:
    assert {path.name for path in reinforced.iterdir()} == LEFT
    recipe = load_recipe("grpo", "smoke")
    for line in log(reinforced):
        for name in recipe.rewards:
            assert 0.0 <= line[f"{name}_still"] <= 1.0
            assert line[f"{name}_spread"] >= 0.0
        assert {"loss", "kl", "reply_tokens", "clipped", "guarded"} <= set(line)
    assert any(line["cost_spread"] > 0.0 for line in log(reinforced))
    before, after = load_file(tuned / ADAPTER), load_file(reinforced / ADAPTER)
    assert set(before) == set(after)
    assert any(not np.array_equal(before[name], after[name]) for name in before)
    assert "scripted" in (reinforced / "README.md").read_text(encoding="utf-8")


def test_a_checkpoint_names_the_targets_that_rewarded_it_and_later_stages_keep_them(tuned: Path, reinforced: Path, tmp_path: Path) -> None:
    first, other = load_model("scripted"), load_model("scripted")
    other.fingerprint = "an engine|sha256:12ab"  # type: ignore[misc]
    assert read_settings(tuned).rewarded_by == ()
    assert read_settings(reinforced).rewarded_by == (first.fingerprint,)
    sft_run, grpo_run = (Run("smoke", load_dataset(), 1, tmp_path / stage) for stage in ("sft", "grpo"))
    train_sft(sft_run, replace(load_recipe("sft", "smoke"), stop=1), reinforced, silent, silent)
    assert read_settings(sft_run.out).rewarded_by == (first.fingerprint,)
    assert f"| rewarded before on | {first.fingerprint} |" in (sft_run.out / "README.md").read_text(encoding="utf-8")
    train_grpo(grpo_run, replace(load_recipe("grpo", "smoke"), steps=1), sft_run.out, other, silent, silent)
    assert read_settings(grpo_run.out).rewarded_by == (first.fingerprint, other.fingerprint)
    assert "| rewarded on | scripted, an engine\\|sha256:12ab |" in (grpo_run.out / "README.md").read_text(encoding="utf-8")


def test_a_policy_is_not_evaluated_on_the_target_that_rewarded_it(reinforced: Path, tmp_path: Path) -> None:
    flags = ["--optimizer", "ppopt", "--optimizer_args", f"checkpoint={reinforced},engine=hf", "--model", "scripted", "--limit", "2"]
    done = CliRunner().invoke(evaluating.main, [*flags, "--output_path", str(tmp_path / "run")])
    assert (done.exit_code, len(done.stderr.strip().splitlines())) == (2, 1), done.output
    assert f"checkpoint={reinforced} was rewarded by this very target in training" in done.stderr
    assert not (tmp_path / "run").exists()


def killed_at_a_checkpoint(out: Path, arguments: list[str | Path]) -> None:
    with subprocess.Popen([*TRAIN, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        deadline = time.monotonic() + 200
        while process.poll() is None and time.monotonic() < deadline and not list(out.glob("checkpoints/checkpoint-*/trainer_state.json")):
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
    assert not (out / "README.md").exists()
    assert run(*arguments).returncode == 0


@pytest.mark.slow
def test_a_killed_sft_ends_as_an_undisturbed_one(tuned: Path, tmp_path: Path) -> None:
    killed_at_a_checkpoint(tmp_path / "out", sft(tmp_path / "out"))
    assert log(tmp_path / "out") == log(tuned)
    same(tmp_path / "out", tuned)


@pytest.mark.slow
def test_a_killed_grpo_ends_as_an_undisturbed_one(tuned: Path, reinforced: Path, tmp_path: Path) -> None:
    killed_at_a_checkpoint(tmp_path / "out", grpo(tmp_path / "out", tuned))
    assert log(tmp_path / "out") == log(reinforced)
    same(tmp_path / "out", reinforced)


def same(out: Path, wanted: Path) -> None:
    weights, others = load_file(out / ADAPTER), load_file(wanted / ADAPTER)
    assert [name for name in others if not np.array_equal(weights[name], others[name])] == []


def test_a_policy_that_writes_no_prompt_is_an_optimizer_that_falls_back_to_the_query(tuned: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from eval_harness.cli import main; main()", "--optimizer", "ppopt", "--model", "scripted", "--limit", "2"]
    asked = ["--optimizer_args", f"checkpoint={tuned},engine=hf", "--items_per_user", "1", "--output_path", str(tmp_path / "run")]
    done = subprocess.run([*command, *asked], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "2 times 'fallback to the query'" in done.stderr
    prompts = [json.loads(line) for line in (tmp_path / "run" / "prompts.jsonl").read_text(encoding="utf-8").splitlines()]
    mine, bare = ({p["item_id"]: p["prompt"] for p in prompts if p["arm"] == arm} for arm in ("ppopt", "identity"))
    assert mine == bare


def test_half_precision_computes_what_autocast_makes_of_the_whole_weights(tmp_path: Path) -> None:
    torch = import_torch()
    make_random(tmp_path, 0)
    (tokenizer, whole), (_, half) = load_base(tmp_path), load_base(tmp_path, precision="bf16")
    ids = tokenizer("How much rice for 6?", return_tensors="pt")
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(whole(**ids).logits, half(**ids).logits)
    assert half.model.layers[0].mlp.up_proj.weight.dtype == half.lm_head.weight.dtype == torch.bfloat16
    assert half.model.embed_tokens.weight.dtype == torch.float32


def test_a_policy_that_reads_chats_is_trained_reinforced_and_asked_in_half_precision(tmp_path: Path) -> None:
    release = load_dataset()
    sft_recipe, grpo_recipe = (replace(load_recipe(stage, "smoke"), precision="bf16") for stage in ("sft", "grpo"))
    first = Run("smoke", release, 0, tmp_path / "sft")
    train_sft(first, replace(sft_recipe, reads="chats", stop=2), None, silent, silent)
    assert read_settings(first.out) == Settings("random", 300, True, 512, "chats")
    assert "each of a user's chats by itself" in (first.out / "README.md").read_text(encoding="utf-8")
    second = Run("smoke", release, 0, tmp_path / "grpo")
    train_grpo(second, replace(grpo_recipe, steps=1), first.out, load_model("scripted"), silent, silent)
    cases = [json.loads(line) for line in (second.out / "cases.jsonl").read_text(encoding="utf-8").splitlines()]
    assert all(case["query"] in case["reads"] and "User:" not in case["reads"] for case in cases)
    request = Request("user-1", ((Message("user", "Use bullet points from now on."),),), "How much rice for 6?")
    optimizer = PPOpt(str(second.out), engine="hf")
    optimizer.settings = replace(optimizer.settings, new_tokens=4)
    assert optimizer.optimize(request, Context(0, 30.0)).notes == "fallback to the query: no prompt; a chat was read in part: no profile"


def test_the_last_step_is_logged_however_seldom_others_are(tmp_path: Path) -> None:
    run = Run("smoke", load_dataset(), 0, tmp_path / "out")
    train_sft(run, replace(load_recipe("sft", "smoke"), log_steps=99, stop=2), None, silent, silent)
    assert [line["step"] for line in log(run.out)] == [2]


def test_a_step_in_parts_and_with_less_kept_learns_the_same(tmp_path: Path) -> None:
    release, sft_recipe, grpo_recipe = load_dataset(), load_recipe("sft", "smoke"), load_recipe("grpo", "smoke")
    spared = {"gradient_accumulation_steps": 2, "gradient_checkpointing": True}
    runs = {name: Run("smoke", release, 0, tmp_path / name) for name in ("sft", "sft, spared", "grpo", "grpo, spared")}
    train_sft(runs["sft"], replace(sft_recipe, stop=2), None, silent, silent)
    train_sft(runs["sft, spared"], replace(sft_recipe, stop=2, **spared), None, silent, silent)
    grpo_recipe, first = replace(grpo_recipe, groups=2, steps=1), runs["sft"].out
    train_grpo(runs["grpo"], grpo_recipe, first, load_model("scripted"), silent, silent)
    train_grpo(runs["grpo, spared"], replace(grpo_recipe, **spared), first, load_model("scripted"), silent, silent)
    for stage in ("sft", "grpo"):
        whole, parts = (load_file(runs[name].out / ADAPTER) for name in (stage, f"{stage}, spared"))
        learned = [name for name in whole if "lora_B" in name]  # these begin at 0
        apart, size = (np.mean([np.abs(weights[name]).mean() for name in learned]) for weights in ({n: parts[n] - whole[n] for n in learned}, whole))
        assert apart < 0.05 * size


def silent(*given: object) -> None:
    """Progress that nobody looks at."""


def test_a_recipe_says_in_which_form_the_policy_is_asked() -> None:
    with pytest.raises(CatalogError, match="give one of whole, chats"):
        replace(load_recipe("sft", "smoke"), reads="pages")
    with pytest.raises(CatalogError, match="chats with a profile alone"):
        replace(load_recipe("sft", "cpu"), profile=False)


def test_every_recipe_that_ships_is_whole() -> None:
    assert set(recipe_names("sft")) == {"smoke", "cpu", "cpu-no-profile", "cpu-reading", "cpu-whole", "cpu-writing", "gpu", "gpu-8b"}
    assert load_recipe("sft", "cpu-no-profile") == replace(load_recipe("sft", "cpu-whole"), profile=False)
    assert {"smoke", "cpu", "gpu", "gpu-8b", "ablation", "ablation-sum"} < set(recipe_names("grpo"))
    full = load_recipe("grpo", "ablation").rewards
    left_out = [set(full) - set(load_recipe("grpo", name).rewards) for name in recipe_names("grpo") if name.startswith("ablation-no-")]
    assert sorted(name for gone in left_out for name in gone) == sorted(full)
    for stage in ("sft", "grpo", "target"):
        for name in recipe_names(stage):
            recipe = load_recipe(stage, name)
            assert (recipe.groups if stage == "grpo" else recipe.batch) % recipe.gradient_accumulation_steps == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sft", "--config", "smok"], "There is no config 'smok': did you mean smoke?"),
        (["sft", "--config", "smoke", "--dataset", "nowhere"], "there is no folder 'nowhere'"),
        (["sft", "--config", "smoke", "--checkpoint", "nowhere"], "nowhere holds no adapter_model.safetensors with a ppopt.json"),
        (["sft", "--config", "cpu", "--checkpoint", "TUNED"], "was trained on random, and the config is for smollm2"),
        (["grpo", "--config", "smoke", "--checkpoint", "nowhere", "--target", "scripted"], "nowhere holds no adapter_model.safetensors with a"),
        (["grpo", "--config", "smoke", "--checkpoint", "TUNED", "--target", "scriptd"], "did you mean scripted?"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_one_sentence_and_status_2(tuned: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    given = [str(tuned) if argument == "TUNED" else argument for argument in arguments]
    done = CliRunner().invoke(cli.main, [*given, "--output_path", str(tmp_path / "out")])
    assert done.exit_code == 2, done.output
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_the_command_trains_the_checkpoint_on_with_the_seed(tuned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []

    def noted(run: Run, recipe: object, checkpoint: Path | None, *more: object) -> None:
        given.extend((run.seed, checkpoint))
        raise ModelError("that is all")

    monkeypatch.setattr("persona_atlas.ppopt.policy.train_sft", noted)
    done = CliRunner().invoke(cli.main, [str(part) for part in sft(tmp_path / "out", "--checkpoint", str(tuned), "--seed", "7")])
    assert (done.exit_code, given) == (2, [7, tuned]), done.output


def test_the_process_tells_of_a_finished_training_in_one_sentence_and_ends_with_status_2(tuned: Path) -> None:
    done = run("sft", "--config", "smoke", "--output_path", tuned)
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1)
    assert "holds a finished adapter" in done.stderr


@pytest.mark.parametrize(("config", "left"), [({"config": "smoke"}, set()), ({"name": "somebody's"}, {"checkpoints"}), (None, {"checkpoints"})])
def test_checkpoints_that_a_kill_left_beside_the_card_of_a_training_are_removed(config: object, left: set[str], tmp_path: Path) -> None:
    (tmp_path / "checkpoints" / "checkpoint-2").mkdir(parents=True)
    (tmp_path / "README.md").write_text("# An adapter\n", encoding="utf-8")
    if config is not None:
        (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ModelError, match="holds a finished adapter"):
        open_training(tmp_path, {"config": "smoke"})
    assert {path.name for path in tmp_path.iterdir()} - {"README.md", "config.json"} == left


def test_a_reward_that_is_not_earned_cannot_be_left_out(tuned: Path, tmp_path: Path) -> None:
    reads_chats = tmp_path / "chats"
    shutil.copytree(tuned, reads_chats)
    (reads_chats / "ppopt.json").write_text((tuned / "ppopt.json").read_text(encoding="utf-8").replace('"whole"', '"chats"'), encoding="utf-8")
    flags = ["--config", "ablation-no-profile", "--checkpoint", str(reads_chats), "--target", "scripted", "--output_path", str(tmp_path / "out")]
    done = CliRunner().invoke(cli.main, ["grpo", *flags])
    assert (done.exit_code, len(done.stderr.strip().splitlines())) == (2, 1), done.output
    assert "leaves out the reward profile, which" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_training_begun_from_an_adapter_does_not_go_on_without_it(tuned: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    open_training(out, {"config": "smoke", "checkpoint_sha256": "12ab"})
    open_training(out, {"config": "smoke", "checkpoint_sha256": "12ab"})
    for described in ({"config": "smoke"}, {"config": "smoke", "checkpoint_sha256": "34cd"}):
        with pytest.raises(ModelError, match="holds an unfinished training with another checkpoint_sha256"):
            open_training(out, described)


@pytest.mark.parametrize(
    ("cuda", "message"),
    [
        ({"is_available": True, "device_count": 2, "is_bf16_supported": True}, "2 are visible: set CUDA_VISIBLE_DEVICES=0"),
        ({"is_available": True, "device_count": 1, "is_bf16_supported": False}, "computes in bf16, which this GPU cannot"),
    ],
)
def test_a_gpu_that_will_not_do_is_told_before_anything_is_made(monkeypatch: pytest.MonkeyPatch, cuda: dict[str, Any], message: str) -> None:
    for name, found in cuda.items():
        monkeypatch.setattr(f"torch.cuda.{name}", lambda found=found: found)
    with pytest.raises(ModelError, match=message):
        check_training("bf16")


def test_a_library_that_is_absent_is_told_before_anything_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("persona_atlas.ppopt.base.LIBRARIES", ("torch", "not_installed"))
    with pytest.raises(ModelError, match=r"there is no not_installed\): pip install 'persona-atlas\[train\]'"):
        check_training("f32")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("checkpoint=nowhere", "nowhere holds no adapter_model.safetensors"),
        ("checkpoint=TUNED,engine=openvin", "There is no engine 'openvin': did you mean openvino?"),
        ("checkpoint=TUNED", "OpenVINO runs GGUF files"),
        ("checkpoints=TUNED", "unexpected keyword argument 'checkpoints'"),
    ],
)
def test_a_checkpoint_that_cannot_be_used_is_one_sentence(tuned: Path, tmp_path: Path, arguments: str, message: str) -> None:
    flags = ["--optimizer", "ppopt", "--model", "scripted", "--limit", "2", "--output_path", str(tmp_path / "run")]
    done = CliRunner().invoke(evaluating.main, [*flags, "--optimizer_args", arguments.replace("TUNED", str(tuned))])
    assert done.exit_code == 2, done.output
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()
