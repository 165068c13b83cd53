"""Suites set flags together; what the user sets wins, and says so."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from eval_harness.cli import main
from eval_harness.conditions import CONDITIONS, parse_conditions
from eval_harness.errors import EvalError
from eval_harness.suites import SUITES, with_suite

GIVEN = {"suite": "core", "conditions": "clean", "limit": None, "items_per_user": None, "max_gen_toks": 320, "seed": 3}


def test_a_suite_sets_its_flags_and_leaves_the_others() -> None:
    assert with_suite(GIVEN, set()) == {"suite": "core", "seed": 3, **SUITES["core"]}


def test_what_the_user_gives_wins_and_the_run_is_of_no_suite() -> None:
    found = with_suite({**GIVEN, "limit": 5}, {"limit"})
    assert (found["limit"], found["suite"], found["conditions"]) == (5, None, SUITES["core"]["conditions"])


def test_giving_what_the_suite_says_anyway_changes_nothing() -> None:
    assert with_suite({**GIVEN, "limit": 200}, {"limit"})["suite"] == "core"


def test_longer_answers_for_a_target_that_says_much_stay_in_the_suite() -> None:
    found = with_suite({**GIVEN, "max_gen_toks": 1024}, {"max_gen_toks"})
    assert (found["suite"], found["max_gen_toks"], found["limit"]) == ("core", 1024, 200)
    assert with_suite({**GIVEN, "max_gen_toks": 500}, {"max_gen_toks"})["suite"] is None
    assert with_suite({**GIVEN, "max_gen_toks": 1024, "limit": 5}, {"max_gen_toks", "limit"})["suite"] is None


def test_without_a_suite_nothing_changes() -> None:
    assert with_suite({**GIVEN, "suite": None}, set()) == {**GIVEN, "suite": None}


def test_a_suite_that_is_none_is_refused_with_the_nearest() -> None:
    with pytest.raises(EvalError, match=r"there is no suite 'cor'; did you mean core\?"):
        with_suite({**GIVEN, "suite": "cor"}, set())


@pytest.mark.parametrize("suite", sorted(SUITES))
def test_the_conditions_of_a_suite_exist(suite: str) -> None:
    names = parse_conditions(SUITES[suite]["conditions"])
    assert set(names) <= set(CONDITIONS)
    assert names[0] == "clean"


def test_quick_runs_and_records_that_it_is_quick(tmp_path: Path) -> None:
    flags = [
        "--model",
        "scripted",
        "--suite",
        "quick",
        "--output_path",
        str(tmp_path / "run"),
        "--use_cache",
        str(tmp_path / "cache.sqlite"),
        "--json",
    ]
    done = CliRunner().invoke(main, ["--optimizer", "history", *flags])
    assert done.exit_code == 0, done.output
    config = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))["config"]
    assert (config["suite"], config["limit"], config["items_per_user"], config["max_gen_toks"]) == ("quick", 10, 1, 320)
    assert json.loads(done.stdout)["scores"]["personalization"]["n_users"] == 10
