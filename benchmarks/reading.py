"""How fast a release is read: rows per second of each config, with the libraries that people read Parquet with.

    python benchmarks/reading.py                   the small release inside the package
    python benchmarks/reading.py DIR

Streaming is `datasets.load_dataset(path, config, streaming=True)`, in three ways: Python rows one by one, Python rows in batches of BATCH, as a
training loop takes them, and Arrow batches. The other libraries read whole files. Seconds are CPU time of this process, or wall-clock time with
--wall. The figure is the fastest of PASSES passes, as in `timeit`: other work on the machine can only slow a pass down. Libraries that are not
installed are named and left out.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

import persona_atlas
from persona_atlas.data import SMALL, Release, load_dataset
from persona_atlas.shards import count_rows

if TYPE_CHECKING:
    from datasets import IterableDataset

WANTED = 10_000
BATCH = 32
"""Rows in a batch of Python rows. When rows are read one by one, `datasets` first makes a table of each."""
PASSES = 5
"""Passes over each config with each library; the fastest counts."""
LEAST = 3000
"""A config with fewer rows is read repeatedly until this many were read, and not held to WANTED: most of its time goes into opening files."""


Passes = Callable[[], Iterator[int]]
"""Reads a config once more, and yields the number of rows in each piece as it comes."""


def streaming(release: Release, config: str) -> Passes:
    splits = streamed(release, config)
    return lambda: (1 for split in splits for _ in split)


def streaming_batches(release: Release, config: str) -> Passes:
    splits = streamed(release, config)
    return lambda: (len(next(iter(batch.values()))) for split in splits for batch in split.iter(batch_size=BATCH))


def streaming_arrow(release: Release, config: str) -> Passes:
    splits = streamed(release, config)
    return lambda: (len(batch) for split in splits for batch in split.with_format("arrow").iter(batch_size=1000))


def streamed(release: Release, config: str) -> list["IterableDataset"]:
    import datasets

    return list(datasets.load_dataset(str(release.path), config, streaming=True).values())


def by_pandas(release: Release, config: str) -> Passes:
    import pandas

    return lambda: (len(pandas.read_parquet(path)) for path in paths(release, config))


def by_polars(release: Release, config: str) -> Passes:
    import polars

    return lambda: (polars.read_parquet(path).height for path in paths(release, config))


def by_duckdb(release: Release, config: str) -> Passes:
    import duckdb

    return lambda: (duckdb.sql(f"select * from read_parquet('{path}')").to_arrow_table().num_rows for path in paths(release, config))


READERS: dict[str, tuple[str, Callable[[Release, str], Passes]]] = {
    "by row": ("datasets", streaming),
    "by batch": ("datasets", streaming_batches),
    "by Arrow": ("datasets", streaming_arrow),
    "pandas": ("pandas", by_pandas),
    "polars": ("polars", by_polars),
    "duckdb": ("duckdb", by_duckdb),
}
"""Column -> (package, function that opens a config with it)."""


def paths(release: Release, config: str) -> list[Path]:
    return [release.path / entry["path"] for entry in release.manifest["files"] if entry["config"] == config]


def measured(opened: Callable[[Release, str], Passes], release: Release, config: str, clock: Callable[[], float]) -> float:
    """Return the rows per second of a config in the fastest pass. Opening it and reading a first piece are not timed."""
    once = opened(release, config)
    next(iter(once()))
    return max(_pass(once, clock) for _ in range(PASSES))


def _pass(once: Passes, clock: Callable[[], float]) -> float:
    rows, started = 0, clock()
    while rows < LEAST:
        rows += sum(once())
    return rows / (clock() - started)


@click.command()
@click.argument("directory", default=str(Path(persona_atlas.__file__).parent / SMALL))
@click.option("--wall", is_flag=True, help="Seconds of the clock instead of CPU time.")
def main(directory: str, wall: bool) -> None:
    """Rows a second of each config of the release in DIRECTORY. Status 1 if streaming batches of a large one is slower than wanted."""
    import datasets

    release = load_dataset(directory)
    readers = {name: read for name, (package, read) in READERS.items() if find_spec(package)}
    absent = sorted({package for package, _ in READERS.values() if not find_spec(package)})
    title = f"Rows a second of {'the clock' if wall else 'CPU time'}; streaming by row, batch and Arrow"
    table = Table(Column("config", no_wrap=True), "rows", "MB", *readers, box=SIMPLE_HEAD, padding=0, title=title)
    slow: dict[str, list[str]] = {name: [] for name, (package, _) in READERS.items() if package == "datasets"}
    with tempfile.TemporaryDirectory() as cache:
        datasets.config.HF_DATASETS_CACHE = Path(cache)
        for config in dict.fromkeys(entry["config"] for entry in release.manifest["files"]):
            files = paths(release, config)
            rows = sum(map(count_rows, files))
            found = {name: measured(read, release, config, time.monotonic if wall else time.process_time) for name, read in readers.items()}
            size = sum(path.stat().st_size for path in files) / 1e6
            table.add_row(config, f"{rows:,}", f"{size:.1f}", *(f"{rate:,.0f}" for rate in found.values()))
            for name, slower in slow.items():
                slower += [f"{config} ({found[name]:,.0f})"] if found[name] < WANTED and rows >= LEAST else []
    Console().print(table)
    print(f"not installed here, and not measured: {', '.join(absent) or 'nothing'}")
    for name, slower in slow.items():
        print(f"streaming {name}, of {LEAST:,} rows and more, slower than {WANTED:,} a second: {', '.join(slower) or 'none'}")
    sys.exit(1 if slow["by batch"] or slow["by Arrow"] else 0)


if __name__ == "__main__":
    main()
