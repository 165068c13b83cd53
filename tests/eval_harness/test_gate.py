"""The gate: green on an honest release, red on each planted shortcut (MEASUREMENT 7)."""

import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from eval_harness import gate, wordings
from eval_harness.baselines import BASELINES
from eval_harness.cli import main
from eval_harness.conditions import show
from eval_harness.controls import ATTACKERS, BLIND, CONTROLS
from eval_harness.errors import EvalError
from eval_harness.gate import Check, Verdict, gate_of, judge, set_aside, write_verdict
from eval_harness.gold import Gold
from eval_harness.runfolder import Sample
from eval_harness.runner import Evaluation
from generation import build as building
from generation import people
from persona_atlas.data import Release, open_release
from persona_atlas.models.protocol import Sampling
from persona_atlas.models.scripted import ScriptedModel, answer
from persona_atlas.preferences import load_catalog
from persona_atlas.records import Item
from persona_atlas.shards import file_sha256

SHARES = {"train": 0.25, "validation": 0.0, "test": 0.75, "test_ood": 0.0}
"""The gate looks at test users, and at train users for what is commonest."""


@dataclass(frozen=True)
class Gated:
    """A release that went through the command, the hashes of its files before, and what the command said."""

    path: Path
    before: dict[str, str]
    result: Result

    @property
    def file(self) -> dict[str, Any]:
        return dict(json.loads((self.path / "gate.json").read_text(encoding="utf-8")))

    @property
    def verdict(self) -> dict[str, Any]:
        (found,) = self.file["targets"].values()
        return dict(found)

    def failing(self) -> set[str]:
        return {check["name"] for check in self.verdict["checks"] if not check["passed"]}


def built(folder: Path, users: int) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "SHARES", SHARES)
        building.build(building.Config(users, 0), folder / "release", workers=1, progress=lambda done, total: None)
    return folder / "release"


def command(path: Path, folder: Path, *flags: str) -> Result:
    """`atlas-eval gate`, with thinner histories of others than usual: for speed."""
    given = ["gate", str(path), "--use_cache", str(folder / "cache.sqlite"), "--output_path", str(folder / "run"), "--history_tokens", "300"]
    return CliRunner().invoke(main, [*given, *flags])


def hashes(path: Path) -> dict[str, str]:
    """The hash of every file of a release but the verdict."""
    files = (file for file in path.rglob("*") if file.is_file() and file != path / "gate.json")
    return {file.relative_to(path).as_posix(): file_sha256(file) for file in files}


def put_through(path: Path, folder: Path, *flags: str) -> Gated:
    before = hashes(path)
    return Gated(path, before, command(path, folder, *flags))


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Gated:
    """48 test users: two whole blocks, within which luck evens out. Of the items the fourth ones, mostly conflicts, say nothing of G."""
    folder = tmp_path_factory.mktemp("honest")
    return put_through(built(folder, 64), folder, "--items_per_user", "3")


@pytest.fixture(scope="session")
def skewed(tmp_path_factory: pytest.TempPathFactory) -> Gated:
    """A release in which the first value of each dimension always wins."""
    drawn, dimensions = people._design, load_catalog().dimensions

    def first_value(seed: int, split: str, number: int) -> list[people.Design]:
        evenly = drawn(seed, split, number)
        return [people.Design(design.hard, {dimension: next(iter(dimensions[dimension].values)) for dimension in design.values}) for design in evenly]

    folder = tmp_path_factory.mktemp("skewed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(people, "_design", first_value)
        path = built(folder, 16)
    return put_through(path, folder, "--items_per_user", "2")


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Gated:
    """A release whose test users speak in train's phrasings."""
    folder = tmp_path_factory.mktemp("shared")
    with pytest.MonkeyPatch.context() as patch:
        for value in load_catalog().values():
            if "train" in value.phrasings:
                patch.setitem(value.phrasings, "test", value.phrasings["train"])  # type: ignore[arg-type]
        path = built(folder, 16)
    return put_through(path, folder, "--items_per_user", "2")


# Green and red


def test_an_honest_release_is_green(honest: Gated) -> None:
    assert honest.failing() == set()
    assert (honest.result.exit_code, honest.verdict["passed"]) == (0, True)


def test_skewed_values_are_red_since_what_is_commonest_scores(skewed: Gated) -> None:
    assert {"majority is at 0", "best_constant is at 0", "random_user is at 0"} <= skewed.failing()
    assert (skewed.result.exit_code, skewed.verdict["passed"]) == (1, False)


def test_shared_phrasings_are_red_since_the_bank_reader_scores(shared: Gated) -> None:
    assert "bank_reader recovers little" in shared.failing()
    assert (shared.result.exit_code, shared.verdict["passed"]) == (1, False)


def test_skewed_values_do_not_help_the_bank_reader_nor_shared_phrasings_both_majority_and_best_constant(skewed: Gated, shared: Gated) -> None:
    assert "bank_reader recovers little" not in skewed.failing()
    assert not {"majority is at 0", "best_constant is at 0"} <= shared.failing()


# What the command says


def test_a_green_gate_prints_every_policy_and_says_so(honest: Gated) -> None:
    checks = len(honest.verdict["checks"])
    assert f"{checks} of {checks} required orders hold: the gate is green" in honest.result.stdout
    assert "The gate on scripted: 48 users" in honest.result.stdout
    assert all(f"\n{arm} " in honest.result.stdout for arm in gate.ARMS)
    assert "fails" not in honest.result.stdout


def test_a_red_gate_says_which_order_fails_what_was_wanted_and_found(skewed: Gated) -> None:
    assert "required orders hold: the gate is red" in skewed.result.stdout
    for check in skewed.verdict["checks"]:
        said = f"fails: {check['name']}: wanted {check['wanted']}, found {check['found']}"
        assert (said in " ".join(skewed.result.stdout.split())) is not check["passed"]


def test_what_the_command_prints_fits_80_columns(honest: Gated) -> None:
    lines = honest.result.stdout.splitlines()
    assert max(len(line) for line in lines if not line.startswith("Verdict in ")) <= 80


def test_json_prints_the_verdict_alone(release_path: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    for entry in release_path.iterdir():
        (tmp_path / "copy" / entry.name).symlink_to(entry)
    result = command(tmp_path / "copy", tmp_path, "--limit", "1", "--items_per_user", "1", "--json")
    found = json.loads(result.stdout)
    assert set(found) == {"target", "passed", "rows", "checks"}
    assert result.exit_code == (0 if found["passed"] else 1)
    assert found["rows"]["oracle"]["personalization"]["n_items"] == 1


# Its run folder


@pytest.fixture(scope="module")
def gated(release_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a small gate."""
    folder = tmp_path_factory.mktemp("gated")
    (folder / "copy").mkdir()
    for entry in release_path.iterdir():
        (folder / "copy" / entry.name).symlink_to(entry)
    assert command(folder / "copy", folder, "--limit", "1", "--items_per_user", "1").exit_code in (0, 1)
    return folder / "run"


def test_ls_lists_a_run_of_the_gate_with_its_verdict(gated: Path) -> None:
    (said,) = json.loads((gated.parent / "copy/gate.json").read_text(encoding="utf-8"))["targets"].values()
    colour = "green" if said["passed"] else "red"
    (row,) = json.loads(CliRunner().invoke(main, ["ls", str(gated.parent), "--json"]).stdout)
    assert (row["gate"], row["personalization"], row["problem"]) == (colour, None, None)
    assert f"gate: {colour}" in CliRunner().invoke(main, ["ls", str(gated.parent)]).stdout


@pytest.mark.parametrize(("text", "said"), [(None, "gate: none yet"), ("{}", "not readable")])
def test_ls_of_a_gate_without_a_verdict(text: str | None, said: str, gated: Path, tmp_path: Path) -> None:
    shutil.copytree(gated, tmp_path / "run")
    (tmp_path / "run/gate.json").unlink()
    if text is not None:
        (tmp_path / "run/gate.json").write_text(text)
    assert said in CliRunner().invoke(main, ["ls", str(tmp_path)]).stdout


@pytest.mark.parametrize("words", [["score"], ["export"], ["power"], ["compare", "elsewhere"]], ids=["score", "export", "power", "compare"])
def test_a_run_of_the_gate_has_no_results(words: list[str], gated: Path, tmp_path: Path) -> None:
    shutil.copytree(gated, tmp_path / "elsewhere")
    others = [str(tmp_path / name) for name in words[1:]]
    said = refused(CliRunner().invoke(main, [words[0], str(gated), *others]))
    assert said == f"{gated} is a run of atlas-eval gate, with a verdict (atlas-eval ls shows it) and no results; give a run of an optimizer"
    assert not (gated / "results.json").exists()


def test_the_answers_of_the_gate_can_be_viewed(gated: Path) -> None:
    assert CliRunner().invoke(main, ["view", str(gated), "--arm", "stuffing"]).exit_code == 0


# gate.json


def test_the_verdict_is_kept_with_the_content_and_the_target_it_was_made_on(honest: Gated) -> None:
    assert honest.file["content_digest"] == open_release(honest.path, "the test").manifest["content_digest"]
    assert list(honest.file["targets"]) == [ScriptedModel().fingerprint]
    assert honest.verdict["target"] == "scripted"
    assert set(honest.verdict["rows"]) == set(gate.ARMS)


def test_every_axis_of_a_row_has_mean_and_interval(honest: Gated) -> None:
    for row in honest.verdict["rows"].values():
        assert set(row) == set(gate.AXES)
        assert all({"mean", "ci", "n_users"} <= set(interval) for interval in row.values())


def test_a_gate_changes_nothing_of_the_release_but_its_verdict(honest: Gated) -> None:
    assert "manifest.json" in honest.before
    assert hashes(honest.path) == honest.before


def verdict(target: str, passed: bool = True) -> Verdict:
    return Verdict(target, {"oracle": {"task": {"mean": 1.0}}}, (Check("a", "b", "c", passed),))


def targets(folder: Path) -> dict[str, bool]:
    found = json.loads((folder / "gate.json").read_text(encoding="utf-8"))["targets"]
    return {fingerprint: entry["passed"] for fingerprint, entry in found.items()}


def test_verdicts_on_several_targets_stand_side_by_side(tmp_path: Path) -> None:
    write_verdict(tmp_path, "d1", "one", verdict("scripted"))
    write_verdict(tmp_path, "d1", "two", verdict("smol", passed=False))
    assert targets(tmp_path) == {"one": True, "two": False}


def test_a_new_verdict_on_a_target_takes_the_place_of_the_old(tmp_path: Path) -> None:
    write_verdict(tmp_path, "d1", "one", verdict("scripted", passed=False))
    write_verdict(tmp_path, "d1", "one", verdict("scripted"))
    assert targets(tmp_path) == {"one": True}


def test_a_verdict_on_other_content_is_written_anew(tmp_path: Path) -> None:
    write_verdict(tmp_path, "d1", "one", verdict("scripted"))
    path = write_verdict(tmp_path, "d2", "two", verdict("smol"))
    assert json.loads(path.read_text(encoding="utf-8"))["content_digest"] == "d2"
    assert targets(tmp_path) == {"two": True}


SLOW = """
import sys
from pathlib import Path
from eval_harness import gate

write = gate.shards.write_text

def slowly(path, text):
    print("ready", flush=True)
    sys.stdin.readline()
    write(path, text)

gate.shards.write_text = slowly
gate.write_verdict(Path(sys.argv[1]), "d1", "one", gate.Verdict("scripted", {}, ()))
"""


@pytest.fixture
def slow(tmp_path: Path, beside: Any) -> Iterator["subprocess.Popen[str]"]:
    """Another process that has read gate.json, and writes its verdict on target `one` once it is sent a line."""
    with beside(SLOW, tmp_path) as process:
        yield process


def test_two_gates_that_end_together_lose_no_verdict(slow: "subprocess.Popen[str]", tmp_path: Path) -> None:
    assert slow.stdin is not None
    go_on = threading.Timer(0.5, lambda: (print(file=slow.stdin, flush=True), slow.wait()))
    go_on.start()
    write_verdict(tmp_path, "d1", "two", verdict("smol"))
    go_on.join()
    assert set(targets(tmp_path)) == {"one", "two"}
    assert [path.name for path in tmp_path.iterdir()] == ["gate.json"]


def test_a_gate_does_not_wait_for_another_for_ever(slow: "subprocess.Popen[str]", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "PATIENCE", 0.1)
    with pytest.raises(EvalError, match=r"another process holds .*gate\.json; let it end, then run the same command again"):
        write_verdict(tmp_path, "d1", "two", verdict("smol"))


def on_items(number: int) -> Verdict:
    return Verdict("scripted", {"oracle": {"task": {"mean": 1.0, "n_items": number}}}, ())


def test_a_verdict_on_fewer_items_takes_no_place_of_one_on_more(evaluation: Evaluation, tmp_path: Path) -> None:
    write_verdict(tmp_path, evaluation.release.manifest["content_digest"], evaluation.model.fingerprint, on_items(20))
    said = set_aside(tmp_path, evaluation, on_items(19))
    assert said == f"{tmp_path}/gate.json keeps its verdict on 20 items; this one, on 19, stays out of it. To replace it, remove the file first."
    assert set_aside(tmp_path, evaluation, on_items(20)) is None


def test_a_verdict_on_fewer_items_stands_beside_those_on_other_targets_and_content(evaluation: Evaluation, tmp_path: Path) -> None:
    write_verdict(tmp_path, evaluation.release.manifest["content_digest"], "another target", on_items(20))
    assert set_aside(tmp_path, evaluation, on_items(1)) is None
    write_verdict(tmp_path, "other content", evaluation.model.fingerprint, on_items(20))
    assert set_aside(tmp_path, evaluation, on_items(1)) is None


@pytest.mark.parametrize(("change", "said"), [({"split": "validation"}, "on validation in wording 0"), ({"wording": 2}, "on test in wording 2")])
def test_a_verdict_of_another_split_or_wording_stays_out_of_the_release(
    change: dict[str, Any], said: str, evaluation: Evaluation, tmp_path: Path
) -> None:
    assert said in str(set_aside(tmp_path, replace(evaluation, **change), on_items(20)))


def test_the_release_takes_the_wording_that_was_chosen_for_the_target(
    evaluation: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wordings, "CHOSEN", {evaluation.model.fingerprint: 2})
    assert set_aside(tmp_path, replace(evaluation, wording=2), on_items(20)) is None
    assert "on the split test in wording 2; this one, on test in wording 0" in str(set_aside(tmp_path, evaluation, on_items(20)))


def test_the_command_says_that_a_verdict_stays_out_of_the_release_and_keeps_it_with_the_run(honest: Gated, tmp_path: Path) -> None:
    before = honest.file
    done = command(honest.path, tmp_path, "--limit", "1", "--items_per_user", "1")
    assert "keeps its verdict on 144 items; this one, on 1, stays out of it" in done.stderr
    assert honest.file == before
    assert targets(tmp_path / "run").keys() == before["targets"].keys()


# Bad input


def refused(result: Result) -> str:
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    (line,) = result.stderr.splitlines()
    return line.removeprefix("Error: ")


def test_a_folder_that_is_no_release_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    assert refused(command(tmp_path / "thesis", tmp_path)).startswith(f"{tmp_path / 'thesis'} holds no manifest.json, so it is no release; build one")
    assert list((tmp_path / "thesis").iterdir()) == []
    assert not (tmp_path / "run").exists()


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    assert refused(command(tmp_path / "nowhere", tmp_path)).startswith(
        f"there is no folder '{tmp_path / 'nowhere'}'; give a release folder, or build"
    )
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--model", "scriptd"], "There is no model 'scriptd': did you mean scripted?"),
        (["--split", "tset"], "Invalid value for '--split'"),
        (["--items_per_user", "0"], "Invalid value for '--items_per_user'"),
        (["--controls", "oracle"], "No such option '--controls'"),
    ],
)
def test_a_wrong_flag_is_one_sentence(flags: list[str], sentence: str, release_path: Path, tmp_path: Path) -> None:
    assert refused(command(release_path, tmp_path, *flags)).startswith(sentence)


def test_a_folder_must_be_given() -> None:
    assert refused(CliRunner().invoke(main, ["gate"])) == "Missing argument 'DIRECTORY'."


# Each order, on answers made for it

Answers = Callable[[Item], str]


@pytest.fixture
def evaluation(release: Release) -> Evaluation:
    items = tuple(item for item in release.items("test") if item.gold and "conflict" not in item.slices)[:5]
    given = Evaluation(release, "test", items, ("clean", "surface"), "history", None, (), ScriptedModel(), Sampling(), 0, 0)
    return gate_of(given, history_tokens=100)


def plain(item: Item) -> str:
    return answer(item.query)


def witness(item: Item) -> str:
    return item.witness


def know_nothing(item: Item) -> str:
    return "I know nothing of that at all, I am afraid."


def answered(evaluation: Evaluation, **answers: Answers) -> list[Sample]:
    """A sample of every policy and item; whoever is not in `answers` answers plainly, the oracle with the witness."""
    given: dict[str, Answers] = {"oracle": witness, **answers}
    return [
        Sample(arm, "clean", item.item_id, item.query, given.get(arm, plain)(item), "stop", None, None, 1, 1)
        for arm in evaluation.arms()
        for item in evaluation.items
    ]


def failing(evaluation: Evaluation, **answers: Answers) -> dict[str, str]:
    """The orders that do not hold, with what was found."""
    samples = answered(evaluation, **answers)
    found = judge("scripted", samples, evaluation.items, evaluation.release, evaluation)
    return {check.name: check.found for check in found.checks if not check.passed}


def test_the_gate_asks_every_policy_that_does_not_read_once_and_under_clean_alone(evaluation: Evaluation) -> None:
    assert set(evaluation.arms()) == set(CONTROLS) - set(BASELINES) - {"reader"}
    assert (evaluation.arm, evaluation.conditions, evaluation.history_tokens) == ("oracle", ("clean",), 100)


@pytest.mark.parametrize("arm", BLIND)
def test_a_policy_that_does_not_know_the_user_must_be_at_0(arm: str, evaluation: Evaluation) -> None:
    assert failing(evaluation, **{arm: witness})[f"{arm} is at 0"] == "+1.000"


def test_where_answers_are_missing_there_is_no_verdict(evaluation: Evaluation) -> None:
    samples = answered(evaluation)
    few = [replace(sample, answer="", finish_reason="error") if number < len(samples) // 100 else sample for number, sample in enumerate(samples)]
    assert len(judge("scripted", few, evaluation.items, evaluation.release, evaluation).checks) == 21
    many = [replace(sample, answer="", finish_reason="error") if number % 50 == 0 else sample for number, sample in enumerate(samples)]
    with pytest.raises(EvalError, match=r"answers did not come, so the gate says nothing; run the same command again"):
        judge("scripted", many, evaluation.items, evaluation.release, evaluation)


def test_where_no_item_says_anything_of_g_there_is_no_verdict(evaluation: Evaluation) -> None:
    silent = replace(evaluation, items=tuple(replace(item, gold=()) for item in evaluation.items))
    with pytest.raises(EvalError, match="oracle has no personalization on the 5 items asked, so the gate says nothing; ask more"):
        judge("scripted", answered(silent), silent.items, silent.release, silent)


@pytest.mark.parametrize("text", ["{half", "[]", ""])
def test_a_gate_json_that_cannot_be_read_is_written_anew(text: str, tmp_path: Path) -> None:
    (tmp_path / "gate.json").write_text(text)
    assert json.loads(write_verdict(tmp_path, "abc", "one", Verdict("scripted", {}, ())).read_text())["targets"].keys() == {"one"}


def test_the_oracle_must_be_above_0(evaluation: Evaluation) -> None:
    assert "oracle is above 0" in failing(evaluation, oracle=know_nothing)
    assert "oracle is above 0" not in failing(evaluation)


def test_the_opposite_must_be_below_0(evaluation: Evaluation) -> None:
    assert "opposite_user is below 0" in failing(evaluation, opposite_user=witness)


@pytest.mark.parametrize("arm", [*ATTACKERS, "answerer"])
def test_an_attacker_must_not_be_above_identity_on_any_axis(arm: str, evaluation: Evaluation) -> None:
    wanted = {f"{arm} is not above identity on {axis}" for axis in gate.AXES}
    assert wanted <= set(failing(evaluation, **{"identity": know_nothing, arm: witness}))
    assert not wanted & set(failing(evaluation))


def test_known_phrasings_may_recover_no_more_than_a_quarter(evaluation: Evaluation) -> None:
    assert failing(evaluation, bank_reader=witness)["bank_reader recovers little"] == "100%"
    assert "bank_reader recovers little" not in failing(evaluation)


def test_without_headroom_nothing_can_be_said_of_known_phrasings(evaluation: Evaluation) -> None:
    assert "bank_reader recovers little" in failing(evaluation, oracle=plain)


def test_opposite_answers_are_below_0(evaluation: Evaluation) -> None:
    def asked() -> Iterator[tuple[str, str]]:
        gold = Gold(evaluation.release, "test", len, 0, 0, items=evaluation.items)
        for item in evaluation.items:
            shown = show("clean", item, evaluation.release)
            assert shown is not None
            yield item.item_id, answer(CONTROLS["opposite_user"](item, shown, gold))

    opposite = dict(asked())
    assert "opposite_user is below 0" not in failing(evaluation, opposite_user=lambda item: opposite[item.item_id])
