"""From samples to results (MEASUREMENT 2, 4, 6 and 8)."""

from collections.abc import Callable
from dataclasses import replace
from math import isnan
from statistics import mean
from typing import Any

import pytest

from eval_harness import results as module
from eval_harness.findings import findings
from eval_harness.results import derive
from eval_harness.runfolder import Sample
from eval_harness.scores import score_samples
from eval_harness.table import Plan, Table
from persona_atlas import schema
from persona_atlas.data import Release, history
from persona_atlas.models.scripted import answer
from persona_atlas.preferences import load_catalog
from persona_atlas.records import Item, Lure, Twin
from persona_atlas.scoring import leaks, score
from persona_atlas.workers import started

PLAN = Plan("mine", ("mine", "identity", "oracle"), ("clean",), "scripted", "test", 0)
Change = Callable[[Sample], Sample]


@pytest.fixture
def items(release: Release) -> list[Item]:
    return release.items("test")


def headline(items: list[Item]) -> list[Item]:
    """The items that bear on G: there is gold, and the query itself asks for nothing else."""
    return [item for item in items if item.gold and "conflict" not in item.slices]


def sample(arm: str, item: Item, text: str) -> Sample:
    return Sample(arm, "clean", item.item_id, item.query, text, "stop", None, None, 10, 10)


def samples(items: list[Item], change: Change = lambda sample: sample) -> list[Sample]:
    """`mine` and the oracle answer with the witness, identity as the scripted target does; `change` changes mine."""
    mine = [change(sample("mine", item, item.witness)) for item in items]
    return mine + [sample("identity", item, answer(item.query)) for item in items] + [sample("oracle", item, item.witness) for item in items]


def of(item: Item, change: Change) -> Change:
    """The change for one item alone."""
    return lambda sample: change(sample) if sample.item_id == item.item_id else sample


def failed(reason: str) -> Change:
    return lambda sample: replace(sample, prompt=None, answer="", finish_reason="no_prompt", failure=reason)


def missing(sample: Sample) -> Sample:
    return replace(sample, answer="", finish_reason="error", error="the server is away")


def made(release: Release, items: list[Item], change: Change = lambda sample: sample) -> dict[str, Any]:
    found = derive(PLAN, samples(items, change), items, release)
    schema.validate("results", found)
    return found


# What is in the results


def test_scores_are_means_over_users_with_intervals_and_counts(release: Release, items: list[Item]) -> None:
    found = made(release, items)["scores"]["personalization"]
    assert found["mean"] == 1.0
    assert set(found) >= {"mean", "ci", "method", "n_users", "n_templates", "n_items"}
    mine = headline(items)
    assert (found["n_users"], found["n_items"]) == (len({item.persona_id for item in mine}), len(mine))
    assert found["n_templates"] == len({item.template_id for item in mine})


def test_the_order_of_the_samples_changes_nothing(release: Release, items: list[Item]) -> None:
    given = samples(items)
    assert derive(PLAN, given[::-1], items, release) == derive(PLAN, given, items, release)


def test_differences_are_paired_with_identity(release: Release, items: list[Item]) -> None:
    found = made(release, items)
    own, identity = (found["arms"][arm]["clean"]["personalization"]["mean"] for arm in ("mine", "identity"))
    assert found["differences"]["mine"]["clean"]["personalization"]["mean"] == pytest.approx(own - identity)
    assert "identity" not in found["differences"]


def test_headroom_is_the_share_of_the_gap_between_identity_and_oracle(release: Release, items: list[Item]) -> None:
    assert made(release, items)["headroom"]["value"] == pytest.approx(1.0)


@pytest.mark.parametrize("arm", ["identity", "oracle"])
def test_the_ends_of_the_headroom_have_none_themselves(arm: str, release: Release, items: list[Item]) -> None:
    plan = replace(PLAN, optimizer=arm, arms=("identity", "oracle"))
    given = [found for found in samples(items) if found.arm != "mine"]
    assert derive(plan, given, items, release)["headroom"] is None


@pytest.mark.parametrize("state", ["revealed", "unrevealed", "contradicted"])
def test_gold_is_told_apart_by_what_the_history_let_be_known(state: str, release: Release, items: list[Item]) -> None:
    found = made(release, items)["scores"][f"personalization_{state}"]
    assert found["n_items"] == sum(any(gold.state == state for gold in item.gold) for item in headline(items))


def test_hard_constraints_count_only_where_an_item_has_some(release: Release, items: list[Item]) -> None:
    assert made(release, items)["scores"]["hard_ok"]["n_items"] == sum(bool(item.hard) for item in items)


# What an item bears on: the ledger, the conflict slice, lures, twins


def column(release: Release, item: Item, axis: str, condition: str = "clean", text: str | None = None) -> float | None:
    """The value of one item, answered with its witness, on an axis under a condition; None where it has none."""
    plan = replace(PLAN, arms=("mine",), conditions=(condition,))
    given = replace(sample("mine", item, item.witness if text is None else text), condition=condition)
    (value,) = Table(plan, [item], score_samples([given], {item.item_id: item}, release), release).column("mine", condition, axis)
    return None if isnan(value) else float(value)


@pytest.fixture
def revealed(items: list[Item]) -> Item:
    """An item all of whose gold the history reveals, by nobody's but the user's own words."""
    return next(item for item in headline(items) if all(gold.state == "revealed" for gold in item.gold))


def test_revealed_gold_counts_as_revealed_alone(release: Release, revealed: Item) -> None:
    found = {state: column(release, revealed, f"personalization_{state}") for state in ("revealed", "unrevealed", "contradicted")}
    assert found == {"revealed": 1.0, "unrevealed": None, "contradicted": None}


def test_without_a_history_the_same_gold_is_unrevealed(release: Release, revealed: Item) -> None:
    found = {state: column(release, revealed, f"personalization_{state}", "history_0") for state in ("revealed", "unrevealed", "contradicted")}
    assert found == {"revealed": None, "unrevealed": 1.0, "contradicted": None}


def test_gold_against_which_the_history_speaks_last_is_contradicted(release: Release, revealed: Item) -> None:
    against = {gold.dimension: load_catalog().dimensions[gold.dimension].others(gold.value)[0].id for gold in revealed.gold}
    other = replace(revealed, gold=tuple(replace(gold, value=against[gold.dimension]) for gold in revealed.gold))
    found = {state: column(release, other, f"personalization_{state}") for state in ("revealed", "unrevealed", "contradicted")}
    assert found["revealed"] is found["unrevealed"] is None
    assert found["contradicted"] is not None


@pytest.fixture
def conflicting(items: list[Item]) -> Item:
    return next(item for item in items if "conflict" in item.slices)


@pytest.mark.parametrize("axis", ["personalization", "met", "personalization_revealed", "personalization_unrevealed"])
def test_the_conflict_slice_stays_out_of_the_headline(axis: str, release: Release, conflicting: Item) -> None:
    assert column(release, conflicting, axis) is None


def test_the_conflict_slice_is_scored_apart_on_what_the_query_asks_for(release: Release, conflicting: Item) -> None:
    assert column(release, conflicting, "personalization_conflict") == 1.0
    (asked,) = [gold for gold in conflicting.gold if gold.source == "query"]
    shown = score(conflicting, answer(conflicting.query), "stop").by_dimension[asked.dimension]
    assert column(release, conflicting, "personalization_conflict", text=answer(conflicting.query)) == shown


def test_an_item_without_conflict_has_no_part_in_the_conflict_slice(release: Release, items: list[Item]) -> None:
    assert column(release, headline(items)[0], "personalization_conflict") is None


def test_the_conflict_slice_still_has_its_task(release: Release, conflicting: Item) -> None:
    assert column(release, conflicting, "task") == 1.0


def twin_of(item: Item, layer: str, restorable: bool) -> Item:
    return replace(item, twins=(Twin(layer, "medium", item.query, (), restorable),))


def test_a_twin_that_nothing_restores_has_no_task(release: Release, items: list[Item]) -> None:
    item = headline(items)[0]
    assert column(release, twin_of(item, "incomplete", False), "task", "incomplete") is None
    assert column(release, twin_of(item, "incomplete", True), "task", "incomplete") == 1.0


def test_a_twin_that_nothing_restores_still_counts_for_personalization(release: Release, items: list[Item]) -> None:
    assert column(release, twin_of(headline(items)[0], "ambiguous", False), "personalization", "ambiguous") == 1.0


def test_an_item_without_the_twin_has_no_value_under_the_condition(release: Release, items: list[Item]) -> None:
    without = replace(headline(items)[0], twins=())
    given = [replace(sample("mine", items[0], items[0].witness), condition="surface")]
    plan = replace(PLAN, arms=("mine",), conditions=("surface",))
    table = Table(plan, [items[0], without], score_samples(given, {items[0].item_id: items[0]}, release), release)
    assert isnan(table.column("mine", "surface", "task")[1])


def test_nothing_to_personalize_leaves_task_and_no_personalization(release: Release, items: list[Item]) -> None:
    item = replace(headline(items)[0], gold=())
    assert (column(release, item, "personalization"), column(release, item, "met"), column(release, item, "task")) == (None, None, 1.0)


def test_lures_are_counted_apart_from_replaced_values(release: Release, items: list[Item]) -> None:
    item = headline(items)[0]
    for why, axis, other in (("expired", "lured", "stale"), ("replaced", "stale", "lured")):
        shown = replace(item, lures=(Lure(item.gold[0].dimension, item.gold[0].value, why),))
        assert (column(release, shown, axis), column(release, shown, other)) == (1.0, None)


def test_overpersonalization_is_what_is_lured_beyond_identity(release: Release, items: list[Item]) -> None:
    lured = [replace(item, lures=(Lure(item.gold[0].dimension, item.gold[0].value, "out_of_scope"),)) for item in headline(items)]
    found = derive(PLAN, samples(lured), lured, release)
    mine, identity = (found["arms"][arm]["clean"]["lured"]["mean"] for arm in ("mine", "identity"))
    assert mine == 1.0
    assert found["differences"]["mine"]["clean"]["lured"]["mean"] == pytest.approx(mine - identity)


# Failures of the optimizer: g = 0, never identity's score


def test_a_failure_scores_zero(release: Release, items: list[Item]) -> None:
    scores = made(release, items, failed("timeout: no prompt within 30 s"))["scores"]
    assert [scores[axis]["mean"] for axis in ("responsive", "personalization", "task", "met")] == [0.0, 0.0, 0.0, 0.0]


def test_a_failure_keeps_its_place_among_the_items(release: Release, items: list[Item]) -> None:
    mine = headline(items)
    users, of_user = len({item.persona_id for item in mine}), sum(item.persona_id == mine[0].persona_id for item in mine)
    scores = made(release, items, of(mine[0], failed("crash: status 1")))["scores"]
    assert scores["personalization"]["n_items"] == len(mine)
    assert scores["personalization"]["mean"] == pytest.approx((users - 1 + (of_user - 1) / of_user) / users)


def test_failures_are_counted_by_reason(release: Release, items: list[Item]) -> None:
    reasons = iter(["timeout: no prompt within 30 s", "crash: status 1", "crash: status 2", "ValueError: no luck", *["empty prompt"] * 20])
    found = made(release, items, lambda sample: failed(next(reasons))(sample))
    assert found["failures"] == {"ValueError": 1, "crash": 2, "empty prompt": 20, "timeout": 1}
    assert found["finish_reasons"]["mine"] == {"no_prompt": 24}
    assert found["finish_reasons"]["identity"] == {"stop": 24}


@pytest.mark.parametrize("reason", ["length", "context_overflow"])
def test_an_answer_that_was_cut_off_or_did_not_fit_scores_zero(reason: str, release: Release, items: list[Item]) -> None:
    found = made(release, items, lambda sample: replace(sample, finish_reason=reason))
    assert found["scores"]["responsive"]["mean"] == 0.0
    assert found["failures"] == {}


# Infrastructure: missing cells leave both arms


def test_a_missing_answer_leaves_both_arms_of_the_difference(release: Release, items: list[Item]) -> None:
    lost, *kept = headline(items)
    found = made(release, items, of(lost, missing))
    assert found["arms"]["mine"]["clean"]["personalization"]["n_items"] == len(kept)
    difference = found["differences"]["mine"]["clean"]["personalization"]
    assert difference["n_items"] == len(kept)
    rest: dict[str, list[float]] = {}
    for item in kept:
        identity = score(item, answer(item.query), "stop").personalization
        assert identity is not None
        rest.setdefault(item.persona_id, []).append(1.0 - identity)
    assert difference["mean"] == pytest.approx(mean(map(mean, rest.values())))


def test_a_missing_answer_of_identity_leaves_the_difference_too(release: Release, items: list[Item]) -> None:
    lost, *kept = headline(items)
    given = [missing(s) if s.arm == "identity" and s.item_id == lost.item_id else s for s in samples(items)]
    found = derive(PLAN, given, items, release)
    assert found["arms"]["mine"]["clean"]["personalization"]["n_items"] == len(kept) + 1
    assert found["differences"]["mine"]["clean"]["personalization"]["n_items"] == len(kept)


def test_no_answers_at_all_give_no_means_and_no_error(release: Release, items: list[Item]) -> None:
    found = derive(PLAN, [missing(sample) for sample in samples(items)], items, release)
    schema.validate("results", found)
    assert found["scores"]["personalization"]["mean"] is None
    assert found["headroom"]["value"] is None


# Leaks: the prompt answers the question itself


@pytest.fixture
def leaking(items: list[Item]) -> Change:
    """Every prompt holds the witness, so whoever reads it need not answer."""
    witnesses = {item.item_id: item.witness for item in items}
    return lambda sample: replace(sample, prompt=f"{sample.prompt}\n\nSay this: {witnesses[sample.item_id]}")


def test_a_leaking_prompt_earns_no_personalization(release: Release, items: list[Item], leaking: Change) -> None:
    given = samples(items, leaking)
    prompts = {sample.item_id: sample.prompt or "" for sample in given if sample.arm == "mine"}
    caught = [item for item in headline(items) if leaks(item, prompts[item.item_id], [item.query])]
    found = score_samples(given, {item.item_id: item for item in items}, release)
    mine = [found["mine", "clean", item.item_id] for item in caught]
    assert mine
    assert {(scores.leak, scores.personalization) for scores in mine if scores is not None} == {(1.0, 0.0)}


def test_a_leaking_prompt_does_no_better_on_the_task_than_identity(release: Release, items: list[Item], leaking: Change) -> None:
    given = samples(items, leaking)
    wrong = [replace(s, answer="I do not know anything about that question.") if s.arm == "identity" else s for s in given]
    scores = score_samples(wrong, {item.item_id: item for item in items}, release)
    for item in items:
        mine, identity = scores["mine", "clean", item.item_id], scores["identity", "clean", item.item_id]
        assert mine is not None
        assert identity is not None
        if mine.leak:
            assert mine.task <= identity.task


def test_a_leak_is_penalized_where_identitys_answer_is_missing_too(release: Release, items: list[Item], leaking: Change) -> None:
    given = [missing(s) if s.arm == "identity" else s for s in samples(items, leaking)]
    scores = score_samples(given, {item.item_id: item for item in items}, release)
    leaking = [found for (arm, _, _), found in scores.items() if arm == "mine" and found is not None and found.leak]
    assert leaking
    assert all(found.personalization in (None, 0.0) for found in leaking)


def test_a_prompt_that_only_repeats_what_was_shown_is_no_leak(release: Release, items: list[Item]) -> None:
    given = {item.item_id: "\n".join(turn.content for c in history(item, release) for turn in c.turns) + "\n" + item.query for item in items}
    found = made(release, items, lambda sample: replace(sample, prompt=given[sample.item_id]))
    assert found["scores"]["leak"]["mean"] == 0.0


# Repeats: how much G and task vary when the same prompt is answered again


def repeated(given: list[Sample], text: Callable[[Sample], str]) -> list[Sample]:
    """The optimizer's and identity's prompts answered once more: mine with `text`, identity's as before."""
    mine = [replace(s, condition="repeat_1", answer=text(s)) for s in given if s.arm == "mine"]
    return mine + [replace(s, condition="repeat_1") for s in given if s.arm == "identity"]


def varied(items: list[Item], given: list[Sample], text: Callable[[Sample], str], release: Release) -> dict[str, Any]:
    found = derive(PLAN, given, items, release, repeated(given, text))
    schema.validate("results", found)
    own: dict[str, Any] = found["repeats"]["mine"]
    return own


def test_the_spread_is_that_of_two_answers_to_a_prompt(release: Release, items: list[Item]) -> None:
    found = varied(headline(items), samples(headline(items)), lambda sample: "", release)
    assert found == {"items": len(headline(items)), "personalization": pytest.approx(0.5**0.5), "task": pytest.approx(0.5**0.5), "same_answer": 0.0}


def test_the_spread_of_g_leaves_out_the_conflict_slice_as_g_does(release: Release, items: list[Item]) -> None:
    conflict = {item.item_id for item in items if "conflict" in item.slices and item.gold}
    assert conflict
    found = varied(items, samples(items), lambda sample: "" if sample.item_id in conflict else sample.answer, release)
    assert (found["items"], found["personalization"]) == (len(items), 0.0)
    assert found["task"] > 0


def test_the_spread_is_that_of_the_g_that_a_leaking_prompt_earns(release: Release, items: list[Item], leaking: Change) -> None:
    prompts = {item.item_id: leaking(sample("mine", item, "")).prompt or "" for item in headline(items)}
    caught = [item for item in headline(items) if leaks(item, prompts[item.item_id], [item.query])]
    assert caught
    assert varied(caught, samples(caught, leaking), lambda sample: "", release)["personalization"] == 0.0


# Notes: what a reader must know, and why a run is not ranked


def notes(release: Release, items: list[Item], change: Change = lambda sample: sample) -> list[str]:
    return [str(note) for note in made(release, items, change)["notes"]]


def test_few_users_are_not_ranked(release: Release, items: list[Item]) -> None:
    templates = len({item.template_id for item in headline(items)})
    assert notes(release, items) == [f"not ranked: 6 users and {templates} templates have a G, ranking needs 20 of each"]


def test_only_users_with_a_g_are_counted(release: Release, items: list[Item], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEWEST", 6)
    users = sorted({item.persona_id for item in items})
    given = [replace(item, gold=()) if item.persona_id == users[0] else item for item in items]

    def change(sample: Sample) -> Sample:
        return missing(sample) if users[1].removeprefix("u-") in sample.item_id else sample

    found = made(release, given, change)
    counts = {name: found["scores"]["personalization"][name] for name in ("n_users", "n_templates")}
    assert counts["n_users"] == len(users) - 2
    assert f"not ranked: {counts['n_users']} users and {counts['n_templates']} templates have a G, ranking needs 6 of each" in found["notes"]


def test_enough_users_without_faults_have_no_notes(release: Release, items: list[Item], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEWEST", 6)
    assert notes(release, items) == []


def test_more_than_one_percent_of_failures_are_not_ranked(release: Release, items: list[Item]) -> None:
    found = notes(release, items, of(items[0], failed("crash: status 1")))
    assert "not ranked: the optimizer failed on 4.2% of its calls (at most 1%); samples.jsonl says why" in found


def test_a_few_cut_answers_are_let_pass_and_many_are_not_ranked(release: Release, items: list[Item]) -> None:
    def cut(sample: Sample) -> Sample:
        return replace(sample, finish_reason="length")

    assert not any("cut off" in note for note in notes(release, items, of(items[0], cut)))
    assert "not ranked: 100.0% of the answers were cut off at the token limit and score 0" in notes(release, items, cut)


def test_an_answer_that_did_not_fit_is_always_told(release: Release, items: list[Item]) -> None:
    found = notes(release, items, of(items[0], lambda sample: replace(sample, finish_reason="context_overflow")))
    assert "4.2% of the answers were too long for the target's context and score 0" in found


def test_missing_answers_are_told_and_many_are_not_ranked(release: Release, items: list[Item]) -> None:
    found = notes(release, items, of(items[0], missing))
    assert "not ranked: 1.4% of the samples are missing since the target failed; run again to fill them in" in found


def test_a_run_is_not_ranked_where_what_is_missing_is_in_one_place(release: Release, items: list[Item]) -> None:
    lost = {item.item_id for item in items[:3]}
    more = [replace(s, condition=f"other_{i}") for i in range(10) for s in samples(items)]
    given = [missing(s) if s.arm == PLAN.optimizer and s.item_id in lost else s for s in samples(items)]
    found = list(module.notes(PLAN, [*given, *more], items))
    assert f"not ranked: 3 of {len(items)} samples of {PLAN.optimizer} under clean are missing; run again to fill them in" in found
    assert not any("samples are missing since" in note and note.startswith("not ranked") for note in found)


def test_scores_of_worker_processes_are_those_of_this_one(release: Release, items: list[Item], monkeypatch: pytest.MonkeyPatch) -> None:
    from eval_harness import scores

    given, by_id = samples(items), {item.item_id: item for item in items}
    here = score_samples(given, by_id, release)
    used: list[int] = []
    monkeypatch.setattr(scores, "MANY", 1)
    monkeypatch.setattr(scores, "AT_ONCE", 7)
    monkeypatch.setattr(scores, "default_workers", lambda: 2)
    monkeypatch.setattr(scores, "started", lambda workers: used.append(workers) or started(workers))
    assert score_samples(given, by_id, release) == here
    assert used == [2]


# What is said of task and harm


@pytest.mark.parametrize(
    ("task", "ci", "said"),
    [
        (0.9, (-0.01, 0.03), "Task is not lower than identity's by 0.02 or more"),
        (0.9, (-0.03, 0.01), "That task is not lower than identity's by 0.02 or more is not shown"),
        (0.2, (-0.01, 0.03), "Of task nothing can be claimed on this target: no arm solves more than 0.20, wanted 0.30"),
    ],
)
def test_task_is_held_or_not_and_unclaimed_where_hardly_a_task_is_solved(
    task: float, ci: tuple[float, float], said: str, release: Release, items: list[Item]
) -> None:
    results = made(release, items)
    for conditions in results["arms"].values():
        conditions["clean"]["task"]["mean"] = task
    results["differences"]["mine"]["clean"]["task"]["ci"] = list(ci)
    assert said in findings(results)


def test_harm_is_set_beside_placebos(release: Release, items: list[Item]) -> None:
    results = made(release, items)
    assert "Users who fare worse than with their bare query: 0.0%" in findings(results)
    beside = {**results, "harm": {"mine": 0.135, "placebo": 0.12}}
    assert "Users who fare worse than with their bare query: 13.5%, with placebo 12.0%" in findings(beside)
