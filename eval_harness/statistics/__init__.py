"""Means, intervals, differences, headroom, families of tests and curves, for scores whose users and task templates are crossed clusters.

Implements sections 5, 6 and 8 of docs/measurement.md and nothing else, without I/O. An arm is three arrays of equal length: `user` and `template`
(integer codes from 0) and `value` (NaN if the sample is missing). A cell is one user with one template, and holds any number of samples. The
estimand is the mean over users of the mean over a user's items; intervals are at 95 %.

    >>> weights = draw_weights(n_users=2, n_templates=2)
    >>> result = estimate([0, 0, 1, 1], [0, 1, 0, 1], [1.0, 0.0, 1.0, 1.0], weights)
    >>> result.mean, result.ci, result.method
    (0.75, (0.0, 1.0), 'pigeonhole bootstrap, users x templates, 10000 rounds, calibrated')

If the data do not support the usual interval, a rule takes its place, and `method` names it. In this order: no data; one user (no interval); constant
data (the value itself); one template (users only). Missing samples, and rounds of the bootstrap in which no data are left, are left out and counted
in `method`.
"""

from eval_harness.statistics.curves import lost, retained
from eval_harness.statistics.families import Comparison, compare_all, p_value, tie_groups
from eval_harness.statistics.headroom import Ratio, ratio
from eval_harness.statistics.intervals import Interval, Weights, difference, draw_weights, estimate, estimate_all
from eval_harness.statistics.power import Power, minimum_detectable_effect, power
from eval_harness.statistics.ties import tied_groups
from persona_atlas.corrections import benjamini_hochberg, holm

__all__ = [
    "Comparison", "Interval", "Power", "Ratio", "Weights", "benjamini_hochberg", "compare_all", "difference", "draw_weights", "estimate",
    "estimate_all", "holm", "lost", "minimum_detectable_effect", "p_value", "power", "ratio", "retained", "tie_groups", "tied_groups",
]  # fmt: skip
