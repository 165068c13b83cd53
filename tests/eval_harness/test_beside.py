"""Scores that need the request, the user, or identity's answer (MEASUREMENT 4)."""

from dataclasses import replace
from importlib.resources import files

import pytest
import yaml

from eval_harness.beside import AT_HOME, BESIDE, beside_scores, clarifies, intrusion, profile_f1
from eval_harness.conditions import Shown, show
from eval_harness.runfolder import Sample
from eval_harness.scores import score_samples
from persona_atlas.data import Release
from persona_atlas.ledger import states
from persona_atlas.records import Item, Twin, User


@pytest.fixture
def item(release: Release) -> Item:
    """An item of which the history reveals at least two values, and nothing but the history."""
    return next(
        item
        for item in release.items("test")
        if list(revealed(item, release).values()).count("revealed") >= 2 and all(gold.source != "query" for gold in item.gold)
    )


def revealed(item: Item, release: Release) -> dict[str, str]:
    shown = show("clean", item, release)
    assert shown is not None
    return states(item.gold, shown.history)


@pytest.fixture
def user(item: Item, release: Release) -> User:
    return next(user for user in release.users("test") if user.persona_id == item.persona_id)


@pytest.fixture
def shown(item: Item, release: Release) -> Shown:
    found = show("clean", item, release)
    assert found is not None
    return found


def entry(preference: str, value: str, evidence: str = "") -> dict[str, str]:
    return {"preference": preference, "value": value, "evidence": evidence}


def gold_profile(item: Item, release: Release) -> list[dict[str, str]]:
    ledger = revealed(item, release)
    return [entry(gold.dimension, gold.value) for gold in item.gold if ledger[gold.dimension] == "revealed"]


def test_a_profile_of_all_that_is_revealed_scores_1(item: Item, user: User, shown: Shown, release: Release) -> None:
    assert profile_f1(gold_profile(item, release), item, user, shown) == 1.0


def test_a_profile_that_misses_half_or_makes_up_half_scores_less(item: Item, user: User, shown: Shown, release: Release) -> None:
    right = gold_profile(item, release)
    wrong = [entry("tone of voice", "grumpy")] * len(right)
    recall = 1 / len(right)
    assert profile_f1(right[:1], item, user, shown) == pytest.approx(2 * recall / (1 + recall))
    assert profile_f1([*right, wrong[0]], item, user, shown) == pytest.approx(2 * (p := len(right) / (len(right) + 1)) / (1 + p))
    assert profile_f1(wrong, item, user, shown) == 0.0


def test_evidence_that_nobody_said_is_none(item: Item, user: User, shown: Shown, release: Release) -> None:
    said = next(turn.content for conversation in shown.history for turn in conversation.turns if turn.role == "user")
    right = gold_profile(item, release)
    assert profile_f1([{**one, "evidence": said.upper()} for one in right], item, user, shown) == 1.0
    assert profile_f1([{**one, "evidence": "I never said this."} for one in right], item, user, shown) == 0.0


def test_no_profile_has_no_score(item: Item, user: User, shown: Shown) -> None:
    assert profile_f1((), item, user, shown) is None


def test_naming_the_users_occupation_is_an_intrusion_unless_the_question_does(item: Item, user: User, shown: Shown) -> None:
    job = user.attributes["occupation"]
    assert intrusion(f"As a {job}, you know that already.", item, user, shown) == 1.0
    assert intrusion(f"Two {job}s came by.", item, user, shown) == 1.0
    assert intrusion("You know that already.", item, user, shown) == 0.0
    assert intrusion(f"As a {job}, you know.", item, user, replace(shown, query=f"I am a {job}. {shown.query}")) == 0.0
    assert intrusion(f"Not{job}ish.", item, user, shown) == 0.0


@pytest.mark.parametrize(
    "answer",
    [
        "How many people are you cooking for?",
        "That depends on the size of the room. Which size is it?",
        "I assume that you are four. Take 400 g.",
        "Let's say there are six of you: 600 g.",
        "Please tell me the date first.",
        "If you have two windows, you need 12 m.",
    ],
)
def test_asking_back_and_assuming_clarify(answer: str) -> None:
    assert clarifies(answer, "stop") == 1.0
    assert clarifies(answer, "length") == 0.0


@pytest.mark.parametrize("answer", ["Take 400 g of pasta.", "Cook it for 11 minutes. Enjoy!", "Would you like more?", "You need 12 m of tape."])
def test_a_plain_answer_does_not(answer: str) -> None:
    assert clarifies(answer, "stop") == 0.0


def given(item: Item, arm: str, answer: str, condition: str = "clean", **more: object) -> Sample:
    return replace(Sample(arm, condition, item.item_id, item.query, answer, "stop", None, None, 10, 10), **more)


def scored(samples: list[Sample], items: list[Item], release: Release) -> dict[str, dict[str, float | None]]:
    by_id = {item.item_id: item for item in items}
    found = beside_scores(samples, by_id, release, score_samples(samples, by_id, release))
    return {sample.arm: found[sample.key] for sample in samples if sample.key in found}


def test_each_sample_has_every_score(item: Item, release: Release) -> None:
    found = scored([given(item, "identity", item.witness), given(item, "mine", item.witness)], [item], release)
    assert set(found["mine"]) == set(BESIDE)
    assert found["mine"]["clarify"] is None
    assert found["mine"]["changed"] is None


def test_where_nothing_restores_what_is_missing_asking_back_scores(item: Item, release: Release) -> None:
    twin = Twin("incomplete", "medium", "How much pasta do we need?", (), False)
    lacking = replace(item, twins=(twin,))
    answer = f"{item.witness} How many people are you?"
    found = scored([given(lacking, "identity", item.witness, "incomplete"), given(lacking, "mine", answer, "incomplete")], [lacking], release)
    assert (found["mine"]["clarify"], found["identity"]["clarify"]) == (1.0, 0.0)


def test_a_question_back_needs_nothing_of_the_task_to_score(item: Item, release: Release) -> None:
    lacking = replace(item, twins=(Twin("incomplete", "medium", "How much do we need?", (), False),))
    back, refused = "Which of them do you mean, and how many are you?", "I'm sorry, but I cannot answer that. Which one is it?"
    samples = [given(lacking, arm, text, "incomplete") for arm, text in (("identity", "No."), ("mine", back), ("other", refused))]
    found = scored(samples, [lacking], release)
    assert [found[arm]["clarify"] for arm in ("mine", "other")] == [1.0, 0.0]


@pytest.mark.parametrize(
    ("household", "answer", "other"),
    [
        ("lives alone", "Since you live alone, halve it.", "You can do it on your own."),
        ("lives with a partner", "Ask your partner to hold it.", "Ask your business to hold it."),
        ("lives with a partner and children", "Let your kids stir it.", "Let the kids stir it."),
        ("single parent", "As a single parent you need a plan.", "As a single person you need a plan."),
        ("shares a flat", "Your flatmates may help.", "A flat screen may help."),
        ("lives with parents", "Your parents will know.", "Parents will know."),
    ],
)
def test_speaking_to_the_user_of_the_household_is_an_intrusion(item: Item, user: User, shown: Shown, household: str, answer: str, other: str) -> None:
    home = replace(user, attributes={"household": household})
    assert intrusion(answer, item, home, shown) == 1.0
    assert intrusion(other, item, home, shown) == 0.0
    assert intrusion(answer, item, home, replace(shown, query=f"{answer} {shown.query}")) == 0.0


def test_every_household_can_be_spoken_of() -> None:
    people = yaml.safe_load(files("generation").joinpath("data/people.yaml").read_text(encoding="utf-8"))
    assert set(AT_HOME) == set(people["attributes"]["household"])


def test_where_there_is_nothing_to_personalize_every_dimension_changed_counts(release: Release) -> None:
    plain = next(item for item in release.items("test") if not item.gold)
    styled = "\n".join(f"- {line}" for line in plain.witness.split(". "))
    found = scored([given(plain, "identity", plain.witness), given(plain, "mine", styled), given(plain, "same", plain.witness)], [plain], release)
    assert found["mine"]["changed"] is not None
    assert found["mine"]["changed"] > 0
    assert found["same"]["changed"] == 0.0
    lost = replace(given(plain, "identity", ""), finish_reason="error")
    assert scored([lost, given(plain, "mine", styled)], [plain], release)["mine"]["changed"] is None


def test_what_the_target_failed_on_has_no_score(item: Item, release: Release) -> None:
    found = scored([given(item, "identity", item.witness), given(item, "mine", "", finish_reason="error")], [item], release)
    assert "mine" not in found
