"""What applies to which template is remembered for the sources that decided it, and for no others."""

from pathlib import Path

import pytest

from generation import applicable
from generation.applicable import remember, remembered


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "persona-atlas"


def test_nothing_is_known_at_first() -> None:
    assert remembered() == {}


def test_what_was_found_is_known_afterwards() -> None:
    remember({"cooking.pasta": ("length", "units"), "travel.bag": ()})
    assert remembered() == {"cooking.pasta": ("length", "units"), "travel.bag": ()}


def test_other_sources_know_nothing_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remember({"cooking.pasta": ("length",)})
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "bank.yaml").write_text("domain: cooking")
    monkeypatch.setattr(applicable, "files", lambda package: tmp_path / "other")
    assert remembered() == {}


def test_a_torn_memory_is_none(cache: Path) -> None:
    remember({"cooking.pasta": ("length",)})
    (file,) = cache.glob("applicable-*.json")
    file.write_text('{"cooking.pasta": ["len')
    assert remembered() == {}
