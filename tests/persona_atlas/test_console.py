"""What the commands share: errors in one sentence, and progress that a log can hold."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from persona_atlas.console import Command, Group, check_distribution, fail, progress_line


def test_a_failure_is_one_sentence_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        fail("there is no folder 'x'")
    assert ended.value.code == 2
    assert capsys.readouterr() == ("", "Error: there is no folder 'x'\n")


def test_progress_in_a_log_is_a_line_at_each_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_line("shards") as progress:
        for done in range(101):
            progress(done, 100)
    assert capsys.readouterr().err.splitlines() == [f"{tenth * 10}/100 shards" for tenth in range(11)]


def test_our_own_packages_are_accepted() -> None:
    check_distribution("generation")


def test_a_strangers_package_of_the_same_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "stranger").mkdir()
    (tmp_path / "stranger" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SystemExit):
        check_distribution("stranger")
    assert "the package 'stranger' that Python finds is" in capsys.readouterr().err


@pytest.mark.parametrize("kind", [Command, Group])
def test_an_interruption_is_a_sentence_and_status_130(kind: type[click.Command]) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    done = CliRunner().invoke(kind("work", callback=interrupted, **({"invoke_without_command": True} if kind is Group else {})))
    assert done.exit_code == 130
    assert done.stderr == "\nStopped: run the same command again.\n"
