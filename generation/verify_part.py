"""Verifies one part of a release, in any process: every record against the schema, its digest, and every label of the part's users."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from generation.benchmark import benchmark_request
from generation.said import Source, using
from generation.shard import CONFIGS, UNLABELLED
from generation.verify_conversations import UNSEEN, history_problems, noise_problems
from generation.verify_files import NOBODY, Part, Rows
from generation.verify_imported import imported_problems
from generation.verify_items import item_problems
from persona_atlas import schema, shards
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import SPLITS, from_dict

Place = tuple[int, ...]
"""A sort key for problems in the report: those of files come first, in the order of the manifest, then those of labels, by split."""
Records = dict[str, list[Any]]
"""All records of one user in a split, by config."""


@dataclass
class Found:
    """What was found in a part: what was checked, what could not be (both counted), what is wrong, and the digests of each file's rows."""

    part: Part
    checked: Counter[str] = field(default_factory=Counter)
    unchecked: Counter[str] = field(default_factory=Counter)
    problems: list[tuple[Place, str]] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)

    def count(self, what: str) -> None:
        (self.unchecked if what == UNSEEN else self.checked)[what] += 1

    def skip(self, what: str) -> None:
        self.unchecked[what] += 1


UNLISTED = -1
"""Stands for the entry of a file that is not in the manifest: its problem comes first."""


def in_file(entry: int, row: int) -> Place:
    return (0, entry, row)


def among_strangers(split: str, number: int) -> Place:
    return (1, SPLITS.index(split), 0, number)


def of_user(split: str, user: int, number: int) -> Place:
    return (1, SPLITS.index(split), 1, user, number)


def look_with(source: Source, part: Part) -> Found:
    """Call `look` with `source` as the source of users' phrasings."""
    with using(source):
        return look(part)


def look(part: Part) -> Found:
    """Check every record of a part, and every label of its users."""
    found = Found(part)
    users: dict[int, Records] = defaultdict(lambda: {config: [] for config in CONFIGS})
    for rows in part.rows:
        for owner, record in _records(rows, found):
            if owner != NOBODY:
                users[owner][rows.file.config].append(record)
    for user, records in sorted(users.items()):
        if not records["users"]:  # the user's row is not readable, which is noted
            continue
        for number, problem in enumerate(_problems(part, records, found)):
            found.problems.append((of_user(part.split, user, number), problem))
    return found


def _records(rows: Rows, found: Found) -> Iterator[tuple[int, Any]]:
    """Each record with its user's number. Rows are validated and digested on the way, so that they are read only once."""
    file, kind = rows.file, CONFIGS[rows.file.config]
    digests = bytearray()
    for place, owner, row in zip(rows.places.tolist(), rows.owners.tolist(), shards.read_rows(file.path, rows.places), strict=True):
        where = in_file(file.entry, place)
        try:
            data = shards.plain(kind, row)
            digests += shards.plain_digest(data)
        except (KeyError, ValueError, TypeError, RecursionError) as error:
            digests += bytes(32)
            found.problems.append((where, f"{file.name}, row {place}: not readable ({type(error).__name__}: {error})"))
            continue
        if file.config not in UNLABELLED:
            found.count("records against the schema")
            try:
                schema.validate(kind.__name__.lower(), data)
            except schema.SchemaError as error:
                found.problems.append((where, f"{file.name}, row {place}: {error}"))
        try:
            record = from_dict(kind, data)
        except TypeError as error:
            found.problems.append((where, f"{file.name}, row {place}: no {kind.__name__}, so its labels are not checked ({error})"))
            continue
        yield owner, record
    found.digests.append(bytes(digests))


def _problems(part: Part, records: Records, into: Found) -> Iterator[str]:
    """What is wrong with a user, one sentence per problem."""
    count = into.count
    user, conversations, noise, items = records["users"][-1], records["conversations"], records["history_noise"], records["items"]
    for name, record in [(user.persona_id, user), *((c.conversation_id, c) for c in [*conversations, *noise]), *((i.item_id, i) for i in items)]:
        if record.split != part.split:
            yield f"{name}: it says that it is of {record.split}, and stands among the records of {part.split}"
    try:
        for preference in user.preferences:
            if dict(preference.parameters) != dict(load_catalog().value(preference.dimension, preference.value).parameters):
                yield f"{user.persona_id}: the parameters of {preference.dimension} {preference.value} are not the catalogue's"
        if part.imported:
            yield from imported_problems(user, [*conversations, *noise], items, count, into.skip)
        else:
            yield from history_problems(user, conversations, count)
            yield from noise_problems(user, noise, count)
            yield from item_problems(user, conversations, noise, items, count)
    except (KeyError, ValueError, TypeError, AttributeError) as error:  # the rest of this user cannot be checked
        yield f"{user.persona_id}: a label that catalogue and task bank do not know: {type(error).__name__}: {error}"
    requests = {request.request_id: request for request in records["benchmark"]}
    for item in items if part.split.startswith("test") else ():
        count("benchmark requests")
        if requests.get(item.item_id) != benchmark_request(item, conversations):
            yield f"{item.item_id}: the benchmark row differs from the item and its history"
