"""Finished runs, read again: score, ls, compare, power and view, on runs of the scripted target."""

import csv
import json
import shutil
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import regex
from click.testing import CliRunner, Result

from eval_harness import results as scoring
from eval_harness.breakdown import RANKED
from eval_harness.cli import main
from eval_harness.finished import open_run
from eval_harness.page import write_results
from eval_harness.results import derive
from persona_atlas.data import load_dataset

AtWork = Callable[[Path], AbstractContextManager["subprocess.Popen[str]"]]
Change = Callable[[dict[str, Any]], object]
LIMIT = "25"
PLACES = "places are given for personalization and task"


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs of history, oracle and random_user on the small release."""
    folder = tmp_path_factory.mktemp("runs")
    for optimizer in ("history", "oracle", "random_user"):
        flags = ["--model", "scripted", "--limit", LIMIT, "--use_cache", folder / "cache.sqlite"]
        done = call("--optimizer", optimizer, *flags, "--output_path", folder / optimizer)
        assert done.exit_code == 0, done.output
    return folder


def refused(result: Result, message: str) -> None:
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_score_builds_the_same_results_again(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "oracle", run := tmp_path / "oracle")
    file = run / "results.json"
    before = file.read_bytes()
    file.unlink()
    assert call("score", run).exit_code == 0
    assert file.read_bytes() == before


def test_a_run_that_was_scored_by_an_older_scorer_is_one_of_today_after_score(runs: Path, tmp_path: Path) -> None:
    older = tmp_path / "oracle"
    shutil.copytree(runs / "oracle", older)
    today = json.loads((older / "run.json").read_text(encoding="utf-8"))
    old = {**today, "config": {**today["config"], "scorer_version": 1}}
    (older / "run.json").write_text(json.dumps(old), encoding="utf-8")
    refused(call("compare", older, runs / "history"), "differ in scorer_version")
    assert call("score", older).exit_code == 0
    assert json.loads((older / "run.json").read_text(encoding="utf-8")) == today
    assert call("compare", older, runs / "history").exit_code == 0


def test_score_refuses_another_release(runs: Path, release_path: Path) -> None:
    refused(call("score", runs / "oracle", "--dataset", release_path), "give the folder of that release with --dataset")


def test_score_of_what_is_no_run(tmp_path: Path) -> None:
    refused(call("score", tmp_path), "holds no run.json")


def test_score_is_refused_while_another_process_is_at_work_on_the_run(runs: Path, tmp_path: Path, at_work: AtWork) -> None:
    shutil.copytree(runs / "oracle", run := tmp_path / "run")
    (run / "results.json").write_text("{}")
    with at_work(run):
        refused(call("score", run), f"another process is at work on {run}; let it end")
        assert call("view", run).exit_code == 0
    assert (run / "results.json").read_text() == "{}"


def test_ls_lists_each_run_with_its_score(runs: Path) -> None:
    rows = json.loads(call("ls", runs, "--json").stdout)
    assert [row["optimizer"] for row in rows] == ["history", "oracle", "random_user"]
    assert rows[1]["personalization"]["mean"] == 1.0
    shown = call("ls", runs).stdout
    assert all(name in shown for name in ("history", "oracle", "random_user"))


def test_runs_on_different_releases_are_not_listed_in_one_table(runs: Path, tmp_path: Path) -> None:
    for name in ("oracle", "history"):
        shutil.copytree(runs / name, tmp_path / name)
    run = json.loads((tmp_path / "history" / "run.json").read_text(encoding="utf-8"))
    mine = run["config"]["dataset_digest"]
    run["config"]["dataset_digest"] = "0" * 64
    (tmp_path / "history" / "run.json").write_text(json.dumps(run))
    shown = call("ls", tmp_path).stdout
    assert shown.count("optimizer model") == 2
    assert f"release {mine[:16]}, scorer " in shown
    assert f"release {'0' * 16}, scorer " in shown
    assert "release" not in call("ls", runs).stdout


def test_ls_of_an_empty_folder_says_how_to_make_a_run(tmp_path: Path) -> None:
    assert "Make one: atlas-eval --optimizer history --limit 5" in call("ls", tmp_path).stdout


@pytest.mark.parametrize("text", ["{half", '{"config": {"model": "smol"}}'], ids=["torn", "no optimizer"])
def test_a_run_that_cannot_be_read_hides_no_other(text: str, runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs, tmp_path / "runs")
    (tmp_path / "runs/broken").mkdir()
    (tmp_path / "runs/broken/run.json").write_text(text)
    rows = json.loads(call("ls", tmp_path / "runs", "--json").stdout)
    assert [row["run"] for row in rows if row["problem"]] == ["broken"]
    assert len(rows) == 4
    assert "not readable" in call("ls", tmp_path / "runs").stdout


@pytest.mark.parametrize("change", [{"scores": {}}, {"scores": []}, {"arms": 3}, {"finish_reasons": None}], ids=str)
def test_a_run_whose_results_lack_a_part_hides_no_other(change: dict[str, object], runs: Path, tmp_path: Path) -> None:
    for name in ("oracle", "history"):
        shutil.copytree(runs / name, tmp_path / name)
    file = tmp_path / "oracle/results.json"
    file.write_text(json.dumps({**json.loads(file.read_text(encoding="utf-8")), **change}), encoding="utf-8")
    history, oracle = json.loads(call("ls", tmp_path, "--json").stdout)
    assert (history["problem"], history["personalization"] is None) == (None, False)
    assert oracle["problem"].startswith(f"{file} holds no results (")
    assert oracle["problem"].endswith(f"); write it anew with atlas-eval score {file.parent}")
    assert oracle["personalization"] is None


def damage(file: Path, change: Change) -> None:
    found = json.loads(file.read_text(encoding="utf-8"))
    change(found)
    file.write_text(json.dumps(found), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda results: results["finish_reasons"].update(ok=3), "at finish_reasons/ok found 3, wanted object"),
        (lambda results: results["scores"]["task"].update(mean="high"), "at scores/task/mean found 'high', wanted number or null"),
        (lambda results: results.pop("cost"), ", wanted the key cost as well"),
        (lambda results: results.update(optimizer="another"), "arms has no another under clean"),
        (lambda results: results["arms"]["identity"]["clean"].pop("task"), "identity under clean in arms has no task"),
        (lambda results: results["scores"]["personalization"].update(mean=None), "an interval of personalization has no mean"),
        (lambda results: results.update(schema_version=3), "schema version 3 is not known here (known: 1 to 2); install a newer persona-atlas"),
    ],
    ids=["reason", "mean", "cost", "optimizer", "axis", "no mean", "newer"],
)  # fmt: skip
def test_results_that_were_damaged_are_one_sentence_and_hide_no_other(change: Change, said: str, runs: Path, tmp_path: Path) -> None:
    for name in ("oracle", "history"):
        shutil.copytree(runs / name, tmp_path / name)
    damage(tmp_path / "oracle/results.json", change)
    for form in ("markdown", "csv"):
        refused(call("export", tmp_path / "oracle", "--format", form), f"{said}); write it anew with atlas-eval score {tmp_path / 'oracle'}")
    history, oracle = json.loads(call("ls", tmp_path, "--json").stdout)
    assert history["problem"] is None
    assert f"{said}); write it anew" in oracle["problem"]
    table = call("ls", tmp_path)
    assert table.exit_code == 0
    assert "not readable" in table.stdout


DAMAGED_CONFIGS = {
    "limit": ("2", 'limit is "2", wanted a whole number from 1, or null'),
    "seed": (None, "seed is null, wanted a whole number from 0"),
    "repeats": ("2", 'repeats is "2", wanted a whole number from 1'),
    "controls": ("identity", 'controls is "identity", wanted a list of texts'),
    "split": ("tset", 'split is "tset", wanted one of train, validation, test, test_ood'),
    "dataset_digest": ([0], "dataset_digest is [0], wanted text"),
}


@pytest.mark.parametrize("key", DAMAGED_CONFIGS)
def test_a_configuration_that_was_damaged_is_one_sentence_and_hides_no_other(key: str, runs: Path, tmp_path: Path) -> None:
    for name in ("oracle", "history"):
        shutil.copytree(runs / name, tmp_path / name)
    value, said = DAMAGED_CONFIGS[key]
    damage(tmp_path / "oracle/run.json", lambda run: run["config"].update({key: value}))
    for command in ("score", "power", "view"):
        refused(call(command, tmp_path / "oracle"), f"oracle/run.json is damaged or was changed: {said}; put back what was there, or run it again")
    history, oracle = json.loads(call("ls", tmp_path, "--json").stdout)
    assert history["problem"] is None
    assert said in oracle["problem"]
    assert call("ls", tmp_path).exit_code == 0


@pytest.mark.parametrize("conditions", [["clean", "fog"], ["surface"], []], ids=str)
def test_conditions_that_no_run_can_have_are_one_sentence(conditions: list[str], runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "oracle", tmp_path / "oracle")
    damage(tmp_path / "oracle/run.json", lambda run: run["config"].update(conditions=conditions))
    refused(call("score", tmp_path / "oracle"), "wanted clean and others that are known; run it again")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file whose reading fails")
def test_a_run_whose_disk_fails_hides_no_other(runs: Path, tmp_path: Path) -> None:
    for name in ("oracle", "history"):
        shutil.copytree(runs / name, tmp_path / name)
    (tmp_path / "oracle/results.json").unlink()
    (tmp_path / "oracle/results.json").symlink_to("/proc/self/mem")
    assert [row["problem"] is None for row in json.loads(call("ls", tmp_path, "--json").stdout)] == [True, False]


def test_compare_puts_the_oracle_first_and_counts_users(runs: Path) -> None:
    found = json.loads(call("compare", runs / "random_user", runs / "oracle", "--json").stdout)
    assert found["groups"] == [["oracle"], ["random_user"]]
    (pair,) = found["pairs"]
    assert (pair["first"], pair["second"], pair["tied"]) == ("random_user", "oracle", False)
    assert pair["simultaneous_ci"][1] < 0
    assert pair["losses"] > pair["wins"]
    table = call("compare", runs / "random_user", runs / "oracle").stdout
    assert "< 0.001" in table
    assert "random_user − oracle" in table


def test_compare_looks_at_the_condition_that_it_is_given(tmp_path: Path) -> None:
    given = ["--model", "scripted", "--conditions", "clean,history_0", "--limit", "3", "--use_cache", tmp_path / "cache.sqlite"]
    folders = [tmp_path / name for name in ("answer_reader", "oracle")]
    for folder in folders:
        assert call("--optimizer", folder.name, *given, "--output_path", folder).exit_code == 0
    found = json.loads(call("compare", *folders, "--condition", "history_0", "--json").stdout)
    for folder in folders:
        results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        under = {condition: found["personalization"]["mean"] for condition, found in results["arms"][folder.name].items()}
        assert found["means"][folder.name]["mean"] == pytest.approx(under["history_0"])
        assert folder.name == "oracle" or under["clean"] != pytest.approx(under["history_0"])
    assert "G under history_0, means" in call("compare", *folders, "--condition", "history_0").stdout
    refused(call("compare", *folders, "--condition", "history_1"), "history_1")


def test_a_run_that_must_not_be_ranked_has_no_place_among_the_others(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "oracle", failing := tmp_path / "oracle")
    samples = [json.loads(line) for line in (failing / "samples.jsonl").read_text(encoding="utf-8").splitlines()]
    for sample in [sample for sample in samples if sample["arm"] == "oracle"][:2]:
        sample.update(prompt=None, answer="", finish_reason="no_prompt", failure="crash: status 1")
    (failing / "samples.jsonl").write_text("".join(json.dumps(sample) + "\n" for sample in samples), encoding="utf-8")
    three = (failing, runs / "history", runs / "random_user")
    found = json.loads(call("compare", *three, "--json").stdout)
    assert {name for group in found["groups"] for name in group} == {"history", "random_user"}
    (reason,) = found["not_ranked"]["oracle"]
    assert reason.startswith("the optimizer failed on ")
    assert len(found["pairs"]) == 3
    lines = call("compare", *three).stdout.splitlines()
    assert any(regex.match(r"oracle +0\.\d\d \[", line) for line in lines)
    assert any(regex.match(r"history +[12]=? ", line) for line in lines)
    assert any(line.startswith("oracle is not ranked: the optimizer failed on ") for line in lines)


def test_too_few_users_have_means_and_differences_and_no_places(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(call("compare", runs / "history", runs / "oracle", "--json").stdout)["not_ranked"] == {}
    monkeypatch.setattr(scoring, "FEWEST", 100)
    found = json.loads(call("compare", runs / "history", runs / "oracle", "--json").stdout)
    assert found["groups"] == []
    assert set(found["not_ranked"]) == set(found["means"]) == {"history", "oracle"}
    lines = call("compare", runs / "history", runs / "oracle").stdout.splitlines()
    places = [line for line in lines if line.startswith(("oracle", "history")) and "[" in line and "−" not in line]
    assert [line.split()[0] for line in places] == ["oracle", "history"]
    assert not any(regex.match(r"\w+ +\d=? ", line) for line in places)
    assert sum(line.startswith("No run is ranked: 24 users and ") for line in lines) == 1
    assert any(regex.match(r"history − oracle +-\d", line) for line in lines)


def test_of_lures_more_are_shown_not_better_ones(runs: Path) -> None:
    shown = " ".join(call("compare", runs / "random_user", runs / "oracle", "--axis", "lured").stdout.split())
    assert "users who are shown more, as many, fewer" in shown
    assert "better" not in shown


@pytest.mark.parametrize("axis", ["personalization", "task", "met", "hard_ok", "responsive", "lured"])
def test_what_is_reported_beside_the_ranked_axes_gives_no_places(axis: str, runs: Path) -> None:
    found = json.loads(call("compare", runs / "random_user", runs / "oracle", "--axis", axis, "--json").stdout)
    assert all(interval["mean"] is not None for interval in found["means"].values())
    assert found["pairs"][0]["difference"] is not None
    if axis in RANKED:
        assert (sum(map(len, found["groups"])), found["not_ranked"]) == (2, {})
        return
    assert found["groups"] == []
    assert [reasons[-1] for reasons in found["not_ranked"].values()] == [f"{axis} is reported and never ranked; {PLACES}"] * 2
    shown = " ".join(call("compare", runs / "random_user", runs / "oracle", "--axis", axis).stdout.split())
    assert "No run is ranked: " in shown
    assert f"{axis} is reported and never ranked; {PLACES}" in shown


@pytest.fixture
def quarter(runs: Path, tmp_path: Path) -> Path:
    """A run of random_user of which the server lost three quarters of the answers."""
    shutil.copytree(runs / "random_user", run := tmp_path / "quarter")
    samples = [json.loads(line) for line in (run / "samples.jsonl").read_text(encoding="utf-8").splitlines()]
    for sample in samples[len(samples) // 4 :]:
        sample.update(answer="", finish_reason="error", error="the server is away")
    (run / "samples.jsonl").write_text("".join(json.dumps(sample) + "\n" for sample in samples), encoding="utf-8")
    return run


def test_what_one_run_lacks_leaves_the_means_of_the_others_too(quarter: Path, runs: Path) -> None:
    found = json.loads(call("compare", quarter, runs / "oracle", "--json").stdout)
    ours, theirs = found["means"]["random_user"], found["means"]["oracle"]
    assert 0 < ours["n_users"] == theirs["n_users"] < int(LIMIT)
    assert ours["mean"] - theirs["mean"] == pytest.approx(found["pairs"][0]["difference"])


def test_runs_that_share_too_few_users_or_templates_have_no_places(quarter: Path, runs: Path) -> None:
    three = (quarter, runs / "oracle", runs / "history")
    found = json.loads(call("compare", *three, "--json").stdout)
    shared = found["means"]["oracle"]
    few = f"{shared['n_users']} users and {shared['n_templates']} templates are compared, ranking needs 20 of each"
    assert found["groups"] == []
    assert found["not_ranked"]["oracle"] == found["not_ranked"]["history"] == [few]
    assert few not in found["not_ranked"]["random_user"], "it has reasons of its own"
    assert f"oracle, history are not ranked: {few}" in " ".join(call("compare", *three).stdout.split())


def test_runs_with_long_prompts_are_not_in_the_compact_track(runs: Path, tmp_path: Path) -> None:
    tracks = {row["optimizer"]: row["track"] for row in json.loads(call("ls", runs, "--json").stdout)}
    assert tracks == {"history": "free", "oracle": "compact", "random_user": "compact"}
    three = [runs / name for name in tracks]
    assert set(json.loads(call("compare", *three, "--json").stdout)["means"]) == set(tracks)
    assert set(json.loads(call("compare", *three, "--track", "compact", "--json").stdout)["means"]) == {"oracle", "random_user"}
    shutil.copytree(runs / "history", other := tmp_path / "other")
    run = json.loads((other / "run.json").read_text(encoding="utf-8"))
    run["config"]["optimizer"] = "oracle"  # two entrants of one name, of which one is in the track
    (other / "run.json").write_text(json.dumps(run))
    samples = (other / "samples.jsonl").read_text(encoding="utf-8")
    (other / "samples.jsonl").write_text(samples.replace('"arm": "history"', '"arm": "oracle"'))
    shown = call("compare", *three, other, "--track", "compact")
    assert shown.exit_code == 0, shown.output
    assert "other" not in shown.stdout
    refused(call("compare", *three[:2], "--track", "compact"), "the track compact has 1 of the 2 runs; two are needed to compare")


def test_compare_takes_one_target_only(runs: Path, tmp_path: Path) -> None:
    other = tmp_path / "short"
    done = call("--optimizer", "oracle", "--model", "scripted", "--limit", "3", "--output_path", other, "--use_cache", tmp_path / "c.sqlite")
    assert done.exit_code == 0, done.output
    refused(call("compare", runs / "oracle", other), "differ in limit")
    refused(call("compare", runs / "oracle"), "one run has nothing to be compared with")


def test_a_run_is_not_compared_with_itself_whatever_its_folder_is_called(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(runs)
    refused(call("compare", "oracle", runs / "oracle"), "one run has nothing to be compared with; give two or more run folders")
    refused(call("compare", "oracle", "history", runs / "oracle"), f"{runs / 'oracle'} is given twice; give each run once")


@pytest.mark.parametrize("key", ["dataset_digest", "scorer_version"])
def test_compare_takes_one_release_and_one_scorer_only(key: str, runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "oracle", other := tmp_path / "other")
    run = json.loads((other / "run.json").read_text(encoding="utf-8"))
    was, run["config"][key] = run["config"][key], "0" * 64 if key == "dataset_digest" else 99
    (other / "run.json").write_text(json.dumps(run))
    shown = f"{was[:16]}..." if key == "dataset_digest" else was
    refused(call("compare", runs / "oracle", other), f"differ in {key} ({shown} and ")


def test_power_falls_with_users_and_templates(runs: Path) -> None:
    found = json.loads(call("power", runs / "history", "--users", "50", "--users", "500", "--json").stdout)
    effects = {(size["users"], size["templates"]): size["effect"] for size in found["sizes"]}
    assert effects[500, 60] < effects[50, 60]
    assert effects[50, 120] <= effects[50, 20]
    assert found["here"] > 0


def test_view_shows_query_prompt_answer_and_values(runs: Path) -> None:
    shown = call("view", runs / "oracle", "--limit", "1")
    assert shown.exit_code == 0, shown.output
    assert all(word in shown.stdout for word in ("query", "prompt", "answer", "the user's value", "G 1.00, task 1.00"))


def test_view_shows_an_answer_as_it_is_and_lets_it_do_nothing_to_the_terminal(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "oracle", tmp_path / "oracle")
    file = tmp_path / "oracle/samples.jsonl"
    samples = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    answer = "Use :star: and [bold]bold[/bold].\r\n\x1b[31mRed\x9b2J\u202e\ta tab."
    file.write_text("".join(json.dumps({**sample, "answer": answer}) + "\n" for sample in samples), encoding="utf-8")
    shown = call("view", tmp_path / "oracle", "--limit", "1").stdout
    assert "│ Use :star: and [bold]bold[/bold]. " in shown
    assert regex.search(r"│ \\u001b\[31mRed\\u009b2J\\u202e +a tab\.", shown)
    assert not set("\r\x1b\x9b\u202e") & set(shown)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--arm", "orcale"], "did you mean oracle?"),
        (["--condition", "surface"], "there is no condition in"),
        (["--item", "nobody"], "there is no item in"),
    ],
)
def test_view_of_what_is_not_there(runs: Path, arguments: list[str], message: str) -> None:
    refused(call("view", runs / "oracle", *arguments), message)


def test_export_prints_a_line_a_score_as_csv(runs: Path) -> None:
    rows = list(csv.DictReader(call("export", runs / "oracle", "--format", "csv").stdout.splitlines()))
    (own,) = [row for row in rows if (row["arm"], row["condition"], row["axis"]) == ("oracle", "clean", "personalization")]
    results = json.loads((runs / "oracle" / "results.json").read_text())
    found = results["scores"]["personalization"]
    assert float(own["mean"]) == found["mean"]
    assert [float(own["low"]), float(own["high"])] == found["ci"]
    assert len(rows) == sum(len(axes) for conditions in results["arms"].values() for axes in conditions.values())


def test_export_prints_markdown_to_paste(runs: Path) -> None:
    lines = call("export", runs / "history").stdout.splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert {line.count("|") for line in table} == {7}
    assert any(regex.match(r"\| \*\*history\*\* \| -?0\.\d\d \[", line) for line in table)
    assert any(regex.match(r"- history − identity, personalization: [+-]0\.", line) for line in lines)


def test_export_of_results_of_an_older_version(tmp_path: Path) -> None:
    shutil.copy(Path(__file__).parent.parent / "persona_atlas/schema_v1/results.json", tmp_path)
    (tmp_path / "run.json").write_text('{"config": {}}', encoding="utf-8")
    lines = call("export", tmp_path).stdout.splitlines()
    assert lines[-1].startswith("- Note: migrated from schema version 1")


def test_export_of_an_unfinished_run_says_how_to_go_on(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "oracle", tmp_path / "half")
    (tmp_path / "half" / "results.json").unlink()
    refused(call("export", tmp_path / "half"), "run the same atlas-eval command again to go on")


@pytest.fixture
def partial(runs: Path, tmp_path: Path) -> Path:
    """A run of oracle with 60 % of its samples, and with the results of these, as somebody made them before."""
    shutil.copytree(runs / "oracle", run := tmp_path / "partial")
    lines = (run / "samples.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (run / "samples.jsonl").write_text("".join(lines[: len(lines) * 6 // 10]), encoding="utf-8")
    opened, release = open_run(run), load_dataset()
    write_results(opened, release, derive(opened.plan, opened.samples, opened.items(release), release))
    return run


SAID = "partial is not finished, 77 of 192 samples are missing; run the same atlas-eval command again to go on"


@pytest.mark.parametrize("command", ["score", "power", "export", "compare"])
def test_a_run_that_was_killed_among_the_answers_is_not_taken_for_a_finished_one(command: str, partial: Path, runs: Path) -> None:
    before = (partial / "results.json").read_bytes()
    refused(call(command, partial, *([runs / "history"] if command == "compare" else [])), SAID)
    assert (partial / "results.json").read_bytes() == before


def test_the_second_of_two_runs_is_held_against_its_plan_too(partial: Path, runs: Path) -> None:
    refused(call("compare", runs / "history", partial), SAID)


def test_ls_lists_a_run_with_results_of_a_part_as_unfinished(partial: Path) -> None:
    (row,) = json.loads(call("ls", partial.parent, "--json").stdout)
    assert (row["personalization"], row["track"], row["problem"]) == (None, None, None)
    assert "unfinished" in call("ls", partial.parent).stdout


def test_what_is_there_of_an_unfinished_run_can_be_viewed(partial: Path) -> None:
    assert call("view", partial, "--limit", "1").exit_code == 0


def test_prompts_that_stand_there_twice_make_no_run_unfinished(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "oracle", run := tmp_path / "twice")
    prompts = (run / "prompts.jsonl").read_text(encoding="utf-8")
    (run / "prompts.jsonl").write_text(prompts * 2, encoding="utf-8")
    assert call("export", run).stdout == call("export", runs / "oracle").stdout


def test_a_run_without_its_repeats_is_not_finished(tmp_path: Path) -> None:
    flags = ("--optimizer", "oracle", "--controls", "identity", "--model", "scripted", "--limit", "6", "--repeats", "2")
    assert call(*flags, "--output_path", tmp_path / "run", "--use_cache", tmp_path / "c.sqlite").exit_code == 0
    assert call("score", tmp_path / "run").exit_code == 0
    lines = (tmp_path / "run" / "repeats.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "run" / "repeats.jsonl").write_text("".join(lines[1:]), encoding="utf-8")
    refused(call("score", tmp_path / "run"), "is not finished, 1 of ")


@pytest.mark.parametrize("command", ["score", "compare", "power"])
@pytest.mark.parametrize("change", [{"item_id": "somebodys"}, {"condition": "somewhere"}, {"arm": "someone"}], ids=["item", "condition", "arm"])
def test_a_sample_of_another_run_is_one_sentence(command: str, change: dict[str, str], runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "oracle", mixed := tmp_path / "mixed")
    samples = (mixed / "samples.jsonl").read_text(encoding="utf-8")
    stranger = json.loads(samples.splitlines()[0]) | change
    (mixed / "samples.jsonl").write_text(samples + json.dumps(stranger) + "\n", encoding="utf-8")
    first = f"{stranger['arm']} under {stranger['condition']} for {stranger['item_id']}"
    said = f"holds 1 samples that are not of this run, the first {first}; remove their lines"
    refused(call(command, mixed, *([runs / "history"] if command == "compare" else [])), said)


@pytest.mark.parametrize("command", ["score", "compare", "power", "view"])
def test_a_line_that_is_no_text_is_one_sentence(command: str, runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "oracle", torn := tmp_path / "torn")
    with (torn / "samples.jsonl").open("ab") as file:
        file.write(b'{"arm": "oracle\xff"}\n')
    refused(call(command, torn, *([runs / "history"] if command == "compare" else [])), "is not readable as a Sample; remove that line")


@pytest.mark.parametrize("command", ["view", "compare", "score"])
def test_a_run_without_samples_says_how_to_go_on(command: str, runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "history", tmp_path / "history")
    (tmp_path / "history/samples.jsonl").unlink()
    others = [runs / "oracle"] if command == "compare" else []
    refused(call(command, tmp_path / "history", *others), "run the same atlas-eval command again to go on")


def test_a_results_json_without_results_is_one_sentence(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "history", tmp_path / "history")
    (tmp_path / "history/results.json").write_text("{}")
    refused(call("export", tmp_path / "history"), "wanted the keys schema_version, scorer_version, ")


def test_ls_of_a_folder_that_is_not_there(tmp_path: Path) -> None:
    refused(call("ls", tmp_path / "nope"), "give a folder that holds runs")
