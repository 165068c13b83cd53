"""What honest people send is accepted, and said to be what it is."""

import copy
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from eval_harness.conditions import show
from eval_harness.suites import Suite
from leaderboard.copies import disagreeing, kept
from leaderboard.verify import Verdict, verify, verify_one
from persona_atlas.data import Release
from persona_atlas.ledger import last_words
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.render import instruct

HONEST = [("reads", "scripted"), ("history", "scripted"), ("reads", "wordy"), ("brief", "wordy"), ("history", "wordy")]


def test_honest_submissions_are_accepted_alone_and_beside_each_other(packed: Callable[..., Path], small: Release, tiny: Suite) -> None:
    """The first of them is alone."""
    for verdict in verify([packed(*one) for one in HONEST], small, tiny):
        accepted(verdict)


def accepted(verdict: Verdict) -> None:
    assert [(check.name, check.faults) for check in verdict.checks if not check.passed] == []
    assert verdict.accepted


def renamed(hand: Any) -> Any:
    for sample in hand.of():
        sample["arm"] = "mine"
    hand.config.update(optimizer="mine", optimizer_digest="0" * 64)
    return hand


@pytest.mark.parametrize("missed", [5, 3, None])
def test_a_reader_of_the_history_may_write_the_catalogue_s_instructions(
    missed: int | None, hand: Callable[..., Any], ask: Any, tmp_path: Path, small: Release, tiny: Suite
) -> None:
    """It finds all that was said, or misses every fifth or third value. It often tells what `reader` tells, most of all where little was said."""
    items = {item.item_id: item for item in small.items("test")}
    values = {(dimension.id, value) for dimension in load_catalog().dimensions.values() for value in dimension.values}
    number = count(1)

    def prompt(sample: dict[str, Any]) -> str:
        shown = show(sample["condition"], items[sample["item_id"]], small)
        assert shown is not None
        said = [(dimension, value) for dimension, (value, _) in sorted(last_words(shown.history).items()) if (dimension, value) in values]
        return instruct(shown.query, [one for one in said if missed is None or next(number) % missed])

    mine = renamed(hand("reads", "wordy"))
    ask(mine, prompt)
    mine.derive_again(small)
    mine.digest_again()
    accepted(verify_one(mine.write(tmp_path), small, tiny))


def test_a_latecomer_that_often_writes_what_several_others_write_is_accepted(
    packed: Callable[..., Path], hand: Callable[..., Any], taken: Any, ask: Any, tmp_path: Path, small: Release, tiny: Suite
) -> None:
    """It returns the query where it knows nothing, and of its other prompts two fifths are those of two others."""
    others = [hand(name, "wordy").of() for name in ("reads", "history")]
    mine = renamed(hand("brief", "wordy"))
    ask(mine, lambda sample: f"{sample['prompt']} Thank you.")
    taken(mine, *others, None, None, None)
    taken(mine, mine.of("identity"), conditions=["history_0"])
    mine.derive_again(small)
    mine.digest_again()
    for verdict in verify([packed("reads", "wordy"), packed("history", "wordy"), mine.write(tmp_path)], small, tiny):
        accepted(verdict)


@pytest.mark.parametrize(
    ("arm", "share", "answer", "passes"),
    [
        ("placebo", 0.7, "I'm sorry, but I can't assist with that.", True),
        ("placebo", 0.95, "I'm sorry, but I can't assist with that.", False),
        ("placebo", 0.7, "{query}", False),
        ("identity", 0.7, "I'm sorry, but I can't assist with that.", False),
        ("oracle", 0.7, "I'm sorry, but I can't assist with that.", False),
        ("reads", 0.7, "I'm sorry, but I can't assist with that.", False),
    ],
)
def test_a_target_may_refuse_most_of_what_a_control_asks(
    arm: str, share: float, answer: str, passes: bool, hand: Callable[..., Any], tmp_path: Path, small: Release, tiny: Suite
) -> None:
    """As Qwen2.5-Coder-0.5B does with `best_constant`. G of a control that knows no user is 0 either way; identity and oracle are the scale."""
    mine = hand("reads", "wordy")
    samples = mine.of(arm)
    prompts = sorted({sample["prompt"] for sample in samples})
    text = answer.format(query=" ".join(sorted({sample["prompt"] for sample in mine.of("identity", "clean")})))
    for sample in samples:
        if sample["prompt"] in prompts[: round(share * len(prompts))]:
            sample.update(answer=text, answer_tokens=len(text.split()), finish_reason="stop")
    mine.derive_again(small)
    mine.digest_again()
    check = next(check for check in verify_one(mine.write(tmp_path), small, tiny).checks if check.name == "uniformity")
    assert check.passed is passes
    assert passes or f"{arm} has one answer to" in check.faults[0]


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
