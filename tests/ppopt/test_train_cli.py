"""The command `atlas-train`: what the system refuses is one sentence."""

import errno
from pathlib import Path

import pytest
from click.testing import CliRunner

from persona_atlas.ppopt import cli


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (
            PermissionError(errno.EACCES, "Permission denied", "/runs/mine"),
            2,
            "Error: /runs/mine cannot be used (Permission denied); mend that, or give another path, and run the same command again",
        ),
        (KeyboardInterrupt(), 130, "Stopped. The same command goes on from the last checkpoint."),
    ],
)
def test_what_ends_a_training_is_one_sentence(error: BaseException, status: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(dataset: str) -> None:
        raise error

    monkeypatch.setattr(cli, "_learnable", refuse)
    done = CliRunner().invoke(cli.main, ["target", "--config", "smoke", "--output_path", str(tmp_path / "out")])
    assert (done.exit_code, done.stderr.strip()) == (status, said)
