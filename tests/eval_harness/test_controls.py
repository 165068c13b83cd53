"""Controls: each does on the scripted target what its docstring says (MEASUREMENT.md, section 7)."""

from collections import Counter
from pathlib import Path
from statistics import mean

import pytest

from eval_harness.conditions import Shown, show
from eval_harness.controls import CONTROLS, Gold
from generation.build import Config, build
from persona_atlas.data import Release, history, open_release
from persona_atlas.models.scripted import ScriptedModel, answer, find_orders
from persona_atlas.records import Item, User
from persona_atlas.scoring import Scores, score


def gold_of(release: Release, wording: int = 0, split: str = "test") -> Gold:
    users = {user.persona_id: user for user in release.users(split)}
    return Gold(users, tuple(release.users("train")), ScriptedModel().count_tokens, seed=0, wording=wording)


def clean(item: Item, release: Release) -> Shown:
    return show("clean", item, history(item, release))


def asked(control: str, release: Release, wording: int = 0) -> list[tuple[Item, str]]:
    """The prompt of every test item."""
    gold = gold_of(release, wording)
    return [(item, CONTROLS[control](item, clean(item, release), gold)) for item in release.items("test")]


def scored(control: str, release: Release, wording: int = 0) -> list[Scores]:
    return [score(item, answer(prompt), "stop") for item, prompt in asked(control, release, wording)]


def held(user: User) -> dict[str, str]:
    return {preference.dimension: preference.value for preference in user.preferences}


def test_identity_is_the_query_as_it_is_shown(release: Release) -> None:
    for item in release.items("test"):
        assert CONTROLS["identity"](item, show("surface", item, ()), gold_of(release)) == item.twins[0].query


def test_history_ends_with_the_query_and_holds_the_newest_conversations_in_order(release: Release) -> None:
    for item, prompt in asked("history", release):
        assert prompt.endswith(item.query)
        texts = ["\n".join(f"{turn.role.capitalize()}: {turn.content}" for turn in found.turns) for found in history(item, release)]
        kept = [text for text in texts if text in prompt]
        assert kept
        assert kept == texts[-len(kept) :]
        assert "\n\n".join(kept) in prompt


def test_history_keeps_what_fits_the_targets_tokens(release: Release) -> None:
    item = release.items("test")[0]
    shown = clean(item, release)
    few = Gold({}, (), lambda text: 10, seed=0, wording=0, history_tokens=30)
    prompt = CONTROLS["history"](item, shown, few)
    assert [conversation.turns[0].content in prompt for conversation in shown.history] == [False] * (len(shown.history) - 3) + [True] * 3


def test_history_of_nothing_is_the_query(release: Release) -> None:
    item = release.items("test")[0]
    assert CONTROLS["history"](item, show("history_0", item, ()), gold_of(release)) == item.query


def test_majority_asks_everybody_for_the_values_most_frequent_in_train(release: Release) -> None:
    counts = Counter((dimension, value) for user in release.users("train") for dimension, value in held(user).items())
    orders = [find_orders(prompt) for _, prompt in asked("majority", release)]
    assert all(order == orders[0] for order in orders)
    style, hard = orders[0]
    assert not hard
    assert set(style) == {dimension for dimension, _ in counts}
    for dimension, value in style.items():
        assert counts[dimension, value] == max(count for (other, _), count in counts.items() if other == dimension)


def test_random_user_asks_for_all_values_of_another_user_of_the_split(release: Release) -> None:
    users = gold_of(release).users
    for item, prompt in asked("random_user", release):
        style, _ = find_orders(prompt)
        assert style in [held(user) for user in users.values() if user.persona_id != item.persona_id]


def test_random_user_is_drawn_anew_for_every_item(release: Release) -> None:
    of_user: dict[str, set[str]] = {}
    for item, prompt in asked("random_user", release):
        of_user.setdefault(item.persona_id, set()).add(str(find_orders(prompt)[0]))
    assert max(map(len, of_user.values())) > 1


def test_random_user_without_another_user_is_the_query(release: Release) -> None:
    item = release.items("test")[0]
    users = {item.persona_id: gold_of(release).users[item.persona_id]}
    assert CONTROLS["random_user"](item, clean(item, release), Gold(users, (), len, 0, 0)) == item.query


def test_opposite_user_asks_for_another_value_in_every_gold_dimension(release: Release) -> None:
    for item, prompt in asked("opposite_user", release):
        style, _ = find_orders(prompt)
        assert set(style) == {gold.dimension for gold in item.gold}
        assert all(style[gold.dimension] != gold.value for gold in item.gold)


def test_oracle_asks_for_the_gold_and_the_hard_constraints(release: Release) -> None:
    for item, prompt in asked("oracle", release):
        assert find_orders(prompt) == ({gold.dimension: gold.value for gold in item.gold}, frozenset(item.hard))


@pytest.mark.parametrize("wording", range(4))
def test_oracle_reaches_the_ceiling_in_every_wording(wording: int, release: Release) -> None:
    scores = scored("oracle", release, wording)
    assert mean(found.personalization for found in scores) >= 0.95
    assert mean(found.task for found in scores) >= 0.95
    assert all(found.hard_ok != 0 for found in scores)


def test_opposite_user_stays_below_zero(release: Release) -> None:
    assert mean(found.personalization for found in scored("opposite_user", release)) < -0.3


def test_controls_are_the_same_when_asked_again(release: Release) -> None:
    for control in CONTROLS:
        assert asked(control, release) == asked(control, release)


@pytest.mark.slow
def test_history_blind_controls_stay_around_zero_with_200_users(tmp_path: Path) -> None:
    build(Config(200, 0), tmp_path / "release", workers=2, progress=lambda done, total: None)
    release = open_release(tmp_path / "release", "the test")
    found = {control: mean(s.personalization for s in scored(control, release)) for control in CONTROLS}
    assert {control: g for control in ("identity", "majority", "random_user") if abs(g := found[control]) > 0.05} == {}
    assert found["opposite_user"] < 0 < 0.95 <= found["oracle"]
