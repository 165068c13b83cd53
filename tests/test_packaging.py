"""What is installed is ours, whole, and not shadowed by files of the same generic names."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def decoys(tmp_path: Path) -> Path:
    """A folder that holds modules of our packages' names, as other people's projects do."""
    (tmp_path / "generation.py").write_text("raise RuntimeError('the decoy was imported')\n")
    for name in ("leaderboard", "tests", "eval_harness"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('the decoy was imported')\n")
    return tmp_path


def run(arguments: list[str], folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(arguments, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


def script(name: str) -> str:
    return str(Path(sys.executable).parent / name)


@pytest.mark.slow
def test_the_commands_run_in_a_folder_of_decoys(decoys: Path) -> None:
    built = run([script("atlas-generate"), "build", "--users", "10", "--out", "mine"], decoys)
    assert built.returncode == 0, built.stderr
    arguments = ["--optimizer", "identity", "--model", "scripted", "--dataset", "mine", "--use_cache", "cache.sqlite", "--output_path", "run"]
    scored = run([script("atlas-eval"), *arguments], decoys)
    assert scored.returncode == 0, scored.stderr


def test_an_optimizer_beside_decoys_is_loaded_and_the_decoys_are_not(decoys: Path) -> None:
    (decoys / "mine.py").write_text("import eval_harness\n\ndef optimize(request):\n    return request.query\n")
    arguments = ["--optimizer", "mine", "--model", "scripted", "--limit", "1", "--use_cache", "cache.sqlite", "--output_path", "run"]
    scored = run([script("atlas-eval"), *arguments], decoys)
    assert scored.returncode == 0, scored.stderr


def test_a_path_that_puts_a_decoy_first_is_told_in_one_sentence(decoys: Path) -> None:
    (decoys / "eval_harness" / "__init__.py").write_text("")
    code = "import sys; sys.path.append(''); import persona_atlas.console as c; c.check_distribution('eval_harness')"
    found = run([sys.executable, "-c", code], decoys, PYTHONPATH=str(decoys))
    assert found.returncode == 2
    assert "not PersonaAtlas's" in found.stderr
    assert len(found.stderr.splitlines()) == 1


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of the sources, and of what lies beside them; a build would write into their folder, and take what an earlier one left there."""
    out = tmp_path / "sources"
    for name in ("persona_atlas", "generation", "eval_harness", "leaderboard", "tests", "benchmarks"):
        shutil.copytree(ROOT / name, out / name, ignore=shutil.ignore_patterns("__pycache__", "samples.jsonl"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, out / name)
    return out


def test_the_wheel_holds_the_data_and_no_tests(sources: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(sources)]
    subprocess.run(command, check=True, capture_output=True)
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    for wanted in (
        "persona_atlas/preferences/dimensions/length.yaml",
        "persona_atlas/tasks/bank/cooking.yaml",
        "persona_atlas/schema/v1/item.json",
        "persona_atlas/schema/v2/submission.json",
        "persona_atlas/small_release/manifest.json",
        "persona_atlas/small_release/data/items/test.parquet",
        "generation/data/people.yaml",
        "generation/data/card.md",
        "generation/data/metadata/croissant.yaml",
        "generation/audit/thresholds.yaml",
        "generation/audit/page.html.jinja",
        "persona_atlas/py.typed",
    ):
        assert wanted in names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "build/", "leaderboard/submissions/"))]
