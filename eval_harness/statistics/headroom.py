"""Headroom recovered: a ratio of means with its Fieller interval (MEASUREMENT 6)."""

from dataclasses import dataclass
from math import sqrt

from numpy.typing import ArrayLike

from eval_harness.statistics.intervals import Weights, complete, degrees_of_freedom, forms, interval_of, mean_of, t_quantile


@dataclass(frozen=True)
class Ratio:
    """A ratio of means, without unit, with its 95 % Fieller interval (MEASUREMENT 6). `note` names the method, or says what is missing and why."""

    value: float | None
    ci: tuple[float, float] | None
    note: str


def ratio(user: ArrayLike, template: ArrayLike, numerator: ArrayLike, denominator: ArrayLike, weights: Weights, floor: float = 0.10) -> Ratio:
    """Headroom recovered: mean(numerator) / mean(denominator), uncapped, with a Fieller interval (MEASUREMENT 6).

    There is no value if the bootstrap's lower bound for the denominator is below `floor` (in the denominator's unit), and a value without an interval
    if Fieller's is unbounded. Fieller's set holds every h at which mean(numerator - h · denominator) is within t standard errors of 0. The analytic
    variance is the largest of several forms, so the set is the union of theirs. Raises as `estimate` does, and ValueError unless `floor` is above 0.
    """
    if floor <= 0:
        raise ValueError(f"floor is {floor}: give a value above 0, a ratio over a gap of 0 has no meaning")
    items = complete(user, template, numerator, denominator)
    over, under = items.values
    gap = interval_of(items, under, weights)
    if gap.mean is None or gap.ci is None:
        return Ratio(None, None, f"not printed: {gap.method}")
    if (bound := min(gap.ci[0], gap.mean)) < floor:
        return Ratio(None, None, f"not printed: the denominator's lower bound is {bound:.3f}, below {floor:.2f}")
    top, bottom = mean_of(items, over), gap.mean
    degrees = degrees_of_freedom(items.n_users, items.n_templates)
    t2 = t_quantile(degrees) ** 2
    bounds = [top / bottom]
    for v_over, v_both, v_under in zip(*(forms(items, a, b) for a, b in ((over, over), (over, under), (under, under))), strict=True):
        a, b, c = bottom**2 - t2 * v_under, top * bottom - t2 * v_both, top**2 - t2 * v_over
        if a <= 0:
            return Ratio(bounds[0], None, "Fieller interval unbounded: the denominator's mean is within its analytic error of 0")
        if (discriminant := b**2 - a * c) >= 0:
            bounds += [(b - sqrt(discriminant)) / a, (b + sqrt(discriminant)) / a]
    return Ratio(bounds[0], (min(bounds), max(bounds)), f"Fieller interval, t({degrees}); denominator: {gap.method}")
