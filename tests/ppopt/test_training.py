"""Training the target, really run with the recipe `smoke`: it ends with an adapter, and a kill changes nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

COMMAND = [sys.executable, "-c", "from persona_atlas.ppopt.cli import main; main()", "target", "--config", "smoke", "--output_path"]


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=300, check=False)


def log(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("training") / "undisturbed"
    done = run(str(out))
    assert done.returncode == 0, done.stderr
    assert [json.loads(line) for line in done.stdout.splitlines()] == log(out)
    return out


@pytest.mark.slow
def test_a_training_leaves_an_adapter_its_card_its_log_and_its_curves(undisturbed: Path) -> None:
    names = {path.name for path in undisturbed.iterdir()}
    assert names == {"config.json", "examples.jsonl", "log.jsonl", "adapter.safetensors", "curves.svg", "README.md"}
    card = (undisturbed / "README.md").read_text(encoding="utf-8")
    assert "scores are no real model's" in card.replace("\n", " ")
    collected = len((undisturbed / "examples.jsonl").read_text(encoding="utf-8").splitlines())
    assert f"of at most 360 tokens, of {collected} collected" in card
    assert [line["step"] for line in log(undisturbed)] == [1, 2, 3, 4, 5]
    steps = int(card.split("step 5 of the ")[1].split()[0])
    assert 5 < steps == -(-int(card.split("| examples | ")[1].split(",")[0]) // 2)


@pytest.mark.slow
def test_a_killed_and_resumed_training_ends_with_the_same_loss(undisturbed: Path, tmp_path: Path) -> None:
    out = tmp_path / "killed"
    with subprocess.Popen([*COMMAND, str(out)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        deadline = time.monotonic() + 200
        while process.poll() is None and time.monotonic() < deadline and not list(out.glob("checkpoints/checkpoint-*/trainer_state.json")):
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
    assert not (out / "adapter.safetensors").exists()
    assert run(str(out)).returncode == 0
    assert log(out) == log(undisturbed)
    weights, wanted = load_file(out / "adapter.safetensors"), load_file(undisturbed / "adapter.safetensors")
    assert [name for name in wanted if not np.array_equal(weights[name], wanted[name])] == []


def test_a_stopped_training_goes_on_from_before_its_last_step(tmp_path: Path) -> None:
    from persona_atlas.ppopt.sft import last_checkpoint

    for step in (2, 4, 10):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text("{}")
    assert last_checkpoint(tmp_path, 0) == str(tmp_path / "checkpoint-10")
    assert last_checkpoint(tmp_path, 10) == str(tmp_path / "checkpoint-4")
    assert last_checkpoint(tmp_path, 2) is None


@pytest.mark.slow
def test_a_finished_training_is_not_overwritten(undisturbed: Path) -> None:
    done = run(str(undisturbed))
    assert done.returncode == 2
    assert done.stderr.strip().endswith("holds a finished adapter; give another --output_path, or remove the folder to train anew")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["OUT", "--config", "smok"], "smok"),
        (["OUT", "--dataset", "nowhere"], "there is no folder 'nowhere'"),
        (["OUT", "--sampler_args", "pretrained=missing.gguf"], "missing.gguf does not exist"),
    ],
)
def test_wrong_arguments_are_one_sentence_and_status_2(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = run(*[str(tmp_path / "out") if argument == "OUT" else argument for argument in arguments])
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    done = run(str(tmp_path))
    assert done.returncode == 2
    assert "is not empty and holds no training" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.slow
def test_another_seed_is_no_resumption(tmp_path: Path, undisturbed: Path) -> None:
    (tmp_path / "config.json").write_text((undisturbed / "config.json").read_text(encoding="utf-8"))
    done = run(str(tmp_path), "--seed", "1")
    assert done.returncode == 2
    assert "unfinished training with another seed" in done.stderr
