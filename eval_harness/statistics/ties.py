"""Groups of entrants that cannot be told apart, for hundreds of them at once.

The simultaneous intervals are those of `compare_all`. What that also says of each pair (its ordinary interval, wins and losses) is left out, and
the variances of differences come from matrix products, so half a million pairs take seconds instead of hours.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from eval_harness.statistics.intervals import (
    FEW,
    LEVEL,
    NONE,
    Floats,
    Items,
    Weights,
    bootstrap,
    complete,
    degrees_of_freedom,
    differing,
    interval_of,
    normal_quantile,
    t_quantile,
    widened,
)

ROUNDS_AT_ONCE = 250
"""Few enough that these rounds of a thousand entrants fit into a core's own cache."""


def tied_groups(user: ArrayLike, template: ArrayLike, columns: Mapping[str, ArrayLike], weights: Weights) -> list[list[str]]:
    """The groups that `tie_groups` makes of the means and `compare_all`, on the items that all entrants have. Raises as `estimate` does."""
    if not columns:
        return []
    items = complete(user, template, *columns.values())
    values = np.array(items.values)
    means = values @ items.share
    widths = _widths(items, values, means, weights)

    def tied(best: int, number: int) -> bool:
        if abs(means[best] - means[number]) <= widths[best, number]:
            return True
        return _tied_though_few_differ(items, values[best] - values[number], widths[best, number], weights)

    names = list(columns)
    groups: list[list[int]] = []
    for number in np.argsort(-means, kind="stable"):
        if groups and tied(groups[-1][0], int(number)):
            groups[-1].append(int(number))
        else:
            groups.append([int(number)])
    return [[names[number] for number in group] for group in groups]


def _tied_though_few_differ(items: Items, difference: Floats, half: float, weights: Weights) -> bool:
    """Whether few items differ and the pair's interval, widened for that, holds 0. Asked only of pairs that the other rule tells apart."""
    if differing(difference) >= FEW:
        return False
    interval = interval_of(items, difference, weights)
    return interval.mean is not None and abs(interval.mean) <= widened(interval, half)


def _widths(items: Items, values: Floats, means: Floats, weights: Weights) -> Floats:
    """Half the width of every pair's simultaneous interval, shape (entrants, entrants); infinite if at most one user is left."""
    if items.n_users < 2:
        return np.full((len(values), len(values)), np.inf)
    rounds = bootstrap(items, values, weights) - means[:, None]
    drawn = rounds[:, ~np.isnan(rounds[0])]
    spread = np.sqrt(_of_differences(np.cov(drawn) if len(values) > 1 else np.zeros((1, 1))))
    scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > NONE).astype(np.float32)
    largest = np.zeros(rounds.shape[1])
    largest[: drawn.shape[1]] = _largest(drawn.astype(np.float32), scale)
    degrees = degrees_of_freedom(items.n_users, items.n_templates)
    analytic = np.sqrt(_variances(items, values, means)) * t_quantile(degrees) / normal_quantile()
    found: Floats = float(np.quantile(largest, LEVEL)) * np.where(spread > NONE, analytic, 0.0)
    return found


def _of_differences(covariance: Floats) -> Floats:
    """The variance of every pair's difference, from the covariances of the entrants."""
    own = np.diag(covariance)
    found: Floats = np.maximum(own[:, None] + own - 2 * covariance, 0.0)
    return found


def _largest(rounds: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """For each round, the largest absolute difference among all pairs, each in units of its own spread.

    `rounds` has the shape (entrants, rounds), `scale` (entrants, entrants).
    """
    found = np.zeros(rounds.shape[1], dtype=np.float32)
    for start in range(0, rounds.shape[1], ROUNDS_AT_ONCE):
        chunk = np.ascontiguousarray(rounds[:, start : start + ROUNDS_AT_ONCE])
        here = found[start : start + ROUNDS_AT_ONCE]
        for one in range(len(chunk) - 1):
            off = (chunk[one + 1 :] - chunk[one]) * scale[one, one + 1 :, None]
            np.maximum(here, np.maximum(off.max(axis=0), -off.min(axis=0)), out=here)
    return found


def _variances(items: Items, values: Floats, means: Floats) -> Floats:
    """The variance of every pair's difference: the largest of the candidates of `forms`."""
    influence = (values - means[:, None]) * items.share

    def clustered(code: np.ndarray, k: int) -> Floats:
        sums = np.array([np.bincount(code, row) for row in influence])
        return _of_differences(sums @ sums.T) * k / (k - 1)

    if items.n_templates == 1:
        return clustered(*items.clusters[0])
    by_user, by_template, by_cell = (clustered(*cluster) for cluster in items.clusters)
    return np.maximum.reduce([by_user + by_template - by_cell, by_user, by_template])
