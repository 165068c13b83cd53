"""Whether values are even, and independent of each other, of attributes, of ways of writing and of the split.

A user's value in a dimension is the one they have at the end. All tests are Pearson's chi-square (1900). Where a pair's expected counts are too small
for its distribution (Cochran 1954: any under 1, or more than a fifth under 5), p comes from permutations, which stop early if there is nothing to
find (Besag and Clifford 1991). A dimension with fewer than five users per value is not tested for evenness. Tests of evenness are corrected by Holm
(1979), those of the many pairs by Benjamini and Hochberg (1995).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from generation.audit.corpus import Corpus
from persona_atlas.corrections import benjamini_hochberg, holm
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.randomness import generator
from persona_atlas.records import User

ROUNDS = (199, 99_999)
"""Numbers of permutations: the first always, the second only if p may be small after the first."""
DOUBTFUL = 0.05
FEWEST = 15
"""The fewest users with both variables of a pair for which the pair is tested."""
STYLE = ("verbosity", "manner", "feedback", "tells", "lowercase", "drops_final_stop", "dotted", "typo_rate")
SHOWN = 12


@dataclass(frozen=True)
class Test:
    """One test: what is tested, on how many users, the effect size (Cramér's V, 0 to 1), and p."""

    name: str
    users: int
    effect: float
    p: float


def final_values(user: User) -> dict[str, str]:
    """dimension -> the value that the user has last."""
    return {p.dimension: p.value for p in sorted(user.preferences, key=lambda p: p.first_session)}


def evenness(counts: Mapping[str, int]) -> tuple[float, float]:
    """How far counts are from equal: Cramér's V, sqrt(χ² / (n (k − 1))), and the chi-square test's p."""
    from scipy import stats

    observed = np.array(list(counts.values()), dtype=float)
    statistic, p = stats.chisquare(observed)
    return float(np.sqrt(statistic / (observed.sum() * (len(observed) - 1)))), float(p)


def independence(first: Sequence[str], second: Sequence[str], seed: int, *key: Any) -> tuple[float, float]:
    """Whether two variables are related: Cramér's V, sqrt(χ² / (n (min(r, c) − 1))), and p by chi-square or by permutation."""
    from scipy import stats

    rows, columns = (np.unique(np.asarray(values), return_inverse=True)[1] for values in (first, second))
    table = np.zeros((rows.max() + 1, columns.max() + 1))
    np.add.at(table, (rows, columns), 1)
    if min(table.shape) < 2:
        return 0.0, 1.0
    expected = stats.contingency.expected_freq(table)
    statistic = float(((table - expected) ** 2 / expected).sum())
    effect = float(np.sqrt(statistic / (len(rows) * (min(table.shape) - 1))))
    if expected.min() >= 1 and (expected < 5).mean() <= 0.2:
        return effect, float(stats.chi2.sf(statistic, (table.shape[0] - 1) * (table.shape[1] - 1)))
    return effect, _permuted(rows, columns, expected, statistic, generator(seed, "audit", "permutations", *key))


def _permuted(rows: Any, columns: Any, expected: Any, statistic: float, draw: np.random.Generator) -> float:
    """The permutation test's p: (1 + permutations at least as extreme) / (1 + permutations)."""
    extreme, done = 0, 0
    for rounds in ROUNDS:
        while done < rounds:
            size = min(2_000, rounds - done)
            shuffled = draw.permuted(np.tile(columns, (size, 1)), axis=1)
            cells = rows * expected.shape[1] + shuffled + expected.size * np.arange(size)[:, None]
            tables = np.bincount(cells.ravel(), minlength=size * expected.size).reshape(size, *expected.shape)
            found = ((tables - expected) ** 2 / expected).sum(axis=(1, 2))
            extreme, done = extreme + int((found >= statistic - 1e-9).sum()), done + size
        if (1 + extreme) / (1 + done) > DOUBTFUL:
            break
    return (1 + extreme) / (1 + done)


def value_counts(corpus: Corpus) -> dict[str, dict[str, int]]:
    """dimension -> value -> users who have it last, including the catalogue's values that nobody has; dimensions that nobody has are left out."""
    found = {d.id: dict.fromkeys(d.values, 0) for d in load_catalog().dimensions.values()}
    for user in corpus.users:
        for dimension, value in final_values(user).items():
            if dimension in found:  # an unknown one is a problem of coherence
                found[dimension][value] = found[dimension].get(value, 0) + 1
    return {dimension: counts for dimension, counts in found.items() if sum(counts.values())}


def traits(user: User) -> dict[str, str]:
    """A user's attributes, way of writing and split, none of which should say what they want."""
    return {**user.attributes, **{f"style: {name}": str(getattr(user.style, name)) for name in STYLE}, "split": user.split}


def pairs(corpus: Corpus, seed: int) -> list[Test]:
    """Test every dimension's value against every trait and every other dimension's value, over the users who have both."""
    found = []
    values = [final_values(user) for user in corpus.users]
    known = [traits(user) for user in corpus.users]
    dimensions, names = sorted({d for mine in values for d in mine}), sorted({name for mine in known for name in mine})
    both = [(d, f"{d} and {n}", known, n) for d in dimensions for n in names]
    both += [(d, f"{d} and {n}", values, n) for d, n in combinations(dimensions, 2)]
    for dimension, name, others, other in both:
        joint = [(mine[dimension], theirs[other]) for mine, theirs in zip(values, others, strict=True) if dimension in mine and other in theirs]
        if len(joint) >= FEWEST and all(len(set(side)) > 1 for side in zip(*joint, strict=True)):
            first, second = zip(*joint, strict=True)
            found.append(Test(name, len(joint), *independence(first, second, seed, name)))
    return found


def figures(corpus: Corpus, seed: int) -> dict[str, Any]:
    """Counts, effects and corrected p-values. Thresholds look at the two `least_p`."""
    counts = value_counts(corpus)
    tested = {dimension: evenness(found) for dimension, found in counts.items() if sum(found.values()) >= 5 * len(found)}
    even = holm({dimension: p for dimension, (_, p) in tested.items()})
    tests = pairs(corpus, seed)
    corrected = benjamini_hochberg({number: test.p for number, test in enumerate(tests)}).values()
    ranked = sorted(zip(corrected, tests, strict=True), key=lambda pair: (pair[0], pair[1].p))
    return {
        "dimensions": {
            dimension: {"counts": found, "effect": tested[dimension][0] if dimension in tested else None, "p": even.get(dimension)}
            for dimension, found in counts.items()
        },
        "tested": len(tested),
        "least_p": min(even.values(), default=None),
        "most_uneven": max((effect for effect, _ in tested.values()), default=None),
        "pairs": {
            "tested": len(tests),
            "least_p": min(corrected, default=None),
            "below_0.05": sum(test.p < 0.05 for test in tests) / max(len(tests), 1),
            "strongest": [{"pair": t.name, "users": t.users, "effect": t.effect, "p": t.p, "p_corrected": p} for p, t in ranked[:SHOWN]],
        },
    }
