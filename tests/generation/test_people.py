"""Users: values drawn evenly and independently of everything else (MEASUREMENT 1 and 3)."""

from collections import Counter
from dataclasses import asdict
from itertools import combinations

import pytest
from scipy.stats import chi2_contingency

from generation.people import BLOCK, FEWEST, HABITS, HARD_NUMBER, MOST, SESSIONS, Block, blocks, users_of
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.preferences.conflicts import load_conflicts
from persona_atlas.records import SPLITS, User


def values(user: User) -> dict[str, str]:
    """dimension -> the value that is right in the end."""
    return {preference.dimension: preference.value for preference in user.preferences if preference.last_session is None}


@pytest.fixture(scope="module")
def many() -> list[User]:
    """1,920 users of one split."""
    return [user for number in range(80) for user in users_of(0, Block("train", number, BLOCK))]


@pytest.mark.parametrize("split", SPLITS)
def test_within_a_block_each_value_of_a_dimension_goes_to_as_many_users(split: str) -> None:
    for number in range(10):
        held: dict[str, Counter[str]] = {}
        for user in users_of(0, Block(split, number, BLOCK)):
            for dimension, value in values(user).items():
                held.setdefault(dimension, Counter()).update([value])
        for dimension, counts in held.items():
            every = [counts[value] for value in load_catalog().dimensions[dimension].values]
            assert max(every) - min(every) <= 1, (number, dimension, counts)


def p_value(pairs: list[tuple[str, str]]) -> float:
    """Of the hypothesis that the first does not depend on the second."""
    rows, columns = sorted({a for a, _ in pairs}), sorted({b for _, b in pairs})
    if len(rows) < 2 or len(columns) < 2:
        return 1.0
    counts = Counter(pairs)
    return float(chi2_contingency([[counts[a, b] for b in columns] for a in rows]).pvalue)


@pytest.fixture(scope="module")
def drawn(many: list[User]) -> list[tuple[dict[str, str], dict[str, str], dict[str, str]]]:
    """Of each of them the values, the attributes, and how they write, as far as many write so."""
    found = []
    for user in many:
        style = asdict(user.style)
        ways = {name: str(style[name]) for name in (*HABITS, "lowercase", "drops_final_stop", "dotted")}
        found.append((values(user), dict(user.attributes), ways))
    return found


Drawn = list[tuple[dict[str, str], dict[str, str], dict[str, str]]]


def dependent(found: dict[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    """The pairs for which independence cannot be true, corrected for how many were looked at."""
    assert found
    return {pair: p for pair, p in found.items() if p < 0.001 / len(found)}


def dimensions_of(drawn: Drawn) -> list[str]:
    return sorted({dimension for held, _, _ in drawn for dimension in held})


def test_values_do_not_depend_on_attributes(drawn: Drawn) -> None:
    found = {
        (dimension, name): p_value([(held[dimension], attributes[name]) for held, attributes, _ in drawn if dimension in held])
        for dimension in dimensions_of(drawn)
        for name in drawn[0][1]
    }
    assert dependent(found) == {}


def test_having_a_dimension_does_not_depend_on_attributes(drawn: Drawn) -> None:
    found = {
        (dimension, name): p_value([(str(dimension in held), attributes[name]) for held, attributes, _ in drawn])
        for dimension in dimensions_of(drawn)
        for name in drawn[0][1]
    }
    assert dependent(found) == {}


def test_values_do_not_depend_on_the_way_of_writing(drawn: Drawn) -> None:
    found = {
        (dimension, name): p_value([(held[dimension], ways[name]) for held, _, ways in drawn if dimension in held])
        for dimension in dimensions_of(drawn)
        for name in drawn[0][2]
    }
    assert dependent(found) == {}


def test_values_of_two_dimensions_do_not_depend_on_each_other(drawn: Drawn) -> None:
    found = {
        (one, other): p_value([(held[one], held[other]) for held, _, _ in drawn if one in held and other in held])
        for one, other in combinations(dimensions_of(drawn), 2)
    }
    assert dependent(found) == {}


def test_a_dependence_would_be_found(drawn: Drawn) -> None:
    """The tests have power: if whoever lives alone wanted it brief, they would say so."""
    mine = [(held["length"], attributes["household"]) for held, attributes, _ in drawn if "length" in held]
    assert p_value([("brief" if household == "lives alone" else length, household) for length, household in mine]) < 0.001 / 200


def test_a_user_is_the_same_in_a_smaller_and_a_larger_release() -> None:
    for split in SPLITS:
        assert users_of(0, Block(split, 3, 5)) == users_of(0, Block(split, 3, BLOCK))[:5]


def test_another_seed_makes_other_users() -> None:
    assert users_of(0, Block("test", 0, BLOCK)) != users_of(1, Block("test", 0, BLOCK))


def test_blocks_hold_each_user_of_a_split_once() -> None:
    assert blocks({"train": 50, "validation": 24, "test": 1}) == [
        Block("train", 0, 24),
        Block("train", 1, 24),
        Block("train", 2, 2),
        Block("validation", 0, 24),
        Block("test", 0, 1),
    ]
    assert [user.persona_id for user in users_of(0, Block("train", 2, 2))] == ["u-train-000048", "u-train-000049"]


def test_the_conflict_table_is_obeyed_also_by_wishes_that_were_lifted(some_users: list[User]) -> None:
    for user in some_users:
        assert load_conflicts().allow({p.dimension for p in user.preferences}, {limit.constraint for limit in user.hard}), user.persona_id


def test_contradictory_traits_cannot_be_drawn(some_users: list[User]) -> None:
    """Nobody is vegan and vegetarian, sees tables with a screen reader, or has a wish about costs beside a budget."""
    for user in some_users:
        hard, dimensions = {limit.constraint for limit in user.hard}, {p.dimension for p in user.preferences}
        assert not {"vegan", "vegetarian"} <= hard
        assert not ("screen_reader" in hard and dimensions & {"structure", "emoji"})
        assert not ("budget" in hard and "cost" in dimensions)


def test_a_user_has_neither_few_nor_many_preferences(many: list[User]) -> None:
    assert {len(values(user)) for user in many} == set(range(FEWEST, MOST + 1))


def test_every_dimension_of_a_split_is_had(some_users: list[User]) -> None:
    for split in SPLITS:
        wanted = {dimension.id for dimension in load_catalog().dimensions.values() if split in dimension.splits}
        assert {dimension for user in some_users if user.split == split for dimension in values(user)} == wanted


def test_dimensions_that_are_held_out_occur_in_test_ood_alone(some_users: list[User]) -> None:
    held_out = {dimension.id for dimension in load_catalog().dimensions.values() if dimension.splits == {"test_ood"}}
    seen = {split: {p.dimension for user in some_users if user.split == split for p in user.preferences} for split in SPLITS}
    assert held_out
    assert held_out <= seen["test_ood"]
    assert all(not held_out & seen[split] for split in SPLITS if split != "test_ood")


def test_a_preference_carries_the_parameters_of_its_value(some_users: list[User]) -> None:
    catalog = load_catalog()
    for user in some_users:
        assert all(p.parameters == catalog.value(p.dimension, p.value).parameters for p in user.preferences)


def test_users_live_with_none_one_or_two_hard_constraints(many: list[User]) -> None:
    shares = Counter(len(user.hard) for user in many)
    assert all(abs(shares[number] / len(many) - share) < 0.05 for number, share in enumerate(HARD_NUMBER))


def test_every_hard_constraint_is_somebodys_stated_and_implied(many: list[User]) -> None:
    found = {(limit.constraint, limit.origin) for user in many for limit in user.hard}
    assert found == {(constraint, origin) for constraint in load_catalog().hard for origin in ("stated", "implied")}


def test_the_number_of_sessions_stays_in_its_range(many: list[User]) -> None:
    assert {user.sessions for user in many} == set(range(SESSIONS[0], SESSIONS[1] + 1))


@pytest.mark.parametrize("habit", list(HABITS))
def test_ways_of_writing_are_as_common_as_they_say(habit: str, many: list[User]) -> None:
    shares = Counter(str(getattr(user.style, habit)) for user in many)
    assert set(shares) == set(HABITS[habit])
    assert all(abs(shares[way] / len(many) - share) < 0.05 for way, share in HABITS[habit].items())


def test_hardly_two_users_write_alike(many: list[User]) -> None:
    styles = Counter(str(asdict(user.style)) for user in many)
    assert len(styles) > 0.95 * len(many)
