"""Robustness: how much of a score is retained over the levels of a condition (MEASUREMENT 5)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from eval_harness.statistics.headroom import Ratio, ratio
from eval_harness.statistics.intervals import Interval, Weights, estimate


def retained(user: ArrayLike, template: ArrayLike, levels: Sequence[float], columns: Sequence[ArrayLike], weights: Weights) -> Ratio:
    """A: the area under the curve over `levels` by the trapezoid rule, as a share of the area if the first level's value held at all of them.

    1 means that nothing is lost. `columns`: one array of shape (n_samples,) per level; a sample that is missing at one level leaves all of them. The
    result has a Fieller interval, and no value where the first level's mean is not clearly above 0 (see `ratio`). Raises ValueError unless there are
    two or more levels, which rise.
    """
    steps = np.diff(np.asarray(levels, dtype=float))
    if len(steps) < 1 or (steps <= 0).any() or len(columns) != len(levels):
        raise ValueError(f"levels {list(levels)} for {len(columns)} columns: give two or more, rising, one a column")
    shares = (np.append(steps, 0.0) + np.append(0.0, steps)) / (2 * steps.sum())
    return ratio(user, template, np.asarray(columns, dtype=float).T @ shares, columns[0], weights)


def lost(user: ArrayLike, template: ArrayLike, own: Sequence[ArrayLike], identity: Sequence[ArrayLike], weights: Weights) -> Interval:
    """D: the mean of [own - identity] at a level, less the same under `clean`. `own` and `identity`: (at the level, under `clean`).

    Below 0, the optimizer's advantage shrinks. A drop alone is neither a fault nor a merit: an optimizer that ignores the history has none.
    """
    (own_there, own_clean), (identity_there, identity_clean) = (np.asarray(pair, dtype=float) for pair in (own, identity))
    return estimate(user, template, (own_there - identity_there) - (own_clean - identity_clean), weights)
