"""Where scipy or statsmodels computes the same thing, they and we agree."""

import numpy as np
import pytest
from scipy import integrate, stats
from statsmodels.api import OLS
from statsmodels.stats.power import NormalIndPower, TTestPower

from eval_harness.statistics import difference, draw_weights, estimate, minimum_detectable_effect, p_value, ratio, retained

USERS, TEMPLATES = 40, 25
WEIGHTS = draw_weights(USERS, TEMPLATES, rounds=200)


@pytest.fixture
def crossed():
    """One item for each user, templates with effects of their own: codes, and two columns of scores."""
    rng = np.random.default_rng(21)
    template = rng.permutation(np.arange(USERS) % TEMPLATES)
    first = rng.normal(0.3, 1, USERS) + rng.normal(0, 0.8, TEMPLATES)[template]
    return np.arange(USERS), template, first, first * 0.6 + rng.normal(0, 0.5, USERS)


@pytest.fixture
def one_template(crossed):
    user, _, first, second = crossed
    return user, np.zeros(USERS, dtype=int), first, second


def test_the_two_way_variance_is_that_of_a_regression_with_two_way_clusters(crossed):
    """statsmodels corrects every form by k/(k-1) · (n-1)/(n-K), and with K = 1 the second factor is 1."""
    user, template, value, _ = crossed
    fit = OLS(value, np.ones(USERS)).fit(cov_type="cluster", cov_kwds={"groups": np.column_stack([user, template]), "use_correction": True})
    by_user = OLS(value, np.ones(USERS)).fit(cov_type="cluster", cov_kwds={"groups": user})
    by_template = OLS(value, np.ones(USERS)).fit(cov_type="cluster", cov_kwds={"groups": template})
    largest = max(float(np.squeeze(one.cov_params())) for one in (fit, by_user, by_template))
    low, high = estimate(user, template, value, WEIGHTS).analytic_ci
    assert (high - low) / 2 == pytest.approx(stats.t.ppf(0.975, TEMPLATES - 1) * largest**0.5, rel=1e-6)


def test_with_one_template_the_test_of_a_difference_is_the_paired_t_test(one_template):
    user, template, first, second = one_template
    found, wanted = difference(user, template, first, second, WEIGHTS), stats.ttest_rel(first, second)
    assert p_value(found) == pytest.approx(wanted.pvalue)
    assert found.analytic_ci == pytest.approx(tuple(wanted.confidence_interval(0.95)))


def test_means_of_users_with_several_items_are_those_of_a_one_sample_test(one_template):
    user, template, first, second = one_template
    found = estimate(np.tile(user, 2), np.tile(template, 2), np.concatenate([first, second]), WEIGHTS)
    wanted = stats.ttest_1samp((first + second) / 2, 0)
    assert found.mean == pytest.approx(((first + second) / 2).mean())
    assert p_value(found) == pytest.approx(wanted.pvalue)


def test_fieller_bounds_are_where_the_t_test_of_what_is_left_is_just_at_five_percent(one_template):
    user, template, _, _ = one_template
    under = np.random.default_rng(3).normal(1, 0.3, USERS)
    over = 0.5 * under + np.random.default_rng(4).normal(0, 0.2, USERS)
    found = ratio(user, template, over, under, WEIGHTS)
    assert found.ci[0] < found.value < found.ci[1]
    for bound in found.ci:
        assert stats.ttest_1samp(over - bound * under, 0).pvalue == pytest.approx(0.05)


def test_what_is_retained_is_the_area_by_the_trapezoid_rule(one_template):
    user, template, _, _ = one_template
    start = np.random.default_rng(5).normal(2, 0.1, USERS)
    levels, columns = [0, 1, 2, 4], [start, start * 0.9, start * 0.5, start * 0.2]
    area = integrate.trapezoid([column.mean() for column in columns], levels) / (levels[-1] - levels[0])
    assert retained(user, template, levels, columns, WEIGHTS).value == pytest.approx(area / start.mean())


def test_the_detectable_effect_has_the_power_that_it_claims():
    """Where templates do not differ at all: found four times of five, by the normal law and nearly by Student's."""
    template = np.arange(400) % 40
    value = np.random.default_rng(6).normal(0, 1, 400)
    value -= (np.bincount(template, value) / np.bincount(template))[template]
    size = minimum_detectable_effect(np.arange(400), template, value) / value.std(ddof=1)
    assert NormalIndPower(ddof=0).power(size, 400, 0.05, ratio=0) == pytest.approx(0.80, abs=0.01)
    assert TTestPower().power(size, 400, 0.05) == pytest.approx(0.80, abs=0.01)
