"""Families of tests, all pairs at once, power and robustness curves (MEASUREMENT 5 and 8)."""

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from eval_harness.statistics import (
    compare_all,
    difference,
    draw_weights,
    lost,
    minimum_detectable_effect,
    p_value,
    power,
    retained,
    tie_groups,
    tied_groups,
)

USERS, TEMPLATES = 40, 20
USER, TEMPLATE = np.repeat(np.arange(USERS), 5), np.tile(np.arange(TEMPLATES), USERS * 5 // TEMPLATES)
WEIGHTS = draw_weights(USERS, TEMPLATES, rounds=2_000)


def scores(seed, shift=0.0):
    rng = np.random.default_rng(seed)
    return shift + rng.normal(0, 0.3, USERS)[USER] + rng.normal(0, 0.1, TEMPLATES)[TEMPLATE] + rng.normal(0, 0.5, len(USER))


def test_all_pairs_are_compared_on_the_items_that_all_have():
    columns = {"a": scores(0), "b": scores(1), "c": scores(2)}
    columns["c"][0] = np.nan
    found = compare_all(USER, TEMPLATE, columns, WEIGHTS)
    assert [(one.first, one.second) for one in found] == list(combinations("abc", 2))
    assert {one.difference.n_items for one in found} == {len(USER) - 1}


def test_the_simultaneous_interval_is_the_wider_one():
    columns = {name: scores(seed) for seed, name in enumerate("abcd")}
    for one in compare_all(USER, TEMPLATE, columns, WEIGHTS):
        ordinary = difference(USER, TEMPLATE, columns[one.first], columns[one.second], WEIGHTS)
        assert one.difference.ci == pytest.approx(ordinary.ci)  # sums of several columns at once: the last bit may differ
        assert replace(one.difference, ci=ordinary.ci) == ordinary
        assert one.simultaneous[1] - one.simultaneous[0] > ordinary.ci[1] - ordinary.ci[0]


def test_what_is_the_same_is_tied_and_what_is_far_apart_is_not():
    base = scores(0)
    same, far = compare_all(USER, TEMPLATE, {"a": base, "b": base, "c": base - 1.0}, WEIGHTS)[:2]
    assert (same.tied, same.wins, same.ties, same.losses) == (True, 0, USERS, 0)
    assert (far.tied, far.wins, far.ties, far.losses) == (False, USERS, 0, 0)


def test_a_pair_that_differs_by_a_constant_widens_no_other():
    one, other = scores(1), scores(2)
    (alone,) = compare_all(USER, TEMPLATE, {"a": one, "c": other}, WEIGHTS)
    beside = compare_all(USER, TEMPLATE, {"a": one, "c": other, "b": one + 0.1}, WEIGHTS)[0]
    assert (beside.first, beside.second) == ("a", "c")
    assert beside.simultaneous == pytest.approx(alone.simultaneous, abs=1e-4)


def test_seldom_is_any_of_six_equal_pairs_told_apart():
    """Four entrants that differ by chance only: at 5 %, some pair is told apart in about one simulation of twenty."""
    weights = draw_weights(USERS, TEMPLATES, rounds=400)
    apart = [any(not one.tied for one in compare_all(USER, TEMPLATE, {str(i): scores(4 * run + i) for i in range(4)}, weights)) for run in range(60)]
    assert sum(apart) <= 9


def test_groups_hold_who_cannot_be_told_from_their_best():
    base = scores(0)
    columns = {"worst": base - 2, "best": base, "near": base + scores(1) * 0.01, "middle": base - 1}
    means = {name: float(column.mean()) for name, column in columns.items()}
    groups = tie_groups(means, compare_all(USER, TEMPLATE, columns, WEIGHTS))
    assert [set(group) for group in groups] == [{"best", "near"}, {"middle"}, {"worst"}]


def test_one_user_has_no_simultaneous_interval():
    (one,) = compare_all([0, 0], [0, 1], {"a": [1.0, 0.0], "b": [0.0, 0.0]}, draw_weights(1, 2, 100))
    assert one.simultaneous is None
    assert one.tied


def test_power_here_is_the_minimum_detectable_effect_and_falls_with_size():
    found = power(USER, TEMPLATE, scores(0))
    assert found.detectable() == minimum_detectable_effect(USER, TEMPLATE, scores(0))
    assert found.detectable(users=4 * USERS) < found.detectable()
    assert found.detectable(users=4 * USERS, templates=4 * TEMPLATES) == pytest.approx(found.detectable() / 2)


def test_power_with_many_users_is_bounded_by_the_templates():
    value = np.random.default_rng(0).normal(0, 1, TEMPLATES)[TEMPLATE] + scores(1) * 0.01
    found = power(USER, TEMPLATE, value)
    assert found.detectable(users=10**6) == pytest.approx(found.detectable(), rel=0.05)


def test_nothing_lost_retains_all_and_half_lost_over_the_way_three_quarters():
    clean = scores(0, shift=1.0)
    assert retained(USER, TEMPLATE, [0, 1], [clean, clean], WEIGHTS).value == pytest.approx(1)
    assert retained(USER, TEMPLATE, [0, 1], [clean, clean / 2], WEIGHTS).value == pytest.approx(0.75)
    assert retained(USER, TEMPLATE, [0, 0.25, 1], [clean, clean / 2, clean / 2], WEIGHTS).value == pytest.approx(0.25 * 0.75 + 0.75 * 0.5)


def test_what_is_not_above_zero_has_nothing_to_retain():
    assert retained(USER, TEMPLATE, [0, 1], [scores(0), scores(0)], WEIGHTS).value is None


@pytest.mark.parametrize("levels", [[0], [0, 0], [1, 0], [0, 1, 2]])
def test_levels_rise_and_there_is_a_column_for_each(levels):
    with pytest.raises(ValueError, match="give two or more, rising, one a column"):
        retained(USER, TEMPLATE, levels, [scores(0)] * 2, WEIGHTS)


def test_a_loss_is_measured_against_identitys():
    own, identity = scores(0, shift=1.0), scores(1)
    assert lost(USER, TEMPLATE, (own - 0.3, own), (identity - 0.3, identity), WEIGHTS).mean == pytest.approx(0)
    assert lost(USER, TEMPLATE, (own - 0.3, own), (identity, identity), WEIGHTS).mean == pytest.approx(-0.3)


def test_no_entrants_make_no_groups():
    assert tied_groups(USER, TEMPLATE, {}, WEIGHTS) == []


# Entrants that differ on few items only, by chance: the interval, the p-value and the places tell one story

FEW_USER, FEW_TEMPLATE = np.arange(200), np.arange(200) % 60
FEW_WEIGHTS = draw_weights(200, 60, rounds=1_000)
FEW_BASE = np.random.default_rng(3).uniform(size=200)


def differing_by(steps):
    """The base, and the base with each of `steps` added to another item."""
    other = FEW_BASE.copy()
    other[np.random.default_rng(4).permutation(200)[: len(steps)]] += steps
    return {"base": FEW_BASE, "other": other}


def groups_of(columns):
    return tied_groups(FEW_USER, FEW_TEMPLATE, columns, FEW_WEIGHTS)


@pytest.mark.parametrize("items", [4, 5, 6])
def test_few_items_that_all_differ_the_same_way_tell_nobody_apart(items):
    columns = differing_by([0.5] * items)
    (one,) = compare_all(FEW_USER, FEW_TEMPLATE, columns, FEW_WEIGHTS)
    assert one.difference.ci[0] <= 0 <= one.difference.ci[1]
    assert p_value(one.difference) > 0.05
    assert one.tied
    assert groups_of(columns) == [["other", "base"]]


@pytest.mark.parametrize("items", [4, 5, 6])
def test_the_simultaneous_interval_of_few_items_holds_all_of_the_ordinary_one(items):
    (one,) = compare_all(FEW_USER, FEW_TEMPLATE, differing_by([0.5] * items), FEW_WEIGHTS)
    assert one.simultaneous[0] <= one.difference.ci[0]
    assert one.difference.ci[1] <= one.simultaneous[1] + 1e-12


def test_a_lead_on_all_items_is_seen_though_few_items_differ_from_the_others():
    columns = differing_by([0.5, -0.5, 0.5, 0.5])
    columns["ahead"] = FEW_BASE + 1.0
    found = compare_all(FEW_USER, FEW_TEMPLATE, columns, FEW_WEIGHTS)
    assert [one.tied for one in found] == [True, False, False]
    assert p_value(found[2].difference) < 1e-6
    assert groups_of(columns) == [["ahead"], ["other", "base"]]


def test_seven_items_and_more_have_the_t_test_and_the_same_places_as_ever():
    columns = differing_by([0.5] * 7)
    (one,) = compare_all(FEW_USER, FEW_TEMPLATE, columns, FEW_WEIGHTS)
    low, high = one.difference.analytic_ci
    standard_error = (high - low) / 2 / student.ppf(0.975, 59)
    assert p_value(one.difference) == pytest.approx(2 * student.sf(-one.difference.mean / standard_error, 59))
    assert groups_of(columns) == [["other"], ["base"]]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from([-1.0, -0.5, -0.1, 0.1, 0.5, 1.0]), min_size=1, max_size=6), st.sampled_from([0.0, 0.005, 0.02]))
def test_where_few_items_differ_the_interval_p_and_ties_never_contradict_each_other(steps, shift):
    columns = differing_by(steps)
    columns["other"] += shift
    (one,) = compare_all(FEW_USER, FEW_TEMPLATE, columns, FEW_WEIGHTS)
    low, high = one.difference.ci
    p = p_value(one.difference)
    assert p >= 0.05 - 1e-9 or not low <= 0 <= high
    assert one.tied or p <= 0.05 + 1e-9
    assert len(groups_of(columns)) == 2 - one.tied


def test_chance_on_four_items_is_seldom_taken_for_a_difference():
    """All four the same way, which comes by chance in one of eight, must not be enough; the t test alone rejects then."""
    ways = [np.array(signs) for signs in product([-0.5, 0.5], repeat=4)]
    pairs = [compare_all(FEW_USER, FEW_TEMPLATE, differing_by(steps), FEW_WEIGHTS)[0] for steps in ways]
    assert np.mean([p_value(one.difference) < 0.05 for one in pairs]) <= 0.07
    assert np.mean([not one.tied for one in pairs]) <= 0.07
