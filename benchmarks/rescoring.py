"""How long it takes to score a finished run again: every sample, every metric, 10,000 rounds of the bootstrap.

    python benchmarks/rescoring.py                      220 users, two items each: about 100,000 samples
    python benchmarks/rescoring.py --users 20

Makes a run of all controls on the core suite's conditions on the scripted target (simulated; its texts are of ordinary length), and scores it again
in a separate process. Prints the seconds of the whole command, and those of its statistics, which are timed by scoring it once more in this process.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from functools import wraps
from inspect import isfunction
from typing import Any

import click
from controls import BENCH
from controls import release as release_of
from panel import core_run

from eval_harness import statistics
from eval_harness.finished import open_run
from eval_harness.results import derive
from persona_atlas.data import load_dataset

ITEMS = 2
"""The items of each user."""
COMMAND = [sys.executable, "-c", "from eval_harness.cli import main; main()"]


def timed_statistics() -> list[float]:
    """Time each call to `eval_harness.statistics` from now on. Returns the list to which the seconds are appended."""
    seconds: list[float] = []

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            started = time.monotonic()
            try:
                return function(*arguments, **named)
            finally:
                seconds.append(time.monotonic() - started)

        return call

    for name in statistics.__all__:
        if isfunction(function := getattr(statistics, name)):
            setattr(statistics, name, timed(function))
    return seconds


@click.command()
@click.option("--users", default=220, show_default=True)
def main(users: int) -> None:
    dataset, run = release_of(users), core_run(users, ITEMS, BENCH / f"rescoring-{users}")
    started = time.monotonic()
    subprocess.run([*COMMAND, "score", str(run), "--json"], check=True, stdout=subprocess.DEVNULL)
    command = time.monotonic() - started
    opened, release = open_run(run), load_dataset(str(dataset))
    items, seconds = opened.items(release), timed_statistics()
    found = derive(opened.plan, opened.samples, items, release)
    arms, conditions = len(opened.plan.arms), len(opened.plan.conditions)
    print(f"{len(opened.samples):,} samples: {arms} arms, {conditions} conditions, {len(items)} items; {found['rounds']:,} rounds")
    print(f"scored again by atlas-eval score in {command:.1f} s; of that {sum(seconds):.1f} s of statistics, in {len(seconds):,} calls")


if __name__ == "__main__":
    main()
