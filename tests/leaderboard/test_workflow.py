"""The workflow that verifies pull requests: what it may do, and its step that takes a pull request's files, run on real repositories."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

FILE = Path(__file__).resolve().parents[2] / ".github" / "workflows" / "submissions.yml"
PLACE = "leaderboard/submissions/reads/0123456789abcdef"
KNOWN = {f"github.event.pull_request.{name}" for name in ("number", "base.sha", "head.sha")}
"""The expressions that the workflow may hold: none of them is a secret or a token."""
NAMES = ("submission.json", "run.json", "samples.jsonl", "results.json")


@pytest.fixture(scope="module")
def workflow() -> dict[Any, Any]:
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    (job,) = workflow["jobs"].values()
    return job["steps"]


def test_it_may_read_and_nothing_else(workflow: dict[Any, Any]) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    assert all(not {"permissions", "secrets"} & job.keys() for job in workflow["jobs"].values())
    assert set(re.findall(r"\$\{\{\s*(.*?)\s*\}\}", json.dumps(workflow))) <= KNOWN


def test_it_keeps_nothing_that_a_later_run_could_read(workflow: dict[Any, Any]) -> None:
    assert {step["uses"].partition("@")[0] for step in steps(workflow) if "uses" in step} == {"actions/checkout", "actions/setup-python"}
    assert not [key for step in steps(workflow) for key in step.get("with", {}) if "cache" in key]


def test_it_runs_on_what_touches_submissions(workflow: dict[Any, Any]) -> None:
    on = workflow[True]  # what YAML 1.1 makes of `on`
    assert on == {"pull_request_target": {"paths": ["leaderboard/submissions/**"]}}


def test_code_comes_from_the_base_alone(workflow: dict[Any, Any]) -> None:
    (checkout,) = [step for step in steps(workflow) if step.get("uses", "").startswith("actions/checkout")]
    assert checkout["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert checkout["with"]["persist-credentials"] is False
    code = "\n".join(step.get("run", "") for step in steps(workflow))
    assert "${{" not in code, "text of the pull request must not become shell"
    assert "submitted/" not in code.replace("../submitted", "")


def git(folder: Path, *arguments: str) -> None:
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org"}
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, env={**os.environ, **who, **quiet})


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A repository with one submission on main, and a clone of it in `base`."""
    folder = tmp_path / "origin"
    (folder / "leaderboard" / "submissions" / "old" / "0000000000000000").mkdir(parents=True)
    (folder / "leaderboard" / "submissions" / "old" / "0000000000000000" / "run.json").write_text("{}")
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "base")
    git(tmp_path, "clone", "--quiet", str(folder), "base")
    git(folder, "checkout", "--quiet", "-b", "proposed")
    return folder


def submission(folder: Path) -> None:
    (folder / PLACE).mkdir(parents=True)
    for name in NAMES:
        (folder / PLACE / name).write_text("{}")


def taken(origin: Path, workflow: dict[Any, Any]) -> "subprocess.CompletedProcess[str]":
    """The step that takes the files, as GitHub runs it, on what was proposed."""
    git(origin, "add", "-A")
    git(origin, "commit", "--quiet", "-m", "proposed")
    git(origin, "update-ref", "refs/pull/7/head", "proposed")
    (script,) = [step["run"] for step in steps(workflow) if step.get("id") == "data"]
    environment = {**os.environ, "BASE": "origin/main", "HEAD": "refs/pull/7/head", "GITHUB_STEP_SUMMARY": str(origin.parent / "summary")}
    return subprocess.run(["bash", "-e", "-c", script], cwd=origin.parent / "base", env=environment, capture_output=True, text=True, check=False)


def test_a_submission_is_taken_as_data(origin: Path, workflow: dict[Any, Any]) -> None:
    submission(origin)
    done = taken(origin, workflow)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (origin.parent / "folders").read_text() == f"{PLACE}\n"
    assert {file.name for file in (origin.parent / "submitted" / PLACE).iterdir()} == set(NAMES)


def touch_code(folder: Path) -> None:
    (folder / "leaderboard" / "verify.py").write_text("raise SystemExit(0)")


def touch_attributes(folder: Path) -> None:
    (folder / "leaderboard" / "submissions" / ".gitattributes").write_text("* export-ignore")


def another_name(folder: Path) -> None:
    (folder / PLACE / "optimizer.py").write_text("import os")


def strange_folder(folder: Path) -> None:
    other = folder / "leaderboard" / "submissions" / "a; echo b" / "0123456789abcdef"
    other.mkdir(parents=True)
    (other / "run.json").write_text("{}")


def line_end_in_a_name(folder: Path) -> None:
    other = folder / "leaderboard" / "submissions" / "a\nb" / "0123456789abcdef"
    other.mkdir(parents=True)
    (other / "run.json").write_text("{}")


def link(folder: Path) -> None:
    (folder / PLACE / "repeats.jsonl").symlink_to("/etc/passwd")


def executable(folder: Path) -> None:
    (folder / PLACE / "run.json").chmod(0o755)


def change_another(folder: Path) -> None:
    (folder / "leaderboard" / "submissions" / "old" / "0000000000000000" / "run.json").write_text("[]")


def remove_another(folder: Path) -> None:
    (folder / "leaderboard" / "submissions" / "old" / "0000000000000000" / "run.json").unlink()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (touch_code, "and nothing else"),
        (touch_attributes, "and nothing else"),
        (another_name, "and nothing else"),
        (strange_folder, "and nothing else"),
        (line_end_in_a_name, "and nothing else"),
        (link, "a link or an executable file"),
        (executable, "a link or an executable file"),
        (change_another, "changes or removes a submission"),
        (remove_another, "changes or removes a submission"),
    ],
)
def test_whatever_else_a_pull_request_holds_is_refused(change: Callable[[Path], None], said: str, origin: Path, workflow: dict[Any, Any]) -> None:
    submission(origin)
    change(origin)
    done = taken(origin, workflow)
    assert done.returncode == 1, done.stdout + done.stderr
    assert said in done.stdout
    assert said in (origin.parent / "summary").read_text()
    assert not (origin.parent / "submitted").exists()


def test_what_a_submission_says_in_the_log_is_no_command(workflow: dict[Any, Any]) -> None:
    (script,) = [step["run"] for step in steps(workflow) if step.get("name") == "Verify"]
    stops, back, verifies = (script.index(part) for part in ("::stop-commands::$stop", "trap 'echo \"::$stop::\"' EXIT", "atlas-leaderboard verify"))
    assert stops < back < verifies
