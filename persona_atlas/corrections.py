"""Adjusts the p-values of a family of tests, since the least of many is small by chance (MEASUREMENT 8).

A family maps the name of each test to its p-value. Comparisons without a p-value stay out of it.
"""

from collections.abc import Mapping
from typing import TypeVar

Name = TypeVar("Name")


def holm(p_values: Mapping[Name, float]) -> dict[Name, float]:
    """Holm's step-down adjustment of a family (1979), with the keys in their order. Raises ValueError for a value outside [0, 1]."""
    ordered = _ordered(p_values)
    adjusted: dict[Name, float] = {}
    largest = 0.0
    for rank, name in enumerate(ordered):
        largest = max(largest, min(1.0, (len(ordered) - rank) * p_values[name]))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}


def benjamini_hochberg(p_values: Mapping[Name, float]) -> dict[Name, float]:
    """Benjamini and Hochberg's step-up adjustment (1995), with the keys in their order. Raises ValueError for a value outside [0, 1]."""
    from scipy import stats

    ordered = _ordered(p_values)
    adjusted = dict(zip(ordered, stats.false_discovery_control([p_values[name] for name in ordered]).tolist(), strict=True)) if ordered else {}
    return {name: adjusted[name] for name in p_values}


def _ordered(p_values: Mapping[Name, float]) -> list[Name]:
    if wrong := {name: p for name, p in p_values.items() if not 0 <= p <= 1}:
        raise ValueError(f"not p-values: {wrong}; leave comparisons without an interval out of the family")
    return sorted(p_values, key=lambda name: p_values[name])
