"""Users: values drawn evenly and independently of everything else (MEASUREMENT.md, sections 1 and 3)."""

from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
import yaml
from scipy.stats import chi2_contingency

import persona_atlas.preferences
from generation.people import BLOCK, FEWEST, MOST, Block, blocks, users_of
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import SPLITS, User

RULES = yaml.safe_load((Path(persona_atlas.preferences.__file__).parent / "conflicts.yaml").read_text(encoding="utf-8"))["at_most"]


def values(user: User) -> dict[str, str]:
    return {preference.dimension: preference.value for preference in user.preferences}


@pytest.fixture(scope="module")
def many() -> list[User]:
    """3,000 users of one split."""
    return [user for number in range(125) for user in users_of(0, Block("train", number, BLOCK))]


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
    counts = Counter(pairs)
    return float(chi2_contingency([[counts[a, b] for b in columns] for a in rows]).pvalue)


def test_values_do_not_depend_on_attributes(many: list[User]) -> None:
    found = {
        (dimension, attribute): p_value([(values(user)[dimension], user.attributes[attribute]) for user in many if dimension in values(user)])
        for dimension in {d for user in many for d in values(user)}
        for attribute in many[0].attributes
    }
    assert {pair: p for pair, p in found.items() if p < 0.001 / len(found)} == {}


def test_having_a_dimension_does_not_depend_on_attributes(many: list[User]) -> None:
    found = {
        (dimension, attribute): p_value([(str(dimension in values(user)), user.attributes[attribute]) for user in many])
        for dimension in {d for user in many for d in values(user)}
        for attribute in many[0].attributes
    }
    assert {pair: p for pair, p in found.items() if p < 0.001 / len(found)} == {}


def test_values_of_two_dimensions_do_not_depend_on_each_other(many: list[User]) -> None:
    found = {}
    for one, other in combinations(sorted({d for user in many for d in values(user)}), 2):
        pairs = [(values(user)[one], values(user)[other]) for user in many if {one, other} <= set(values(user))]
        found[one, other] = p_value(pairs)
    assert {pair: p for pair, p in found.items() if p < 0.001 / len(found)} == {}


def test_a_user_is_the_same_in_a_smaller_and_a_larger_release() -> None:
    for split in SPLITS:
        assert users_of(0, Block(split, 3, 5)) == users_of(0, Block(split, 3, BLOCK))[:5]


def test_another_seed_makes_other_users() -> None:
    assert users_of(0, Block("test", 0, BLOCK)) != users_of(1, Block("test", 0, BLOCK))


def test_blocks_hold_each_user_of_a_split_once() -> None:
    made = blocks({"train": 50, "validation": 24, "test": 1})
    assert made == [Block("train", 0, 24), Block("train", 1, 24), Block("train", 2, 2), Block("validation", 0, 24), Block("test", 0, 1)]
    assert [user.persona_id for user in users_of(0, made[2])] == ["u-train-000048", "u-train-000049"]


def test_conflict_rules_are_obeyed(many: list[User]) -> None:
    assert RULES
    for rule in RULES:
        assert [user for user in many if rule["with"] in values(user) and len(set(values(user)) & set(rule["of"])) > rule["at_most"]] == []


def test_conflict_rules_speak_of_dimensions_that_exist() -> None:
    for rule in RULES:
        assert {rule["with"], *rule["of"]} <= set(load_catalog().dimensions)


def test_a_user_has_neither_few_nor_many_preferences(many: list[User]) -> None:
    assert {len(user.preferences) for user in many} == set(range(FEWEST, MOST + 1))


def test_dimensions_that_are_held_out_occur_in_test_ood_alone() -> None:
    held_out = {dimension.id for dimension in load_catalog().dimensions.values() if dimension.splits == {"test_ood"}}
    seen = {split: {d for number in range(5) for user in users_of(0, Block(split, number, BLOCK)) for d in values(user)} for split in SPLITS}
    assert held_out
    assert held_out <= seen["test_ood"]
    assert all(not held_out & seen[split] for split in SPLITS if split != "test_ood")


def test_a_preference_carries_the_parameters_of_its_value() -> None:
    catalog = load_catalog()
    for user in users_of(0, Block("test", 0, BLOCK)):
        assert all(preference.parameters == catalog.value(preference.dimension, preference.value).parameters for preference in user.preferences)
