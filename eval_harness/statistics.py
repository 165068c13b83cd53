"""Means, intervals, differences and headroom for scores whose users and task templates are crossed clusters.

Implements MEASUREMENT.md, sections 6 and 8, and nothing else. An arm is three equal-length arrays: `user` and `template`
(integer codes from 0) and `value` (NaN: the sample is missing). A cell of user and template holds zero, one or several
samples. The estimand is the mean over users of the mean over a user's items; intervals are at 95 %.

    >>> weights = draw_weights(n_users=2, n_templates=2)
    >>> result = estimate([0, 0, 1, 1], [0, 1, 0, 1], [1.0, 0.0, 1.0, 1.0], weights)
    >>> result.mean, result.ci, result.method
    (0.75, (0.0, 1.0), 'pigeonhole bootstrap, users x templates, 10000 rounds')

Where the data do not carry the usual interval, a rule takes its place and `method` states it, in this order: no data; one
user (no interval); constant data (the value itself); one template (users only). Missing samples, and rounds of the bootstrap
in which no data are left, are left out and counted in `method`.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LEVEL = 0.95
POWER_FACTOR = 2.8  # z at .975 plus z at .80: what a two-sided test at 5 % detects with 80 % power, in standard errors
ROUNDING = 1e-12  # scores are of order 1: values that differ by less were made different by arithmetic
CHUNK_CELLS = 1_000_000  # users x rounds held at once: 8 MB for each of the few arrays of `_bootstrap`


@dataclass(frozen=True)
class Interval:
    """A mean with its two 95 % intervals, in the unit of the values (MEASUREMENT.md, section 8).

    `ci` is the percentile bootstrap, `analytic_ci` the two-way t interval; both None where a rule gives none. `method` states
    the rule in words. The counts are those of users, templates and samples that hold a value.
    """

    mean: float | None
    ci: tuple[float, float] | None
    analytic_ci: tuple[float, float] | None
    method: str
    n_users: int
    n_templates: int
    n_items: int


@dataclass(frozen=True)
class Ratio:
    """A ratio of means, without unit, with its 95 % Fieller interval (MEASUREMENT.md, section 6); `note` says what is missing and why."""

    value: float | None
    ci: tuple[float, float] | None
    note: str


@dataclass(frozen=True)
class Weights:
    """Multinomial counts of the bootstrap: `users` (rounds, n_users) and `templates` (rounds, n_templates).

    Drawn once for a run: every metric and every arm then sees the same rounds, and paired differences are exact.
    """

    users: Integers
    templates: Integers


@dataclass(frozen=True)
class _Items:
    """The samples without a missing value, in an order that does not depend on the order of the rows given."""

    user: Integers
    template: Integers
    values: tuple[Floats, ...]
    missing: int
    n_users: int
    n_templates: int


def draw_weights(n_users: int, n_templates: int, rounds: int = 10_000, seed: int = 0) -> Weights:
    """Draw the weights of a run: in each round, as many users and as many templates as there are, with replacement and independently."""
    generator = np.random.default_rng(seed)
    users, templates = (generator.multinomial(n, np.full(n, 1 / n), size=rounds) for n in (n_users, n_templates))
    return Weights(users.astype(np.int32), templates.astype(np.int32))


def estimate(user: ArrayLike, template: ArrayLike, value: ArrayLike, weights: Weights) -> Interval:
    """Mean over users of the mean over a user's items, with the bootstrap and the analytic interval (section 8).

    All arrays have shape (n_samples,). Raises ValueError where lengths differ, a value is infinite or a code has no weights.
    """
    items = _complete(user, template, value)
    return _interval(items, items.values[0], weights)


def difference(user: ArrayLike, template: ArrayLike, value_a: ArrayLike, value_b: ArrayLike, weights: Weights) -> Interval:
    """Mean of `value_a - value_b`, paired by item: a sample missing in either arm leaves both (section 8). Raises as `estimate` does."""
    items = _complete(user, template, value_a, value_b)
    return _interval(items, items.values[0] - items.values[1], weights)


def ratio(user: ArrayLike, template: ArrayLike, numerator: ArrayLike, denominator: ArrayLike, weights: Weights, floor: float = 0.10) -> Ratio:
    """Headroom recovered: mean(numerator) / mean(denominator), uncapped, with a Fieller interval (section 6).

    No value where the bootstrap's lower bound for the denominator is below `floor` (in the denominator's unit, above 0); a value
    without an interval where Fieller's is unbounded. Fieller's set holds every h at which mean(numerator - h · denominator) is
    within t standard errors of 0. The analytic variance is the largest of several forms, so the set is the union of theirs.
    """
    if floor <= 0:
        raise ValueError(f"floor is {floor}: give a value above 0, a ratio over a gap of 0 has no meaning")
    items = _complete(user, template, numerator, denominator)
    over, under = items.values
    gap = _interval(items, under, weights)
    if gap.mean is None or gap.ci is None:
        return Ratio(None, None, f"not printed: {gap.method}")
    if (bound := min(gap.ci[0], gap.mean)) < floor:
        return Ratio(None, None, f"not printed: the denominator's lower bound is {bound:.3f}, below {floor:.2f}")
    top, bottom = _mean(items, over), gap.mean
    degrees = _degrees(items.n_users, items.n_templates)
    t2 = _t_quantile(degrees) ** 2
    bounds = [top / bottom]
    for v_over, v_both, v_under in zip(*(_forms(items, a, b) for a, b in ((over, over), (over, under), (under, under))), strict=True):
        a, b, c = bottom**2 - t2 * v_under, top * bottom - t2 * v_both, top**2 - t2 * v_over
        if a <= 0:
            return Ratio(bounds[0], None, "Fieller interval unbounded: the denominator's mean is within its analytic error of 0")
        if (discriminant := b**2 - a * c) >= 0:
            bounds += [(b - sqrt(discriminant)) / a, (b + sqrt(discriminant)) / a]
    return Ratio(bounds[0], (min(bounds), max(bounds)), f"Fieller interval, t({degrees}); denominator: {gap.method}")


def minimum_detectable_effect(user: ArrayLike, template: ArrayLike, value: ArrayLike) -> float | None:
    """The effect on the mean that a two-sided test at 5 % finds with 80 % power, in the unit of the values (section 8).

    2.8 · √(two-way variance), never below 2.8 · √(ρ_t / T) · sd; ρ_t · sd² is estimated as one thing, the variance of the
    templates, at least 0. None below two users or two templates, where that variance cannot be told.
    """
    items = _complete(user, template, value)
    if min(items.n_users, items.n_templates) < 2:
        return None
    if _is_constant(items.values[0]):
        return 0.0
    variance = max(_forms(items, items.values[0], items.values[0]))
    return POWER_FACTOR * sqrt(max(variance, _template_variance(items, variance) / items.n_templates))


def p_value(interval: Interval) -> float | None:
    """Two-sided p-value of a paired difference against 0, from its analytic t statistic; None where it has no interval (section 8).

    Without spread there is no t: p is then 1 for a difference of 0, else 2^-(k-1), the least that flipping the signs of k clusters gives.
    """
    from scipy.special import stdtr

    if interval.mean is None or interval.analytic_ci is None:
        return None
    degrees = _degrees(interval.n_users, interval.n_templates)
    low, high = interval.analytic_ci
    if low == high:
        return 1.0 if interval.mean == 0 else 2.0**-degrees
    return float(2 * stdtr(degrees, -abs(interval.mean) / ((high - low) / 2 / _t_quantile(degrees))))


def holm(p_values: dict[str, float]) -> dict[str, float]:
    """Holm's step-down adjustment of a family, keys kept in their order (section 8). Raises ValueError outside [0, 1]."""
    if wrong := {name: p for name, p in p_values.items() if not 0 <= p <= 1}:
        raise ValueError(f"not p-values: {wrong}; leave comparisons without an interval out of the family")
    adjusted: dict[str, float] = {}
    largest = 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[name]))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}


def _complete(user: ArrayLike, template: ArrayLike, *values: ArrayLike) -> _Items:
    users, templates = np.asarray(user, dtype=np.int64), np.asarray(template, dtype=np.int64)
    columns = [np.asarray(value, dtype=np.float64) for value in values]
    if users.ndim != 1 or len({a.shape for a in (users, templates, *columns)}) > 1:
        raise ValueError(f"arrays of one length are needed, got shapes {[a.shape for a in (users, templates, *columns)]}")
    if any(np.isinf(column).any() for column in columns):
        raise ValueError("infinite values: mark a missing sample with NaN")
    if min(users.min(initial=0), templates.min(initial=0)) < 0:
        raise ValueError("negative codes: number users and templates from 0")
    present = ~np.isnan(np.array(columns)).any(axis=0)
    # Sums of floats depend on their order; sorted rows make them the same whatever order the samples arrive in.
    order = np.lexsort((*(c[present] for c in columns), templates[present], users[present]))
    users, templates = users[present][order], templates[present][order]
    sorted_values = tuple(c[present][order] for c in columns)
    return _Items(users, templates, sorted_values, int((~present).sum()), len(np.unique(users)), len(np.unique(templates)))


def _interval(items: _Items, value: Floats, weights: Weights) -> Interval:
    if items.user.max(initial=-1) >= weights.users.shape[1] or items.template.max(initial=-1) >= weights.templates.shape[1]:
        raise ValueError(f"codes beyond the {weights.users.shape[1]} users x {weights.templates.shape[1]} templates of the weights")
    left_out = f"; {items.missing} missing samples left out" if items.missing else ""
    counts = (items.n_users, items.n_templates, len(value))
    if not len(value):
        return Interval(None, None, None, "no data" + left_out, *counts)
    mean = _mean(items, value)
    if items.n_users == 1:
        return Interval(mean, None, None, "one user: no interval" + left_out, *counts)
    if _is_constant(value):
        same = float(value[0])
        return Interval(same, (same, same), (same, same), "constant data: the interval is the value itself" + left_out, *counts)
    half = _t_quantile(_degrees(items.n_users, items.n_templates)) * sqrt(max(_forms(items, value, value)))
    rounds = _bootstrap(items, value, weights)
    method = f"pigeonhole bootstrap, users x templates, {len(rounds)} rounds"
    if items.n_templates == 1:
        method = "one template: bootstrap over users only"
    kept = rounds[~np.isnan(rounds)]
    if len(kept) < len(rounds):
        left_out += f"; {len(rounds) - len(kept)} empty rounds left out"
    ci = None
    if len(kept):
        low, high = np.quantile(kept, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        ci = (float(low), float(high))
    return Interval(mean, ci, (mean - half, mean + half), method + left_out, *counts)


def _bootstrap(items: _Items, value: Floats, weights: Weights) -> Floats:
    """The estimand in each round, shape (rounds,); NaN where no user with data was drawn together with a template of theirs."""
    (rounds, n_users), n_templates = weights.users.shape, weights.templates.shape[1]
    cell = items.user * n_templates + items.template
    count = np.bincount(cell, minlength=n_users * n_templates).reshape(n_users, n_templates).T.astype(np.float64)
    total = np.bincount(cell, weights=value, minlength=n_users * n_templates).reshape(n_users, n_templates).T
    result = np.full(rounds, np.nan)
    step = max(1, CHUNK_CELLS // n_users)
    for chunk in (slice(start, start + step) for start in range(0, rounds, step)):
        drawn = weights.users[chunk].astype(np.float64)
        by_template = weights.templates[chunk].astype(np.float64)
        if items.n_templates == 1:
            by_template = np.ones_like(by_template)
        n = by_template @ count
        means = np.divide(by_template @ total, n, out=np.zeros_like(n), where=n > 0)
        left = np.einsum("ru,ru->r", drawn, (n > 0).astype(np.float64))
        np.divide(np.einsum("ru,ru->r", drawn, means), left, out=result[chunk], where=left > 0)
    return result


def _mean(items: _Items, value: Floats) -> float:
    return float(value @ _item_weights(items))


def _item_weights(items: _Items) -> Floats:
    """1 / (U · n_u) for each sample: its share in the mean over users of the mean over a user's items."""
    return 1 / (items.n_users * np.bincount(items.user)[items.user])


def _forms(items: _Items, a: Floats, b: Floats) -> list[float]:
    """The candidates for the covariance of two means, from influence values; a variance is the largest of them (section 8).

    Two-way (users + templates − cells), users only, templates only, each k/(k−1); with one template, users only.
    """
    share, n_templates = _item_weights(items), int(items.template.max()) + 1
    influence_a, influence_b = ((x - x @ share) * share for x in (a, b))

    def clustered(code: Integers) -> float:
        k = len(np.unique(code))
        return float(np.bincount(code, influence_a) @ np.bincount(code, influence_b)) * k / (k - 1)

    by_user = clustered(items.user)
    if items.n_templates == 1:
        return [by_user]
    by_template, by_cell = clustered(items.template), clustered(items.user * n_templates + items.template)
    return [by_user + by_template - by_cell, by_user, by_template]


def _template_variance(items: _Items, variance_of_mean: float) -> float:
    """Mean product of deviations over pairs of samples that share the template but not the user; at least 0.

    Deviations are from the estimated mean, which lowers every product by the variance of that mean: it is added back.
    """
    deviation = items.values[0] - _mean(items, items.values[0])
    cell = items.user * (int(items.template.max()) + 1) + items.template

    def squares(weight: Floats) -> float:
        """Sum over ordered pairs of samples within a template, less those within a cell."""
        return float((np.bincount(items.template, weight) ** 2).sum() - (np.bincount(cell, weight) ** 2).sum())

    pairs = squares(np.ones_like(deviation))
    return max(0.0, squares(deviation) / pairs + variance_of_mean) if pairs else 0.0


def _is_constant(value: Floats) -> bool:
    return bool(np.ptp(value) <= ROUNDING * max(1.0, float(np.abs(value).max())))


def _degrees(n_users: int, n_templates: int) -> int:
    return (n_users if n_templates == 1 else min(n_users, n_templates)) - 1


def _t_quantile(degrees: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(degrees, (1 + LEVEL) / 2))
