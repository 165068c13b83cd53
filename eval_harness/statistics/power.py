"""Power: the smallest effect that a run, or a larger one of its kind, would find (MEASUREMENT 8)."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from eval_harness.statistics.intervals import Floats, Items, complete, forms, is_constant, mean_of

POWER_FACTOR = 2.8  # z at .975 plus z at .80: what a two-sided test at 5 % detects with 80 % power, in standard errors


@dataclass(frozen=True)
class Power:
    """How scores vary: `variance` is that of the mean, `between_templates` that of one template's effect; `users` and `templates` are counts."""

    variance: float
    between_templates: float
    users: int
    templates: int

    def detectable(self, users: int | None = None, templates: int | None = None) -> float:
        """The effect found with 80 % power, in the unit of the values. With other numbers of users and templates, it is what may be expected.

        What templates add to the variance shrinks with their number, the rest with the number of users.
        """
        templates_add = self.between_templates / self.templates
        rest = max(0.0, self.variance - templates_add)
        rest *= self.users / (users or self.users)
        templates_add *= self.templates / (templates or self.templates)
        return POWER_FACTOR * sqrt(rest + templates_add)


def power(user: ArrayLike, template: ArrayLike, value: ArrayLike) -> Power | None:
    """How the values vary; None with fewer than two users or templates, since variances cannot be estimated then. Raises as `estimate` does."""
    items = complete(user, template, value)
    if min(items.n_users, items.n_templates) < 2:
        return None
    if is_constant(items.values[0]):
        return Power(0.0, 0.0, items.n_users, items.n_templates)
    variance = max(forms(items, items.values[0], items.values[0]))
    return Power(variance, _template_variance(items, variance), items.n_users, items.n_templates)


def minimum_detectable_effect(user: ArrayLike, template: ArrayLike, value: ArrayLike) -> float | None:
    """The effect on the mean that a two-sided test at 5 % finds with 80 % power, in the unit of the values (MEASUREMENT 8).

    It is 2.8 · √(two-way variance), and never below 2.8 · √(ρ_t / T) · sd. ρ_t · sd² is estimated as one number, the variance between templates, at
    least 0. None with fewer than two users or templates, since that variance cannot be estimated then.
    """
    found = power(user, template, value)
    return None if found is None else found.detectable()


def _template_variance(items: Items, variance_of_mean: float) -> float:
    """The variance between templates: the mean product of deviations over pairs of samples that share the template but not the user; at least 0.

    Deviations are from the estimated mean, which lowers every product by the variance of that mean, so that is added back.
    """
    deviation = items.values[0] - mean_of(items, items.values[0])
    cell = items.user * (int(items.template.max()) + 1) + items.template

    def squares(weight: Floats) -> float:
        """The sum of products over ordered pairs of samples within a template, without the pairs within a cell."""
        return float((np.bincount(items.template, weight) ** 2).sum() - (np.bincount(cell, weight) ** 2).sum())

    pairs = squares(np.ones_like(deviation))
    return max(0.0, squares(deviation) / pairs + variance_of_mean) if pairs else 0.0
