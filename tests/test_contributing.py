"""What CONTRIBUTING.md shows is enough: each of its entries, added to a copy of the packages, passes the tests that hold every entry."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import regex

ROOT = Path(__file__).parent.parent
ENTRY = regex.compile(r"(?ms)^## Adding an? (?P<what>\w+)\n.*?^```(?:yaml|python)\n(?P<lines>.*?)^```")
ENTRIES = {match["what"]: match["lines"] for match in ENTRY.finditer((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what a contributor changes and of the tests."""
    for name in ("persona_atlas", "generation", "eval_harness", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def append(path: Path, lines: str) -> None:
    path.write_text(path.read_text(encoding="utf-8").rstrip("\n") + "\n" + lines, encoding="utf-8")


def run(checkout: Path, *arguments: str) -> str:
    """What a Python command prints in the checkout, whose packages come before the installed ones."""
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    done = subprocess.run([sys.executable, *arguments], cwd=checkout, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_tests(checkout: Path, file: str, keywords: str = "") -> None:
    """All tests of a file that are chosen must pass, and one at least must be chosen (pytest fails otherwise)."""
    run(checkout, "-m", "pytest", "-p", "no:cacheprovider", f"tests/persona_atlas/{file}", "-k", keywords)


@pytest.mark.parametrize(("what", "most"), [("value", 13), ("task", 13), ("optimizer", 13)])
def test_an_entry_takes_few_lines(what: str, most: int) -> None:
    assert len(ENTRIES[what].strip().splitlines()) <= most


@pytest.mark.slow
def test_the_value_shown_is_added_by_its_entry_alone(checkout: Path) -> None:
    append(checkout / "persona_atlas/preferences/dimensions/address.yaml", ENTRIES["value"])
    run_tests(checkout, "test_catalog.py")
    run_tests(checkout, "test_checkers.py", "address")
    run_tests(checkout, "test_conflicts.py")
    run(checkout, "-c", SHOW_VALUE)


SHOW_VALUE = """
from persona_atlas.answer import Answer
from persona_atlas.preferences import load_catalog
from persona_atlas.render import applicable_dimensions, render
from persona_atlas.tasks import fill, load_templates

shown = []
for template in load_templates().values():
    if template.split == "test_ood" and "address" in applicable_dimensions(template.template_id):
        text = render(fill(template, {name: options[0] for name, options in template.slots.items()}), {"address": "professor"})
        assert load_catalog().dimensions["address"].met_by(Answer(text)) == "professor", text
        shown.append(template.template_id)
assert len(shown) >= 20, shown
"""


def test_the_task_shown_is_added_by_its_entry_alone(checkout: Path) -> None:
    append(checkout / "persona_atlas/tasks/bank/cooking.yaml", ENTRIES["task"])
    run_tests(checkout, "test_tasks.py", "rice_for_guests")


def test_the_optimizer_shown_is_scored_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "short.py").write_text(ENTRIES["optimizer"], encoding="utf-8")
    program = str(Path(sys.executable).parent / "atlas-eval")
    arguments = [program, "--optimizer", "short", "--model", "scripted", "--limit", "2", "--controls", "identity", "--output_path", "run"]
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "short" in done.stdout
