"""What is said of a run: on the terminal, on its page and in the Markdown export."""

import copy
import json
from dataclasses import dataclass
from typing import Any

import pytest
from click.testing import CliRunner

from eval_harness.cli import main
from eval_harness.findings import findings, levels, retained

LEAK = "Leak: 100.0% of the prompts answer the question themselves; G is at most 0 there, task at most identity's"


@dataclass(frozen=True)
class Told:
    """A run and what it printed, both in the terminal and as Markdown, in lines without ends, and its page."""

    results: dict[str, Any]
    terminal: str
    markdown: str
    page: str


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The control `answerer`, each of whose prompts answers the question itself."""
    folder = tmp_path_factory.mktemp("run")
    flags = ["--model", "scripted", "--conditions", "clean,surface,history_2,history_0", "--limit", "24", "--items_per_user", "1"]
    paths = ["--output_path", str(folder / "run"), "--use_cache", str(folder / "cache.sqlite")]
    printed = CliRunner().invoke(main, ["--optimizer", "answerer", *flags, *paths])
    exported = CliRunner().invoke(main, ["export", str(folder / "run")])
    assert (printed.exit_code, exported.exit_code) == (0, 0), printed.output + exported.output
    results, page = ((folder / "run" / name).read_text(encoding="utf-8") for name in ("results.json", "report.html"))
    return Told(json.loads(results), in_a_line(printed.stdout), in_a_line(exported.stdout), in_a_line(page))


@pytest.fixture
def results(told: Told) -> dict[str, Any]:
    """The results of that run, to be changed."""
    return copy.deepcopy(told.results)


def in_a_line(text: str) -> str:
    return " ".join(text.split())


def said(results: dict[str, Any], beginning: str) -> list[str]:
    return [line for line in findings(results) if line.startswith(beginning)]


def test_prompts_that_answer_the_question_are_told_of_everywhere(told: Told) -> None:
    assert LEAK in told.terminal
    assert f"- {LEAK}" in told.markdown
    assert f"<li>{LEAK.replace(chr(39), '&#39;')}</li>" in told.page


def test_the_condition_under_which_more_prompts_leak_is_named(results: dict[str, Any]) -> None:
    shares = {"clean": 0.0, "surface": 0.125, "history_2": 0.0004, "history_0": 0.0}
    for condition, share in shares.items():
        results["arms"]["answerer"][condition]["leak"]["mean"] = share
    assert said(results, "Leak")[0].startswith("Leak: 0.0% of the prompts answer the question themselves (12.5% under surface); G is")
    results["arms"]["answerer"]["surface"]["leak"]["mean"] = 0.0
    assert said(results, "Leak")[0].startswith("Leak: 0.0% of the prompts answer the question themselves (less than 0.1% under history_2); G is")


@pytest.mark.parametrize("known", [0.0, None])
def test_nothing_is_said_of_leaks_where_there_are_none_or_none_can_be_known(known: float | None, results: dict[str, Any]) -> None:
    for axes in results["arms"]["answerer"].values():
        axes["leak"]["mean"] = known
    assert said(results, "Leak") == []


def test_whether_task_is_held_is_told_everywhere(told: Told) -> None:
    held = "Task is not lower than identity's by 0.02 or more"
    assert held in told.terminal
    assert f"- {held}" in told.markdown
    assert held.replace("'", "&#39;") in told.page


def test_how_many_replaced_values_are_still_shown_is_told_beside_identitys(told: Told, results: dict[str, Any]) -> None:
    results["scores"]["stale"] |= {"mean": 0.25, "ci": [0.1, 0.4], "n_items": 12}
    results["arms"]["identity"]["clean"]["stale"] |= {"mean": 0.5, "ci": [0.3, 0.7]}
    line = "Stale (replaced values that answers still show): 0.25 [0.10, 0.40], identity's 0.50 [0.30, 0.70], in 12 of 24 items"
    assert said(results, "Stale") == [line]
    assert all(line.partition(":")[0] in text for text in (told.terminal, told.markdown, told.page))


def test_nothing_is_said_of_replaced_values_where_no_item_has_any(results: dict[str, Any]) -> None:
    results["scores"]["stale"] |= {"mean": None, "ci": None}
    assert said(results, "Stale") == []


def test_what_the_history_contradicts_is_told_with_the_items_that_have_it(results: dict[str, Any]) -> None:
    results["scores"]["personalization"] |= {"n_items": 200}
    results["scores"]["personalization_contradicted"] |= {"mean": -0.1, "ci": [-0.3, 0.2], "n_items": 26}
    assert said(results, "G over what the history contradicts") == ["G over what the history contradicts: -0.10 [-0.30, 0.20], in 26 of 200 items"]
    results["scores"]["personalization_contradicted"] |= {"mean": None, "ci": None, "n_items": 0}
    assert said(results, "G over what the history contradicts") == []


def test_d_is_told_for_each_level_everywhere(told: Told) -> None:
    for name, family in told.results["robustness"].items():
        assert f"{name}, retained: {retained(family)}" in told.terminal
        assert f"{name}, retained: {retained(family)}" in told.markdown
        assert list(family["lost"]) == [condition for condition, _, lost in levels(family, "answerer") if lost]
        for condition, lost in family["lost"].items():
            gain, (low, high) = family["curves"]["answerer"][condition], lost["ci"]
            cells = f"{gain['mean']:z.2f} [{gain['ci'][0]:z.2f}, {gain['ci'][1]:z.2f}]", f"{lost['mean']:+.3f} [{low:+.3f}, {high:+.3f}]"
            assert f"{condition} {' '.join(cells)}" in told.terminal
            assert f"| {condition} | {' | '.join(cells)} |" in told.markdown
            shown = f'{lost["mean"]:z.2f} <span class="soft">[{low:z.2f}, {high:z.2f}]</span>'.replace("-", "−")
            assert f"<tr><td>{condition}</td><td>{gain['mean']:z.2f}</td><td>{shown}</td></tr>".replace("<td>-", "<td>−") in told.page


def test_what_is_retained_has_its_interval_or_the_reason_why_it_is_not_told() -> None:
    assert retained({"retained": {"value": 0.712, "ci": [0.5, 1.004], "note": "Fieller"}}) == "71 % [50 %, 100 %]"
    assert retained({"retained": {"value": 0.712, "ci": None, "note": "unbounded"}}) == "71 %"
    assert retained({"retained": {"value": None, "ci": None, "note": "not printed: no data"}}) == "not printed: no data"


def test_own_calls_of_an_optimizer_stand_beside_its_track(results: dict[str, Any]) -> None:
    assert said(results, "Track")[0].endswith(" times the query")
    results["cost"]["answerer"] |= {"calls": 1.25, "tokens": 1340.0}
    assert said(results, "Track")[0].endswith(" times the query, 1.2 own calls of the target for 1,340 tokens")
