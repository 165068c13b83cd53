"""How long a release takes to build, how much memory that needs, and whether workers and kills change the result.

    python benchmarks/building.py --users 1000 --users 10000

For each size, prints seconds, CPU seconds (which other work on the machine hardly changes), users per second and peak memory (resident, of the
build's whole process tree) of a build on all cores. Then prints the digests of small builds with 1, 2 and 4 workers, and of one that was killed in
the middle and resumed.
"""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import psutil


def command(users: int, out: Path, workers: int) -> list[str]:
    script = "from generation.cli import main; main()"
    return [sys.executable, "-c", script, "build", "--users", str(users), "--out", str(out), "--workers", str(workers), "--json"]


def measured(arguments: list[str]) -> tuple[float, float, float]:
    """Run a command. Return wall seconds, CPU seconds, and the peak of the resident memory of its process tree, summed, in MB (2**20 bytes)."""
    started, spent, peak = time.monotonic(), cpu_seconds(), 0
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            peak = max(peak, resident(watched))
            time.sleep(0.1)
    if process.returncode:
        sys.exit(f"the build ended with status {process.returncode}")
    return time.monotonic() - started, cpu_seconds() - spent, peak / 2**20


def cpu_seconds() -> float:
    """Return the CPU seconds of all child processes that have ended, including their own children."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def resident(process: psutil.Process) -> int:
    total = 0
    try:
        for one in (process, *process.children(recursive=True)):
            total += one.memory_info().rss
    except psutil.NoSuchProcess:
        pass  # a process ended after it was listed
    return total


def digest(out: Path) -> str:
    return str(json.loads((out / "manifest.json").read_text(encoding="utf-8"))["content_digest"])[:16]


def killed_and_resumed(users: int, out: Path) -> tuple[int, str]:
    """Kill a build with SIGKILL after its first two shards and resume it. Return the number of shards that were kept, and the digest."""
    with subprocess.Popen(command(users, out, 2), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        while process.poll() is None and len(list(out.glob(".building/*/shard.json"))) < 2:
            time.sleep(0.05)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    if process.returncode != -signal.SIGKILL:
        sys.exit(f"the build of {users} users ended with status {process.returncode} before it could be killed; give more users with --small")
    kept = len(list(out.glob(".building/*/shard.json")))
    subprocess.run(command(users, out, 2), check=True, capture_output=True)
    return kept, digest(out)


@click.command()
@click.option("--users", type=int, multiple=True, default=(1000,), show_default=True, help="A size to build; may be given several times.")
@click.option("--small", default=150, show_default=True, help="Users of the builds that are compared.")
@click.option("--keep", type=click.Path(path_type=Path), default=None, help="Keep the last of the large releases in this new folder.")
def main(users: tuple[int, ...], small: int, keep: Path | None) -> None:
    if keep is not None and keep.exists():
        raise click.UsageError(f"--keep {keep} is there already; give a new folder")
    with tempfile.TemporaryDirectory() as folder:
        for size in users:
            out = Path(folder) / f"large-{size}"
            seconds, spent, megabytes = measured(command(size, out, psutil.cpu_count(logical=True) or 1))
            speed = f"{seconds:.1f} s ({spent:.1f} of CPU), {size / seconds:.1f} users a second on {psutil.cpu_count()} cores"
            print(f"{size:,} users: {speed}, peak memory {megabytes:.0f} MB, digest {digest(out)}", flush=True)
        if keep:
            shutil.copytree(out, keep)
        for workers in (1, 2, 4):
            path = Path(folder) / f"small-{workers}"
            seconds, *_ = measured(command(small, path, workers))
            print(f"{small:,} users, {workers} workers: {seconds:.1f} s, digest {digest(path)}")
        kept, found = killed_and_resumed(small, Path(folder) / "killed")
        print(f"{small:,} users, killed with {kept} shards done and resumed: digest {found}")


if __name__ == "__main__":
    main()
