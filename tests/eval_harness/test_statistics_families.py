"""Families of tests, all pairs at once, power and robustness curves (MEASUREMENT 5 and 8)."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from eval_harness.statistics import (
    benjamini_hochberg,
    compare_all,
    difference,
    draw_weights,
    lost,
    minimum_detectable_effect,
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


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_benjamini_hochberg_agrees_with_statsmodels(p_values):
    named = {str(i): p for i, p in enumerate(p_values)}
    assert list(benjamini_hochberg(named).values()) == pytest.approx(multipletests(p_values, method="fdr_bh")[1])


def test_benjamini_hochberg_takes_p_values_only():
    with pytest.raises(ValueError, match="not p-values"):
        benjamini_hochberg({"a": 1.5})


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
