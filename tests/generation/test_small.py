"""The release that ships with the package is the one that the package builds."""

import json
from pathlib import Path

import pytest

from generation.build import build
from generation.releases import Named, name_of, releases
from generation.small import SMALL_CONFIG
from persona_atlas.data import SMALL, Release, open_release
from persona_atlas.records import SPLITS

SHIPPED = Path(__file__).parents[2] / "persona_atlas" / SMALL


@pytest.mark.parametrize("config", ["users", "conversations", "history_noise", "items"])
def test_the_small_release_begins_with_what_the_banks_and_the_code_make_today(config: str, release: Release) -> None:
    """The twenty users of the tests' release are among its eighty."""
    shipped = open_release(SHIPPED, "the package")
    for split in SPLITS:
        made = getattr(release, config)(split)
        assert getattr(shipped, config)(split)[: len(made)] == made, "run make small and commit what it writes"


def test_the_small_release_was_made_from_the_banks_as_they_are() -> None:
    shipped = json.loads((SHIPPED / "manifest.json").read_text(encoding="utf-8"))
    assert shipped["config_digest"] == SMALL_CONFIG.digest, "run make small and commit what it writes"


def test_the_releases_that_have_a_name_are_those_of_this_version() -> None:
    """A build of another size shares its first blocks with v1, so whatever changes the small release changes v1."""
    shipped = json.loads((SHIPPED / "manifest.json").read_text(encoding="utf-8"))
    assert releases()["mini"] == Named(SMALL_CONFIG.users, shipped["content_digest"]), (
        "build both anew (make small, make release) and write their digests"
    )
    assert name_of(shipped["content_digest"]) == "mini"
    assert name_of("0" * 64) is None


@pytest.mark.slow
def test_the_small_release_is_byte_for_byte_what_is_built(tmp_path: Path) -> None:
    shipped = json.loads((SHIPPED / "manifest.json").read_text(encoding="utf-8"))
    built = build(SMALL_CONFIG, tmp_path / "release", 1, lambda done, total: None)
    assert shipped["content_digest"] == built["content_digest"], "run make small and commit what it writes"
    assert shipped["files"] == built["files"], "the same content in other bytes: was it built with the locked versions?"
