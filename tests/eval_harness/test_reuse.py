"""`--prompts_of`: another target is asked what an optimizer wrote in an earlier run, and the optimizer is not asked again."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from eval_harness.cli import main
from eval_harness.runfolder import PromptRecord, records

SLOW = "def optimize(request):\n    print('asked')\n    return request.query + '\\n\\nBe brief, ' + str(len(request.history))\n"
FAILING = "def optimize(request):\n    print('asked')\n    if request.history: raise ValueError('no')\n    return request.query\n"
ARGUMENTS = ["--optimizer", "slow", "--model", "scripted", "--limit", "4", "--items_per_user", "1"]


def evaluate(release: Path, out: str, *further: str) -> Result:
    return CliRunner().invoke(main, [*ARGUMENTS, "--dataset", str(release), "--output_path", out, *further])


@pytest.fixture
def done(release_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with the optimizer `slow` and a finished run of it in `first`."""
    monkeypatch.chdir(tmp_path)
    Path("slow.py").write_text(SLOW)
    result = evaluate(release_path, "first")
    assert result.exit_code == 0, result.output
    assert Path("first/optimizer.log").read_text().count("asked") == 4
    return tmp_path


def prompts(run: str) -> dict[tuple[str, str], str | None]:
    return {(one.condition, one.item_id): one.prompt for one in records(Path(run) / "prompts.jsonl", PromptRecord) if one.arm == "slow"}


def test_another_target_gets_the_same_prompts_and_the_optimizer_is_not_asked(done: Path, release_path: Path) -> None:
    result = evaluate(release_path, "second", "--max_gen_toks", "64", "--prompts_of", "first")
    assert result.exit_code == 0, result.output
    assert prompts("second") == prompts("first")
    assert not Path("second/optimizer.log").exists()


def test_the_results_are_those_of_a_run_that_asked_it(done: Path, release_path: Path) -> None:
    for out, further in (("asked", ()), ("taken", ("--prompts_of", "first"))):
        assert evaluate(release_path, out, "--max_gen_toks", "64", *further).exit_code == 0
    for name in ("run.json", "samples.jsonl", "results.json"):
        assert Path("taken", name).read_bytes() == Path("asked", name).read_bytes()


def test_what_the_other_run_does_not_have_is_asked(done: Path, release_path: Path) -> None:
    result = evaluate(release_path, "more", "--conditions", "clean,history_1", "--limit", "5", "--prompts_of", "first")
    assert result.exit_code == 0, result.output
    assert prompts("first").items() < prompts("more").items()
    assert Path("more/optimizer.log").read_text().count("asked") == len(prompts("more")) - 4 == 6


def test_a_failure_is_not_taken_over(release_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("slow.py").write_text(FAILING)
    assert evaluate(release_path, "first").exit_code == 0
    assert evaluate(release_path, "second", "--max_gen_toks", "64", "--prompts_of", "first").exit_code == 0
    assert Path("second/optimizer.log").read_text().count("asked") == 4


def test_a_run_goes_on_with_what_it_took(done: Path, release_path: Path) -> None:
    arguments = ("--conditions", "clean,history_1", "--prompts_of", "first")
    assert evaluate(release_path, "second", *arguments).exit_code == 0
    lines = Path("second/prompts.jsonl").read_text().splitlines(keepends=True)
    Path("second/prompts.jsonl").write_text("".join(lines[:2]))
    assert evaluate(release_path, "second", *arguments).exit_code == 0
    again = Path("second/prompts.jsonl").read_text().splitlines()
    assert len({(one["arm"], one["condition"], one["item_id"]) for one in map(json.loads, again)}) == len(again) == len(lines)
    assert prompts("first").items() < prompts("second").items()


@pytest.mark.parametrize(
    ("further", "said"),
    [
        (("--seed", "1"), "--prompts_of first is a run with another seed; leave it out, and the optimizer is asked"),
        (("--seed", "1", "--split", "validation"), "--prompts_of first is a run with another split and seed"),
        (("--optimizer", "history"), "--prompts_of is for optimizers that run in a process of their own, and history is a control; leave it out"),
        (("--optimizer_calls", "7"), "--prompts_of is for optimizers that do not ask the target, and this one may ask it 7 times; leave it out"),
        (("--prompts_of", "nowhere"), "nowhere holds no run.json; give the folder of a run, as atlas-eval ls lists them"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(
    further: tuple[str, ...], said: str, done: Path, release_path: Path, refused: Callable[[Result], str]
) -> None:
    assert refused(evaluate(release_path, "second", "--prompts_of", "first", *further)).startswith(said)
    assert not Path("second").exists()


def test_an_edited_optimizer_is_another_one(done: Path, release_path: Path, refused: Callable[[Result], str]) -> None:
    Path("slow.py").write_text(SLOW.replace("brief", "short"))
    assert "another optimizer_digest" in refused(evaluate(release_path, "second", "--prompts_of", "first"))


def test_a_submission_does_not_hold_what_is_needed(done: Path, release_path: Path, refused: Callable[[Result], str]) -> None:
    Path("first/prompts.jsonl").unlink()
    said = "--prompts_of first holds no prompts.jsonl; give the folder in which atlas-eval made the run"
    assert refused(evaluate(release_path, "second", "--prompts_of", "first")) == said
