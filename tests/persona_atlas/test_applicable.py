"""The table of what applies to which template says what trying out says, and is not believed where it was made of other sources."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from persona_atlas.render import applicable
from persona_atlas.render.applicable import DECIDING, applicable_dimensions, made_of
from persona_atlas.render.witness import tried_out
from persona_atlas.tasks import load_templates

SHIPPED = Path(applicable.__file__).with_name(applicable.TABLE)
STALE = "run make small and commit what it writes"


def forget() -> None:
    applicable._table.cache_clear()
    applicable_dimensions.cache_clear()


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where a table may be put in place of the shipped one; nothing is remembered of either, before and after."""
    monkeypatch.setattr(applicable, "_path", lambda: tmp_path / applicable.TABLE)
    forget()
    yield tmp_path / applicable.TABLE
    forget()


def test_the_table_was_made_of_the_sources_as_they_are() -> None:
    assert json.loads(SHIPPED.read_text(encoding="utf-8"))["made_of"] == made_of(), STALE


@pytest.mark.parametrize(
    "template", [pytest.param(template, marks=[pytest.mark.slow] if place % 3 else []) for place, template in enumerate(sorted(load_templates()))]
)
def test_the_table_says_what_trying_out_says(template: str) -> None:
    assert applicable_dimensions(template) == tried_out(template), STALE


def test_a_table_of_other_sources_is_not_believed(table: Path) -> None:
    template = min(load_templates())
    wrong = {"made_of": made_of(), "applicable": {template: ["length"]}}
    table.write_text(json.dumps(wrong), encoding="utf-8")
    assert applicable_dimensions(template) == ("length",)
    forget()
    table.write_text(json.dumps({**wrong, "made_of": "0" * 16}), encoding="utf-8")
    assert applicable_dimensions(template) == tried_out(template)


def test_no_module_decides_that_the_digest_leaves_out() -> None:
    """What trying out imports, beside what the package itself imports, lies in the files and folders that are digested."""
    listing = "; import sys; print(*(name for name in sys.modules if name.startswith('persona_atlas.')))"

    def loaded(module: str) -> set[str]:
        found = subprocess.run([sys.executable, "-c", f"import {module}{listing}"], capture_output=True, text=True, check=True)
        return {name.split(".")[1] for name in found.stdout.split()}

    assert loaded("persona_atlas.render.witness") - loaded("persona_atlas") <= {name.removesuffix(".py") for name in DECIDING}
