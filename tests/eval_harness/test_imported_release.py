"""Evaluating on an imported release: personalization is scored, and what takes a task is said not to be known."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from eval_harness.beside import profile_f1
from eval_harness.cli import main
from eval_harness.conditions import show
from eval_harness.metered import feedback
from persona_atlas import schema
from persona_atlas.data import Release
from persona_atlas.records import Item
from persona_atlas.scoring import score

Run = Callable[..., Result]


@pytest.fixture
def split(imported: Release) -> str:
    """A split that has items."""
    return next(split for split in ("train", "validation", "test") if imported.items(split))


@pytest.fixture
def item(imported: Release, split: str) -> Item:
    return imported.items(split)[0]


@pytest.fixture
def run(imported_path: Path, split: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`atlas-eval` on the imported release, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: object) -> Result:
        flags = ["--model", "scripted", "--dataset", imported_path, "--split", split, "--use_cache", tmp_path / "c.sqlite", "--output_path", "out"]
        return CliRunner().invoke(main, [str(part) for part in (*flags, *arguments)])

    return invoke


def test_history_and_identity_run_and_task_is_not_known(run: Run) -> None:
    result = run("--optimizer", "history", "--controls", "identity", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    schema.validate("results", found)
    clean = found["arms"]["history"]["clean"]
    assert clean["personalization"]["mean"] is not None
    assert [clean[axis]["mean"] for axis in ("task", "leak", "hard_ok", "intrusion", "profile_f1", "personalization_unrevealed")] == [None] * 6
    assert any("questions are imported, without a task" in note for note in found["notes"])
    assert Path("out/report.html").is_file()


def test_each_imported_question_counts_as_a_template_of_its_own(run: Run, imported: Release, split: str) -> None:
    own = json.loads(run("--optimizer", "identity", "--json").stdout)["scores"]["personalization"]
    assert own["n_templates"] == own["n_items"] == len(imported.items(split))


def test_the_run_can_be_viewed_exported_and_scored_again(run: Run, split: str) -> None:
    run("--optimizer", "history")
    assert "task –" in CliRunner().invoke(main, ["view", "out"]).stdout
    exported, scored = (CliRunner().invoke(main, words) for words in (["export", "out", "--format", "csv"], ["score", "out"]))
    assert (exported.exit_code, scored.exit_code) == (0, 0)
    assert any(line.startswith("history,clean,task,,,,") for line in exported.stdout.splitlines())
    assert f"history on scripted, split {split}: " in scored.stdout


def test_the_panel_goes_without_the_control_that_needs_right_answers(run: Run) -> None:
    result = run("--optimizer", "all-controls", "--limit", "1", "--json")
    assert result.exit_code == 0, result.output
    arms = json.loads(result.stdout)["arms"]
    assert "oracle" in arms
    assert "answerer" not in arms


def test_asked_for_by_name_that_control_is_refused_in_one_sentence(run: Run) -> None:
    result = run("--optimizer", "answerer")
    assert (result.exit_code, result.stderr.strip()) == (
        2, "Error: the control answerer repeats a right answer, and imported questions have none; leave it out, or give another --dataset",
    )  # fmt: skip


def test_the_gate_refuses_it_in_words_of_its_own(imported_path: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(imported_path, tmp_path / "copy")
    result = CliRunner().invoke(main, ["gate", str(copy), "--model", "scripted", "--output_path", str(tmp_path / "out")])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.strip() == (
        f"Error: {copy} is an imported release, and the gate is for those that are built here: "
        "the orders that it requires take values drawn evenly and questions with a right answer"
    )
    assert not (tmp_path / "out").exists()


def test_a_split_without_items_names_those_that_have_some(run: Run, split: str) -> None:
    result = run("--split", "test_ood", "--optimizer", "history")
    assert result.exit_code == 2
    assert split in result.stderr.partition("choose another --split: ")[2]


def test_a_profile_has_no_f1_where_nobody_has_said_what_the_history_reveals(imported: Release, item: Item) -> None:
    user = next(user for user in imported.users(item.split) if user.persona_id == item.persona_id)
    shown = show("clean", item, imported)
    assert shown is not None
    assert profile_f1([{"preference": item.gold[0].dimension, "value": item.gold[0].value}], item, user, shown) is None


def test_feedback_does_not_say_whether_the_task_is_solved(item: Item) -> None:
    assert "Whether the task is solved is not known." in feedback(item, score(item, "Yes.", "stop"))
