"""Training takes tasks, which an imported release has not."""

from pathlib import Path

from click.testing import CliRunner

from persona_atlas.data import Release
from persona_atlas.ppopt.cli import main


def test_an_imported_release_is_refused_in_one_sentence(imported: Release, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["target", "--config", "smoke", "--dataset", str(imported.path), "--output_path", str(tmp_path / "out")])
    (line,) = result.stderr.splitlines()
    assert result.exit_code == 2
    assert line.startswith(f"Error: {imported.path} is imported: its questions have no tasks to learn from")
    assert not (tmp_path / "out").exists()
