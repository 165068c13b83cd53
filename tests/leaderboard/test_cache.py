"""What a verdict in the cache depends on: if one of these changes, the verdict is made anew."""

from pathlib import Path

import pytest

from eval_harness.suites import Suite
from leaderboard import cache
from leaderboard.cache import code_digest, digest_of, key_of, key_of_ties

FILES = {"run.json": b"{}"}


def code(folder: Path) -> Path:
    """A package with a module, one of a package in it, and data that they read."""
    (folder / "inner").mkdir(parents=True)
    for name in ("checks.py", "words.yaml", "inner/claims.py"):
        (folder / name).write_text(f"of {name}")
    return folder


def test_the_digest_of_code_changes_with_every_file_that_is_run_or_read(tmp_path: Path) -> None:
    folder, flat = code(tmp_path / "deep"), code(tmp_path / "flat")
    before = digest_of(flat, folder)
    assert digest_of(flat, folder) == before
    for file in (folder / "checks.py", folder / "words.yaml", folder / "inner" / "claims.py", flat / "checks.py"):
        was = file.read_text()
        file.write_text("changed")
        assert digest_of(flat, folder) != before, file
        file.write_text(was)
    assert digest_of(flat, folder) == before
    (folder / "inner" / "claims.py").rename(folder / "inner" / "claimed.py")
    assert digest_of(flat, folder) != before


def test_compiled_code_and_what_lies_deeper_than_the_modules_make_no_difference(tmp_path: Path) -> None:
    folder, flat = code(tmp_path / "deep"), code(tmp_path / "flat")
    before = digest_of(flat, folder)
    (folder / "inner" / "claims.pyc").write_bytes(b"compiled")
    (flat / "inner" / "claims.py").write_text("a submission, for example")
    assert digest_of(flat, folder) == before


def test_another_state_of_the_code_is_another_key(tiny: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = lambda: {key_of(tmp_path / "a" / "b", FILES, "0" * 64, tiny), key_of_ties({}, 10)}  # noqa: E731
    before = keys()
    assert keys() == before
    monkeypatch.setattr(cache, "code_digest", lambda: "another")
    assert not keys() & before


def test_the_digest_is_of_the_package_the_evaluation_and_the_scoring(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(cache, "digest_of", lambda flat, *deep: read.extend(folder.name for folder in (flat, *deep)) or "")
    code_digest.__wrapped__()
    assert read == ["leaderboard", "eval_harness", "persona_atlas"]


def test_a_submission_elsewhere_has_another_key(tiny: Suite, tmp_path: Path) -> None:
    """Its folder's name, that of its optimizer, and whether both lie in `submissions` are checked."""
    places = [tmp_path / "submissions" / "mine" / "1", tmp_path / "submissions" / "other" / "1", tmp_path / "handed" / "mine" / "1"]
    (tmp_path / "handed" / "mine" / "1").mkdir(parents=True)
    link = tmp_path / "submissions" / "mine" / "2"
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "handed" / "mine" / "1")
    keys = {key_of(place, FILES, "0" * 64, tiny) for place in (*places, link)}
    assert len(keys) == 4
