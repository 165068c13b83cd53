"""Robustness: what of a score is retained over the levels of a condition (MEASUREMENT.md, section 5)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from eval_harness.statistics.headroom import Ratio, ratio
from eval_harness.statistics.intervals import Interval, Weights, estimate


def retained(user: ArrayLike, template: ArrayLike, levels: Sequence[float], columns: Sequence[ArrayLike], weights: Weights) -> Ratio:
    """A: the area under the curve over `levels` by the trapezoid rule, as a share of what the first level's value over all of them would make.

    `columns`: one array of shape (n_samples,) a level; items that lack a level leave all. 1: nothing is lost; a ratio, with its Fieller interval,
    not printed where the first level's value is not clearly above 0. Raises ValueError unless levels rise and there are two.
    """
    steps = np.diff(np.asarray(levels, dtype=float))
    if len(steps) < 1 or (steps <= 0).any() or len(columns) != len(levels):
        raise ValueError(f"levels {list(levels)} for {len(columns)} columns: give two or more, rising, one a column")
    shares = (np.append(steps, 0.0) + np.append(0.0, steps)) / (2 * steps.sum())
    return ratio(user, template, np.asarray(columns, dtype=float).T @ shares, columns[0], weights)


def lost(user: ArrayLike, template: ArrayLike, own: Sequence[ArrayLike], identity: Sequence[ArrayLike], weights: Weights) -> Interval:
    """D: the mean of [own - identity] at a level less the same without it. `own` and `identity`: (at the level, without it).

    A drop alone is no merit or fault: whoever ignores the history has none. Below 0: the optimizer's advantage shrinks.
    """
    (own_there, own_clean), (identity_there, identity_clean) = (np.asarray(pair, dtype=float) for pair in (own, identity))
    return estimate(user, template, (own_there - identity_there) - (own_clean - identity_clean), weights)
