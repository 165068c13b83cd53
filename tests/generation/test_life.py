"""What users say of their own life goes with what is known of it."""

from dataclasses import replace

import numpy as np
import pytest

from generation.life import KILOGRAMS, SPOUSES, Life, asked, contradictions, life_of
from generation.people import blocks, users_of
from persona_atlas.content import CatalogError
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import SPLITS, User
from persona_atlas.tasks import load_templates

YOUNG = Life({"age_band": "18 to 24", "occupation": "student", "household": "lives alone"}, "Ada Moreno", 70, "wife")


@pytest.fixture(scope="module")
def users() -> list[User]:
    return [user for block in blocks(dict.fromkeys(SPLITS, 48)) for user in users_of(0, block)]


@pytest.mark.parametrize(
    "text",
    [
        "My grandson set this up.",
        "I'm 41.",
        "I weigh 90 kg.",
        "My husband cooks.",
        "My name is Noor.",
        "My roommate asked.",
        "Till the next patient.",
    ],
)
def test_what_a_life_contradicts_is_not_said(text: str) -> None:
    assert not YOUNG.allows(text)
    assert Life().allows(text)


@pytest.mark.parametrize("text", ["My grandmother set this up.", "I'm 22.", "I weigh 72 kg.", "My name is Ada.", "How much rice for 6?"])
def test_what_goes_with_a_life_is_said(text: str) -> None:
    assert YOUNG.allows(text)


def test_lines_that_do_not_fit_are_left_out() -> None:
    assert YOUNG.fitting(["My kids are asleep.", "It rains."]) == ["It rains."]
    assert YOUNG.fitting([3, 4]) == [3, 4]
    with pytest.raises(CatalogError, match="add a plain one"):
        YOUNG.fitting(["My kids are asleep."])


def test_no_user_has_attributes_that_do_not_go_together(users: list[User]) -> None:
    assert [user.persona_id for user in users if any(pair.holds(user.attributes) for pair in contradictions()[0])] == []


def test_weight_and_spouse_stay_the_same_and_vary_between_users(users: list[User]) -> None:
    lives = [life_of(user) for user in users]
    assert {life.kilograms for life in lives} == set(KILOGRAMS)
    assert {life.spouse for life in lives} == set(SPOUSES)
    assert life_of(replace(users[0], sessions=3)) == lives[0]


def test_who_is_near_to_a_user_has_one_name_that_is_not_theirs() -> None:
    names = ["Ada", "Bao", "Cato"]
    lives = [replace(YOUNG, id=f"u-test-{number:06d}") for number in range(40)]
    assert {life.called("my cousin", names) for life in lives} == {"Bao", "Cato"}
    assert all(life.called("my spouse", names) == life.called("my partner", names) for life in lives)
    assert any(life.called("my cousin", names) != life.called("my partner", names) for life in lives)


def test_every_user_can_ask_every_task_and_say_every_wish(users: list[User]) -> None:
    draw = np.random.default_rng(0)
    banks = [*(value.phrasings for value in load_catalog().values()), *(limit.phrasings for limit in load_catalog().hard.values())]
    for user in users[::6]:
        life = life_of(user)
        for template in load_templates().values():
            filling, wording = asked(template, life, draw)
            assert life.allows(filling.query(wording))
        for splits in banks:
            assert all(life.fitting(lines) for lines in splits.get(user.split, {}).values())
