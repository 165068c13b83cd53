"""Means, intervals, differences and headroom (MEASUREMENT 6 and 8)."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eval_harness.statistics import (
    Interval,
    Weights,
    difference,
    draw_weights,
    estimate,
    estimate_all,
    minimum_detectable_effect,
    p_value,
    ratio,
)
from eval_harness.statistics.intervals import bootstrap, complete

SMALL = draw_weights(n_users=60, n_templates=24, rounds=1_000)
# Two users, two templates: the means of the users are 0.5 and 1, those of the templates 1 and 0.5.
USER, TEMPLATE, VALUE = [0, 0, 1, 1], [0, 1, 0, 1], [1.0, 0.0, 1.0, 1.0]


def crossed(rng, n_users=60, n_templates=24, per_user=24, user_share=0.2, template_share=0.1):
    """Simulated scores with mean 0 and variance 1; each user meets `per_user` templates at random."""
    user = np.repeat(np.arange(n_users), per_user)
    template = np.concatenate([rng.permutation(n_templates)[:per_user] for _ in range(n_users)])
    users, templates = rng.normal(0, sqrt(user_share), n_users), rng.normal(0, sqrt(template_share), n_templates)
    noise = rng.normal(0, sqrt(1 - user_share - template_share), len(user))
    return user, template, users[user] + templates[template] + noise


def covers(ci, truth):
    return ci[0] <= truth <= ci[1]


# The estimand and the analytic interval


def test_mean_is_over_users_of_the_mean_over_their_items():
    result = estimate([0, 0, 0, 1], [0, 1, 2, 0], [0.0, 0.0, 0.0, 1.0], SMALL)
    assert result.mean == 0.5
    assert (result.n_users, result.n_templates, result.n_items) == (2, 3, 4)


def test_analytic_interval_by_hand():
    # Influence of the items: (value - 0.75) / 4 = 1/16, -3/16, 1/16, 1/16. Users sum to -1/8, 1/8 and templates to 1/8, -1/8:
    # 1/32 each, times 2. Cells: 12/256 times 4/3. So 1/16 + 1/16 - 1/16 = 1/16; standard error 1/4, t with 1 degree of freedom.
    half = 12.706204736 / 4
    assert estimate(USER, TEMPLATE, VALUE, SMALL).analytic_ci == pytest.approx((0.75 - half, 0.75 + half))


def test_one_item_a_user_on_templates_of_their_own_is_the_ordinary_t_interval():
    value = np.random.default_rng(1).normal(0.3, 1, 40)
    result = estimate(range(40), range(40), value, draw_weights(40, 40, 100))
    assert result.analytic_ci == pytest.approx(stats.t.interval(0.95, 39, value.mean(), stats.sem(value)), rel=1e-12)


def test_variance_is_never_below_that_of_users_or_of_templates_alone():
    # Signs that cancel within users: no variance between users or templates, much between cells.
    user, template = np.divmod(np.arange(16), 4)
    value = 0.01 * template + np.where((user + template) % 2, 1.0, -1.0)
    low, high = estimate(user, template, value, SMALL).analytic_ci
    by_template = np.array([value[template == t].mean() for t in range(4)])
    assert (high - low) / 2 == pytest.approx(stats.t.ppf(0.975, 3) * stats.sem(by_template))


# The bootstrap


def rounds_of(user, template, value, weights):
    items = complete(user, template, value)
    return bootstrap(items, np.array(items.values), weights)[0]


def test_rounds_by_hand():
    # User 0 twice: 0.5. Both users, template 1 twice: (0 + 1) / 2. User 1 twice: 1.
    weights = Weights(np.array([[2, 0], [1, 1], [0, 2]]), np.array([[1, 1], [0, 2], [2, 0]]))
    assert rounds_of(USER, TEMPLATE, VALUE, weights) == pytest.approx([0.5, 0.5, 1.0])


def test_the_interval_is_the_rounds_percentiles_drawn_in_to_the_spread_of_the_analytic_interval():
    user, template = np.divmod(np.arange(1440), 24)
    value = np.random.default_rng(2).normal(size=1440)  # neither users nor templates differ: the bootstrap alone would be too wide
    found, rounds = estimate(user, template, value, SMALL), rounds_of(user, template, value, SMALL)
    low, high = np.quantile(rounds, [0.025, 0.975]) - found.mean
    error = (found.analytic_ci[1] - found.mean) / stats.norm.ppf(0.975)
    assert error < rounds.std()
    assert found.ci == pytest.approx((found.mean + low * error / rounds.std(), found.mean + high * error / rounds.std()))


def test_with_few_users_or_templates_the_interval_is_never_wider_than_the_rounds_percentiles():
    assert estimate(USER, TEMPLATE, VALUE, SMALL).ci == pytest.approx(np.nanquantile(rounds_of(USER, TEMPLATE, VALUE, SMALL), [0.025, 0.975]))


def test_the_interval_keeps_the_shape_of_the_rounds():
    value = np.where(np.arange(400) % 20 == 0, 1.0, 0.0)  # one in twenty: the sample mean is skewed upward
    low, high = estimate(np.arange(400), np.random.default_rng(3).integers(0, 200, 400), value, draw_weights(400, 200)).ci
    assert high - value.mean() > value.mean() - low


def test_users_without_a_drawn_cell_drop_out_and_empty_rounds_are_counted():
    # Round 0: user 1 drops out, so 0.2. Round 1: nothing is left. Round 2: both.
    weights = Weights(np.array([[1, 1], [0, 2], [1, 1]]), np.array([[2, 0], [2, 0], [1, 1]]))
    assert rounds_of([0, 1], [0, 1], [0.2, 0.6], weights) == pytest.approx([0.2, np.nan, 0.4], nan_ok=True)
    method = estimate([0, 1], [0, 1], [0.2, 0.6], weights).method
    assert method == "pigeonhole bootstrap, users x templates, 3 rounds, calibrated; 1 empty rounds left out; not drawn in, since few items differ"


def test_only_empty_rounds_give_no_bootstrap_interval():
    result = estimate([0, 1], [0, 1], [0.2, 0.6], Weights(np.array([[0, 2]]), np.array([[2, 0]])))
    assert result.ci is None
    assert result.analytic_ci is not None


def test_matrix_products_agree_with_weighting_every_item():
    rng = np.random.default_rng(2)
    user, template, value = rng.integers(0, 7, 50), rng.integers(0, 5, 50), rng.normal(size=50)
    weights = draw_weights(7, 5, rounds=200)
    rounds = []
    for w_user, w_template in zip(weights.users, weights.templates, strict=True):
        drawn = [u for u in range(7) if w_user[u] and w_template[template[user == u]].sum()]
        means = [np.average(value[user == u], weights=w_template[template[user == u]]) for u in drawn]
        rounds.append(np.average(means, weights=w_user[drawn]))
    assert rounds_of(user, template, value, weights) == pytest.approx(rounds, abs=1e-6)


def test_rounds_do_not_depend_on_the_chunks(monkeypatch):
    data = crossed(np.random.default_rng(3))
    whole = estimate(*data, SMALL)
    monkeypatch.setattr("eval_harness.statistics.intervals.CHUNK_CELLS", 60 * 7)
    assert estimate(*data, SMALL).ci == pytest.approx(whole.ci, abs=1e-6)


def test_weights_are_reproducible_from_the_seed():
    first, again, other = (draw_weights(20, 6, rounds=50, seed=seed) for seed in (4, 4, 5))
    assert np.array_equal(first.users, again.users)
    assert np.array_equal(first.templates, again.templates)
    assert not np.array_equal(first.users, other.users)
    assert first.users.shape == (50, 20)
    assert (first.users.sum(axis=1) == 20).all()
    assert (first.templates.sum(axis=1) == 6).all()


@pytest.mark.parametrize("per_user", [24, 8])
def test_intervals_cover_the_truth_with_crossed_users_and_templates(per_user):
    rng, weights = np.random.default_rng(6), draw_weights(60, 24, rounds=400)
    results = [estimate(*crossed(rng, per_user=per_user), weights) for _ in range(200)]
    assert 0.90 <= np.mean([covers(r.ci, 0) for r in results]) <= 0.99
    assert 0.90 <= np.mean([covers(r.analytic_ci, 0) for r in results]) <= 0.99


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4), st.floats(-1, 1) | st.just(float("nan"))), max_size=30),
    st.randoms(use_true_random=False),
)
def test_order_of_rows_does_not_matter(rows, random):
    weights = draw_weights(6, 5, rounds=50)
    shuffled = random.sample(rows, len(rows))

    def result(rows: list[tuple[int, int, float]]) -> Interval:
        return estimate([u for u, _, _ in rows], [t for _, t, _ in rows], [v for _, _, v in rows], weights)

    assert result(rows) == result(shuffled)


def test_many_columns_at_once_are_those_one_by_one():
    rng = np.random.default_rng(12)
    user, template, value = crossed(rng)
    gone = rng.random(len(value)) < 0.1
    columns = [
        value,
        np.where(gone, np.nan, value),
        value**2,
        np.full(len(value), np.nan),
        np.where(gone, np.nan, 1.0),
        np.where(gone, np.nan, -value),
    ]
    weights = draw_weights(60, 24, rounds=50)
    for together, column in zip(estimate_all(user, template, columns, weights), columns, strict=True):
        alone = estimate(user, template, column, weights)
        assert (together.method, together.n_items, together.n_users) == (alone.method, alone.n_items, alone.n_users)
        for name in ("mean", "ci", "analytic_ci"):
            assert getattr(together, name) == pytest.approx(getattr(alone, name))
    assert estimate_all(user, template, [], weights) == []


# Rules for data that do not carry the usual interval


def test_constant_data():
    result = estimate(USER, TEMPLATE, [0.1] * 4, SMALL)
    assert (result.mean, result.ci, result.analytic_ci) == (0.1, (0.1, 0.1), (0.1, 0.1))
    assert result.method == "constant data: the interval is the value itself"


def test_one_user_has_no_interval():
    result = estimate([3, 3], [0, 1], [0.0, 1.0], SMALL)
    assert result == Interval(0.5, None, None, "one user: no interval", 1, 2, 2)


def test_one_user_with_constant_data_has_no_interval_either():
    assert estimate([3, 3], [0, 1], [1.0, 1.0], SMALL).method == "one user: no interval"


def test_one_template_is_the_ordinary_bootstrap_and_t_interval_over_users():
    value = np.random.default_rng(7).normal(size=50)
    result = estimate(range(50), [2] * 50, value, draw_weights(50, 6))
    scipy_ci = stats.bootstrap((value,), np.mean, method="percentile", rng=np.random.default_rng(8)).confidence_interval
    assert result.method == "one template: bootstrap over users only"
    assert result.ci == pytest.approx(tuple(scipy_ci), abs=0.02)
    assert result.analytic_ci == pytest.approx(stats.t.interval(0.95, 49, value.mean(), stats.sem(value)))


def test_without_data_nothing_is_estimated_and_the_method_says_so():
    assert estimate([], [], [], SMALL) == Interval(None, None, None, "no data", 0, 0, 0)
    assert estimate([0], [0], [np.nan], SMALL).method == "no data; 1 missing samples left out"


def test_missing_cells_are_left_out_and_counted():
    rng = np.random.default_rng(9)
    user, template, value = crossed(rng)
    gone = (rng.random(len(value)) < 0.05) | (user == 5)
    with_gaps = estimate(user, template, np.where(gone, np.nan, value), SMALL)
    without = estimate(user[~gone], template[~gone], value[~gone], SMALL)
    assert (with_gaps.mean, with_gaps.ci, with_gaps.analytic_ci) == (without.mean, without.ci, without.analytic_ci)
    assert with_gaps.method == f"{without.method}; {gone.sum()} missing samples left out"
    assert (with_gaps.n_users, with_gaps.n_items) == (59, (~gone).sum())


@pytest.mark.parametrize(
    ("user", "template", "value", "message"),
    [
        ([0, 1], [0], [0.0, 1.0], "one length"),
        ([0, -1], [0, 0], [0.0, 1.0], "negative codes"),
        ([0, 60], [0, 0], [0.0, 1.0], "codes beyond the 60 users x 24 templates"),
        ([0, 1], [0, 0], [0.0, np.inf], "infinite"),
    ],
)
def test_wrong_input_is_refused(user, template, value, message):
    with pytest.raises(ValueError, match=message):
        estimate(user, template, value, SMALL)


# Paired differences


def test_identical_arms_differ_by_exactly_nothing():
    user, template, value = crossed(np.random.default_rng(10))
    result = difference(user, template, value, value.copy(), SMALL)
    assert (result.mean, result.ci, result.analytic_ci) == (0.0, (0.0, 0.0), (0.0, 0.0))
    assert p_value(result) == 1.0


def test_a_constant_difference_is_known_exactly_though_both_arms_vary():
    user, template, value = crossed(np.random.default_rng(11))
    result = difference(user, template, value + 0.1, value, SMALL)
    assert result.ci == pytest.approx((0.1, 0.1))
    assert result.method.startswith("constant data")
    assert p_value(result) == 2.0**-23


def test_a_sample_missing_in_either_arm_leaves_both():
    result = difference([0, 0, 1, 1], [0, 1, 0, 1], [1.0, np.nan, 1.0, 5.0], [0.0, 9.0, 0.5, np.nan], SMALL)
    assert result.mean == 0.75
    assert result.n_items == 2
    assert "2 missing samples left out" in result.method


def test_p_value_and_analytic_interval_tell_the_same():
    value = np.random.default_rng(12).normal(0.3, 1, 40)
    result = difference(range(40), range(40), value, np.zeros(40), draw_weights(40, 40, 100))
    assert p_value(result) == pytest.approx(stats.ttest_1samp(value, 0).pvalue, rel=1e-9)
    assert p_value(estimate([0, 0], [0, 1], [0.0, 1.0], SMALL)) is None


# Headroom recovered (section 6)


def headroom_arms(rng, headroom=0.5, gap=0.4):
    user, template, shared = crossed(rng, per_user=12)
    own = rng.normal(0, 0.2, 60)[user] + rng.normal(0, 0.1, 24)[template] + rng.normal(0, 0.3, len(user))
    return user, template, headroom * gap + 0.3 * shared + own, gap + 0.5 * shared


def test_headroom_is_a_ratio_of_means_and_not_capped():
    rng = np.random.default_rng(13)
    user, template, numerator, denominator = headroom_arms(rng)
    weights = SMALL
    expected = estimate(user, template, numerator + 1, weights).mean / estimate(user, template, denominator, weights).mean
    result = ratio(user, template, numerator + 1, denominator, weights)
    assert result.value == pytest.approx(expected)
    assert result.value > 1
    assert ratio(user, template, -denominator, denominator, weights).value == pytest.approx(-1)


def test_headroom_bounds_are_where_numerator_less_h_times_denominator_touches_zero():
    user, template, numerator, denominator = headroom_arms(np.random.default_rng(14))
    result = ratio(user, template, numerator, denominator, SMALL)
    low, high = (estimate(user, template, numerator - h * denominator, SMALL).analytic_ci for h in result.ci)
    assert low[0] == pytest.approx(0, abs=1e-12)
    assert high[1] == pytest.approx(0, abs=1e-12)


def test_headroom_interval_covers_the_truth_in_simulation():
    rng, weights = np.random.default_rng(15), draw_weights(60, 24, rounds=200)
    results = [ratio(*headroom_arms(rng), weights) for _ in range(200)]
    printed = [r for r in results if r.ci]
    assert len(printed) >= 190
    assert 0.90 <= np.mean([covers(r.ci, 0.5) for r in printed]) <= 0.99


def test_an_arm_that_equals_the_oracle_recovers_exactly_the_headroom():
    user, template, value = crossed(np.random.default_rng(16))
    result = ratio(user, template, value + 1, value + 1, SMALL)
    assert result.ci == pytest.approx((1.0, 1.0), abs=1e-6)


def test_headroom_is_not_printed_over_a_small_gap():
    user, template, numerator, denominator = headroom_arms(np.random.default_rng(17), gap=0.05)
    result = ratio(user, template, numerator, denominator, SMALL)
    assert (result.value, result.ci) == (None, None)
    assert "below 0.10" in result.note


def test_headroom_of_one_user_is_not_printed():
    assert ratio([0, 0], [0, 1], [0.1, 0.2], [0.5, 0.6], SMALL).note == "not printed: one user: no interval"


def test_unbounded_fieller_gives_a_value_without_an_interval():
    # Three templates that differ widely: the bootstrap cannot fall below the lowest, the t interval with 2 degrees of freedom does.
    user, template = np.divmod(np.arange(90), 3)
    gap = np.array([0.15, 0.40, 0.70])[template]
    result = ratio(user, template, gap / 2, gap, draw_weights(30, 3))
    assert result.value == pytest.approx(0.5)
    assert result.ci is None
    assert "unbounded" in result.note


def test_a_floor_of_zero_is_refused():
    with pytest.raises(ValueError, match="floor"):
        ratio(USER, TEMPLATE, VALUE, VALUE, SMALL, floor=0.0)


# Minimum detectable effect


def test_detectable_effect_of_independent_items_is_2_8_standard_errors():
    value = np.random.default_rng(18).normal(size=40)
    assert minimum_detectable_effect(range(40), range(40), value) == pytest.approx(2.8 * stats.sem(value))


@pytest.mark.parametrize("n_users", [2, 50, 1_000])
def test_detectable_effect_stays_at_the_share_of_the_templates_however_many_users(n_users):
    by_template = np.array([0.0, 0.2, 0.9, 0.4])
    user, template = np.divmod(np.arange(4 * n_users), 4)
    assert minimum_detectable_effect(user, template, by_template[template]) == pytest.approx(2.8 * by_template.std(ddof=1) / 2)


def test_detectable_effect_is_near_the_true_one_in_simulation():
    rng = np.random.default_rng(19)
    effects = [minimum_detectable_effect(*crossed(rng)) for _ in range(50)]
    assert np.mean(effects) == pytest.approx(2.8 * sqrt(0.2 / 60 + 0.1 / 24 + 0.7 / 1440), rel=0.1)


def test_detectable_effect_needs_two_users_and_two_templates():
    assert minimum_detectable_effect([0, 0], [0, 1], [0.0, 1.0]) is None
    assert minimum_detectable_effect([0, 1], [0, 0], [0.0, 1.0]) is None
    assert minimum_detectable_effect(USER, TEMPLATE, [0.5] * 4) == 0.0


@pytest.mark.parametrize("differing", [1, 2, 6])
def test_a_few_items_that_differ_never_leave_zero_out(differing: int) -> None:
    weights = draw_weights(200, 50)
    values = np.zeros(200)
    values[:differing] = 0.5
    found = estimate(np.arange(200), np.arange(200) % 50, values, weights)
    assert found.ci is not None
    assert found.ci[0] <= 0.0 < found.ci[1]
    assert found.method.endswith("; not drawn in, since few items differ")
