"""The audit as a whole: what it gives, what it writes, what it says of wrong input, and what is too small to be judged."""

import html
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from generation.audit import page, thresholds
from generation.audit.audit import audit
from generation.audit.thresholds import FAILED, NOT_JUDGED, PASSED, Threshold, figure, judged
from generation.build import Config, build
from generation.cli import main
from persona_atlas.data import Release


def states(found: dict[str, Any]) -> dict[str, str]:
    return {check["id"]: check["state"] for check in found["checks"]}


def test_a_clean_small_release_passes(audited: dict[str, Any]) -> None:
    assert audited["passed"]
    assert states(audited)["schema_terms"] == PASSED


def test_one_find_fails_no_share_of_soundness_that_is_judged() -> None:
    shares = [row for row in thresholds.load_thresholds() if row.section == "Soundness" and row.measure.endswith(".share")]
    assert len(shares) == 5
    for row in shares:
        name = row.measure.split(".")[1]
        for among, state in ((row.needs, PASSED), (row.needs - 1, NOT_JUDGED)):
            (check,) = (check for check in judged({"soundness": {name: {"among": among, "share": 1 / among}}}) if check.threshold == row)
            assert check.state == state


@pytest.mark.parametrize("check", ["user_distinct_2", "text_contradictions", "simple_reader", "unrevealed_reader", "most_similar"])
def test_what_is_too_small_is_not_judged_and_does_not_pass(check: str, audited: dict[str, Any]) -> None:
    assert states(audited)[check] == NOT_JUDGED


def test_every_threshold_has_a_figure_and_a_reason(audited: dict[str, Any]) -> None:
    for threshold in thresholds.load_thresholds():
        assert threshold.why.endswith(".")
        if not threshold.measure.startswith("nearest_reference"):
            path = threshold.measure.rsplit(".", 1)[0]
            assert figure(audited, path) is not None, threshold.measure
        if threshold.sample:
            assert figure(audited, threshold.sample) is not None, threshold.sample


def test_the_documentation_has_every_threshold_as_it_is() -> None:
    text = (Path(__file__).parents[3] / "docs" / "audit.md").read_text(encoding="utf-8")
    for row in thresholds.load_thresholds():
        limit = f"at most {row.most:g}" if row.most is not None else f"at least {row.least:g}"
        assert f"| {row.title} | {limit} | {row.needs:,} | {row.why} |" in text


def test_limits_hold_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (
        Threshold("a", "s", "t", "x.y", "Why.", most=1),
        Threshold("b", "s", "t", "x.y", "Why.", least=1, sample="x.n", needs=10),
        Threshold("c", "s", "t", "x.z", "Why.", most=0),
        Threshold("d", "s", "t", "x.list", "Why.", most=0, generated=True),
    )
    monkeypatch.setattr(thresholds, "load_thresholds", lambda: rows)
    assert [check.state for check in judged({"x": {"y": 2, "n": 9, "list": []}})] == [FAILED, NOT_JUDGED, NOT_JUDGED, PASSED]
    assert [check.state for check in judged({"x": {"y": 0, "n": 10, "list": [1]}})] == [PASSED, FAILED, NOT_JUDGED, FAILED]
    assert len(judged({}, imported=True)) == 3


def test_the_figures_are_plain_data(audited: dict[str, Any]) -> None:
    assert json.loads(json.dumps(audited)) == audited


def test_the_page_needs_nothing_else(audited: dict[str, Any], tmp_path: Path) -> None:
    page.write(audited, tmp_path)
    text = (tmp_path / "audit.html").read_text(encoding="utf-8")
    assert "http" not in text.replace("http-equiv", "")
    assert "<script" not in text
    assert "src=" not in text
    for check in audited["checks"]:
        assert check["title"] in html.unescape(text)
    assert json.loads((tmp_path / "audit.json").read_text(encoding="utf-8"))["passed"]


@pytest.mark.parametrize(
    ("value", "said"), [(None, "–"), (3.0, "3"), (12_345.6, "12,346"), (0.5, "0.5"), (0.0000584, "0.0000584"), (-1234.5, "−1,234")]
)
def test_figures_are_written_out(value: float | None, said: str) -> None:
    assert page.number(value) == said


def test_an_imported_release_is_audited_without_what_is_only_asked_of_generated_ones(imported: Release, tmp_path: Path) -> None:
    found = audit(imported, [])
    page.write(found, tmp_path)
    assert "even_values" not in states(found)
    assert states(found)["duplicate_conversations"] == PASSED


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["audit", *arguments])


def test_the_command_writes_into_out_and_prints_the_checks(
    audited: dict[str, Any], release_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generation.audit.audit.audit", lambda *given: audited)
    found = run(str(release_path), "--out", str(tmp_path / "out"))
    assert found.exit_code == 0
    assert "0 failed" in found.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["audit.html", "audit.json"]
    assert sorted(path.name for path in release_path.iterdir()) == ["README.md", "data", "manifest.json"]


def test_the_command_passes_ten_users_as_they_are_built(tmp_path: Path) -> None:
    """One of these says "include what I should steer clear of", and nothing after it."""
    build(Config(10, 1), tmp_path / "mine", workers=1, progress=lambda done, total: None)
    found = run(str(tmp_path / "mine"))
    assert found.exit_code == 0, found.output
    soundness = json.loads((tmp_path / "mine" / "audit.json").read_text(encoding="utf-8"))["soundness"]
    assert soundness["cut_off_users"]["count"] == 0
    assert "0 failed" in found.output


def test_names_are_printed_as_they_are(audited: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    row = {"chats": 1, "nearness": {"most_similar": 0.1, "longest_run": 2}, "fidelity": {"auc": None}}
    page.print_checks(Console(), {**audited, "release": {**audited["release"], "path": "mine [v1]"}, "references": {"their[/v1]s": row}})
    printed = capsys.readouterr().out
    assert "mine [v1]: 20 users" in printed
    assert "beside their[/v1]s (1 chats)" in printed


def test_a_failed_threshold_is_status_1(audited: dict[str, Any], release_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generation.audit.audit.audit", lambda *given: {**audited, "passed": False})
    found = run(str(release_path), "--out", str(tmp_path), "--json")
    assert found.exit_code == 1


def test_wrong_input_is_one_sentence_and_status_2(release_path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for arguments, says in (
        ([str(tmp_path / "none")], "there is no folder"),
        ([str(release_path), "--reference", str(tmp_path / "none")], "does not exist; give a file or folder with --reference"),
        ([str(release_path), *["--reference", str(tmp_path / "file")] * 2], "two references are named file"),
        ([str(release_path), "--reference", "x" * 300], "x/manifest.json cannot be used (File name too long)"),
        ([str(release_path), "--out", str(tmp_path / "file")], "is a file, wanted a folder; give another --out"),
    ):
        found = run(*arguments)
        assert found.exit_code == 2
        assert says in found.output
        assert len(found.output.splitlines()) == 1


def test_a_library_that_is_not_there_is_named(release_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generation.audit.audit.find_spec", lambda name: None)
    found = run(str(release_path))
    assert found.exit_code == 2
    assert 'pip install "persona-atlas[audit]"' in found.output
