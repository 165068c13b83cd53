"""The release that ships with the package is the one that the package builds."""

import json
from pathlib import Path

from generation.build import build
from generation.small import SMALL_CONFIG
from persona_atlas.data import SMALL


def test_the_small_release_is_what_the_banks_and_the_code_make_today(tmp_path: Path) -> None:
    shipped = json.loads((Path(__file__).parents[2] / "persona_atlas" / SMALL / "manifest.json").read_text(encoding="utf-8"))
    built = build(SMALL_CONFIG, tmp_path / "release", 1, lambda done, total: None)
    assert shipped["content_digest"] == built["content_digest"], "run make small and commit what it writes"
    assert shipped["files"] == built["files"], "the same content in other bytes: was it built with the locked versions?"
