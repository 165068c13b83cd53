"""How often two entrants that differ on few items, and by chance only, are told apart: by their interval, the paired test and the groups of ties.

    python benchmarks/near_identical.py    # the table of docs/statistics.md; --replicates 50 for a quick look

Each of the users has one item. The two entrants have the same score but on some items, drawn at random: there the second has 0.5 more or less, with
equal chances, so that a difference that is found is never there. `t` is the paired t test without the rule for few items.
"""

import argparse
from collections.abc import Iterator

import numpy as np
from scipy.stats import t

from eval_harness.statistics import Interval, difference, draw_weights, p_value, tied_groups

USERS, TEMPLATES, STEP = 200, 60, 0.5
DIFFERING = (2, 4, 5, 6, 7, 8, 10)


def plain_p(found: Interval) -> float:
    """The p-value of the analytic t statistic."""
    assert found.mean is not None
    assert found.analytic_ci is not None
    low, high = found.analytic_ci
    degrees = min(found.n_users, found.n_templates) - 1
    return float(2 * t.sf(abs(found.mean) / ((high - low) / 2 / t.ppf(0.975, degrees)), degrees))


def replicates(items: int, number: int, rounds: int, seed: int) -> Iterator[tuple[bool, bool, bool, bool]]:
    """For each replicate: whether the interval leaves 0 out, whether p is below 0.05, whether the entrants stand in two groups, and what `t` says."""
    generator, weights = np.random.default_rng([seed, items]), draw_weights(USERS, TEMPLATES, rounds, seed)
    user = np.arange(USERS)
    for _ in range(number):
        template, first, more = generator.permutation(user % TEMPLATES), generator.uniform(size=USERS), np.zeros(USERS)
        more[generator.choice(USERS, items, replace=False)] = generator.choice([-STEP, STEP], items)
        found = difference(user, template, first + more, first, weights)
        assert found.ci is not None
        groups = tied_groups(user, template, {"first": first, "second": first + more}, weights)
        yield not found.ci[0] <= 0 <= found.ci[1], (p_value(found) or 0) < 0.05, len(groups) > 1, plain_p(found) < 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=1000, help="rounds of the bootstrap")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print("| items that differ | interval leaves 0 out | p < 0.05 | two groups | t |\n" + "|---" * 5 + "|")
    for items in DIFFERING:
        found = np.mean(list(replicates(items, given.replicates, given.rounds, given.seed)), axis=0)
        print(f"| {items} | {' | '.join(f'{share:.3f}' for share in found)} |", flush=True)


if __name__ == "__main__":
    main()
