"""What stands behind the headline, on runs of the scripted target, whose truth is known."""

import json
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from eval_harness.breakdown import track_of
from eval_harness.cli import main
from eval_harness.findings import chance, findings
from eval_harness.finished import open_run, viewed
from eval_harness.page import HEIGHT, LOWEST, MARGIN, lower_end, plot, write_page
from eval_harness.report import print_results
from eval_harness.runfolder import Sample
from persona_atlas.data import load_dataset

CONDITIONS = "clean,surface,surface_heavy,history_0,history_2,history_noise_50"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The oracle beside identity and placebo, under several conditions."""
    folder = tmp_path_factory.mktemp("run")
    flags = ["--model", "scripted", "--controls", "identity,placebo,best_constant,oracle", "--conditions", CONDITIONS, "--limit", "24"]
    where = ["--output_path", str(folder / "oracle"), "--use_cache", str(folder / "cache.sqlite")]
    done = CliRunner().invoke(main, ["--optimizer", "oracle", *flags, *where])
    assert done.exit_code == 0, done.output
    return folder / "oracle"


@pytest.fixture(scope="module")
def results(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "results.json").read_text(encoding="utf-8"))
    return found


def test_each_slice_has_its_items_and_the_oracle_is_at_the_top_in_all(results: dict[str, Any]) -> None:
    assert {"stated", "implied", "conflict"} <= set(results["slices"])
    for name, found in results["slices"].items():
        assert found["items"] > 0
        if found["personalization"]["mean"] is not None and name != "conflict":
            assert found["personalization"]["mean"] == 1.0
            assert found["p"] is None or 0 <= found["p"] <= 1


def test_the_optimizer_is_tested_against_those_that_know_no_user(results: dict[str, Any]) -> None:
    found = {(test["axis"], test["over"]): test for test in results["tests"]}
    assert list(found) == [(axis, other) for axis in ("personalization", "task") for other in ("identity", "best_constant")]
    for (axis, other), test in found.items():
        columns = [results["arms"][arm]["clean"][axis]["mean"] for arm in ("oracle", other)]
        assert test["difference"]["mean"] == pytest.approx(columns[0] - columns[1])
        assert test["p"] < 0.001 if axis == "personalization" else test["p"] == 1.0
    said = findings(results)
    assert "p after Holm over 4 tests: personalization over identity < 0.001, personalization over best_constant < 0.001, " in "".join(said)


def test_what_does_not_need_the_history_is_retained_whole(results: dict[str, Any]) -> None:
    thinner = results["robustness"]["thinner history"]
    assert thinner["levels"] == [0, 2, 4]
    assert thinner["retained"]["value"] == pytest.approx(1.0)
    assert all(found["mean"] == pytest.approx(0.0) for found in thinner["lost"].values())


def test_families_with_one_level_have_no_curve(results: dict[str, Any]) -> None:
    assert set(results["robustness"]) == {"surface", "thinner history", "dirtier history"}


def test_the_bare_query_costs_once_itself_and_is_compact(results: dict[str, Any]) -> None:
    assert results["cost"]["identity"]["over_query"] == 1.0
    assert results["cost"]["identity"]["compact"] == 1.0
    assert results["cost"]["oracle"]["prompt_tokens"] > results["cost"]["identity"]["prompt_tokens"]


def counted(arm: str, item: str, tokens: int | None, reason: str = "stop") -> Sample:
    return Sample(arm, "clean", item, "Why?", "So.", reason, None, None, tokens, 3)


@pytest.mark.parametrize("reason", ["stop", "context_overflow"])
def test_a_long_prompt_is_in_the_track_free_whether_the_target_took_it_or_not(reason: str) -> None:
    bare = [counted("identity", item, 50) for item in ("a", "b")]
    short = counted("mine", "a", 228)
    assert track_of("mine", [*bare, short, counted("mine", "b", 228, reason)]) == "compact"
    assert track_of("mine", [*bare, short, counted("mine", "b", 229, reason)]) == "free"


def test_an_item_whose_bare_query_the_target_lost_bears_on_no_track() -> None:
    bare = [counted("identity", "a", 50), counted("identity", "b", None, "error")]
    assert track_of("mine", [*bare, counted("mine", "a", 228), counted("mine", "b", 228)]) == "compact"
    assert track_of("mine", [*bare, counted("mine", "a", 229), counted("mine", "b", 228)]) == "free"
    assert track_of("mine", [bare[1], counted("mine", "b", 228)]) == "free", "nothing is known of it"


@pytest.mark.parametrize("arm", ["identity", "mine"])
def test_a_prompt_that_was_answered_and_not_counted_is_not_known_to_be_compact(arm: str) -> None:
    given = [counted(which, item, 50) for which in ("identity", "mine") for item in ("a", "b")]
    assert track_of("mine", given) == "compact"
    assert track_of("mine", [replace(one, prompt_tokens=None) if (one.arm, one.item_id) == (arm, "b") else one for one in given]) == "free"


def test_nobody_fares_worse_with_the_oracle(results: dict[str, Any]) -> None:
    assert results["harm"]["oracle"] == 0.0
    assert 0 <= results["harm"]["placebo"] <= 1


def test_no_single_dimension_carries_the_oracle(results: dict[str, Any]) -> None:
    assert len(results["without_one_dimension"]) > 10
    assert set(results["without_one_dimension"].values()) == {1.0}
    assert "With any one dimension left out, G is 1.00" in findings(results)


def test_the_dimensions_that_weigh_most_are_named(results: dict[str, Any]) -> None:
    changed = {**results, "without_one_dimension": {"length": 0.152, "structure": 0.094, "tone": 0.12}}
    assert "With any one dimension left out, G is 0.09 (without structure) to 0.15 (without length)" in findings(changed)


LEDGER = "G over what the history reveals: 1.00 [1.00, 1.00], over what it does not: 1.00 [1.00, 1.00]"


def test_what_the_history_reveals_and_what_it_does_not_stand_apart(run: Path, results: dict[str, Any]) -> None:
    assert LEDGER in findings(results)
    assert f"- {LEDGER}" in CliRunner().invoke(main, ["export", str(run)]).stdout.splitlines()
    assert f"<li>{LEDGER}</li>" in (run / "report.html").read_text(encoding="utf-8")


def leaks(results: dict[str, Any], optimizer: str, low: float) -> bool:
    unknown = {**results["scores"]["personalization_unrevealed"], "mean": 0.1, "ci": [low, 0.2]}
    told = {**results, "optimizer": optimizer, "scores": {**results["scores"], "personalization_unrevealed": unknown}}
    return "Warning: G over what the history does not reveal is above 0, which is a leak, or chance" in findings(told)


def test_who_knows_what_the_history_does_not_reveal_is_warned_of(results: dict[str, Any]) -> None:
    assert leaks(results, "placebo", 0.01)
    assert not leaks(results, "placebo", -0.01)
    assert not leaks(results, "oracle", 0.01), "it is told"


def test_the_smallest_effect_is_always_told(results: dict[str, Any]) -> None:
    said = "Smallest effect on G that this run would find with 80 % power: 0.000"
    assert said in findings({**results, "minimum_detectable_effect": 0.0})


class Page(HTMLParser):
    """Counts what a reader sees, and what a browser would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [value for name, value in attrs if name in ("src", "href") and value]


def test_repeats_that_are_all_missing_are_told(results: dict[str, Any]) -> None:
    lost = {"oracle": {"items": 0, "personalization": None, "task": None, "same_answer": None}}
    assert "Answers of oracle given again: all are missing" in findings({**results, "repeats": lost})


@pytest.mark.parametrize(
    ("p", "said"), [(0.000999, "< 0.001"), (0.001, "0.001"), (0.0004, "< 0.001"), (0.4484, "0.448"), (1.0, "1.000"), (None, "–")]
)
def test_a_p_value_has_three_decimals(p: float | None, said: str) -> None:
    assert chance(p) == said


def test_names_in_square_brackets_are_printed_as_they_are(results: dict[str, Any]) -> None:
    console = Console(file=StringIO(), width=200)
    print_results(console, {**results, "model": "q[b]"}, "runs/[red]one")
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "oracle on q[b], split test" in said
    assert "Results in runs/[red]one; to read: runs/[red]one/report.html" in said


def test_the_page_holds_everything_and_fetches_nothing(run: Path, results: dict[str, Any]) -> None:
    text = (run / "report.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.fetched == []
    assert "script" not in page.tags
    assert page.tags.count("details") == 20
    assert page.tags.count("svg") == len(results["robustness"])
    assert f"{results['arms']['placebo']['clean']['personalization']['mean']:.2f}".replace("-", "−") in text


def test_what_users_and_models_write_is_shown_and_not_run(run: Path, tmp_path: Path) -> None:
    results = json.loads((run / "results.json").read_text(encoding="utf-8"))
    results["optimizer"] = "<script>alert(1)</script>"
    results["arms"] = {results["optimizer"]: results["arms"]["oracle"], **results["arms"]}
    results["cost"] = {results["optimizer"]: results["cost"]["oracle"]}
    results["robustness"] = {}
    write_page(tmp_path / "page.html", results, [])
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_a_sample_whose_answer_never_came_is_neither_right_nor_wrong(run: Path, results: dict[str, Any], tmp_path: Path) -> None:
    (view,) = viewed(open_run(run), load_dataset(), "oracle", "clean", None, 1)
    lost = replace(view, sample=replace(view.sample, answer="", finish_reason="error", error="away"), scores=None)
    shown = []
    for given in (view, lost):
        write_page(tmp_path / "page.html", results, [given])
        shown.append((tmp_path / "page.html").read_text(encoding="utf-8").partition("<h2>Samples</h2>")[2])
    told, missing = shown
    assert "✓" in told
    assert "missing: the target failed" not in told
    assert "missing: the target failed" in missing
    assert all(gold.value in missing for gold in view.item.gold)
    assert not {"✓", "✗"} & set(missing)


def curve(*ends: tuple[float, float]) -> dict[str, Any]:
    """A family with one arm, whose intervals have these ends."""
    points = {f"c{place}": {"mean": (low + high) / 2, "ci": [low, high]} for place, (low, high) in enumerate(ends)}
    return {"levels": list(range(len(ends))), "curves": {"mine": points, "not_drawn": {"c0": {"mean": -1.0, "ci": None}}}}


def test_a_plot_goes_down_to_what_it_draws() -> None:
    family = curve((-0.2, 0.0), (-0.6, -0.5), (-0.83, -0.8))
    lowest = lower_end([curve((0.1, 0.2)), family], "mine")
    assert lowest == -0.9
    (line,) = plot(family, "mine", lowest)
    heights = [point["y"] for point in line["points"]]
    assert heights == sorted(set(heights))
    assert max(point["low"] for point in line["points"]) < HEIGHT - MARGIN


@pytest.mark.parametrize(("low", "lowest"), [(0.3, LOWEST), (-0.4, LOWEST), (-0.41, -0.5), (-1.0, -1.0), (-1.2, -1.0)])
def test_the_lower_end_of_the_plots(low: float, lowest: float) -> None:
    assert lower_end([curve((low, 0.5))], "mine") == lowest
