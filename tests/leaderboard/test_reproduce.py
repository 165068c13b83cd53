"""`atlas-leaderboard reproduce`: honest answers come out again, forged ones do not, and nothing that a submission names is opened."""

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from eval_harness import suites
from eval_harness.runfolder import Sample
from eval_harness.suites import Suite
from leaderboard import target
from leaderboard.band import BANDS, FAR, POWER, PROGRAM, QWEN, SMOL, STEERABLE, UNMEASURED, band_of
from leaderboard.cli import main
from leaderboard.compared import Pair, allowed, fewest, outside
from leaderboard.errors import SubmissionError
from leaderboard.reproduce import choose
from leaderboard.reproduction import Draw
from leaderboard.target import Given, TargetError, harmless, loaded
from persona_atlas.data import Release
from persona_atlas.models import ModelError, Sampling, load_model
from persona_atlas.models.adapter import merged
from persona_atlas.models.digest import path_digest
from persona_atlas.models.protocol import Generation
from persona_atlas.models.smol import smol_weights
from persona_atlas.models.steerable import adapter_path

pytestmark = pytest.mark.usefixtures("scores_are_kept")
Hands = Callable[..., Any]
Packed = Callable[..., Path]


@pytest.fixture(autouse=True)
def tiny_is_core(tiny: Suite, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(suites, "CORE", tiny)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def wordy_can_be_asked(monkeypatch: pytest.MonkeyPatch, wordy: Callable[[], Any]) -> None:
    monkeypatch.setattr(target, "load_model", lambda name, args: wordy() if name == "wordy" else load_model(name, args))


def reproduce(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["reproduce", *map(str, arguments)])


def record_in(folder: Path) -> dict[str, Any]:
    (file,) = folder.glob("*.json")
    found = json.loads(file.read_text(encoding="utf-8"))
    assert file.stem == found["run_id"]
    return found


# Honest runs


def test_an_honest_run_is_reproduced_and_recorded(packed: Packed) -> None:
    done = reproduce(packed(), "--fraction", "0.5")
    assert done.exit_code == 0, done.output
    assert ": reproduced, reads on scripted" in done.stdout
    record = record_in(Path("reproductions"))
    assert record["reproduction_version"] == 3
    assert record["accepted"]
    assert record["asked"] == record["agreed"] > 100
    assert (record["fraction"], record["mean_difference"], record["differing"], record["faults"]) == (0.5, 0.0, [], [])
    assert record["band"]["same"] == 1.0
    assert record["finds"] is None
    assert record["checked_with"]["model"]["name"] == "scripted"
    assert {"persona_atlas", "python", "numpy"} <= set(record["checked_with"]["versions"])
    assert f"seed {record['seed']})" in done.stdout
    assert "answers been changed, one would have been asked with a chance of" in done.stdout


def test_the_chance_that_is_printed_counts_what_was_asked_under_clean(packed: Packed) -> None:
    done = reproduce(packed(), "--fraction", "0.05")
    few, prompts, said = re.search(r"had (\d+) of the optimizer's (\d+) answers .* chance of (\d+)%", done.stdout).groups()
    asked = record_in(Path("reproductions"))["groups"]["optimizer"]["asked"]
    assert said == f"{100 * (1 - math.comb(int(prompts) - int(few), asked) / math.comb(int(prompts), asked)):.0f}"


def test_a_record_that_cannot_be_written_is_printed(packed: Packed, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    done = reproduce(packed(), "--fraction", "0.05", "--out", "taken/records")
    assert done.exit_code == 2, done.output
    assert ": reproduced, reads on scripted" in done.stdout
    assert json.loads(done.stdout[done.stdout.index("{") :])["accepted"]
    assert "not recorded: taken/records/" in done.stderr
    assert "keep the record, which is printed" in done.stderr


def test_a_target_that_only_the_maintainer_can_load_is_given_by_name(packed: Packed) -> None:
    done = reproduce(packed("reads", "wordy"), "--model", "wordy", "--fraction", "1.0")
    assert done.exit_code == 0, done.output
    assert "no drift was measured for this target, so every answer must be the same" in done.stdout


def test_the_seed_is_drawn_anew_each_time(packed: Packed, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []

    def noted(fraction: float, seed: int) -> Draw:
        seeds.append(seed)
        raise SubmissionError("that is enough")

    monkeypatch.setattr("leaderboard.reproduction.Draw", noted)
    for _ in range(2):
        assert reproduce(packed()).exit_code == 2
    assert len(set(seeds)) == 2


def test_a_seed_that_was_drawn_can_be_given_again(packed: Packed) -> None:
    drawn = json.loads(reproduce(packed(), "--fraction", "0.05", "--json").stdout)["submissions"][0]
    again = json.loads(reproduce(packed(), "--fraction", "0.05", "--seed", drawn["seed"], "--json").stdout)["submissions"][0]
    assert again == drawn


def test_several_submissions_have_a_record_each_and_one_status(packed: Packed, hand: Hands, small: Release) -> None:
    forged = hand("brief", "scripted")
    answers_replaced(forged, 1.0)
    made_anew(forged, small)
    done = reproduce(packed(), forged.write(Path("forged")), "--json", "--out", "records")
    assert done.exit_code == 1
    report = json.loads(done.stdout)
    assert not report["reproduced"]
    assert [one["verdict"] for one in report["submissions"]] == ["reproduced", "not reproduced"]
    assert len(list(Path("records").glob("*.json"))) == 2


def test_answers_are_kept_where_the_command_says(packed: Packed) -> None:
    assert reproduce(packed(), "--seed", 1, "--use_cache", "kept.sqlite").exit_code == 0
    assert Path("kept.sqlite").stat().st_size > 0
    assert reproduce(packed(), "--seed", 1, "--use-cache", "kept.sqlite", "--out", "one.json").exit_code == 0
    assert json.loads(Path("one.json").read_text())["accepted"]


# Forgeries that verification cannot tell


def alike(hand: Any, sample: dict[str, Any]) -> list[dict[str, Any]]:
    """The samples with the prompt of this one: one prompt has one answer."""
    return [other for other in hand.samples if other["prompt"] == sample["prompt"]]


def one_answer_exchanged(hand: Any) -> None:
    theirs = hand.of("oracle", "clean")[7]
    for sample in alike(hand, hand.of(condition="clean")[7]):
        sample.update({key: theirs[key] for key in ("answer", "answer_tokens")})


def one_prompt_exchanged(hand: Any) -> None:
    sample = hand.of(condition="clean")[7]
    sample["prompt"] = sample["prompt"].replace("I said before:", "I told you so:")


def cut_off_answers_ended(hand: Any) -> None:
    for number in range(0, 24, 5):
        for sample in alike(hand, hand.of(condition="clean")[number]):
            sample.update(answer_tokens=230 + number, finish_reason="stop", answer=f"{sample['answer'].rsplit(' ', 1)[0]} and then")


def identity_weakened(hand: Any) -> None:
    """Half of each answer of identity: whoever is compared with it looks better."""
    halves: dict[str, dict[str, Any]] = {}
    for sample in hand.of("identity"):
        words = sample["answer"].split(" ")
        half = " ".join(words[len(words) // 2 :])
        halves[sample["prompt"]] = {"answer": half, "answer_tokens": len(half.split(" "))}
    for sample in hand.samples:
        sample.update(halves.get(sample["prompt"], {}))


def answers_of_another_target(hand: Any) -> None:
    """The run was made with another model than it says."""
    hand.config.update(model="scripted", model_fingerprint=load_model("scripted").fingerprint)


def answers_replaced(hand: Any, share: float) -> None:
    """So many of the optimizer's answers end in other words than the target's."""
    firsts = list({sample["prompt"]: sample for sample in hand.of()}.values())
    for sample in firsts[: round(share * len(firsts))]:
        text = f"{sample['answer']} Good luck with it."
        for other in alike(hand, sample):
            other.update(answer=text, answer_tokens=sample["answer_tokens"] + 4)


def made_anew(hand: Any, release: Release) -> None:
    hand.derive_again(release)
    hand.digest_again()


BEYOND = [one_answer_exchanged, one_prompt_exchanged, cut_off_answers_ended, identity_weakened, answers_of_another_target]


@pytest.mark.parametrize("change", BEYOND, ids=[change.__name__ for change in BEYOND])
def test_what_verification_cannot_tell_is_told_by_asking_for_everything(
    change: Callable[[Any], None], hand: Hands, tmp_path: Path, small: Release
) -> None:
    """It is verified first, and accepted: a refused one is not asked again."""
    forged = hand("reads", "wordy")
    change(forged)
    made_anew(forged, small)
    path = forged.write(tmp_path / "submissions")
    done = reproduce(path, "--fraction", "1.0", *(["--model", "wordy"] if forged.config["model"] == "wordy" else []))
    assert done.exit_code == 1, done.output
    record = record_in(Path("reproductions"))
    assert not record["accepted"]
    assert record["agreed"] < record["asked"]
    assert record["differing"][0].keys() == {"arm", "condition", "item_id"}
    assert ": not reproduced, reads on" in done.stdout
    assert f"for {record['differing'][0]['item_id']}" in done.stdout


def test_a_baseline_that_shows_less_than_fits_is_told_where_the_target_can_count(hand: Hands, packed: Packed, tmp_path: Path, small: Release) -> None:
    """Verification takes any number of conversations, none among them."""
    assert reproduce(packed("history", "wordy"), "--model", "wordy", "--fraction", "1.0").exit_code == 0
    forged = hand("history", "wordy")
    bare = {(sample["condition"], sample["item_id"]): sample for sample in forged.of("identity")}
    for sample in forged.of():
        other = bare[sample["condition"], sample["item_id"]]
        sample.update({key: other[key] for key in ("prompt", "prompt_tokens", "answer", "answer_tokens", "finish_reason")})
    made_anew(forged, small)
    done = reproduce(forged.write(tmp_path / "submissions"), "--model", "wordy", "--fraction", "1.0")
    assert done.exit_code == 1, done.output
    assert "has another prompt than the control gives" in done.stdout


def test_a_tenth_of_the_prompts_finds_forging_on_a_large_scale(hand: Hands, tmp_path: Path, small: Release) -> None:
    forged = hand("reads", "wordy")
    answers_replaced(forged, 0.5)
    made_anew(forged, small)
    done = reproduce(forged.write(tmp_path / "submissions"), "--model", "wordy", "--fraction", "0.1", "--seed", "0")
    assert done.exit_code == 1, done.output
    record = record_in(Path("reproductions"))
    assert 0 < record["groups"]["optimizer"]["agreed"] < record["groups"]["optimizer"]["asked"] <= 20
    assert record["groups"].keys() == {"optimizer", "identity", "oracle", "placebo"}
    assert all(group["agreed"] == group["asked"] for arm, group in record["groups"].items() if arm != "optimizer")


def oracle_weakened(hand: Any) -> None:
    """Half of the oracle's answers begin as they did and go on as identity's: a lower ceiling makes the share of the headroom larger."""
    theirs = {(sample["condition"], sample["item_id"]): sample["answer"].split(" ") for sample in hand.of("identity")}
    seen: dict[str, str] = {}
    for number, sample in enumerate(hand.of("oracle")):
        if number % 2:
            words = [*sample["answer"].split(" ")[:5], *theirs[sample["condition"], sample["item_id"]][5:]]
            seen.setdefault(sample["prompt"], " ".join(words))
    for sample in hand.samples:
        if (answer := seen.get(sample["prompt"])) is not None:
            sample.update(answer=answer, answer_tokens=len(answer.split(" ")), finish_reason="stop")


def test_one_weakened_control_is_found_on_a_target_that_drifts(hand: Hands, tmp_path: Path, small: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the other four controls show."""
    monkeypatch.setattr("leaderboard.reproduce.band_of", lambda fingerprint: STEERABLE)
    forged = hand("brief", "wordy", "--suite", "tiny", "--controls", "identity,oracle,placebo,stuffing,opposite_user")
    oracle_weakened(forged)
    made_anew(forged, small)
    done = reproduce(forged.write(tmp_path / "submissions"), "--model", "wordy", "--fraction", "1.0")
    assert done.exit_code == 1, done.output
    faults = record_in(Path("reproductions"))["faults"]
    assert any(fault.startswith("G of oracle is -") for fault in faults)
    assert any(fault.startswith("G of oracle is 0.") and "below what the answers of now give" in fault for fault in faults)
    assert not any("optimizer" in fault for fault in faults)


def test_of_a_target_that_drifts_all_of_the_optimizers_prompts_under_clean_are_asked(packed: Packed, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the record says which lift of them would have been found."""
    monkeypatch.setattr("leaderboard.reproduce.band_of", lambda fingerprint: STEERABLE)
    done = reproduce(packed("brief", "wordy"), "--model", "wordy", "--fraction", "0.05")
    assert done.exit_code == 0, done.output
    record = record_in(Path("reproductions"))
    assert {arm: group["clean"]["asked"] for arm, group in record["groups"].items()} == {"optimizer": 24, "identity": 6, "oracle": 6, "placebo": 6}
    finds = record["finds"]
    most = allowed(STEERABLE, finds["asked"])
    assert finds == {"asked": 24, "lift": round(most.found, 6), "power": POWER, "far": most.far + 1, "by": FAR}
    assert f"a lift of the optimizer's mean G under clean by {most.found:.3f} is found with a chance of 80%" in done.stdout


def test_how_often_a_tenth_finds_changed_answers_is_what_chance_says() -> None:
    samples = [sample(f"prompt {number}") for number in range(200)]
    changed = {one.prompt for one in samples[:10]}
    caught = sum(any(one.prompt in changed for one in choose(samples, Draw(0.1, seed))["reads"]) for seed in range(600))
    expected = Draw(0.1, 0).chance(10, 200)
    assert expected == pytest.approx(0.6602, abs=1e-3)
    assert caught / 600 == pytest.approx(expected, abs=4 * (expected * (1 - expected) / 600) ** 0.5)
    assert Draw(0.1, 0).chance(1, 200) == pytest.approx(0.1)
    assert Draw(1.0, 0).chance(1, 200) == 1.0
    assert [Draw(1e-12, 0).of(prompts) for prompts in (0, 1, 100)] == [0, 1, 1]


def sample(prompt: str, arm: str = "reads", answer: str = "It is so and not otherwise, as you know.", condition: str = "surface") -> Sample:
    return Sample(arm, condition, "u-test-000000-i00", prompt, answer, "stop", None, None, 9, 9)


def test_every_arm_gives_its_share_and_each_prompt_counts_once() -> None:
    samples = [sample(f"{arm} {number % 30}", arm) for arm in ("reads", "identity", "oracle") for number in range(60)]
    failed = replace(sample("x", "fails"), prompt=None, finish_reason="no_prompt", failure="timeout")
    chosen = choose([*samples, failed], Draw(0.1, 5))
    assert {arm: len({one.prompt for one in mine}) for arm, mine in chosen.items()} == {"reads": 3, "identity": 3, "oracle": 3}
    assert choose(samples, Draw(0.1, 5)) == choose(samples, Draw(0.1, 5)) != choose(samples, Draw(0.1, 6))


# Bands


def pairs(number: int, same: float, begun: float, difference: float = 0.0) -> list[Pair]:
    """Pairs of which so many are the same, and so many begin alike."""
    text = "It is so and not otherwise, as you know."
    kinds = [text if one < same * number else "It is so and not at all." if one < begun * number else "No." for one in range(number)]
    return [Pair(sample(f"prompt {one}"), Generation(kind, "stop", 9, 9), {"personalization": difference}) for one, kind in enumerate(kinds)]


def test_a_drift_as_it_was_measured_is_within_the_band() -> None:
    assert list(outside({"optimizer": pairs(200, 0.28, 0.945), "oracle": pairs(600, 0.4, 0.98)}, STEERABLE)) == []
    assert list(outside({"optimizer": pairs(793, 0.045, 0.879), "oracle": pairs(200, 0.035, 0.875)}, STEERABLE)) == []
    assert list(outside({"optimizer": pairs(12, 0.42, 0.92)}, SMOL)) == []


NOW = {
    kind: Generation(text, "stop", 9, 9)
    for kind, text in (("same", "It is so and not otherwise, as you know."), ("begun", "It is so and not at all."), ("other", "No."))
}
"""An answer of now that is the sample's, one that begins like it, and another."""


@cache
def under_clean(number: int) -> list[Sample]:
    return [sample(f"prompt {one}", condition="clean") for one in range(number)]


@pytest.fixture
def counts_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least count that passes depends on nothing but its arguments, which are the same in every round of a simulation."""
    monkeypatch.setattr("leaderboard.compared.fewest", cache(fewest))


MOVED = {
    0.0: 524, 0.15: 33, 0.2: 18, 0.25: 30, 0.33: 42, 0.4: 37, 0.5: 51, 0.6: 6, 0.67: 22, 0.75: 2, 0.8: 5, 1.0: 15, 1.1: 5, 1.33: 3,
}  # fmt: skip
"""How far G of the oracle's 793 answers in GEPA's entry is from that in PPOpt's, up or down. No arm that was measured drifts more:
python benchmarks/drift.py leaderboard/submissions/gepa/b4c917c7ef6c5281 leaderboard/submissions/ppopt/81c8003a95c282e9 --dataset v1
"""


def moves(size: int | tuple[int, int], draw: np.random.Generator) -> np.ndarray:
    """Differences in G of answers that drift as in MOVED."""
    share = np.array([*MOVED.values()]) / sum(MOVED.values())
    return draw.choice([*MOVED], size=size, p=share) * draw.choice([-1.0, 1.0], size=size)


def drifting(number: int, draw: np.random.Generator, shift: float = 0.0) -> list[Pair]:
    """Pairs of a target that drifts as smol-steerable does between machines: six of a hundred answers the same, 89 begin alike, G of an answer as in
    MOVED; lowered by `shift` in the mean.
    """
    kinds = draw.choice(["same", "begun", "other"], size=number, p=[0.06, 0.83, 0.11])
    apart = np.where(kinds != "same", moves(number, draw), 0.0)
    return [
        Pair(there, NOW[kind], {"personalization": one - shift})
        for there, kind, one in zip(under_clean(number), kinds.tolist(), apart.tolist(), strict=True)
    ]


ARMS = ("optimizer", "identity", "placebo", "oracle", "reader", "stuffing", "null", "answerer")


@pytest.mark.usefixtures("counts_are_kept")
def test_one_weakened_control_among_many_is_found() -> None:
    """Answers that begin alike and go on worse: of the oracle alone, among controls that are as they were."""
    draw = np.random.default_rng(0)
    found = [list(outside({arm: drifting(100, draw, 0.25 * (arm == "oracle")) for arm in ARMS}, STEERABLE)) for _ in range(100)]
    assert sum(any("G of oracle is -" in fault for fault in faults) for faults in found) >= 95


@pytest.mark.usefixtures("counts_are_kept")
def test_a_drift_as_it_was_measured_is_hardly_ever_refused_with_a_hundred_prompts_an_arm() -> None:
    draw = np.random.default_rng(1)
    sizes = {arm: 200 if arm == "optimizer" else 100 for arm in ARMS}
    refused = [faults for _ in range(300) if (faults := list(outside({arm: drifting(sizes[arm], draw) for arm in ARMS}, STEERABLE)))]
    assert len(refused) <= 1, refused


def test_an_optimizer_that_drifts_as_much_as_any_is_refused_less_than_once_in_a_thousand() -> None:
    most, moved = allowed(STEERABLE, 200), moves((40_000, 200), np.random.default_rng(2))
    assert ((moved.mean(axis=1) > most.lift) | ((moved >= FAR).sum(axis=1) > most.far)).mean() < 0.001


def test_the_lift_that_is_said_to_be_found_is_found_as_often_as_is_said() -> None:
    most, moved = allowed(STEERABLE, 200), moves((5_000, 200), np.random.default_rng(3))
    assert (moved.mean(axis=1) + most.found > most.lift).mean() >= POWER
    assert (moved.mean(axis=1) + most.lift - STEERABLE.shift > most.lift).mean() < 0.1


@pytest.mark.usefixtures("counts_are_kept")
def test_a_few_answers_that_are_lifted_much_are_found_though_they_widen_the_spread() -> None:
    """The first words are the target's, so that they begin alike, and the rest is the oracle's: one answer in ten, which lifts the mean by 0.09."""
    draw, found = np.random.default_rng(4), []
    for _ in range(100):
        honest = {arm: drifting(100, draw) for arm in ARMS[1:4]}
        own = drifting(200, draw)
        lifted = [replace(pair, differences={"personalization": pair.difference + 0.9}) for pair in own[:20]]
        found.append([fault for fault in outside({"optimizer": [*lifted, *own[20:]], **honest}, STEERABLE) if "optimizer" in fault])
    assert sum(map(bool, found)) >= 98
    assert any("G of optimizer is 0." in fault and "drift explains at most 0.070" in fault for faults in found for fault in faults)
    assert any("answers of optimizer is 0.65 or more above that of now, drift explains at most 17" in fault for faults in found for fault in faults)


@pytest.mark.usefixtures("counts_are_kept")
def test_a_control_of_which_a_few_answers_are_lowered_much_is_found() -> None:
    """What is in the optimizer's favour is the other way round. Of so many parts a little more is allowed, and one that is raised harms nobody."""
    own, lowered = pairs(200, 0.3, 0.95), [replace(pair, differences={"personalization": -0.9}) for pair in pairs(20, 0.0, 1.0)]
    raised = [replace(pair, differences={"personalization": 0.9}) for pair in lowered]
    rest = pairs(80, 0.3, 0.95)
    assert any("G of oracle is 0.180 below what the" in fault for fault in outside({"optimizer": own, "oracle": [*lowered, *rest]}, STEERABLE))
    assert not any("drift explains" in fault for fault in outside({"optimizer": own, "oracle": [*raised, *rest]}, STEERABLE))


def test_the_documentation_states_the_lift_that_is_found() -> None:
    """That of 200 answers, as the suite core asks under clean."""
    most = allowed(STEERABLE, 200)
    said = (Path(__file__).parents[2] / "docs" / "leaderboard.md").read_text(encoding="utf-8")
    assert f"a lift of mean G by {most.found:.3f} is found in four of five draws" in said
    assert f"{most.far + 1} answers that are each {FAR} above those of now are always found" in said


def test_a_control_with_a_single_prompt_is_not_judged_by_it() -> None:
    """`null` asks the same of everybody: one answer, which may well drift."""
    drifted = [replace(pair, differences={"personalization": 0.6}) for pair in pairs(1, 0.0, 0.0)]
    assert list(outside({"optimizer": pairs(200, 0.28, 0.945), "oracle": pairs(200, 0.28, 0.945), "null": drifted}, STEERABLE)) == []
    assert any("answers of null are the same, wanted 100%" in fault for fault in outside({"null": drifted}, UNMEASURED))


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (pairs(900, 0.0, 0.95), "0 of 900 answers of optimizer are the same, wanted 2%"),
        (pairs(200, 0.3, 0.75), "150 of 200 answers of optimizer begin alike, wanted 85%"),
        (pairs(200, 0.3, 0.95, 0.06), "G of optimizer is +0.060 against what the answers of now give, wanted at most 0.03 apart"),
        (pairs(200, 0.3, 0.95, 0.3), "G of an answer of optimizer differs by 0.300 in the mean, wanted at most 0.18"),
    ],
)
def test_more_than_the_band_allows_is_said(made: list[Pair], said: str) -> None:
    assert any(said in fault for fault in outside({"optimizer": made, "oracle": pairs(100, 0.3, 0.95)}, STEERABLE))


def test_another_number_of_tokens_is_no_drift() -> None:
    made = pairs(20, 1.0, 1.0)
    for field, what in (("prompt_tokens", "prompts"), ("answer_tokens", "answers")):
        other = replace(made[0], sample=replace(made[0].sample, **{field: 3}))
        (fault,) = outside({"optimizer": [other, *made[1:]]}, STEERABLE)
        assert f"1 {what} of optimizer have another number of tokens" in fault


def test_what_the_rank_comes_from_is_looked_at_by_itself() -> None:
    honest = pairs(5400, 1.0, 1.0)
    forged = [replace(pair, sample=replace(pair.sample, condition="clean"), differences={"personalization": 0.4}) for pair in pairs(600, 0.0, 1.0)]
    found = list(outside({"optimizer": [*honest, *forged]}, STEERABLE))
    assert any("G of optimizer under clean is +0.400" in fault for fault in found)
    assert any("0 of 600 answers of optimizer under clean are the same" in fault for fault in found)


def test_every_score_that_is_published_is_held_against_the_answers_of_now() -> None:
    made = [replace(pair, differences={"personalization": 0.0, "task": -0.2}) for pair in pairs(100, 0.5, 1.0)]
    assert any("task of optimizer is -0.200" in fault for fault in outside({"optimizer": made}, STEERABLE))


def test_of_what_was_asked_under_clean_five_times_the_share_is_drawn() -> None:
    samples = [*(sample(f"clean {one}", condition="clean") for one in range(100)), *(sample(f"other {one}") for one in range(100))]
    drawn = choose(samples, Draw(0.1, 0))["reads"]
    assert [sum(one.condition == condition for one in drawn) for condition in ("clean", "surface")] == [50, 10]
    assert len(choose(samples, Draw(0.5, 0))["reads"]) == 150


def test_a_share_is_refused_only_where_chance_hardly_explains_it() -> None:
    assert fewest(100, 1.0) == 100
    assert fewest(10, 0.15) == 0
    assert 75 < fewest(100, 0.9) < 85


def test_a_target_has_the_band_that_was_measured_for_it_and_no_other() -> None:
    steerable, smol = (f"sha256:{path_digest(path)}" for path in (merged(smol_weights(), adapter_path()), smol_weights()))
    fast, f32 = "openvino-genai 2026.4.1.0-3408-ab01d1771e4 CPU fast", "openvino-genai 2026.4.1.0-3408-ab01d1771e4 CPU f32"
    rest = "template:872be49dbb638044|context:8192"
    assert band_of(load_model("scripted").fingerprint) is PROGRAM
    assert band_of(f"{fast}|{steerable}|{rest}|frequency penalty:0.3") is STEERABLE
    assert band_of(f"{fast}|{smol}|{rest}") is SMOL
    qwen = "sha256:31c27f91855b675069ce8bca0bb79053842465e0168ea4e544f949c84f0bb4db|template:cd8e9439f0570856|context:8192"
    assert band_of(f"{fast}|{qwen}|frequency penalty:0.3") is QWEN
    for other in (
        f"{f32}|{steerable}|{rest}|frequency penalty:0.3",
        f"{fast}|{steerable}|{rest}",
        f"{fast}|{smol}|{rest}|x",
        f"{fast}|{qwen}",
        "vllm {}",
    ):
        assert band_of(other) is UNMEASURED
    assert all(band.measured for _, band in BANDS)


# Wrong input and hostile submissions


def could_not(done: Result, *said: str, status: int = 2) -> None:
    assert done.exit_code == status, done.output
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1, done.stderr
    for part in said:
        assert part in errors[0]
    assert not Path("reproductions").exists()


@pytest.mark.parametrize("fraction", ["0", "-0.1", "1.01", "nan", "inf"])
def test_a_fraction_that_is_none_is_refused(fraction: str, packed: Packed) -> None:
    could_not(reproduce(packed(), "--fraction", fraction), f"--fraction is {fraction}", "wanted a share of the prompts above 0 and up to 1")


def test_wrong_arguments_are_one_sentence(packed: Packed, tmp_path: Path) -> None:
    could_not(reproduce("nowhere"), "there is no 'nowhere'")
    could_not(reproduce(packed(), "--seed", "-1"), "--seed is -1")
    could_not(reproduce(packed(), packed("brief"), "--out", "a.json"), "--out a.json is one file, and there are 2 submissions")
    could_not(reproduce(packed(), "--model", "nonesuch"), "could not be asked", "There is no model 'nonesuch'")
    could_not(reproduce(packed(), "--model", "openvino", "--model_args", "pretrained=none.gguf"), "could not be asked", "none.gguf")
    (tmp_path / "taken").write_text("")
    could_not(reproduce(packed(), "--out", "taken"), "--out taken is there already and is no folder")


def test_a_refused_submission_is_not_asked_again(hand: Hands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forged = hand("reads", "scripted")
    forged.results["scores"]["personalization"]["mean"] = 0.99
    forged.digest_again()
    monkeypatch.setattr(target, "load_model", never)
    could_not(reproduce(forged.write(tmp_path / "submissions")), "it is refused, and not asked again (results: ", status=1)


def never(name: str, args: object) -> Any:
    raise AssertionError(f"{name} was loaded")


HOSTILE = [
    ("openvino", "pretrained=/etc/passwd"),
    ("hf", "pretrained=evil/repository,trust_remote_code=True"),
    ("local-chat-completions", "base_url=http://169.254.169.254/latest,model=x"),
    ("dummy", ""),
    ("smol-steerable", "adapter=/etc/passwd"),
    ("smol", "device=GPU"),
    ("smol", "context_length=99999999999999999999"),
    ("smol", "context_length=²"),
    ("smol", "frequency_penalty=1e9"),
    ("smol", "precision=f32;rm"),
    ("scripted", "cache_gb=1"),
    ("scripted", "pretrained"),
]


@pytest.mark.parametrize(("model", "model_args"), HOSTILE)
def test_nothing_that_a_submission_names_is_loaded(model: str, model_args: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "load_model", never)
    with pytest.raises(TargetError, match="--model_args"):
        loaded({"model": model, "model_args": model_args, "model_fingerprint": "another engine"}, Given())


@pytest.mark.parametrize(("model", "model_args"), [("openvino", "pretrained=/etc/passwd"), ("scripted", "cache_gb=1")])
def test_a_run_of_what_is_not_loaded_could_not_be_asked(
    model: str, model_args: str, hand: Hands, tmp_path: Path, small: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    forged = hand("reads", "scripted")
    forged.config.update(model=model, model_args=model_args)
    if model != "scripted":
        forged.config["model_fingerprint"] = "another engine"
    made_anew(forged, small)
    monkeypatch.setattr(target, "load_model", never)
    could_not(reproduce(forged.write(tmp_path / "submissions")), "could not be asked", "--model_args")


def test_arguments_for_memory_and_speed_are_this_machines_own() -> None:
    assert harmless("smol", "cache_gb=9999999,precision=f32, max_num_seqs=1000000,") == "precision=f32"
    with pytest.raises(TargetError, match="not taken from it"):
        harmless("smol", "cache_gb=1,adapter=x")


def test_other_weights_than_the_runs_are_not_asked(hand: Hands, tmp_path: Path, small: Release) -> None:
    forged = hand("reads", "scripted")
    forged.config["model_fingerprint"] = "scripted-1-of-another-day"
    made_anew(forged, small)
    could_not(reproduce(forged.write(tmp_path / "submissions")), "the target here is another one", "scripted-1-of-another-day")


def test_missing_weights_are_said(hand: Hands, tmp_path: Path, small: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("persona_atlas.models.smol.PACKAGE", "no_such_package")
    monkeypatch.delenv("PERSONA_ATLAS_SMOL", raising=False)
    forged = hand("reads", "scripted")
    forged.config.update(model="smol", model_fingerprint="another engine")
    made_anew(forged, small)
    could_not(reproduce(forged.write(tmp_path / "submissions")), "could not be asked", "The weights of SmolLM2-135M-Instruct")


@dataclass
class Losing:
    """A target whose server loses some answers, or all."""

    every: int
    name: str = "wordy"
    fingerprint: str = "wordy-1"
    context_length: None = None

    def count_tokens(self, text: str) -> int:
        return len(text)

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        if not self.every:
            raise ModelError("The server is away: start it and resume.")
        for index in range(len(prompts)):
            yield index, Generation("", "error", None, None, "lost") if index % self.every == 0 else Generation("x", "stop", 1, 1)


@pytest.mark.parametrize(("every", "said"), [(0, "The server is away"), (20, "the target wordy lost")])
def test_a_target_that_answers_nothing_says_nothing_of_the_run(every: int, said: str, packed: Packed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "load_model", lambda name, args: Losing(every))
    could_not(reproduce(packed("reads", "wordy"), "--model", "wordy", "--fraction", "1"), "could not be asked", said)


def test_a_draw_says_what_is_wrong_with_it() -> None:
    with pytest.raises(SubmissionError, match="above 0 and up to 1"):
        Draw(2.0, 0)
