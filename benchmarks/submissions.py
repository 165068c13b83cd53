"""How fast submissions are verified.

    python benchmarks/submissions.py                     1,000 synthetic submissions; a core run in full
    python benchmarks/submissions.py --submissions 100

Prints, by one core and by the clock: how many synthetic submissions of 2,400 samples are read per second, with their schemas and digests; and the
seconds for every check on runs of 2,400 samples and on whole core runs, of two optimizers on the scripted (simulated) target. The first run in a
process also pays for reading the release, the catalogue and the task bank. The runs are made once, with a release of 200 test users.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import click
from controls import BENCH
from controls import release as release_of

from eval_harness import scores
from eval_harness.finished import open_run
from eval_harness.submission import Entry, pack
from eval_harness.suites import CORE, Suite
from leaderboard.submission import described, read_submission, wrong_digests
from leaderboard.verify import verify_one
from persona_atlas.data import Release, load_dataset

USERS = 200
PART = replace(CORE, name="part", limit=60)
"""The core suite on few enough users that a run with four arms has about 2,400 samples."""
OPTIMIZERS = ("always_brief", "history")
ENTRY = Entry("Synthetic", "https://example.org/", "nobody@example.org", "Nothing.")
MAKE = "from eval_harness import suites; suites.SUITES['part'] = {**suites.SUITES['core'], 'limit': %d}; from eval_harness.cli import main; main()"


def run_of(optimizer: str, suite: Suite) -> Path:
    """Return a run of the suite on the scripted target. It is made if it is not there."""
    out = BENCH / f"{suite.name}-{optimizer}"
    if not (out / "results.json").is_file():
        arguments = ["--optimizer", optimizer, "--model", "scripted", "--suite", suite.name, "--controls", ",".join(CORE.arms)]
        arguments += ["--dataset", str(release_of(USERS)), "--output_path", str(out)]
        subprocess.run([sys.executable, "-c", MAKE % PART.limit, *arguments], check=True, stdout=subprocess.DEVNULL)
    return out


def synthetic(honest: dict[str, bytes], number: int) -> dict[str, bytes]:
    """Return the files of a submission like the honest one, with one more word in every answer, and digests that fit."""
    word = hashlib.sha256(str(number).encode()).hexdigest()[:12]
    files = {**honest, "samples.jsonl": honest["samples.jsonl"].replace(b'"answer": "', f'"answer": "{word} '.encode())}
    record = {**json.loads(honest["submission.json"]), "files": described(files)}
    return {**files, "submission.json": json.dumps(record).encode()}


def read_all(folder: Path, honest: dict[str, bytes], count: int) -> None:
    """Read `count` synthetic submissions from disk, one after the other, with their schemas and digests. Making them is not timed."""
    core = clock = size = 0.0
    samples = 0
    for number in range(count):
        files = synthetic(honest, number)
        for name, data in files.items():
            (folder / name).write_bytes(data)
        started, began = time.process_time(), time.perf_counter()
        found = read_submission(folder)
        wrong = [fault for fault in wrong_digests(found) if "SHA-256" in fault]
        core, clock = core + time.process_time() - started, clock + time.perf_counter() - began
        size, samples = size + sum(map(len, files.values())), samples + len(found.answered)
        assert not wrong, wrong
    each = f"{samples // count:,} samples and {size / count / 2**20:.1f} MB each"
    print(f"{count:,} submissions, {each}: schemas and digests of {count / core:.0f} a second a core ({count / clock:.0f} by the clock)")


def verify_all(paths: list[Path], release: Release, suite: Suite) -> None:
    for path in paths:
        started, began = time.process_time(), time.perf_counter()
        verdict = verify_one(path, release, suite)
        core, clock = time.process_time() - started, time.perf_counter() - began
        assert verdict.accepted, [(check.name, check.faults) for check in verdict.checks if not check.passed]
        assert verdict.found is not None
        print(f"{path.parent.name}, {len(verdict.found.samples):,} samples: every check in {core:.1f} s of a core ({clock:.1f} s by the clock)")


@click.command()
@click.option("--submissions", default=1000, show_default=True)
def main(submissions: int) -> None:
    release = load_dataset(str(release_of(USERS)))
    scores.MANY = 10**9  # stay in one process, whose CPU time is measured
    with tempfile.TemporaryDirectory() as name:
        out = Path(name)
        made = {suite.name: [pack(open_run(run_of(o, suite)), release, ENTRY, out / suite.name, suite) for o in OPTIMIZERS] for suite in (PART, CORE)}
        honest = {file.name: file.read_bytes() for file in made["part"][0].iterdir()}
        (out / "synthetic").mkdir()
        read_all(out / "synthetic", honest, submissions)
        verify_all(made["part"], release, PART)
        verify_all(made["core"], release, CORE)


if __name__ == "__main__":
    main()
