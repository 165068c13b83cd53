"""The measuring scripts: each says what it measures, and those of generality say the same of a run as the harness does."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted(path.name for path in (ROOT / "benchmarks").glob("[!_]*.py"))


def run(script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, f"benchmarks/{script}", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=240)


@pytest.mark.slow
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
