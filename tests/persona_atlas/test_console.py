"""What the commands share: errors in one sentence, and progress that a log can hold."""

import errno
import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from persona_atlas.console import Command, Group, check_distribution, fail, guarded, progress_line


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


def test_our_own_packages_are_accepted_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    check_distribution("generation")
    assert capsys.readouterr() == ("", "")


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


def ended(error: BaseException, capsys: pytest.CaptureFixture[str], **settings: object) -> tuple[object, str]:
    """The status and the words that a guarded command which raises `error` ends with."""

    def work() -> None:
        raise error

    with pytest.raises(SystemExit) as found:
        guarded(work, (LookupError,), **settings)  # type: ignore[arg-type]
    return found.value.code, capsys.readouterr().err


def test_a_guarded_command_gives_what_its_work_returns() -> None:
    assert guarded(lambda: 5, ()) == 5


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (IndexError("there is no such place"), "there is no such place"),
        (
            PermissionError(errno.EACCES, "Permission denied", "/runs/mine"),
            "/runs/mine cannot be used (Permission denied); mend that, or give another path, and run the same command again",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device", b"runs"),
            "runs cannot be used (No space left on device); make room, and run the same command again",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (ConnectionError("the server\nhas gone"), "the server has gone"),
        (OSError(), "OSError"),
    ],
)
def test_what_goes_wrong_in_a_guarded_command_is_one_sentence_and_status_2(error: Exception, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(error, capsys) == (2, f"Error: {said}\n")


def test_the_sentence_is_shown_as_the_command_shows_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(LookupError("mine"), capsys, shown=str.upper) == (2, "Error: MINE\n")


def test_an_interrupted_guarded_command_says_how_to_go_on_with_status_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(KeyboardInterrupt(), capsys, said="Stopped. It goes on.") == (130, "\nStopped. It goes on.\n")


@pytest.mark.parametrize("error", [BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)), ZeroDivisionError()])
def test_a_broken_pipe_and_what_nobody_foresaw_pass_through_the_guard(error: Exception) -> None:
    def work() -> None:
        raise error

    with pytest.raises(type(error)):
        guarded(work, (LookupError,))
