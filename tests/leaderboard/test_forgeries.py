"""Forged submissions: each mechanism once as a layman does it, and once with every digest, and all results that are looked at, made anew.

A forgery says which check refuses it either way, and in which words. What no check of the submitted files can tell is in BEYOND, with what could.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from eval_harness import claims
from eval_harness.suites import Suite
from leaderboard.checks import STAGES
from leaderboard.copies import Other, kept
from leaderboard.verify import Verdict, verify, verify_one
from persona_atlas.data import Release
from persona_atlas.scoring import SCORER_VERSION

pytestmark = pytest.mark.usefixtures("scores_are_kept")
Change = Callable[[Any], None]
EARLY = {rule.name for stage in STAGES[:-1] for rule in stage if rule.needed}
"""The checks that refuse a submission before its results are looked at."""


@dataclass(frozen=True)
class Forgery:
    """`change` changes a submission in hand; `naive` and `thorough` are the check that refuses it and a part of what that says. `made_up`: the
    results are what is forged, so the thorough forger leaves them.
    """

    name: str
    change: Change
    naive: tuple[str, str]
    thorough: tuple[str, str]
    model: str = "wordy"
    optimizer: str = "reads"
    made_up: bool = False


def mean_up(hand: Any) -> None:
    for scores in (hand.results["scores"], hand.results["arms"]["reads"]["clean"]):
        scores["personalization"]["mean"] += 0.01


def interval_narrowed(hand: Any) -> None:
    found = hand.results["arms"]["reads"]["clean"]["personalization"]
    found["ci"] = [found["mean"] - 0.01, found["mean"] + 0.01]


def significant(hand: Any) -> None:
    for entry in hand.results["slices"].values():
        entry["p"] = 0.001 if entry["p"] is not None else None


def compact(hand: Any) -> None:
    hand.results["track"] = {"free": "compact", "compact": "free"}[hand.results["track"]]


def dropped(hand: Any) -> None:
    hand.samples.remove(hand.of(condition="clean")[3])


def worst_item_dropped(hand: Any) -> None:
    item = hand.of(condition="clean")[5]["item_id"]
    hand.samples = [sample for sample in hand.samples if sample["item_id"] != item]


def duplicated(hand: Any) -> None:
    hand.samples.insert(3, dict(hand.samples[3]))


def doubled_in_place(hand: Any) -> None:
    """A good sample in a bad one's stead, under the bad one's neighbour's name."""
    clean = hand.of(condition="clean")
    hand.samples[hand.samples.index(clean[4])] = dict(clean[3])


def answers(hand: Any, donor: str, condition: str | None = None, arm: str | None = None) -> None:
    """The optimizer's answers, or those of `arm`, are another arm's, with their counts."""
    theirs = {(sample["condition"], sample["item_id"]): sample for sample in hand.of(donor)}
    for sample in hand.of(arm, condition):
        other = theirs[sample["condition"], sample["item_id"]]
        sample.update({key: other[key] for key in ("answer", "answer_tokens", "finish_reason")})


def oracles_answers(hand: Any) -> None:
    answers(hand, "oracle")


def oracles_answers_under_clean(hand: Any) -> None:
    answers(hand, "oracle", "clean")


def oracles_prompts_hidden(hand: Any) -> None:
    """The optimizer asked as the oracle does, and shows the bare query."""
    answers(hand, "oracle")
    bare = {(sample["condition"], sample["item_id"]): sample for sample in hand.of("identity")}
    for sample in hand.of():
        sample.update({key: bare[sample["condition"], sample["item_id"]][key] for key in ("prompt", "prompt_tokens")})


def answers_behind_own_prompts(hand: Any, donor: Any) -> None:
    """Prompts that are left as they are, with somebody else's answers wherever identity asked otherwise."""
    bare = {sample["prompt"] for sample in hand.of("identity")}
    theirs = {(sample["condition"], sample["item_id"]): sample for sample in donor}
    for sample in hand.of():
        if sample["prompt"] not in bare:
            other = theirs[sample["condition"], sample["item_id"]]
            sample.update({key: other[key] for key in ("answer", "answer_tokens", "finish_reason")})


def oracles_answers_behind_own_prompts(hand: Any) -> None:
    answers_behind_own_prompts(hand, hand.of("oracle"))


def another_scorer(hand: Any) -> None:
    hand.config["scorer_version"] = 1
    for scores in (hand.results["scores"], hand.results["arms"]["reads"]["clean"]):
        scores["met"]["mean"] = min(1.0, scores["met"]["mean"] + 0.2)


def another_scorer_hidden(hand: Any) -> None:
    another_scorer(hand)
    hand.config["scorer_version"] = SCORER_VERSION


def reordered(hand: Any) -> None:
    hand.samples[3], hand.samples[4] = hand.samples[4], hand.samples[3]


def easier_subset(hand: Any) -> None:
    """One item that went well stands for three that did not."""
    names = [sample["item_id"] for sample in hand.of(condition="clean")]
    for sample in hand.samples:
        if sample["item_id"] in names[1:4]:
            good = next(s for s in hand.of(sample["arm"], sample["condition"]) if s["item_id"] == names[0])
            sample.update({key: good[key] for key in good if key != "item_id"})


def limit_hidden(hand: Any) -> None:
    kept = {sample["item_id"] for sample in hand.of(condition="clean")[:12]}
    hand.samples = [sample for sample in hand.samples if sample["item_id"] in kept]


def conditions_hidden(hand: Any) -> None:
    hand.samples = [sample for sample in hand.samples if sample["condition"] != "history_2"]


def fewer_conditions(hand: Any) -> None:
    hand.config["conditions"] = [name for name in hand.config["conditions"] if name != "history_2"]
    conditions_hidden(hand)


def longer_answers(hand: Any) -> None:
    hand.config["max_gen_toks"] = 2000


def identity_asked_badly(hand: Any) -> None:
    for sample in hand.of("identity"):
        sample["prompt"] = sample["prompt"].split()[0]


def oracle_asked_badly(hand: Any) -> None:
    """A lower ceiling makes the share of the headroom larger."""
    bare = {(sample["condition"], sample["item_id"]): sample for sample in hand.of("identity")}
    for sample in hand.of("oracle")[::2]:
        other = bare[sample["condition"], sample["item_id"]]
        sample.update({key: other[key] for key in ("prompt", "prompt_tokens", "answer", "answer_tokens")})


def identity_silenced(hand: Any) -> None:
    for sample in hand.of("identity"):
        sample.update(answer="I do not know.", answer_tokens=4)


def cut_off_relabelled(hand: Any) -> None:
    """Answers that ran into the limit, said to have ended."""
    for sample in hand.of()[::5]:
        sample.update(answer_tokens=260, finish_reason="stop")


def failures_dropped(hand: Any) -> None:
    for sample in hand.of(condition="clean")[:5]:
        hand.samples.remove(sample)


def failures_blamed(hand: Any) -> None:
    """The optimizer's failures, said to be the server's: those leave the comparison."""
    for sample in hand.of(condition="clean")[:10]:
        sample.update(answer="", answer_tokens=None, finish_reason="error", error="the server was away")


def failures_uncounted(hand: Any) -> None:
    for sample in hand.of(condition="clean")[:10]:
        sample.update(
            prompt=None, answer="", prompt_tokens=None, answer_tokens=None, finish_reason="no_prompt", failure="timeout: no prompt within 30 s"
        )


def failures_answered(hand: Any) -> None:
    failures_uncounted(hand)
    for sample in hand.of(condition="clean")[:10]:
        sample["answer"] = "Soak the beans."


def prompts_shortened(hand: Any) -> None:
    """So few tokens that the run is in the track `compact`."""
    for sample in hand.of():
        sample["prompt_tokens"] = sample["prompt_tokens"] // 4 + 1


def additions_understated(hand: Any) -> None:
    """What a prompt has more than the query has two fifths of its tokens: nearer to the track `compact`."""
    bare = {(sample["condition"], sample["item_id"]): sample["prompt_tokens"] for sample in hand.of("identity")}
    for sample in hand.of():
        query = bare[sample["condition"], sample["item_id"]]
        sample["prompt_tokens"] = query + (2 * (sample["prompt_tokens"] - query)) // 5


def long_additions_understated(hand: Any) -> None:
    """The longest alone: a run is in the track `compact` if every prompt keeps to it."""
    bare = {(sample["condition"], sample["item_id"]): sample["prompt_tokens"] for sample in hand.of("identity")}
    counts = {sample["prompt"]: (sample["prompt_tokens"], bare[sample["condition"], sample["item_id"]]) for sample in hand.of()}
    for prompt in sorted(counts, key=lambda prompt: counts[prompt])[-6:]:
        told, query = counts[prompt]
        for sample in hand.of():
            if sample["prompt"] == prompt:
                sample["prompt_tokens"] = query + (told - query) // 4


def bad_answers_said_to_overflow(hand: Any) -> None:
    """Of short prompts, under two conditions, each time as few as are let pass: an answer with a negative G is worth 0 then."""
    for condition in ("clean", "surface"):
        for sample in sorted(hand.of(condition=condition), key=lambda sample: sample["prompt_tokens"])[:2]:
            for twin in [own for own in hand.of() if own["prompt"] == sample["prompt"]]:
                twin.update(answer="", answer_tokens=None, finish_reason="context_overflow", error="The prompt is too long.")


def bad_answers_said_to_overflow_uncounted(hand: Any) -> None:
    """As a server does that tells no tokens of what it refuses."""
    bad_answers_said_to_overflow(hand)
    for sample in hand.of():
        if sample["finish_reason"] == "context_overflow":
            sample["prompt_tokens"] = None


def one_answer_for_all(hand: Any) -> None:
    for sample in hand.of():
        sample.update(answer="Thank you, that is a good question.", answer_tokens=7)


def controls_failed(hand: Any) -> None:
    for sample in hand.of("identity"):
        sample.update(
            prompt=None, answer="", prompt_tokens=None, answer_tokens=None, finish_reason="no_prompt", failure="timeout: no prompt within 30 s"
        )


def worst_items_lost(hand: Any) -> None:
    """Too few to matter in the whole run, and an eighth of what the rank comes from."""
    for sample in hand.of(condition="clean")[:3]:
        sample.update(answer="", answer_tokens=None, prompt_tokens=None, finish_reason="error", error="the server was away")


def oracles_answers_where_it_counts(hand: Any) -> None:
    """Four answers under clean, and the same where the prompt comes again."""
    theirs = {sample["item_id"]: sample for sample in hand.of("oracle", "clean")}
    long = [sample for sample in hand.of(condition="clean") if len(theirs[sample["item_id"]]["answer"].split()) >= 15]
    for sample in long[:4]:
        other = theirs[sample["item_id"]]
        for twin in [own for own in hand.of() if own["prompt"] == sample["prompt"]]:
            twin.update({key: other[key] for key in ("answer", "answer_tokens", "finish_reason")})


def oracles_answers_with_a_blank(hand: Any) -> None:
    oracles_answers_where_it_counts(hand)
    theirs = {sample["answer"] for sample in hand.of("oracle", "clean")}
    for sample in hand.of():
        if sample["answer"] in theirs:
            sample["answer"] += " "


def identity_cut_off(hand: Any) -> None:
    """And with it whoever asks the same."""
    prompts = {sample["prompt"] for sample in hand.of("identity")}
    for sample in hand.samples:
        if sample["prompt"] in prompts:
            sample["finish_reason"] = "length"


def identity_too_long(hand: Any) -> None:
    prompts = {sample["prompt"] for sample in hand.of("identity")}
    for sample in hand.samples:
        if sample["prompt"] in prompts:
            sample.update(answer="", answer_tokens=None, finish_reason="context_overflow", error="The prompt is too long.")


def prompts_lengthened(hand: Any) -> None:
    """Every prompt, so that a long one is soon no more than twice the question's."""
    for sample in hand.samples:
        sample["prompt_tokens"] = sample["prompt_tokens"] and sample["prompt_tokens"] + 3000


def tokens_untold(hand: Any) -> None:
    for sample in hand.of()[::2]:
        sample["prompt_tokens"] = None


def nothing_counted(hand: Any) -> None:
    """And then no answer has all of the tokens allowed."""
    for sample in hand.samples:
        sample.update(prompt_tokens=None, answer_tokens=None)


def answers_longer_than_their_tokens(hand: Any) -> None:
    for sample in hand.of():
        sample.update(answer_tokens=sample["answer_tokens"] // 9 + 1)


def identity_said_to_be_long(hand: Any) -> None:
    for sample in hand.samples:
        if sample["arm"] == "identity":
            sample["prompt_tokens"] *= 20
    counts = {sample["prompt"]: sample["prompt_tokens"] for sample in hand.of("identity")}
    for sample in hand.samples:
        sample["prompt_tokens"] = counts.get(sample["prompt"], sample["prompt_tokens"])


def endless_answer(hand: Any) -> None:
    hand.of(condition="clean")[0].update(answer="<b>" * 60_000, answer_tokens=200)


def simulated_fingerprint(hand: Any) -> None:
    hand.config["model_fingerprint"] = "scripted-1"


def another_model_said(hand: Any) -> None:
    hand.results["model"] = f"{hand.results['model']}1.0"


def another_suite(hand: Any) -> None:
    hand.config["suite"] = "quick"


FORGERIES = [
    Forgery("a score nudged", mean_up, ("results", "mean is"), ("results", "arms.reads.clean.personalization.mean is"), made_up=True),
    Forgery("an interval narrowed", interval_narrowed, ("results", "ci.0 is"), ("results", "ci.0 is"), made_up=True),
    Forgery("a test made significant", significant, ("results", ".p is 0.001"), ("results", ".p is 0.001"), made_up=True),
    Forgery("another track", compact, ("results", "track is"), ("results", "track is"), made_up=True),
    Forgery("a sample dropped", dropped, ("coverage", "1 of 384 samples are missing"), ("coverage", "1 of 384 samples are missing")),
    Forgery("an item dropped", worst_item_dropped, ("coverage", "16 of 384"), ("coverage", "16 of 384")),
    Forgery("a sample duplicated", duplicated, ("coverage", "stand there more than once"), ("coverage", "stand there more than once")),
    Forgery("a good sample twice", doubled_in_place, ("coverage", "missing"), ("coverage", "missing")),
    Forgery("the oracle's answers", oracles_answers, ("digests", "samples.jsonl is not"), ("uniformity", "are the oracle's word for word")),
    Forgery("the oracle's answers, simulated", oracles_answers, ("digests", "samples"), ("orders", "where no history is shown"), "scripted"),
    Forgery("the oracle's under clean", oracles_answers_under_clean, ("uniformity", "oracle's"), ("uniformity", "are the oracle's word for word")),
    Forgery("prompts replaced by the query", oracles_prompts_hidden, ("answers", "and another answer"), ("answers", "and another answer")),
    Forgery("another scorer", another_scorer, ("versions", "scorer_version is 1"), ("versions", "scorer_version is 1"), made_up=True),
    Forgery("another scorer, hidden", another_scorer_hidden, ("results", "met.mean is"), ("results", "met.mean is"), made_up=True),
    Forgery("a file reordered", reordered, ("coverage", "in another order: line 4"), ("coverage", "in another order: line 4")),
    Forgery("an easier subset relabelled", easier_subset, ("prompts", "identity under clean"), ("prompts", "has another prompt than the control")),
    Forgery("a limit hidden", limit_hidden, ("coverage", "192 of 384 samples are missing"), ("coverage", "192 of 384")),
    Forgery("conditions left out, hidden", conditions_hidden, ("coverage", "96 of 384"), ("coverage", "96 of 384")),
    Forgery("conditions left out", fewer_conditions, ("settings", "lacks the conditions history_2"), ("settings", "lacks the conditions history_2")),
    Forgery("longer answers", longer_answers, ("settings", "max_gen_toks is 2000"), ("settings", "max_gen_toks is 2000")),
    Forgery("another suite", another_suite, ("settings", "the suite is quick"), ("settings", "the suite is quick")),
    Forgery("identity asked badly", identity_asked_badly, ("prompts", "identity under clean"), ("prompts", "identity under clean")),
    Forgery("the oracle asked badly", oracle_asked_badly, ("prompts", "oracle under clean"), ("prompts", "oracle under clean")),
    Forgery("identity silenced", identity_silenced, ("uniformity", "identity has one answer"), ("uniformity", "identity has one answer")),
    Forgery("cut-off answers relabelled", cut_off_relabelled, ("limits", "all of the 260 tokens"), ("limits", "all of the 260 tokens")),
    Forgery("failures dropped", failures_dropped, ("coverage", "5 of 384"), ("coverage", "5 of 384")),
    Forgery("failures blamed on the target", failures_blamed, ("ranked", "the samples are missing"), ("ranked", "the samples are missing")),
    Forgery("failures uncounted", failures_uncounted, ("ranked", "the optimizer failed on"), ("ranked", "the optimizer failed on")),
    Forgery("failures with answers", failures_answered, ("form", "no_prompt and has an answer"), ("form", "no_prompt and has an answer")),
    Forgery("controls that fail", controls_failed, ("form", "is a control's"), ("form", "is a control's")),
    Forgery("prompts said to be short", prompts_shortened, ("limits", "characters in"), ("limits", "characters in")),
    Forgery("bad items said to be lost", worst_items_lost, ("ranked", "3 of 24"), ("ranked", "3 of 24 samples of reads under clean are missing")),
    Forgery("the oracle's where it counts", oracles_answers_where_it_counts, ("uniformity", "under clean"), ("uniformity", "under clean are the")),
    Forgery("the oracle's with a blank", oracles_answers_with_a_blank, ("uniformity", "under clean"), ("uniformity", "under clean are the")),
    Forgery("identity cut off", identity_cut_off, ("limits", "said to be cut off"), ("limits", "said to be cut off")),
    Forgery("identity too long", identity_too_long, ("ranked", "of identity under clean"), ("ranked", "of identity under clean were too long")),
    Forgery("prompts said to be longer", prompts_lengthened, ("limits", "characters in"), ("limits", "characters in")),
    Forgery("what is added said to be short", additions_understated, ("limits", "the controls' have"), ("limits", "the controls' have")),
    Forgery("long prompts said to be short", long_additions_understated, ("limits", "have too few"), ("limits", "of 72 have too few")),
    Forgery("bad answers said to overflow", bad_answers_said_to_overflow, ("limits", "too long for"), ("limits", "which it answered")),
    Forgery("the same, uncounted", bad_answers_said_to_overflow_uncounted, ("limits", "too long for"), ("limits", "which it answered")),
    Forgery(
        "the oracle's answers to a baseline",
        oracles_answers_behind_own_prompts,
        ("uniformity", "oracle's"),
        ("uniformity", "are the oracle's word for word"),
        optimizer="retrieval",
    ),
    Forgery(
        "the oracle's answers to a baseline, simulated",
        oracles_answers,
        ("digests", "samples"),
        ("orders", "where no history is shown"),
        "scripted",
        "retrieval",
    ),
    Forgery("some tokens untold", tokens_untold, ("form", "prompt_tokens is there for some"), ("form", "prompt_tokens is there for some")),
    Forgery("no tokens told", nothing_counted, ("form", "although scripted counts tokens"), ("form", "answer_tokens is there for no"), "scripted"),
    Forgery("answers said to be short", answers_longer_than_their_tokens, ("form", "characters in"), ("form", "the answers of reads have")),
    Forgery("identity said to be long", identity_said_to_be_long, ("limits", "more than identity's"), ("limits", "more than identity's")),
    Forgery("an endless answer", endless_answer, ("form", "180,000 characters"), ("form", "180,000 characters")),
    Forgery("a simulated fingerprint", simulated_fingerprint, ("settings", "fingerprint"), ("settings", "has not the fingerprint")),
    Forgery("another model in the results", another_model_said, ("results", "model is"), ("results", "model is"), made_up=True),
    Forgery("one answer for all", one_answer_for_all, ("uniformity", "reads has one answer to"), ("uniformity", "reads has one answer to")),
]


def names(forgery: Forgery) -> str:
    return forgery.name


def refused(verdict: Verdict, check: str, said: str) -> None:
    assert not verdict.accepted
    faults = {found.name: found.faults for found in verdict.checks if found.passed is False}
    assert check in faults, faults
    assert said in "; ".join(faults[check]), faults


@pytest.mark.parametrize("forgery", FORGERIES, ids=names)
def test_a_naive_forgery_is_refused(forgery: Forgery, hand: Callable[..., Any], tmp_path: Path, small: Release, tiny: Suite) -> None:
    forged = hand(forgery.optimizer, forgery.model)
    forgery.change(forged)
    verdict = verify_one(forged.write(tmp_path), small, tiny)
    refused(verdict, *forgery.naive)
    refused(verdict, "digests", "is not the file that submission.json was written for")


@pytest.mark.parametrize("forgery", FORGERIES, ids=names)
def test_a_thorough_forgery_is_refused(forgery: Forgery, hand: Callable[..., Any], tmp_path: Path, small: Release, tiny: Suite) -> None:
    forged = hand(forgery.optimizer, forgery.model)
    forgery.change(forged)
    if not forgery.made_up and forgery.thorough[0] not in EARLY:
        forged.derive_again(small)
    forged.digest_again()
    verdict = verify_one(forged.write(tmp_path), small, tiny)
    refused(verdict, *forgery.thorough)
    assert next(check for check in verdict.checks if check.name == "digests").passed


def made_anew(forged: Any, release: Release) -> None:
    """The results, and all digests."""
    forged.derive_again(release)
    forged.digest_again()


# Another release, somebody else's run


@pytest.fixture(scope="session")
def elsewhere(runs: Any, release_path: Path) -> Path:
    """A run on another release."""
    flags = ["--conditions", "clean,surface,history_0,history_2", "--max_gen_toks", "260", "--dataset", str(release_path)]
    return runs.run("reads", "wordy", *flags)


def test_a_run_on_another_release_is_refused_whatever_it_says(
    elsewhere: Path, hand: Callable[..., Any], tmp_path: Path, small: Release, tiny: Suite
) -> None:
    import json

    forged = hand("reads", "wordy")
    said = forged.config["dataset_digest"]
    forged.config["dataset_digest"] = json.loads((elsewhere / "run.json").read_text())["config"]["dataset_digest"]
    refused(verify_one(forged.write(tmp_path / "naive"), small, tiny), "release", "it was made on a release with content digest")
    forged.digest_again()
    refused(verify_one(forged.write(tmp_path / "redigested"), small, tiny), "release", "it was made on a release with content digest")
    theirs = {(s["arm"], s["condition"]): s for s in map(json.loads, (elsewhere / "samples.jsonl").read_text().splitlines())}
    for sample in forged.samples:
        sample.update({key: value for key, value in theirs[sample["arm"], sample["condition"]].items() if key != "item_id"})
    forged.config["dataset_digest"] = said
    made_anew(forged, small)
    refused(verify_one(forged.write(tmp_path / "thorough"), small, tiny), "prompts", "has another prompt than the control gives")


def renamed(hand: Any, name: str) -> None:
    """Under another optimizer's name throughout."""
    for sample in hand.of():
        sample["arm"] = name
    hand.config["optimizer"] = name
    hand.config["optimizer_digest"] = "0" * 64


def touched_up(hand: Any) -> None:
    renamed(hand, "mine")
    for sample in hand.of():
        sample["prompt"] = sample["prompt"].replace("I said before:", "I SAID, before —")


def reworded(hand: Any) -> None:
    renamed(hand, "mine")
    for sample in hand.of():
        sample["prompt"] = sample["prompt"].replace("I said before:", "Earlier I told you this:")


def another_target(hand: Any) -> None:
    renamed(hand, "mine")
    hand.config.update(model="local-chat-completions", model_fingerprint="another one")


def invisible(hand: Any) -> None:
    renamed(hand, "mine")
    for sample in hand.of():
        for key in ("prompt", "answer"):
            sample[key] = sample[key][:3] + "\u200b" + sample[key][3:]


def other_blanks(hand: Any) -> None:
    renamed(hand, "mine")
    for sample in hand.of():
        for key in ("prompt", "answer"):
            sample[key] = sample[key].replace(" ", "\r")


def a_control_in_name(hand: Any) -> None:
    renamed(hand, "profile")


STOLEN = [
    ("with invisible characters", invisible, "prompts with their answers are those of"),
    ("with other blanks", other_blanks, "prompts with their answers are those of"),
    ("under a control's name", a_control_in_name, "prompts with their answers are those of"),
    ("under another name", lambda hand: renamed(hand, "mine"), "prompts with their answers are those of"),
    ("with other marks", touched_up, "prompts with their answers are those of"),
    ("with the prompts reworded", reworded, "answers are those of"),
    ("for another target", another_target, "prompts with their answers are those of"),
]


@pytest.fixture(scope="module")
def first(packed: Callable[..., Path], small: Release, tiny: Suite) -> Other:
    """The run that is stolen, as it is kept when it has been accepted."""
    verdict = verify_one(packed("reads", "wordy"), small, tiny)
    assert verdict.accepted
    return kept(verdict.found, verdict.results)


@pytest.mark.parametrize("change", [change for _, change, _ in STOLEN], ids=[name for name, _, _ in STOLEN])
def test_a_stolen_run_is_refused(change: Change, first: Other, hand: Callable[..., Any], tmp_path: Path, small: Release, tiny: Suite) -> None:
    said = next(said for _, known, said in STOLEN if known is change)
    stolen = hand("reads", "wordy")
    change(stolen)
    made_anew(stolen, small)
    refused(verify_one(stolen.write(tmp_path), small, tiny, [first]), "copies", said)


TELL = "prompts under clean tell what the controls oracle and reader tell, which are told what the users want"


@pytest.mark.parametrize("wording", ["0", "2"])
def test_a_control_that_is_told_is_no_optimizer_under_another_name(
    wording: str, hand: Callable[..., Any], tmp_path: Path, small: Release, tiny: Suite
) -> None:
    """It is no copy of an optimizer that was handed in, its answers are the target's own, and what it does not know it is not scored on."""
    stolen = told_run(hand, wording)
    renamed(stolen, "mine")
    stolen.config["oracle_wording"] = 0
    made_anew(stolen, small)
    refused(verify_one(stolen.write(tmp_path), small, tiny), "copies", TELL)


def test_an_optimizer_that_is_told_as_the_oracle_is_is_refused(hand: Callable[..., Any], tmp_path: Path, small: Release, tiny: Suite) -> None:
    forged = hand("reads", "wordy")
    told = {(sample["condition"], sample["item_id"]): sample for sample in forged.of("oracle")}
    for sample in forged.of():
        theirs = told[sample["condition"], sample["item_id"]]
        sample.update({key: theirs[key] for key in ("prompt", "prompt_tokens", "answer", "answer_tokens", "finish_reason")})
    made_anew(forged, small)
    refused(verify_one(forged.write(tmp_path), small, tiny), "copies", TELL)


def test_a_stolen_headline_is_refused(packed: Callable[..., Path], hand: Callable[..., Any], tmp_path: Path, small: Release, tiny: Suite) -> None:
    """Under clean somebody else's run, elsewhere one's own."""
    theirs = {sample["item_id"]: sample for sample in hand("reads", "wordy").of(condition="clean")}
    stolen = hand("brief", "wordy")
    for sample in stolen.of(condition="clean"):
        sample.update({key: theirs[sample["item_id"]][key] for key in ("prompt", "prompt_tokens", "answer", "answer_tokens", "finish_reason")})
    made_anew(stolen, small)
    _, second = verify([packed("reads", "wordy"), stolen.write(tmp_path)], small, tiny)
    refused(second, "copies", "prompts under clean with their answers are those of")


def test_a_baseline_with_the_answers_of_a_competitor_is_refused(
    packed: Callable[..., Path], hand: Callable[..., Any], tmp_path: Path, small: Release, tiny: Suite
) -> None:
    stolen = hand("retrieval", "wordy")
    answers_behind_own_prompts(stolen, hand("reads", "wordy").of())
    made_anew(stolen, small)
    first, second = verify([packed("reads", "wordy"), stolen.write(tmp_path)], small, tiny)
    assert first.accepted
    refused(second, "copies", "are those of")
    refused(second, "copies", "word for word, although it was asked otherwise")


def test_baselines_that_ask_the_same_are_no_copies(packed: Callable[..., Path], small: Release, tiny: Suite) -> None:
    verdicts = list(verify([packed(name, "wordy") for name in ("history", "last_k", "retrieval")], small, tiny))
    assert [verdict.accepted for verdict in verdicts] == [True] * 3, [verdict.checks for verdict in verdicts]


# Runs that are put together from several


def told_run(hand: Callable[..., Any], wording: str = "2") -> Any:
    """A perfect reader's run, whose wording need be neither the target's nor that of the run that is forged."""
    with pytest.MonkeyPatch.context() as patch:  # who forges a run hands in another wording than the target's, too
        patch.setattr(claims, "wording_of", lambda fingerprint: int(wording))
        return hand("reader", "wordy", "--suite", "tiny", "--oracle_wording", wording)


def test_prompts_of_both_controls_that_are_told_are_counted_together(
    hand: Callable[..., Any], taken: Any, tmp_path: Path, small: Release, tiny: Suite
) -> None:
    """Less than half of them are the oracle's, and less than half the reader's, in another wording."""
    forged = hand("reads", "wordy")
    taken(forged, forged.of("oracle"), told_run(hand).of(), None, conditions=["clean"])
    made_anew(forged, small)
    refused(verify_one(forged.write(tmp_path), small, tiny), "copies", TELL)


def test_prompts_that_are_told_under_other_conditions_alone_are_found(
    hand: Callable[..., Any], taken: Any, tmp_path: Path, small: Release, tiny: Suite
) -> None:
    forged = hand("reads", "wordy")
    taken(forged, told_run(hand, "0").of(), conditions=["surface", "history_0", "history_2"])
    made_anew(forged, small)
    refused(verify_one(forged.write(tmp_path), small, tiny), "copies", "prompts under surface tell what the controls oracle and reader tell")


def backwards(sample: Any) -> str:
    """With the lines in another order, a frame of one's own, and a blank at the end."""
    query, _, told = sample["prompt"].partition("\n\nPlease answer in this way:\n")
    return "\n".join([query, "Mind this:", *reversed(told.splitlines())]) + " " if told else query


def test_prompts_that_are_told_in_another_order_and_frame_are_found(
    hand: Callable[..., Any], ask: Any, tmp_path: Path, small: Release, tiny: Suite
) -> None:
    forged = told_run(hand, "0")
    renamed(forged, "mine")
    ask(forged, backwards)
    made_anew(forged, small)
    refused(verify_one(forged.write(tmp_path), small, tiny), "copies", TELL)


def test_prompts_that_are_told_in_several_wordings_at_once_are_found(
    hand: Callable[..., Any], ask: Any, tmp_path: Path, small: Release, tiny: Suite
) -> None:
    """Every other line is in another wording."""
    forged, other = told_run(hand, "0"), told_run(hand, "1")
    lines = {(sample["condition"], sample["item_id"]): sample["prompt"].splitlines() for sample in other.of()}

    def mixed(sample: Any) -> str:
        mine, theirs = sample["prompt"].splitlines(), lines[sample["condition"], sample["item_id"]]
        return "\n".join(pair[number % 2] for number, pair in enumerate(zip(mine, theirs, strict=True)))

    renamed(forged, "mine")
    ask(forged, mixed)
    forged.config["oracle_wording"] = 0
    made_anew(forged, small)
    refused(verify_one(forged.write(tmp_path), small, tiny), "copies", TELL)


def patchwork(hand: Callable[..., Any], taken: Any) -> Any:
    """A quarter is one's own; each of the others is that of another run."""
    forged = hand("brief", "wordy")
    renamed(forged, "mine")
    taken(forged, *(hand(name, "wordy").of() for name in ("reads", "history", "retrieval")), forged.of("placebo"))
    return forged


def politely(hand: Any) -> None:
    for sample in hand.of():
        sample["prompt"] += " Thank you."


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda hand: None, "prompts with their answers are those of several runs"),
        (politely, "are those of several runs"),
    ],
    ids=["as they are", "with the prompts reworded"],
)
def test_a_patchwork_of_stolen_runs_is_refused(
    change: Change, said: str, packed: Callable[..., Path], hand: Callable[..., Any], taken: Any, tmp_path: Path, small: Release, tiny: Suite
) -> None:
    forged = patchwork(hand, taken)
    change(forged)
    made_anew(forged, small)
    *known, last = verify([*(packed(name, "wordy") for name in ("reads", "history", "retrieval")), forged.write(tmp_path)], small, tiny)
    assert all(verdict.accepted for verdict in known)
    refused(last, "copies", said)


def test_prompts_of_another_run_s_other_condition_are_found(
    first: Other, hand: Callable[..., Any], taken: Any, tmp_path: Path, small: Release, tiny: Suite
) -> None:
    """What somebody sent under surface is sent under clean."""
    forged = hand("brief", "wordy")
    theirs = [{**sample, "condition": "clean"} for sample in hand("reads", "wordy").of(condition="surface")]
    taken(forged, theirs, conditions=["clean"])
    made_anew(forged, small)
    refused(verify_one(forged.write(tmp_path), small, tiny, [first]), "copies", f"prompts under clean with their answers are those of {first.name}")


def test_what_is_stolen_and_what_is_told_is_counted_together(
    first: Other, hand: Callable[..., Any], taken: Any, tmp_path: Path, small: Release, tiny: Suite
) -> None:
    forged = hand("brief", "wordy")
    taken(forged, forged.of("oracle"), hand("reads", "wordy").of(), None, conditions=["clean"])
    made_anew(forged, small)
    refused(verify_one(forged.write(tmp_path), small, tiny, [first]), "copies", f"are those of {first.name}, and 8 tell what only controls are told")


@pytest.mark.parametrize(("control", "said"), [("stuffing", "no policy for a user"), ("opposite_user", "asks for other values than the user's")])
def test_a_control_that_stands_where_no_target_puts_it_is_refused(
    control: str, said: str, packed: Callable[..., Path], hand: Callable[..., Any], tmp_path: Path, small: Release, tiny: Suite
) -> None:
    """The answers of the oracle under another control's prompts."""
    key = ("brief", "wordy", "--suite", "tiny", "--controls", "identity,oracle,placebo,stuffing,opposite_user")
    assert verify_one(packed(*key), small, tiny).accepted
    forged = hand(*key)
    answers(forged, "oracle", arm=control)
    made_anew(forged, small)
    refused(verify_one(forged.write(tmp_path), small, tiny), "orders", said)


def test_counts_that_are_wrong_everywhere_show_beside_another_submission_of_the_target(
    packed: Callable[..., Path], hand: Callable[..., Any], tmp_path: Path, small: Release, tiny: Suite
) -> None:
    """The optimizer's tokens understated, and the controls' that they are held against as well."""
    forged = hand("reads", "wordy")
    bare = {(sample["condition"], sample["item_id"]): sample["prompt_tokens"] for sample in forged.of("identity")}
    for sample in forged.samples:
        query = bare[sample["condition"], sample["item_id"]]
        sample["prompt_tokens"] = query + 3 * (sample["prompt_tokens"] - query) // 4
    made_anew(forged, small)
    first, second = verify([packed("brief", "wordy"), forged.write(tmp_path)], small, tiny)
    assert first.accepted
    refused(second, "target", "have another number of tokens there")


@pytest.mark.parametrize("name", ["prompt_tokens", "answer_tokens"])
def test_a_run_that_counts_nothing_is_refused_beside_one_on_its_target_that_counts(
    name: str, packed: Callable[..., Path], hand: Callable[..., Any], tmp_path: Path, small: Release, tiny: Suite
) -> None:
    """Whether `wordy` counts tokens is not known, so a run without counts is accepted alone."""
    forged = hand("reads", "wordy")
    for sample in forged.samples:
        sample[name] = None
    made_anew(forged, small)
    path = forged.write(tmp_path)
    assert verify_one(path, small, tiny).accepted
    first, second = verify([packed("brief", "wordy"), path], small, tiny)
    assert first.accepted
    refused(second, "target", f"it has no {name}, which")


def test_a_run_under_another_persons_name_is_refused(
    packed: Callable[..., Path], hand: Callable[..., Any], tmp_path: Path, small: Release, tiny: Suite
) -> None:
    stolen = hand("reads", "wordy")
    stolen.record.update(name="My own", contact="thief@example.org")
    _, second = verify([packed("reads", "wordy"), stolen.write(tmp_path)], small, tiny)
    refused(second, "copies", "it is the run that")


# What the files alone cannot tell


def alike(hand: Any, number: int) -> list[dict[str, Any]]:
    """The optimizer's samples that have the prompt of its sample of that number: one prompt has one answer."""
    prompt = hand.of(condition="clean")[number]["prompt"]
    return [sample for sample in hand.of() if sample["prompt"] == prompt]


def one_answer_of_the_oracle(hand: Any) -> None:
    theirs = hand.of("oracle", "clean")[7]
    for sample in alike(hand, 7):
        sample.update({key: theirs[key] for key in ("answer", "answer_tokens")})


def one_prompt_replaced(hand: Any) -> None:
    sample = hand.of(condition="clean")[7]
    sample["prompt"] = sample["prompt"].replace("I said before:", "I told you so:")


def identity_half_said(hand: Any) -> None:
    """Half of each answer of identity: it solves less, and whoever is compared with it looks better."""
    seen: dict[str, str] = {}
    for sample in hand.of("identity"):
        words = sample["answer"].split(" ")
        sample["answer"] = seen.setdefault(sample["prompt"], " ".join(words[len(words) // 2 :]))
        sample["answer_tokens"] = len(sample["answer"].split(" "))
    theirs = {sample["prompt"]: sample for sample in hand.of("identity")}
    for sample in hand.of():
        if sample["prompt"] in theirs:
            sample.update({key: theirs[sample["prompt"]][key] for key in ("answer", "answer_tokens")})


def cut_off_and_recounted(hand: Any) -> None:
    for number in range(0, 24, 5):
        for sample in alike(hand, number):
            sample.update(answer_tokens=230 + number, finish_reason="stop", answer=f"{sample['answer'].rsplit(' ', 1)[0]} and then")


def failures_become_the_query(hand: Any) -> None:
    """What the optimizer failed on is asked as it was: an optimizer that had returned the query would look the same."""
    bare = {(sample["condition"], sample["item_id"]): sample for sample in hand.of("identity")}
    for sample in hand.of(condition="clean")[:3]:
        other = bare[sample["condition"], sample["item_id"]]
        sample.update({key: other[key] for key in ("prompt", "prompt_tokens", "answer", "answer_tokens", "finish_reason")})


def calls_uncounted(hand: Any) -> None:
    for sample in hand.of():
        sample.update(calls=0, tokens=0)
    hand.record["fit"] = None


BEYOND = [
    (one_answer_of_the_oracle, "needs reproduction"),
    (one_prompt_replaced, "needs reproduction"),
    (identity_half_said, "needs reproduction"),
    (cut_off_and_recounted, "needs reproduction"),
    (failures_become_the_query, "needs the optimizer itself"),
    (calls_uncounted, "needs the optimizer itself"),
]


@pytest.mark.parametrize(("change", "mark"), BEYOND, ids=[f"{change.__name__}: {mark}" for change, mark in BEYOND])
def test_what_the_files_alone_cannot_tell(change: Change, mark: str, hand: Callable[..., Any], tmp_path: Path, small: Release, tiny: Suite) -> None:
    forged = hand("reads", "wordy")
    change(forged)
    made_anew(forged, small)
    verdict = verify_one(forged.write(tmp_path), small, tiny)
    assert [(check.name, check.faults) for check in verdict.checks if not check.passed] == []
    assert verdict.accepted, mark


@pytest.mark.parametrize("model", ["wordy", "scripted"])
def test_a_weakened_identity_shows_beside_another_submission_of_the_target(
    model: str, packed: Callable[..., Path], hand: Callable[..., Any], tmp_path: Path, small: Release, tiny: Suite
) -> None:
    forged = hand("reads", model)
    identity_half_said(forged)
    made_anew(forged, small)
    first, second = verify([packed("history", model), forged.write(tmp_path)], small, tiny)
    assert first.accepted
    refused(second, "target", "of identity is" if model == "wordy" else "have the same answer, wanted 100%")
