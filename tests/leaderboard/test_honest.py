"""What honest people send is accepted, and said to be what it is."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from eval_harness.suites import Suite
from leaderboard.copies import disagreeing, kept
from leaderboard.verify import verify, verify_one
from persona_atlas.data import Release

HONEST = [("reads", "scripted"), ("history", "scripted"), ("reads", "wordy"), ("brief", "wordy"), ("history", "wordy")]


def test_honest_submissions_are_accepted_alone_and_beside_each_other(packed: Callable[..., Path], small: Release, tiny: Suite) -> None:
    """The first of them is alone."""
    for verdict in verify([packed(*one) for one in HONEST], small, tiny):
        assert [(check.name, check.faults) for check in verdict.checks if not check.passed] == [], verdict.path
        assert verdict.accepted


def test_controls_are_held_against_each_other_where_they_asked_the_same(packed: Callable[..., Path], small: Release, tiny: Suite) -> None:
    verdict = verify_one(packed("brief", "wordy"), small, tiny)
    assert verdict.found is not None
    assert verdict.results is not None
    mine = kept(verdict.found, verdict.results)
    results = copy.deepcopy(verdict.results)
    results["arms"]["oracle"]["clean"]["personalization"]["mean"] -= 0.2
    (fault,) = disagreeing(mine, kept(verdict.found, results))
    assert "personalization of oracle is" in fault
    asked = [{**line, "prompt": f"{line['prompt']} Please."} if line["arm"] == "oracle" else line for line in verdict.found.answered]
    assert list(disagreeing(mine, kept(replace(verdict.found, answered=tuple(asked)), results))) == []


def test_another_machine_s_answers_that_begin_alike_are_of_the_same_target(packed: Callable[..., Path], small: Release, tiny: Suite) -> None:
    verdict = verify_one(packed("brief", "wordy"), small, tiny)
    assert verdict.found is not None
    assert verdict.results is not None
    mine = kept(verdict.found, verdict.results)
    found: dict[str, list[str]] = {}
    for place in ("{} And so on.", "Well. {}"):
        answered = tuple({**line, "answer": place.format(line["answer"])} for line in verdict.found.answered)
        found[place] = list(disagreeing(mine, kept(replace(verdict.found, answered=answered), verdict.results)))
    assert found["{} And so on."] == []
    assert "have an answer that begins alike, wanted 80%" in found["Well. {}"][0]
