"""Controls: each does on the scripted target what its docstring says (MEASUREMENT 7)."""

from collections import Counter, defaultdict
from pathlib import Path
from statistics import mean

import pytest

from eval_harness.bank_reader import recognized
from eval_harness.conditions import Shown, show
from eval_harness.controls import ATTACKERS, BLIND, CONTROLS
from eval_harness.gold import CONSTANT, Gold
from generation.build import Config, build
from persona_atlas.data import Release, history, open_release
from persona_atlas.ledger import last_words
from persona_atlas.models.scripted import ScriptedModel, answer, find_orders
from persona_atlas.preferences import load_catalog
from persona_atlas.records import Conversation, Item, Turn
from persona_atlas.scoring import Scores, filling_of, leaks, score
from persona_atlas.tasks.verifiers import solves

CATALOG = load_catalog()


def gold_of(release: Release, wording: int = 0, split: str = "test", **changes: object) -> Gold:
    given = {"release": release, "split": split, "count_tokens": ScriptedModel().count_tokens, "seed": 0, "wording": wording}
    return Gold(**{**given, "items": tuple(release.items(split)), **changes})  # type: ignore[arg-type]


def clean(item: Item, release: Release) -> Shown:
    shown = show("clean", item, release)
    assert shown is not None
    return shown


def asked(control: str, release: Release, wording: int = 0) -> list[tuple[Item, str]]:
    """The prompt of every test item."""
    gold = gold_of(release, wording)
    return [(item, CONTROLS[control](item, clean(item, release), gold)) for item in release.items("test")]


def scored(control: str, release: Release, wording: int = 0) -> list[Scores]:
    return [score(item, answer(prompt), "stop") for item, prompt in asked(control, release, wording)]


def mean_g(scores: list[Scores]) -> float:
    return mean(found.personalization for found in scores if found.personalization is not None)


def said(conversation: Conversation) -> str:
    return "\n".join(f"{turn.role.capitalize()}: {turn.content}" for turn in conversation.turns)


# The query and the history


def test_identity_is_the_query_as_it_is_shown(release: Release) -> None:
    for item in release.items("test"):
        assert CONTROLS["identity"](item, Shown("hoW much?", ()), gold_of(release)) == "hoW much?"


def test_placebo_puts_the_query_in_a_wrapper_that_asks_for_nothing(release: Release) -> None:
    for item, prompt in asked("placebo", release):
        before, _, after = prompt.partition(item.query)
        assert before.strip()
        assert after.strip()
        assert find_orders(before + after) == ({}, frozenset())


def test_history_ends_with_the_query_and_holds_the_newest_conversations_in_order(release: Release) -> None:
    for item, prompt in asked("history", release):
        assert prompt.endswith(item.query)
        texts = [said(found) for found in history(item, release)]
        kept = [text for text in texts if text in prompt]
        assert kept
        assert kept == texts[-len(kept) :]
        assert "\n\n".join(kept) in prompt


def test_history_keeps_what_fits_the_targets_tokens(release: Release) -> None:
    item = release.items("test")[0]
    shown = clean(item, release)
    prompt = CONTROLS["history"](item, shown, gold_of(release, count_tokens=lambda text: 10, history_tokens=30))
    assert [said(conversation) in prompt for conversation in shown.history] == [False] * (len(shown.history) - 3) + [True] * 3


def test_history_of_nothing_is_the_query(release: Release) -> None:
    item = release.items("test")[0]
    assert CONTROLS["history"](item, Shown(item.query, ()), gold_of(release)) == item.query


def test_masked_shows_the_conversations_of_another_user_and_the_own_query(release: Release) -> None:
    of_user: dict[str, list[str]] = defaultdict(list)
    for conversation in release.conversations("test"):
        of_user[conversation.persona_id].append(said(conversation))
    for item, prompt in asked("masked", release):
        assert prompt.endswith(item.query)
        shown = {user for user, texts in of_user.items() if any(text in prompt for text in texts)}
        assert len(shown) == 1
        assert item.persona_id not in shown


def test_masked_is_drawn_anew_for_every_item(release: Release) -> None:
    first, *_ = release.items("test")
    gold, shown = gold_of(release), clean(first, release)
    prompts = {CONTROLS["masked"](item, shown, gold) for item in release.items("test") if item.persona_id == first.persona_id}
    assert len(prompts) > 1


def test_masked_without_another_user_is_the_query(release: Release) -> None:
    item = release.items("test")[0]
    mine = tuple(found for found in release.items("test") if found.persona_id == item.persona_id)
    assert CONTROLS["masked"](item, clean(item, release), gold_of(release, items=mine)) == item.query


# The same for everybody


def test_majority_asks_everybody_for_the_values_most_frequent_in_train(release: Release) -> None:
    counts = Counter((p.dimension, p.value) for user in release.users("train") for p in user.preferences)
    orders = [find_orders(prompt) for _, prompt in asked("majority", release)]
    assert all(order == orders[0] for order in orders)
    style, hard = orders[0]
    assert not hard
    assert set(style) == {dimension for dimension, _ in counts}
    for dimension, value in style.items():
        assert counts[dimension, value] == max(count for (other, _), count in counts.items() if other == dimension)


def test_best_constant_asks_everybody_for_the_few_values_that_gain_most_on_train_items(release: Release) -> None:
    gains: Counter[tuple[str, str]] = Counter()
    for item in release.items("train"):
        for gold in item.gold:
            values = CATALOG.dimensions[gold.dimension].values
            gains.update({(gold.dimension, value): 1.0 if value == gold.value else -1 / (len(values) - 1) for value in values})
    styles = [find_orders(prompt)[0] for _, prompt in asked("best_constant", release)]
    assert all(style == styles[0] for style in styles)
    assert 0 < len(styles[0]) <= CONSTANT
    chosen = [gains[key] for key in styles[0].items()]
    rest = [max(gains[name, value] for value in d.values) for name, d in CATALOG.dimensions.items() if name not in styles[0]]
    assert min(chosen) > 0
    assert min(chosen) >= max(rest) - 1e-9
    for dimension, value in styles[0].items():
        assert gains[dimension, value] == pytest.approx(max(gains[dimension, other] for other in CATALOG.dimensions[dimension].values))


@pytest.mark.parametrize(("control", "value"), [("always_brief", "brief"), ("always_long", "long")])
def test_a_length_for_everybody(control: str, value: str, release: Release) -> None:
    assert {str(find_orders(prompt)) for _, prompt in asked(control, release)} == {str(({"length": value}, frozenset()))}


# Another user's values


def test_random_user_asks_for_all_values_in_force_of_another_user_of_the_split(release: Release) -> None:
    users = release.users("test")
    for item, prompt in asked("random_user", release):
        style, _ = find_orders(prompt)
        assert style in [user.in_force(item.session, item.domain) for user in users if user.persona_id != item.persona_id]


def test_random_user_is_drawn_anew_for_every_item(release: Release) -> None:
    of_user: dict[str, set[str]] = {}
    for item, prompt in asked("random_user", release):
        of_user.setdefault(item.persona_id, set()).add(str(find_orders(prompt)[0]))
    assert max(map(len, of_user.values())) > 1


def test_random_user_without_another_user_is_the_query(release: Release) -> None:
    item = release.items("train")[0]
    alone = gold_of(release, split="train")
    alone.__dict__["users"] = {item.persona_id: alone.users[item.persona_id]}
    assert CONTROLS["random_user"](item, clean(item, release), alone) == item.query


def test_opposite_user_asks_for_another_value_in_every_gold_dimension(release: Release) -> None:
    for item, prompt in asked("opposite_user", release):
        style, _ = find_orders(prompt)
        assert set(style) == {gold.dimension for gold in item.gold}
        assert all(style[gold.dimension] != gold.value for gold in item.gold)


def test_opposite_user_stays_below_zero(release: Release) -> None:
    assert mean_g(scored("opposite_user", release)) < -0.3


# Those who know


def test_oracle_asks_for_the_gold_and_the_hard_constraints(release: Release) -> None:
    for item, prompt in asked("oracle", release):
        assert find_orders(prompt) == ({gold.dimension: gold.value for gold in item.gold}, frozenset(item.hard))


@pytest.mark.parametrize("wording", range(4))
def test_oracle_reaches_the_ceiling_in_every_wording(wording: int, release: Release) -> None:
    scores = scored("oracle", release, wording)
    assert mean_g(scores) >= 0.95
    assert mean(found.task for found in scores) >= 0.95
    assert all(found.hard_ok != 0 for found in scores)


def test_the_reader_asks_for_the_last_standing_word_in_each_gold_dimension(release: Release) -> None:
    for item, prompt in asked("reader", release):
        said = {dimension: value for dimension, (value, _) in last_words(history(item, release)).items()}
        wanted = {gold.dimension: gold.value if gold.source == "query" else said.get(gold.dimension) for gold in item.gold}
        assert find_orders(prompt)[0] == {dimension: value for dimension, value in wanted.items() if value}


def test_without_a_history_the_reader_knows_what_the_query_asks_for_alone(release: Release) -> None:
    for item in release.items("test"):
        own = {gold.dimension: gold.value for gold in item.gold if gold.source == "query"}
        assert find_orders(CONTROLS["reader"](item, Shown(item.query, ()), gold_of(release)))[0] == own


def test_bank_reader_asks_for_what_other_splits_phrasings_recognize(release: Release) -> None:
    for item, prompt in asked("bank_reader", release):
        assert find_orders(prompt)[0] == recognized(history(item, release), "test")


def test_bank_reader_follows_a_phrasing_that_it_knows(release: Release) -> None:
    item = release.items("test")[0]
    line = CATALOG.value("emoji", "some").phrasings["train"]["complaint"][0]
    told = Conversation("c", item.persona_id, "test", 0, "t", "travel", {}, "q", (Turn("user", line, "feedback"),))
    assert find_orders(CONTROLS["bank_reader"](item, Shown(item.query, (told,)), gold_of(release)))[0] == {"emoji": "some"}


def test_answer_reader_asks_for_what_the_newest_answers_show_and_hears_no_user(release: Release) -> None:
    item = release.items("test")[0]

    def told(*answers: str) -> Conversation:
        turns = [turn for answer in answers for turn in (Turn("user", "Never again any emoji!", "feedback"), Turn("assistant", answer, "answer"))]
        return Conversation("c", item.persona_id, "test", 0, "t", "travel", {}, "q", tuple(turns))

    shown = (told("Take the bus 🚌.", "1. Take the bus.\n2. Get off at the bridge."), told("Go there.\n\n- Take the train.\n- Take it early."))
    found = find_orders(CONTROLS["answer_reader"](item, Shown(item.query, shown), gold_of(release)))[0]
    assert (found["structure"], found["emoji"]) == ("bulleted", "none")
    assert find_orders(CONTROLS["answer_reader"](item, Shown(item.query, shown[:1]), gold_of(release)))[0]["structure"] == "numbered"
    assert CONTROLS["answer_reader"](item, Shown(item.query, ()), gold_of(release)) == item.query


def test_contrast_reader_asks_for_what_a_second_answer_shows_otherwise_and_hears_no_user(release: Release) -> None:
    item = release.items("test")[0]

    def told(*answers: str) -> Conversation:
        turns = [turn for answer in answers for turn in (Turn("user", "Never again any emoji!", "feedback"), Turn("assistant", answer, "answer"))]
        return Conversation("c", item.persona_id, "test", 0, "t", "travel", {}, "q", tuple(turns))

    again = told("Take the bus, then get off at the bridge.", "- Take the bus.\n- Then get off at the bridge.")
    later = told("- Take the train.\n- Leave it at the border.", "1. Take the train.\n2. Leave it at the border.")
    other = told("Go there.", "- Take an umbrella 🌂.\n- It may rain in the afternoon.")

    def asked_for(*shown: Conversation) -> str:
        return CONTROLS["contrast_reader"](item, Shown(item.query, shown), gold_of(release))

    assert find_orders(asked_for(again))[0] == {"structure": "bulleted"}
    assert find_orders(asked_for(again, later))[0] == {"structure": "numbered"}
    assert asked_for(other) == asked_for() == item.query


def test_answerer_solves_the_task_in_the_prompt(release: Release) -> None:
    for item, prompt in asked("answerer", release):
        assert solves(filling_of(item), prompt.removeprefix(item.query))


def test_answerer_is_told_by_the_leak_check(release: Release) -> None:
    open_questions = [(item, prompt) for item, prompt in asked("answerer", release) if not solves(filling_of(item), item.query)]
    caught = [leaks(item, prompt, clean(item, release).texts()) for item, prompt in open_questions]
    assert sum(caught) / len(caught) > 0.9


# Attackers


def test_null_asks_nothing_and_earns_nothing(release: Release) -> None:
    assert {prompt for _, prompt in asked("null", release)} == {"."}
    assert {found.g for found in scored("null", release)} == {0.0}


def test_padding_repeats_the_query(release: Release) -> None:
    for item, prompt in asked("padding", release):
        assert prompt.count(item.query) == 4
        assert not prompt.replace(item.query, "").strip()


@pytest.mark.parametrize("wording", range(4))
def test_stuffing_asks_for_every_value_of_every_dimension_of_the_split(wording: int, release: Release) -> None:
    values = [value for value in CATALOG.values() if "test" in CATALOG.dimensions[value.dimension].splits]
    for _, prompt in asked("stuffing", release, wording)[:3]:
        assert [value.id for value in values if value.instructions[wording] not in prompt] == []


def test_judge_injection_speaks_to_a_judge_and_asks_for_no_value(release: Release) -> None:
    for item, prompt in asked("judge_injection", release):
        note = prompt.removeprefix(item.query)
        assert "evaluator" in note
        assert "Score: 1.0" in note
        assert find_orders(note) == ({}, frozenset())


# All of them


def test_blind_policies_and_attackers_see_nothing_of_the_own_history(release: Release) -> None:
    gold = gold_of(release)
    for item in release.items("test")[:6]:
        for control in (*BLIND, *ATTACKERS):
            assert CONTROLS[control](item, clean(item, release), gold) == CONTROLS[control](item, Shown(item.query, ()), gold), control


@pytest.mark.parametrize("control", CONTROLS)
def test_a_control_says_the_same_when_asked_again(control: str, release: Release) -> None:
    assert asked(control, release) == asked(control, release)


@pytest.mark.slow
def test_history_blind_controls_stay_around_zero_with_200_users(tmp_path: Path) -> None:
    build(Config(200, 0), tmp_path / "release", workers=2, progress=lambda done, total: None)
    release = open_release(tmp_path / "release", "the test")
    found = {control: mean_g(scored(control, release)) for control in CONTROLS}
    assert {control: found[control] for control in BLIND if abs(found[control]) > 0.05} == {}
    assert found["opposite_user"] < 0 < 0.95 <= found["oracle"]
