"""What `atlas-generate import-ppopt` prints: how much was converted, what was mapped, what was not, and why."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from generation.imported.release import Imported


def summary(imported: Imported, out: Path) -> Iterator[str]:
    """The lines to print."""
    report, made = imported.report, imported.report["converted"]
    yield (
        f"{out}: {made['users']:,} users, {made['conversations']:,} conversations, {made['items']:,} items, from "
        f"{made['published_conversations']:,} published conversations and {made['published_states']:,} states"
    )
    yield f"noisy turns that keep their clean twin: {made['noisy_turns']:,}"
    splits = Counter({f"{entry['split']}": entry["rows"] for entry in imported.manifest["files"] if entry["config"] == "items"})
    yield f"items by split: {', '.join(f'{split} {rows:,}' for split, rows in splits.items()) or 'none'}"
    yield f"mapped: {_traits(report['mapped'])}"
    for row in report["mapped"]:
        yield f"{row['users']:>7,}  {row['dimension']} {row['value']} is {row['to']}"
    yield f"not mapped, kept as attributes: {_traits(report['not_mapped'])}"
    for reason, users in _by_reason(report["not_mapped"]):
        yield f"{users:>7,}  {reason}"
    yield f"without an item: {sum(map(len, report['without_item'].values())):,} questions"
    yield from _counted(report["without_item"])
    contradicted = sum(map(len, report["contradictory"].values()))
    left_out = sum(map(len, report["left_out"].values()))
    yield f"left out: {left_out:,} records, {contradicted:,} values of users whose records contradict each other"
    yield from _counted(report["left_out"])
    yield f"content digest {imported.manifest['content_digest']}"
    yield f"What became of each record and value: {out}/import.json"
    first = next((split for split in ("test", *splits) if splits[split]), None)
    verify = f"Next: atlas-generate verify {out}"
    yield f"{verify}, or atlas-eval --optimizer history --dataset {out} --split {first}" if first else verify


def _traits(rows: Iterable[Mapping[str, Any]]) -> str:
    """How many values of how many dimensions, and how often users have them."""
    found = list(rows)
    return f"{len(found):,} values of {len({row['dimension'] for row in found}):,} dimensions, {sum(row['users'] for row in found):,} times"


def _by_reason(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, int]]:
    counts: Counter[str] = Counter()
    for row in rows:
        counts[row["reason"]] += row["users"]
    return counts.most_common()


def _counted(listed: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """One line per reason with how often it is given, for reasons that are listed by id."""
    for reason, number in Counter(reason for reasons in listed.values() for reason in reasons).most_common():
        yield f"{number:>7,}  {reason}"
