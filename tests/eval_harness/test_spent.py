"""What an optimizer took, as the run folder says: seconds, and calls of the target to fit."""

import json
from pathlib import Path

import pytest
import regex
from click.testing import CliRunner

from eval_harness.cli import main
from eval_harness.errors import EvalError
from eval_harness.runfolder import PromptRecord, RunFolder
from eval_harness.spent import Spent, spent_in

LEARNER = """
def fit(train, context): context.score([(task, task.request.query) for task in train[:3]])
def optimize(request): return request.query + "\\n\\nBe brief."
"""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with prompts of two conditions, of an optimizer and a control, and a `fit.json`."""
    with RunFolder(tmp_path / "run", {"seed": 0}) as folder:
        folder.begin()
        for arm, condition, item, seconds in [("mine", "clean", "a", 1.0), ("mine", "clean", "b", 2.0), ("mine", "surface", "a", 60.0)]:
            folder.add_prompt(PromptRecord(arm, condition, item, "Why?", None, seconds=seconds))
        folder.add_prompt(PromptRecord("identity", "clean", "a", "Why?", None))
    (tmp_path / "run" / "fit.json").write_text('{"calls": 1108, "tokens": 81649}\n')
    return tmp_path / "run"


def test_the_time_is_the_mean_over_the_optimizers_clean_prompts(run: Path) -> None:
    assert spent_in(run, "mine") == Spent(1.5, {"calls": 1108, "tokens": 81649})


def test_a_prompt_that_was_made_again_counts_once(run: Path) -> None:
    with RunFolder(run, {"seed": 0}) as folder:
        folder.add_prompt(PromptRecord("mine", "clean", "b", "Why?", None, seconds=4.0))
    assert spent_in(run, "mine").seconds == 2.5


def test_a_control_takes_no_time(run: Path) -> None:
    assert spent_in(run, "identity").seconds is None


def test_what_the_folder_does_not_hold_is_left_out(run: Path, tmp_path: Path) -> None:
    assert spent_in(tmp_path / "away", "mine") == Spent()
    (run / "prompts.jsonl").unlink()
    (run / "fit.json").unlink()
    assert spent_in(run, "mine") == Spent()


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"calls": "many", "tokens": 1}', '{"calls": null, "tokens": 1}'])
def test_a_fit_json_that_says_nothing_is_one_sentence(content: str, run: Path) -> None:
    (run / "fit.json").write_text(content)
    with pytest.raises(EvalError, match=r"fit\.json does not say which calls and tokens `fit` took"):
        spent_in(run, "mine")


@pytest.mark.parametrize(
    ("spent", "said"),
    [
        (Spent(), ""),
        (Spent(0.004), "The optimizer took 0.00 s a prompt"),
        (Spent(None, {"calls": 3, "tokens": 200}), "The optimizer took 3 calls of the target and 200 tokens to fit"),
        (Spent(1.5, {"calls": 1108, "tokens": 81649}), "The optimizer took 1.50 s a prompt, and 1,108 calls of the target and 81,649 tokens to fit"),
    ],
)
def test_it_is_told_in_a_sentence(spent: Spent, said: str) -> None:
    assert str(spent) == said


def test_terminal_and_page_tell_it_and_results_do_not_hold_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("learner.py").write_text(LEARNER)
    flags = ["--model", "scripted", "--optimizer_calls", "10", "--limit", "2", "--items_per_user", "1", "--use_cache", "cache.sqlite"]
    printed = CliRunner().invoke(main, ["--optimizer", "learner", *flags, "--output_path", "out"])
    assert printed.exit_code == 0, printed.output
    fit = json.loads(Path("out/fit.json").read_text())
    told = rf"The optimizer took \d+\.\d\d s a prompt, and {fit['calls']} calls of the target and {fit['tokens']} tokens to fit"
    assert regex.search(told, " ".join(printed.stdout.split()))
    assert regex.search(f"<p>{told}\\.</p>", Path("out/report.html").read_text(encoding="utf-8"))
    assert "seconds" not in Path("out/results.json").read_text(encoding="utf-8")
    Path("out/prompts.jsonl").unlink()
    again = CliRunner().invoke(main, ["score", "out"])
    assert again.exit_code == 0, again.output
    assert "The optimizer took 3 calls" in " ".join(again.stdout.split())
