"""new-optimizer writes a start that validate finds good; validate says what is wrong with one that is not."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from eval_harness.cli import main


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_new_optimizer_writes_is_an_optimizer(here: Path) -> None:
    written = call("new-optimizer", "my_optimizer")
    assert written.exit_code == 0
    assert (here / "my_optimizer.py").is_file()
    tried = call("validate", "my_optimizer")
    assert tried.exit_code == 0, tried.output
    assert "All 3 requests came back. Score it: atlas-eval --optimizer my_optimizer" in tried.stdout


def test_new_optimizer_overwrites_nothing(here: Path) -> None:
    (here / "mine.py").write_text("kept")
    done = call("new-optimizer", "mine")
    assert (done.exit_code, (here / "mine.py").read_text()) == (2, "kept")
    assert "mine.py is there already" in done.stderr


def test_new_optimizer_wants_a_name() -> None:
    done = call("new-optimizer", "../mine")
    assert done.exit_code == 2
    assert "is no module name" in done.stderr


@pytest.mark.parametrize("name", ["json", "class"])
def test_new_optimizer_takes_no_name_of_pythons(name: str, here: Path) -> None:
    done = call("new-optimizer", name)
    assert done.exit_code == 2
    assert f"is a name of Python's own; give another one, for example my_{name}" in done.stderr
    assert not (here / f"{name}.py").exists()


def test_validate_shows_each_failure(here: Path) -> None:
    (here / "broken.py").write_text("def optimize(request):\n    raise ValueError('no idea')\n")
    done = call("validate", "broken")
    assert done.exit_code == 1
    assert done.stdout.count("no idea") == 3
    assert "3 of 3 requests failed." in done.stdout


def test_validate_of_a_module_that_is_not_there() -> None:
    done = call("validate", "nowhere")
    assert done.exit_code == 2
    assert "nowhere" in done.stderr
