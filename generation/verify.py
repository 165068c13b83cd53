"""Verifies a release: is it intact, and are its labels true?

Every record is validated again, every file's content digest recomputed, and every label looked at by the program that defines it: what
assistant turns show, whether what a revealing turn says stands in the bank of its split, what is known after each turn, whether items'
witnesses pass, whether noisy twins are what their edits say, and whether the splits are isolated.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from rapidfuzz import fuzz

from generation.benchmark import benchmark_request
from generation.build import CONFIGS
from generation.noise.surface import problems as twin_problems
from persona_atlas import schema, shards
from persona_atlas.data import Release
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import SPLITS, Conversation, Item, Reveal, User, to_dict
from persona_atlas.render import applicable_dimensions, shown_values
from persona_atlas.render.witness import problems as witness_problems
from persona_atlas.scoring import filling_of
from persona_atlas.tasks.templates import load_templates

MOST = 20
SLIPS = 80.0
"""How like a phrasing (0 to 100) the words of a user who makes typos must be."""


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
    users = {user.persona_id: user for user in release.users(split)}
    conversations: dict[str, list[Conversation]] = {}
    for conversation in release.conversations(split):
        conversations.setdefault(conversation.persona_id, []).append(conversation)
    items: dict[str, list[Item]] = {}
    for item in release.items(split):
        items.setdefault(item.persona_id, []).append(item)
    for stranger in (set(conversations) | set(items)) - set(users):
        report.add(f"{stranger} has records in {split} but is no user of it")
    requests = {row.request_id: row for row in release._read("benchmark", split, CONFIGS["benchmark"])}
    for persona_id, user in users.items():
        mine = conversations.get(persona_id, [])
        try:
            for problem in chain(_conversations(user, mine, report), _items(user, mine, items.get(persona_id, []), report)):
                report.add(problem)
        except (KeyError, ValueError) as error:  # the rest of this user cannot be looked at
            report.add(f"{persona_id}: a label that catalogue and task bank do not know: {type(error).__name__}: {error}")
        if split.startswith("test"):
            for item in items.get(persona_id, []):
                report.count("benchmark requests")
                if requests.get(item.item_id) != benchmark_request(item, mine):
                    report.add(f"{item.item_id}: the benchmark row differs from the item and its history")


def _conversations(user: User, conversations: list[Conversation], report: Report) -> Iterator[str]:
    values = {p.dimension: p.value for p in user.preferences}
    hard = {limit.constraint for limit in user.hard}
    known: list[str] = []
    for number, conversation in enumerate(conversations):
        if conversation.session != number:
            yield f"{conversation.conversation_id}: session {conversation.session} at place {number}"
        if load_templates()[conversation.template_id].split != user.split:
            yield f"{conversation.conversation_id}: template {conversation.template_id} is not of split {user.split}"
        last: dict[str, str | None] = {}
        for index, turn in enumerate(conversation.turns):
            where = f"{conversation.conversation_id}, turn {index}"
            if turn.role == "assistant":
                report.count("assistant turns against the checkers")
                last = shown_values(turn.content, values)
                if last != {shown.dimension: shown.value for shown in turn.shows}:
                    yield f"{where}: the labels do not say what the checkers see"
            for reveal in turn.reveals:
                report.count("reveals")
                known += [name for name in [reveal.value if reveal.dimension == "hard" else reveal.dimension] if name not in known]
                if reason := _phrasing_problem(turn.content, reveal, user):
                    yield f"{where}: {reason}"
                if reveal.dimension == "hard":
                    if reveal.value not in hard:
                        yield f"{where}: reveals {reveal.value}, which the user does not have"
                elif values.get(reveal.dimension) != reveal.value:
                    yield f"{where}: reveals {reveal.dimension} {reveal.value}, which the user does not have"
                elif reveal.how in ("complaint", "praise") and (last.get(reveal.dimension) == reveal.value) != (reveal.how == "praise"):
                    yield f"{where}: {reveal.how} of {reveal.dimension} {reveal.value}, but the answer before shows {last.get(reveal.dimension)}"
            if turn.known != tuple(known):
                yield f"{where}: known is {', '.join(turn.known) or 'nothing'}, the turns so far reveal {', '.join(known) or 'nothing'}"


def _phrasing_problem(text: str, reveal: Reveal, user: User) -> str:
    """Why the turn does not say what it reveals in words of its split's bank; empty where it does. A slip that the user makes is let pass."""
    catalog = load_catalog()
    source = catalog.hard.get(reveal.value) if reveal.dimension == "hard" else catalog.dimensions[reveal.dimension].values.get(reveal.value)
    bank = source.phrasings.get(user.split, {}).get(reveal.how, ()) if source else ()
    alike = max((fuzz.partial_ratio(line.lower().rstrip("."), text.lower()) for line in bank), default=0.0)
    if alike >= (SLIPS if user.style.typo_rate else 100.0):
        return ""
    return f"{reveal.how} of {reveal.dimension} {reveal.value} in words that are not of split {user.split}'s bank"


def _items(user: User, conversations: list[Conversation], items: list[Item], report: Report) -> Iterator[str]:
    values = {p.dimension: p.value for p in user.preferences}
    ids = {c.conversation_id for c in conversations if c.session < (items[0].session if items else 0)}
    asked = {c.template_id for c in conversations}
    first: dict[str, int] = {}
    for conversation in conversations:
        for turn in conversation.turns:
            for reveal in turn.reveals:
                first.setdefault(reveal.dimension, conversation.session)
    for item in items:
        report.count("witnesses")
        template, filling = load_templates()[item.template_id], filling_of(item)
        gold = {entry.dimension: entry.value for entry in item.gold}
        if template.split != user.split:
            yield f"{item.item_id}: template {item.template_id} is not of split {user.split}"
        if item.template_id in asked:
            yield f"{item.item_id}: its template was asked in the history"
        if not set(item.history) <= ids:
            yield f"{item.item_id}: its history holds conversations that are not before it"
        expected = {d: v for d, v in values.items() if d in applicable_dimensions(item.template_id)}
        if gold != expected:
            yield f"{item.item_id}: gold is {gold}, the user's applicable values are {expected}"
        if any(entry.revealed_in != first.get(entry.dimension) for entry in item.gold):
            yield f"{item.item_id}: revealed_in does not say what the history holds"
        for problem in witness_problems(filling, item.witness, gold, item.hard):
            yield f"{item.item_id}: the witness fails: {problem}"
        for twin in item.twins:
            report.count("noise twins")
            if found := twin_problems(item.query, twin, filling):
                yield f"{item.item_id}, {twin.layer}: {found}"
