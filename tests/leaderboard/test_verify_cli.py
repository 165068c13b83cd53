"""`atlas-leaderboard verify`: what it prints and writes, and its status."""

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from eval_harness import suites
from eval_harness.suites import Suite
from leaderboard.checks import STAGES
from leaderboard.cli import main
from leaderboard.submission import Submission, read_submission
from persona_atlas import __version__

NAMES = ["files", *(rule.name for stage in STAGES for rule in stage)]


@pytest.fixture(autouse=True)
def tiny_is_core(tiny: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suites, "CORE", tiny)


def verify(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["verify", *map(str, arguments)])


@pytest.fixture
def forged(hand: Callable[..., Any], tmp_path: Path) -> Path:
    made = hand("brief", "wordy")
    made.results["scores"]["personalization"]["mean"] = 0.99
    made.digest_again()
    return made.write(tmp_path)


def test_an_accepted_submission_is_a_line_a_check_and_status_0(packed: Callable[..., Path]) -> None:
    done = verify(packed("brief", "wordy"))
    assert done.exit_code == 0, done.output
    first, *checks, tier = done.stdout.splitlines()
    assert first.endswith(f"{packed('brief', 'wordy').name}: accepted, brief on wordy, 384 samples")
    assert [line.split()[:2] for line in checks] == [["ok", name] for name in NAMES]
    assert "self-reported" in tier


def test_a_refused_submission_says_why_and_has_status_1(forged: Path) -> None:
    done = verify(forged)
    assert done.exit_code == 1
    assert ": refused, brief on wordy" in done.stdout
    (wrong,) = [line for line in done.stdout.splitlines() if "WRONG" in line]
    assert wrong.split()[:2] == ["WRONG", "results"]
    assert "scores.personalization.mean is 0.99, computed again it is" in wrong


def test_what_stands_on_something_wrong_is_not_looked_at(hand: Callable[..., Any], tmp_path: Path) -> None:
    made = hand("brief", "wordy")
    made.config["limit"] = 5
    made.digest_again()
    lines = verify(made.write(tmp_path)).stdout.splitlines()
    later = [line for line in lines if line.split()[0] == "-"]
    assert len(later) == len(NAMES) - 5
    assert all("not looked at" in line for line in later)


def test_one_refused_among_accepted_ones_gives_status_1(packed: Callable[..., Path], forged: Path) -> None:
    done = verify(packed("history", "wordy"), forged, packed("reads", "wordy"), "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert [entry["accepted"] for entry in found["submissions"]] == [True, False, True]
    assert found["accepted"] is False


def test_json_has_every_check_and_the_scores_computed_again(packed: Callable[..., Path]) -> None:
    (entry,) = json.loads(verify(packed("brief", "wordy"), "--json").stdout)["submissions"]
    assert [check["name"] for check in entry["checks"]] == NAMES
    assert (entry["tier"], entry["optimizer"], entry["name"]) == ("self-reported", "brief", "Reads what was said")
    results = json.loads((packed("brief", "wordy") / "results.json").read_text())
    assert entry["scores"]["personalization"]["mean"] == pytest.approx(results["scores"]["personalization"]["mean"])


def test_scores_of_a_refused_submission_are_not_handed_on(forged: Path) -> None:
    (entry,) = json.loads(verify(forged, "--json").stdout)["submissions"]
    assert entry["scores"] is entry["track"] is None


def test_the_comment_is_written_whatever_the_verdict(packed: Callable[..., Path], forged: Path, tmp_path: Path) -> None:
    verify(packed("reads", "wordy"), forged, "--markdown", tmp_path / "comment.md")
    page = (tmp_path / "comment.md").read_text(encoding="utf-8")
    assert page.count("### Accepted:") == page.count("### Refused:") == 1
    assert "| results | WRONG | <code>" in page
    assert page.count("| <code>identity</code> |") == 1


def test_known_submissions_are_held_against_new_ones(packed: Callable[..., Path], tmp_path: Path) -> None:
    import shutil

    known = tmp_path / "submissions"
    shutil.copytree(packed("brief", "wordy"), known / "brief" / packed("brief", "wordy").name)
    done = verify(packed("brief", "wordy"), "--known", known)
    assert done.exit_code == 1
    assert "it is the run that" in done.stdout
    assert verify(known / "brief" / packed("brief", "wordy").name, "--known", known).exit_code == 0


def test_an_unreadable_known_submission_is_passed_over_and_told(packed: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "brief" / "x").mkdir(parents=True)
    (tmp_path / "brief" / "x" / "submission.json").write_text("{}")
    done = verify(packed("brief", "wordy"), "--known", tmp_path)
    assert done.exit_code == 0, done.output
    assert "Passed over, and not looked at for copies" in done.stderr
    assert "it lacks run.json" in done.stderr


def test_a_known_submission_that_may_not_be_read_is_passed_over_and_told(
    packed: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "brief" / "x"
    folder.mkdir(parents=True)

    def denied(path: Path) -> Submission:  # stands in for a folder without permissions, which root reads all the same
        if path == folder:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return read_submission(path)

    monkeypatch.setattr("leaderboard.verify.read_submission", denied)
    done = verify(packed("brief", "wordy"), "--known", tmp_path)
    assert done.exit_code == 0, done.output
    assert "Permission denied" in done.stderr


def test_a_link_to_itself_among_the_known_is_passed_over_and_told(packed: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "brief").mkdir()
    (tmp_path / "brief" / "x").symlink_to("x")
    done = verify(packed("brief", "wordy"), "--known", tmp_path)
    assert done.exit_code == 0, done.output
    assert "it is a symbolic link" in done.stderr


def wrong(done: Result, said: str) -> None:
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: ")
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing argument"),
        (["nowhere"], "there is no 'nowhere'"),
        ([".", "--dataset", "nowhere"], "there is no folder 'nowhere'"),
        ([".", "--known", "nowhere"], "there is no folder 'nowhere'; give --known the folder that holds OPTIMIZER/RUN_ID"),
        ([".", "--fast"], "No such option"),
    ],
)
def test_wrong_use_is_one_sentence_and_status_2(arguments: list[str], said: str) -> None:
    wrong(verify(*arguments), said)


def test_known_submissions_in_a_file_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "submissions.zip").write_text("")
    wrong(verify(tmp_path, "--known", tmp_path / "submissions.zip"), "there is no folder")


def test_a_comment_that_cannot_be_written_is_one_sentence(packed: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    wrong(verify(packed("reads", "wordy"), "--markdown", tmp_path / "file" / "comment.md"), f"{tmp_path / 'file'} cannot be used (")


def test_a_folder_without_a_submission_is_refused(tmp_path: Path) -> None:
    done = verify(tmp_path)
    assert done.exit_code == 1
    assert "it lacks submission.json, run.json, results.json, samples.jsonl" in done.stdout


def test_version() -> None:
    assert __version__ in CliRunner().invoke(main, ["--version"]).stdout
