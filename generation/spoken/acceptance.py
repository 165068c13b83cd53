"""What `atlas-generate stats` prints: how many utterances were taken at the first try and after retries, and why tries failed."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.console import Console, Group

from generation.counts import plain_table
from generation.spoken.provenance import Utterance
from persona_atlas import shards
from persona_atlas.data import DataError, Release


def acceptance(utterances: Iterable[Utterance]) -> dict[str, Any]:
    """agent -> turns, shares taken at the first try and after retries, tries, failed tries by reason, and turns by model."""
    found: dict[str, dict[str, Any]] = {}
    for one in utterances:
        mine = found.setdefault(one.agent, {"turns": 0, "first": 0, "taken": 0, "tries": 0, "failures": Counter(), "models": Counter()})
        mine["turns"] += 1
        mine["first"] += one.taken and one.tries == 1
        mine["taken"] += one.taken
        mine["tries"] += one.tries
        mine["failures"].update(one.failures)
        mine["models"][one.model] += 1
    return {agent: _row(found[agent]) for agent in sorted(found)}


def _row(counts: Mapping[str, Any]) -> dict[str, Any]:
    turns = counts["turns"]
    return {
        "turns": turns,
        "first_try": counts["first"] / turns,
        "after_retries": counts["taken"] / turns,
        "tries": counts["tries"],
        "failures": dict(counts["failures"].most_common()),
        "models": dict(counts["models"].most_common()),
    }


def provenance(release: Release) -> dict[str, Any]:
    """`acceptance` over all splits of a release. Raises DataError if it was not made with language models."""
    return acceptance(utterances(release))


def utterances(release: Release) -> Iterator[Utterance]:
    """The provenance of every turn, over all splits. Raises DataError if the release was not made with language models."""
    paths = [release.path / entry["path"] for entry in release.manifest["files"] if entry["config"] == "provenance"]
    if not paths and release.imported:
        raise DataError(f"{release.path} is imported: what spoke its conversations is not recorded; build one with --engine lm --model NAME")
    if not paths:
        raise DataError(f"no language model spoke in {release.path}: its engine is scripted; build one with --engine lm --model NAME")
    for path in paths:
        yield from shards.read_records(path, Utterance)


def print_acceptance(console: Console, found: Mapping[str, Any]) -> None:
    """Print the counts as two tables."""
    table = plain_table("agent", "turns", "first try", "after retries", "tries", left=1)
    table.add_column("models", overflow="fold")
    for agent, row in found.items():
        models = ", ".join(f"{model} {count:,}" for model, count in row["models"].items())
        table.add_row(agent, f"{row['turns']:,}", f"{row['first_try']:.0%}", f"{row['after_retries']:.0%}", f"{row['tries']:,}", models)
    reasons = plain_table("failed tries", *found, left=1)
    for reason in sorted({reason for row in found.values() for reason in row["failures"]}):
        reasons.add_row(reason, *(f"{row['failures'].get(reason, 0):,}" for row in found.values()))
    console.print(Group(table, "", reasons))
