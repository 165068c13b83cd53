"""How fast the leaderboard's site is built, and how large its first page is.

    python benchmarks/site.py                     1,000 entries
    python benchmarks/site.py --entries 100

The entries are copies of one honest run on the scripted (simulated) target, with other names and scores. All are on one target, which makes for the
most pairs to compare. Prints, in seconds of one core and of the clock: verifying the honest run; building from submissions whose verdicts are in the
cache, where their files are read and digested again; and building once more, with the ties in the cache as well. Also prints the bytes of the first
page and of the whole site.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
from controls import BENCH

from eval_harness import scores, suites
from eval_harness.finished import open_run
from eval_harness.submission import Entry as Told
from eval_harness.submission import pack
from eval_harness.suites import Suite
from leaderboard.build import Given, build
from leaderboard.cache import Cache, key_of
from leaderboard.entry import Entry, entry_of
from leaderboard.opening import files_of
from leaderboard.verify import verify_one
from persona_atlas.data import Release, load_dataset

FLAGS = {"conditions": "clean,surface,history_0,history_2", "limit": 24, "items_per_user": 1, "max_gen_toks": 320}
SUITE = Suite("site", tuple(FLAGS["conditions"].split(",")), FLAGS["limit"], FLAGS["items_per_user"], FLAGS["max_gen_toks"])
RUN = BENCH / "site-history"
MAKE = f"from eval_harness import suites; suites.SUITES['site'] = {FLAGS!r}; from eval_harness.cli import main; main()"
SECONDS, BYTES = 60, 500_000
"""The most seconds of one core that a build may take, and the most bytes that the first page may have."""


@contextmanager
def timed(what: str) -> Iterator[None]:
    started, began = time.process_time(), time.perf_counter()
    yield
    print(f"{what}: {time.process_time() - started:.1f} s of a core ({time.perf_counter() - began:.1f} s by the clock)")


def honest(release: Release, out: Path) -> tuple[Path, Entry]:
    """Return the folder of an honest submission, and its entry."""
    if not (RUN / "results.json").is_file():
        arguments = [
            "--optimizer",
            "history",
            "--model",
            "scripted",
            "--suite",
            "site",
            "--controls",
            ",".join(SUITE.arms),
            "--output_path",
            str(RUN),
        ]
        subprocess.run([sys.executable, "-c", MAKE, *arguments], check=True, stdout=subprocess.DEVNULL)
    path = pack(open_run(RUN), release, Told("Honest", "https://example.org/", "nobody@example.org", "Nothing."), out, SUITE)
    with timed("one submission verified"):
        verdict = verify_one(path, release, SUITE)
    return path, entry_of(verdict, release, SUITE)


def synthetic(entry: Entry, number: int) -> Entry:
    """Return an entry like the honest one with another name, a little better or worse on every item."""
    run_id = hashlib.sha256(str(number).encode()).hexdigest()[:16]
    gain = int(run_id[:4], 16) / 2**16 - 0.5
    results = json.loads(json.dumps(entry.results))
    for found in (results["scores"], results["arms"][entry.optimizer]["clean"]):
        one = found["personalization"]
        one["mean"], one["ci"] = one["mean"] + gain, [end + gain for end in one["ci"]]
    results["cost"][entry.optimizer]["prompt_tokens"] = 30.0 + number
    gains = {name: value if value is None else value + gain + int(run_id[number % 12], 16) / 100 for name, value in entry.gains.items()}
    return replace(entry, told={**entry.told, "run_id": run_id, "name": f"Optimizer number {number}"}, results=results, gains=gains)


def fill(submissions: Path, cache: Cache, honest: tuple[Path, Entry], count: int, digest: str) -> None:
    """Write `count` submissions, and fill the cache as if each had been verified and compared with those before it."""
    path, entry = honest
    runs: list[str] = []
    for number in range(count):
        made = synthetic(entry, number)
        folder = Path(shutil.copytree(path, submissions / "history" / made.run_id, copy_function=os.link))
        cache.put(key_of(folder, files_of(folder), digest, SUITE), {"entry": made.as_plain(), "reason": "", "against": list(runs)})
        runs.append(made.run_id)


@click.command()
@click.option("--entries", default=1000, show_default=True)
def main(entries: int) -> None:
    release = load_dataset("persona-atlas")
    scores.MANY = 10**9  # stay in one process, whose CPU time is measured
    suites.SUITES = {**suites.SUITES, "site": FLAGS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = honest(release, folder / "honest")
        cache, submissions, out = Cache(folder / "cache"), folder / "submissions", folder / "site"
        fill(submissions, cache, made, entries, release.manifest["content_digest"])
        given = Given(submissions, [release], SUITE, cache)
        started = time.process_time()
        with timed(f"{entries:,} submissions, verdicts known"):
            built = build(given, out, lambda line: None)
        seconds = time.process_time() - started
        with timed(f"{entries:,} submissions, verdicts and ties known"):
            again = build(given, out, lambda line: None)
        assert len(built.found) == entries
        assert again.sizes == built.sizes
        first, whole = built.sizes["index.html"], sum(built.sizes.values()) / 2**20
        print(f"first page {first:,} bytes, the whole site {whole:.0f} MB in {len(built.sizes):,} files")
        if seconds > SECONDS or first > BYTES:
            sys.exit(f"wanted at most {SECONDS} s of a core and {BYTES:,} bytes")


if __name__ == "__main__":
    main()
