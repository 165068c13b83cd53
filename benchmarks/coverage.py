"""How often the 95 % intervals of `eval_harness.statistics` hold the truth, and how often a paired test rejects a true null, on simulated scores.

    python benchmarks/coverage.py --replicates 4000 --rounds 1000    # the table of docs/statistics.md

Users and task templates are crossed and both drawn anew for each replicate: score = mean + user + template + rest, standard deviation 1. The
templates hold a share of 0, 0.02 or 0.10 of the variance, the users 0.2. `normal`; `skewed`: all parts exponential; `bounded`: the normal score cut
off at -1 and 1.5 around 0.4, as scores with a floor and a ceiling are. One to three items a user, spread over the templates at random.

The mean of every bootstrap round is linear in the scores, so that all replicates of a cell are done by one product of matrices; the first ones of
each cell are computed by the package's own functions too, and must agree.
"""

import argparse
from dataclasses import dataclass

import numpy as np
from scipy.integrate import quad
from scipy.stats import norm, t

from eval_harness.statistics import Weights, difference, draw_weights, estimate, p_value

USERS, TEMPLATES, SHARES, SHAPES = (50, 200, 500), (20, 40, 60), (0.0, 0.02, 0.10), ("normal", "skewed", "bounded")
OF_USERS = 0.2
FLOOR, CEILING, MIDDLE = -1.0, 1.5, 0.4
CHECKED = 3
"""Replicates of each cell that are computed by the package too."""


@dataclass(frozen=True)
class Design:
    """Which user and which template each item belongs to; the same for all replicates of a cell."""

    user: np.ndarray
    template: np.ndarray
    users: int
    templates: int

    @classmethod
    def drawn(cls, users: int, templates: int, generator: np.random.Generator) -> "Design":
        user = np.repeat(np.arange(users), generator.integers(1, 4, users))
        template = np.concatenate([np.arange(templates), generator.integers(0, templates, len(user) - templates)])
        return cls(user, generator.permutation(template), users, templates)

    @property
    def share(self) -> np.ndarray:
        """The weight of each item in the mean over users of each user's mean."""
        return 1 / (self.users * np.bincount(self.user)[self.user])


def scores(design: Design, shape: str, template_share: float, replicates: int, generator: np.random.Generator) -> np.ndarray:
    """Draw simulated scores, of shape (items, replicates)."""

    def effects(rows: int, variance: float) -> np.ndarray:
        drawn = generator.exponential(size=(rows, replicates)) - 1 if shape == "skewed" else generator.standard_normal((rows, replicates))
        return np.sqrt(variance) * drawn

    of_user, of_template = effects(design.users, OF_USERS)[design.user], effects(design.templates, template_share)[design.template]
    found = MIDDLE + of_user + of_template + effects(len(design.user), 1 - OF_USERS - template_share)
    return np.clip(found, FLOOR, CEILING) if shape == "bounded" else found


def truth(shape: str) -> float:
    if shape != "bounded":
        return MIDDLE
    inside = quad(lambda x: x * norm.pdf(x, MIDDLE), FLOOR, CEILING)[0]
    return float(inside + FLOOR * norm.cdf(FLOOR, MIDDLE) + CEILING * norm.sf(CEILING, MIDDLE))


def bootstrap_intervals(design: Design, values: np.ndarray, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """Return the plain percentile intervals of all replicates and the calibrated ones, each of shape (2, replicates)."""
    one_hot = np.zeros((design.users, design.templates))
    np.add.at(one_hot, (design.user, design.template), 1)
    n = weights.templates @ one_hot.T
    left = (weights.users * (n > 0)).sum(1, keepdims=True)
    share = np.divide(weights.users, n * left, out=np.zeros(n.shape), where=(n > 0) & (left > 0))
    rounds = ((share[:, design.user] * weights.templates[:, design.template]) @ values)[left[:, 0] > 0]
    plain = np.quantile(rounds, [0.025, 0.975], axis=0)
    means, errors = analytic(design, values)
    factor = t.ppf(0.975, min(design.users, design.templates) - 1) / norm.ppf(0.975) * errors / rounds.std(0)
    return plain, means + (plain - means) * factor


def analytic(design: Design, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the means and standard errors of all replicates, each of shape (replicates,)."""
    share = design.share[:, None]
    means = (share * values).sum(0)
    influence = (values - means) * share

    def clustered(code: np.ndarray) -> np.ndarray:
        codes, place = np.unique(code, return_inverse=True)
        sums = np.zeros((len(codes), values.shape[1]))
        np.add.at(sums, place, influence)
        return (sums**2).sum(0) * len(codes) / (len(codes) - 1)

    by_user, by_template, by_cell = clustered(design.user), clustered(design.template), clustered(design.user * design.templates + design.template)
    return means, np.sqrt(np.max([by_user + by_template - by_cell, by_user, by_template], axis=0))


def check_against_package(design: Design, values: np.ndarray, weights: Weights) -> None:
    """Compute the first replicates with the package's own functions. Raises AssertionError if the results differ."""
    _, intervals = bootstrap_intervals(design, values[:, :CHECKED], weights)
    means, errors = analytic(design, values[:, :CHECKED])
    degrees = min(design.users, design.templates) - 1
    for i in range(min(CHECKED, values.shape[1])):
        found = estimate(design.user, design.template, values[:, i], weights)
        assert found.ci is not None
        assert np.allclose(found.ci, intervals[:, i]), "the bootstrap of this script is not the package's"
        zeros = np.zeros(len(values))
        p = p_value(difference(design.user, design.template, values[:, i], zeros, weights))
        assert np.isclose(p or 0, 2 * t.sf(abs(means[i]) / errors[i], degrees)), "the test of this script is not the package's"


def cell(users: int, templates: int, share: float, shape: str, replicates: int, rounds: int, seed: int) -> list[float]:
    """Return the coverage of the bootstrap, its plain percentiles and the analytic interval, and how often a paired 5 % test rejects a true null."""
    generator = np.random.default_rng([seed, users, templates, int(share * 100), SHAPES.index(shape)])
    design = Design.drawn(users, templates, generator)
    weights = draw_weights(users, templates, rounds, seed)
    values = scores(design, shape, share, replicates, generator)
    check_against_package(design, values, weights)
    plain, calibrated = bootstrap_intervals(design, values, weights)
    means, errors = analytic(design, values)
    half = t.ppf(0.975, min(users, templates) - 1) * errors
    true = truth(shape)
    paired_means, paired_errors = analytic(design, values - scores(design, shape, share, replicates, generator))
    p = 2 * t.sf(np.abs(paired_means) / paired_errors, min(users, templates) - 1)
    covered = [(low <= true) & (true <= high) for low, high in (calibrated, plain, (means - half, means + half))]
    return [float(np.mean(hits)) for hits in (*covered, p < 0.05)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=2000, help="rounds of the bootstrap")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print(
        "| share of the templates | templates | users | shape | bootstrap | its plain percentiles | analytic | a true null rejected |\n"
        + "|---" * 8
        + "|"
    )
    for share in SHARES:
        for templates in TEMPLATES:
            for users in USERS:
                for shape in SHAPES:
                    found = cell(users, templates, share, shape, given.replicates, given.rounds, given.seed)
                    print(f"| {share:.2f} | {templates} | {users} | {shape} | {' | '.join(f'{value:.3f}' for value in found)} |", flush=True)
    error = np.sqrt(0.95 * 0.05 / given.replicates)
    print(f"\n{given.replicates} replicates a line: the Monte Carlo standard error of a coverage of 0.95 is {error:.4f}.")


if __name__ == "__main__":
    main()
