"""Verifies a release: is it intact, and are its labels true?

Every record is validated again, every file's content digest recomputed, and every label looked at by the program that defines it: what
assistant turns show, whether what a revealing turn says stands in the bank of its split, what is known and contradicted after each turn,
what gold, lures and
slices follow from the history, whether items' witnesses pass, whether noisy twins are what their edits say, and whether the splits are isolated.
"""

from dataclasses import dataclass, field
from itertools import chain

from generation.benchmark import benchmark_request
from generation.build import CONFIGS
from generation.verify_conversations import history_problems, noise_problems
from generation.verify_items import item_problems
from persona_atlas import schema, shards
from persona_atlas.data import Release
from persona_atlas.records import SPLITS, Conversation, Item, User, to_dict

MOST = 20


@dataclass
class Report:
    """What was looked at, how often, and what was wrong (at most MOST sentences; `wrong` counts all)."""

    checked: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    wrong: int = 0

    def count(self, what: str, number: int = 1) -> None:
        self.checked[what] = self.checked.get(what, 0) + number

    def add(self, problem: str) -> None:
        self.wrong += 1
        if len(self.problems) < MOST:
            self.problems.append(problem)


@dataclass
class Records:
    """All that a split holds of one user."""

    user: User
    conversations: list[Conversation] = field(default_factory=list)
    noise: list[Conversation] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)


def verify(release: Release) -> Report:
    """Look at everything. The files' hashes were checked when the release was opened."""
    report = Report()
    for entry in release.manifest["files"]:
        _file(release, entry, report)
    for split in SPLITS:
        _split(release, split, report)
    return report


def _file(release: Release, entry: dict[str, object], report: Report) -> None:
    kind = CONFIGS[str(entry["config"])]
    digests = []
    for record in shards.read_records(release.path / str(entry["path"]), kind):
        digests.append(shards.record_digest(record))
        if entry["config"] != "benchmark":
            report.count("records against the schema")
            try:
                schema.validate(kind.__name__.lower(), to_dict(record))
            except schema.SchemaError as error:
                report.add(f"{entry['path']}, row {len(digests) - 1}: {error}")
    report.count("file digests")
    if len(digests) != entry["rows"] or shards.content_digest(digests) != entry["content_digest"]:
        report.add(f"{entry['path']}: its content differs from the manifest")


def _split(release: Release, split: str, report: Report) -> None:
    found = {user.persona_id: Records(user) for user in release.users(split)}
    for name, records in (("conversations", release.conversations(split)), ("noise", release.history_noise(split)), ("items", release.items(split))):
        for record in records:
            if record.persona_id in found:
                getattr(found[record.persona_id], name).append(record)
            else:
                report.add(f"{record.persona_id} has {name} in {split} but is no user of it")
    requests = {row.request_id: row for row in release._read("benchmark", split, CONFIGS["benchmark"])}
    for stranger in set(requests) - {item.item_id for mine in found.values() for item in mine.items}:
        report.add(f"{stranger} is in the benchmark of {split} and is no item")
    for persona_id, mine in found.items():
        try:
            for problem in chain(
                history_problems(mine.user, mine.conversations, report.count),
                noise_problems(mine.user, mine.noise, report.count),
                item_problems(mine.user, mine.conversations, mine.noise, mine.items, report.count),
            ):
                report.add(problem)
        except (KeyError, ValueError) as error:  # the rest of this user cannot be looked at
            report.add(f"{persona_id}: a label that catalogue and task bank do not know: {type(error).__name__}: {error}")
        for item in mine.items if split.startswith("test") else ():
            report.count("benchmark requests")
            if requests.get(item.item_id) != benchmark_request(item, mine.conversations):
                report.add(f"{item.item_id}: the benchmark row differs from the item and its history")
