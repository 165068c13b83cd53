"""Tests and families of tests: p-values, all pairs of entrants at once (MEASUREMENT 8). The corrections are in persona_atlas/corrections.py."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from eval_harness.statistics.intervals import (
    LEVEL,
    NONE,
    Interval,
    Items,
    Weights,
    bootstrap,
    complete,
    degrees_of_freedom,
    half_width,
    intervals_of,
    mean_of,
    normal_quantile,
    t_quantile,
    widened,
)


@dataclass(frozen=True)
class Comparison:
    """`first` minus `second`, paired by item. `difference` has the ordinary interval, `simultaneous` is one that holds for all pairs at once.

    `wins`, `ties`, `losses`: how many users have a higher, equal or lower mean over items with `first`.
    """

    first: str
    second: str
    difference: Interval
    simultaneous: tuple[float, float] | None
    wins: int
    ties: int
    losses: int

    @property
    def tied(self) -> bool:
        """Whether the two cannot be told apart."""
        return self.simultaneous is None or self.simultaneous[0] <= 0 <= self.simultaneous[1]


def compare_all(user: ArrayLike, template: ArrayLike, columns: Mapping[str, ArrayLike], weights: Weights) -> list[Comparison]:
    """Every pair of entrants on the items that all of them have, in the order of `columns`.

    The simultaneous intervals are d ± q · h. Here h is half the width of the analytic interval, divided by the normal quantile; q is the 95th
    percentile over rounds of the largest |d* - d| / s among all pairs; s is the bootstrap's standard deviation of the difference. Where few items
    differ, they hold all of the pair's ordinary interval. Raises as `estimate` does.
    """
    items = complete(user, template, *columns.values())
    values = dict(zip(columns, items.values, strict=True))
    pairs = list(combinations(columns, 2))
    widths = _simultaneous(items, values, pairs, weights)
    differences = [values[first] - values[second] for first, second in pairs]
    found = []
    for (first, second), difference, interval in zip(pairs, differences, intervals_of(items, differences, weights), strict=True):
        half = widths.get((first, second))
        both = None
        if half is not None and interval.mean is not None:
            half = widened(interval, half)
            both = interval.mean - half, interval.mean + half
        found.append(Comparison(first, second, interval, both, *_by_user(items, difference)))
    return found


def _simultaneous(items: Items, values: Mapping[str, np.ndarray], pairs: Sequence[tuple[str, str]], weights: Weights) -> dict[tuple[str, str], float]:
    """Half the width of each pair's simultaneous interval; empty if at most one user is left."""
    if items.n_users < 2:
        return {}
    rounds = dict(zip(values, bootstrap(items, np.array(list(values.values())), weights), strict=True))
    middle = {name: mean_of(items, value) for name, value in values.items()}
    spreads, largest = {}, np.zeros(len(weights.users))
    for first, second in pairs:
        off = rounds[first] - rounds[second] - (middle[first] - middle[second])
        spread = float(np.nanstd(off, ddof=1))
        spreads[first, second] = half_width(items, values[first] - values[second]) / normal_quantile() if spread > NONE else 0.0
        if spread > NONE:
            largest = np.fmax(largest, np.abs(off) / spread)
    factor = float(np.quantile(largest, LEVEL))
    return {pair: factor * spread for pair, spread in spreads.items()}


def _by_user(items: Items, difference: np.ndarray) -> tuple[int, int, int]:
    totals = np.bincount(items.user, difference)[np.unique(items.user)]
    level = np.abs(totals) <= 1e-12 * np.maximum(1.0, np.bincount(items.user)[np.unique(items.user)])
    return int(((totals > 0) & ~level).sum()), int(level.sum()), int(((totals < 0) & ~level).sum())


def tie_groups(means: Mapping[str, float], comparisons: Sequence[Comparison]) -> list[list[str]]:
    """Entrants from best to worst, in groups: an entrant joins the group before it if it cannot be told apart from that group's best."""
    tied = {frozenset((one.first, one.second)) for one in comparisons if one.tied}
    groups: list[list[str]] = []
    for name in sorted(means, key=lambda name: -means[name]):
        if groups and frozenset((groups[-1][0], name)) in tied:
            groups[-1].append(name)
        else:
            groups.append([name])
    return groups


def p_value(interval: Interval) -> float | None:
    """Two-sided p-value of a paired difference against 0, from its analytic t statistic; None if it has no interval (MEASUREMENT 8).

    Where few items differ, the end of the ordinary interval that is farthest from the mean stands for that of the analytic one, if it is farther.

    Without spread there is no t statistic. p is then 1 for a difference of 0, else 2^-(k-1), the least that flipping the signs of k clusters gives.
    """
    from scipy.special import stdtr

    if interval.mean is None or interval.analytic_ci is None:
        return None
    degrees = degrees_of_freedom(interval.n_users, interval.n_templates)
    low, high = interval.analytic_ci
    if low == high:
        return 1.0 if interval.mean == 0 else 2.0**-degrees
    return float(2 * stdtr(degrees, -abs(interval.mean) / (widened(interval, (high - low) / 2) / t_quantile(degrees))))
