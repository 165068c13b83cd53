"""The measuring scripts: each says what it measures, and those of generality say the same of a run as the harness does."""

import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted(path.name for path in (ROOT / "benchmarks").glob("[!_]*.py"))


def run(script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, f"benchmarks/{script}", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=240)


@pytest.mark.parametrize("script", SCRIPTS)
def test_it_says_how_to_call_it(script: str) -> None:
    docstring = (ROOT / "benchmarks" / script).read_text().split('"""')[1]
    assert f"benchmarks/{script}" in docstring


@pytest.mark.slow
def test_null_bias_of_the_simulated_target_is_what_the_harness_says_of_the_same_items(tmp_path: Path) -> None:
    ran = run("null_bias.py", "--users", "6", "--arms", "identity,placebo", "--out", str(tmp_path / "null.json"))
    assert ran.returncode == 0, ran.stderr
    found = json.loads((tmp_path / "null.json").read_text())
    assert list(found["blind"]) == ["identity", "placebo"]
    asked = ["--optimizer", "identity", "--controls", "placebo", "--model", "scripted", "--limit", "6", "--items_per_user", "1"]
    arguments = [*asked, "--conditions", "clean", "--max_gen_toks", "320"]
    script = "from eval_harness.cli import main; main()"
    made = [sys.executable, "-c", script, *arguments, "--output_path", str(tmp_path / "run")]
    subprocess.run(made, cwd=ROOT, check=True, capture_output=True, timeout=240)
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    for arm, row in found["blind"].items():
        assert row["mean"] == pytest.approx(results["arms"][arm]["clean"]["personalization"]["mean"], abs=1e-6)


@pytest.mark.slow
def test_null_bias_refuses_a_policy_that_knows_the_user() -> None:
    ran = run("null_bias.py", "--arms", "oracle")
    assert (ran.returncode, "oracle is not one of the policies" in ran.stderr) == (2, True)


@pytest.mark.slow
def test_generality_of_the_simulated_target_gives_a_row_for_each_bound() -> None:
    ran = run("generality.py")
    assert ran.returncode == 0, ran.stderr
    row = next(line for line in ran.stdout.splitlines() if line.startswith("| `scripted target` |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert len(cells) == 8
    assert all(re.search(r"\d", cell) for cell in cells[1:])


def test_halves_in_which_all_arms_tie_take_the_others_no_tau(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import generality

    calls = iter(range(10**6))
    ranks = lambda chosen: {"identity": 0.0, "reader": 0.0 if next(calls) < 2 else 1.0}  # noqa: E731  # the first two halves tie
    ties = lambda chosen: {"identity": 0.0, "reader": 0.0}  # noqa: E731
    scored = SimpleNamespace(table=SimpleNamespace(template=np.arange(10)), ranks=ranks, means=ties)
    assert generality.halves(scored) == {"groups": 1.0, "means": None}


@pytest.mark.slow
def test_drift_refuses_runs_on_another_release() -> None:
    runs = [str(path) for path in sorted((ROOT / "leaderboard" / "submissions").glob("*/*/"))[:2]]
    ran = run("drift.py", *runs)
    assert (ran.returncode, "was made on a release with content digest" in ran.stderr) == (2, True), ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.slow
def test_building_keeps_a_release_in_a_new_folder_only(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("Years of work.")
    ran = run("building.py", "--users", "10", "--keep", str(tmp_path))
    assert (ran.returncode, "is there already; give a new folder" in ran.stderr) == (2, True), ran.stderr
    assert (tmp_path / "thesis.txt").exists()


@pytest.mark.slow
def test_a_build_that_ends_before_it_could_be_killed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import building

    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(SystemExit, match="before it could be killed; give more users with --small"):
        building.killed_and_resumed(10, tmp_path)


@pytest.mark.slow
def test_curves_of_one_family_of_conditions_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import panel

    curve = {"clean": {"mean": 0.2}, "surface": {"mean": 0.1}}
    panel.draw({"robustness": {"surface": {"curves": dict.fromkeys((*panel.READERS, "identity", "oracle"), curve)}}}, tmp_path / "plot.svg")
    assert (tmp_path / "plot.svg").stat().st_size > 0
