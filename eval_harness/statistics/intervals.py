"""Means and differences with their intervals: the crossed bootstrap and the analytic two-way form (MEASUREMENT 8)."""

import functools
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import ThreadpoolController

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LEVEL = 0.95
ROUNDING = 1e-12  # scores are of order 1: a smaller difference between values comes from rounding
ENOUGH = 20  # with fewer users or templates, the analytic spread is itself too uncertain to widen an interval to it
FEW = 7
"""With fewer differing items, over 2.5 % of rounds draw none (each is missed in .6 of rounds); the interval then reaches the mean without them."""
FEW_DIFFER = "; not drawn in, since few items differ"
"""Appended to `method`; `widened` recognizes such intervals by it, since a new field would change published results."""
NONE = 1e-7
"""A difference whose spread over the single-precision rounds is at most this counts as constant."""
CHUNK_CELLS = 250_000  # users or samples x rounds held at once: 1 MB for each of the few arrays of `bootstrap`


@dataclass(frozen=True)
class Interval:
    """A mean with its two 95 % intervals, in the unit of the values (MEASUREMENT 8).

    `ci` is the calibrated percentile bootstrap, `analytic_ci` the two-way t interval. Both are None if a rule gives none, and `ci` also if no round
    of the bootstrap has data. `method` says in words how they were made. The counts are of users, templates and samples that have a value.
    """

    mean: float | None
    ci: tuple[float, float] | None
    analytic_ci: tuple[float, float] | None
    method: str
    n_users: int
    n_templates: int
    n_items: int


@dataclass(frozen=True)
class Weights:
    """Multinomial counts of the bootstrap: `users` of shape (rounds, n_users) and `templates` of shape (rounds, n_templates).

    They are drawn once for a run, so that every metric and every arm sees the same rounds, and differences are paired exactly.
    """

    users: Integers
    templates: Integers


@dataclass(frozen=True)
class Items:
    """The samples without a missing value, in an order that does not depend on the order of the rows given; `missing` counts the others."""

    user: Integers
    template: Integers
    values: tuple[Floats, ...]
    missing: int
    n_users: int
    n_templates: int

    @functools.cached_property
    def share(self) -> Floats:
        """1 / (U · n_u) for each sample: its weight in the mean over users of the mean over a user's items."""
        return 1 / (self.n_users * np.bincount(self.user)[self.user])

    @functools.cached_property
    def clusters(self) -> list[tuple[Integers, int]]:
        """The codes of users, templates and cells, each with how many there are."""
        cell = self.user * (int(self.template.max()) + 1) + self.template
        return [(self.user, self.n_users), (self.template, self.n_templates), (cell, len(np.unique(cell)))]


def draw_weights(n_users: int, n_templates: int, rounds: int = 10_000, seed: int = 0) -> Weights:
    """Draw the weights of a run: in each round, as many users and as many templates as there are, with replacement and independently."""
    generator = np.random.default_rng(seed)
    users, templates = (generator.multinomial(n, np.full(n, 1 / n), size=rounds) for n in (n_users, n_templates))
    return Weights(users.astype(np.int32, order="F"), templates.astype(np.int32, order="F"))  # read by user and by template


def estimate(user: ArrayLike, template: ArrayLike, value: ArrayLike, weights: Weights) -> Interval:
    """Mean over users of the mean over a user's items, with the bootstrap and the analytic interval (MEASUREMENT 8).

    All arrays have shape (n_samples,). Raises ValueError if lengths differ, a value is infinite, or a code is negative or has no weights.
    """
    return estimate_all(user, template, [value], weights)[0]


def estimate_all(user: ArrayLike, template: ArrayLike, columns: Sequence[ArrayLike], weights: Weights) -> list[Interval]:
    """`estimate` for each of the columns, all of shape (n_samples,). Those that lack the same samples share the arithmetic of the rounds."""
    alike: dict[bytes, list[int]] = {}
    arrays = [np.asarray(column, dtype=np.float64) for column in columns]
    for i, array in enumerate(arrays):
        alike.setdefault(np.isnan(array).tobytes(), []).append(i)
    found: dict[int, Interval] = {}
    for numbers in alike.values():
        items = complete(user, template, *(arrays[i] for i in numbers))
        found.update(zip(numbers, intervals_of(items, items.values, weights), strict=True))
    return [found[i] for i in range(len(arrays))]


def difference(user: ArrayLike, template: ArrayLike, value_a: ArrayLike, value_b: ArrayLike, weights: Weights) -> Interval:
    """Mean of `value_a - value_b`, paired by item: a sample missing in either arm leaves both (MEASUREMENT 8). Raises as `estimate` does."""
    items = complete(user, template, value_a, value_b)
    return interval_of(items, items.values[0] - items.values[1], weights)


def complete(user: ArrayLike, template: ArrayLike, *values: ArrayLike) -> Items:
    """Collect the samples with all values, from arrays of shape (n_samples,). Raises ValueError on other shapes, infinities or negative codes."""
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
    return Items(users, templates, sorted_values, int((~present).sum()), len(np.unique(users)), len(np.unique(templates)))


def interval_of(items: Items, value: Floats, weights: Weights) -> Interval:
    """The interval of `value`, shape (n_items,). Raises ValueError if a code of `items` has no weights."""
    return intervals_of(items, [value], weights)[0]


def intervals_of(items: Items, values: Sequence[Floats], weights: Weights) -> list[Interval]:
    """The interval of each array in `values`, all of shape (n_items,). Raises ValueError if a code of `items` has no weights."""
    if items.user.max(initial=-1) >= weights.users.shape[1] or items.template.max(initial=-1) >= weights.templates.shape[1]:
        raise ValueError(f"codes beyond the {weights.users.shape[1]} users x {weights.templates.shape[1]} templates of the weights")
    ruled = [_by_rule(items, value) for value in values]
    varied = [value for value, interval in zip(values, ruled, strict=True) if interval is None]
    drawn = iter(_drawn(items, np.array(varied), weights) if varied else ())
    return [next(drawn) if interval is None else interval for interval in ruled]


def _by_rule(items: Items, value: Floats) -> Interval | None:
    """The interval of data that do not support the usual one; None for other data."""
    counts, left_out = (items.n_users, items.n_templates, len(value)), _left_out(items)
    if not len(value):
        return Interval(None, None, None, "no data" + left_out, *counts)
    if items.n_users == 1:
        return Interval(mean_of(items, value), None, None, "one user: no interval" + left_out, *counts)
    if is_constant(value):
        same = float(value[0])
        return Interval(same, (same, same), (same, same), "constant data: the interval is the value itself" + left_out, *counts)
    return None


def _left_out(items: Items) -> str:
    return f"; {items.missing} missing samples left out" if items.missing else ""


def _drawn(items: Items, values: Floats, weights: Weights) -> Iterator[Interval]:
    """The intervals of values of shape (n_columns, n_items)."""
    rounds = bootstrap(items, values, weights)
    method = f"pigeonhole bootstrap, users x templates, {rounds.shape[1]} rounds, calibrated"
    if items.n_templates == 1:
        method = "one template: bootstrap over users only"
    method += _left_out(items)
    empty = np.isnan(rounds[0])
    if empty.any():
        method += f"; {empty.sum()} empty rounds left out"
        rounds = rounds[:, ~empty]
    halves, means = ([f(items, value) for value in values] for f in (half_width, mean_of))
    few = np.array([differing(value) < FEW for value in values])
    limits = _calibrated(rounds, np.array(means), np.array(halves), few, items) if rounds.shape[1] else [None] * len(values)
    for mean, half, ci, sparse in zip(means, halves, limits, few, strict=True):
        said = method + FEW_DIFFER if sparse else method
        yield Interval(mean, ci, (mean - half, mean + half), said, items.n_users, items.n_templates, len(items.user))


def differing(value: Floats) -> int:
    """How many items do not have the most common value."""
    return len(value) - int(np.unique(value.round(9), return_counts=True)[1].max())


def half_width(items: Items, value: Floats) -> float:
    """Half the width of the analytic interval: t standard errors."""
    return t_quantile(degrees_of_freedom(items.n_users, items.n_templates)) * sqrt(max(forms(items, value, value)))


def widened(interval: Interval, half: float) -> float:
    """`half`, half the width of an interval for tests; where few items differ, at least the distance from the mean to the farthest end of `interval`.

    So p-values and ties take for possible whatever `ci` and `analytic_ci` hold.
    """
    if not interval.method.endswith(FEW_DIFFER) or interval.mean is None or interval.ci is None or interval.analytic_ci is None:
        return half
    return max(half, *(abs(end - interval.mean) for end in (*interval.ci, *interval.analytic_ci)))


def _calibrated(rounds: Floats, means: Floats, halves: Floats, few: NDArray[np.bool_], items: Items) -> list[tuple[float, float]]:
    """The percentile interval of each row of rounds, scaled around the mean so that its spread is that of the analytic interval.

    It is not widened if there are too few users or templates to know that spread, and not narrowed if only a `few` items differ.
    The pigeonhole bootstrap counts the variance that belongs neither to users nor to templates about three times (Owen, Annals of Applied Statistics,
    2007). If that is most of the variance, its plain percentiles hold the truth 99 times of 100; if templates differ much, they are a little narrow
    (docs/statistics.md). Scaling keeps the shape of the rounds.
    """
    widest = 1.0 if min(items.n_users, items.n_templates) < ENOUGH else np.inf
    factors = np.minimum(widest, halves / (normal_quantile() * np.maximum(rounds.std(axis=1), ROUNDING)))
    factors = np.where(few, np.maximum(factors, 1.0), factors)
    ends = (np.quantile(rounds, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1) - means) * factors + means
    return [(float(low), float(high)) for low, high in ends.T]


def bootstrap(items: Items, values: Floats, weights: Weights) -> Floats:
    """The estimand in each round, shape (n_columns, rounds) for values of shape (n_columns, n_items).

    NaN where no user with data was drawn together with a template of theirs. A round's value is the mean over users, weighted by their counts, of the
    mean over a user's samples, weighted by the counts of their templates, so all columns come from one matrix product. It is in single precision: the
    sixth decimal place of an interval's end is far beyond what 10,000 rounds tell.
    """
    n_users, n_templates = weights.users.shape[1], weights.templates.shape[1]
    cell = items.user * n_templates + items.template
    single = values.astype(np.float32)
    count = np.bincount(cell, minlength=n_users * n_templates).reshape(n_users, n_templates).astype(np.float32)
    found = np.full((len(values), len(weights.users)), np.nan)
    step = max(1, CHUNK_CELLS // max(n_users, values.shape[1]))

    def some(start: int) -> None:
        chunk = slice(start, start + step)
        drawn = weights.users[chunk].T.astype(np.float32)
        by_template = weights.templates[chunk].T.astype(np.float32)
        if items.n_templates == 1:
            by_template = np.ones_like(by_template)
        n = count @ by_template
        left = np.einsum("ur,ur->r", drawn, (n > 0).astype(np.float32))
        n[n == 0] = np.inf
        drawn /= n
        of_item = np.take(drawn, items.user, axis=0)
        of_item *= np.take(by_template, items.template, axis=0)
        np.divide(single @ of_item, left, out=found[:, chunk], where=left > 0)

    # One thread per core here, and a single one inside the products: twice as fast as the other way round.
    with _blas().limit(limits=1, user_api="blas"), ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(some, range(0, len(weights.users), step)))
    return found


@functools.cache
def _blas() -> ThreadpoolController:
    """The loaded BLAS libraries. To look for them takes as long as a thousand rounds."""
    return ThreadpoolController()


def mean_of(items: Items, value: Floats) -> float:
    """The mean over users of the mean over a user's items, for `value` of shape (n_items,)."""
    return float(value @ items.share)


def forms(items: Items, a: Floats, b: Floats) -> list[float]:
    """The candidates for the covariance of two means, from influence values; a variance is the largest of them (MEASUREMENT 8).

    They are two-way (users + templates − cells), users only and templates only, each times k/(k−1); with one template, users only.
    """
    influence_a, influence_b = ((x - x @ items.share) * items.share for x in (a, b))

    def clustered(code: Integers, k: int) -> float:
        return float(np.bincount(code, influence_a) @ np.bincount(code, influence_b)) * k / (k - 1)

    if items.n_templates == 1:
        return [clustered(*items.clusters[0])]
    by_user, by_template, by_cell = (clustered(*cluster) for cluster in items.clusters)
    return [by_user + by_template - by_cell, by_user, by_template]


def is_constant(value: Floats) -> bool:
    """Whether the values, at least one, differ by no more than ROUNDING, relative to the largest if that is above 1."""
    return bool(np.ptp(value) <= ROUNDING * max(1.0, float(np.abs(value).max())))


def degrees_of_freedom(n_users: int, n_templates: int) -> int:
    """One less than the smaller number of clusters; with one template, than the number of users."""
    return (n_users if n_templates == 1 else min(n_users, n_templates)) - 1


def normal_quantile() -> float:
    """The standard normal quantile of a two-sided interval at LEVEL: 1.96."""
    from scipy.special import ndtri

    return float(ndtri((1 + LEVEL) / 2))


def t_quantile(degrees: int) -> float:
    """The same quantile of Student's t with so many degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, (1 + LEVEL) / 2))
