"""Prints records for people to read, with their labels in the margin: `atlas-generate show persona|conversation|item ID DIR`."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from persona_atlas.data import DataError, Release
from persona_atlas.records import IMPORTED, SPLITS, Conversation, Item, Preference, Turn, User, WritingStyle

KINDS = ("persona", "conversation", "item")
MARGIN = 24


def find(kind: str, id_: str, release: Release) -> User | Conversation | Item:
    """The record with that id. Raises DataError, which names ids that exist."""
    split = id_.split("-")[1] if id_.count("-") >= 2 else ""
    if split not in SPLITS:
        raise DataError(f"{id_!r} is no {kind} id; ids look like {_example(kind)}")
    found = list(_records(kind, split, release))
    for record in found:
        if _id(record) == id_:
            return record
    some = f"there are {_id(found[0])} to {_id(found[-1])}" if found else f"the release has none in split {split}"
    raise DataError(f"there is no {kind} {id_!r} in {release.path}; {some}")


def _example(kind: str) -> str:
    return {"persona": "u-test-000000", "conversation": "u-test-000000-c00", "item": "u-test-000000-i00"}[kind]


def _records(kind: str, split: str, release: Release) -> Iterator[User | Conversation | Item]:
    match kind:
        case "persona":
            yield from release.users(split)
        case "conversation":
            yield from release.conversations(split)
            yield from release.history_noise(split)
        case _:
            yield from release.items(split)


def _id(record: User | Conversation | Item) -> str:
    match record:
        case User():
            return record.persona_id
        case Conversation():
            return record.conversation_id
        case _:
            return record.item_id


def show(console: Console, record: User | Conversation | Item) -> None:
    """Print one record."""
    match record:
        case User():
            _user(console, record)
        case Conversation():
            _conversation(console, record)
        case _:
            _item(console, record)


def _rows(console: Console, rows: Iterable[tuple[str, str]]) -> None:
    """Print labels in a left margin, with their text beside them."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=MARGIN if console.width >= 70 else 16, style="dim", overflow="fold")
    table.add_column(overflow="fold")
    for label, text in rows:
        table.add_row(Text(label), Text(text))
    console.print(table)


def _user(console: Console, user: User) -> None:
    console.print(Text(f"{user.persona_id}: {user.name}, split {user.split}, {user.sessions} conversations", style="bold"))
    _rows(console, [(name.replace("_", " "), value) for name, value in user.attributes.items()])
    _rows(console, [("writes", ", ".join(_habits(user.style)) if user.style.verbosity else "in a way that is not known")])
    console.print()
    _rows(console, [(f"{p.dimension}", f"{p.value}  ({_when(p, user.sessions)})") for p in user.preferences])
    _rows(console, [("hard", f"{limit.constraint}  ({limit.origin})") for limit in user.hard])


def _habits(style: WritingStyle) -> list[str]:
    habits = [style.verbosity, style.manner, f"feedback {style.feedback}", f"tells {style.tells.replace('_', ' ')}"]
    habits += [name for name, has in (("lower case", style.lowercase), ("no final stop", style.drops_final_stop), ("dots", style.dotted)) if has]
    habits += [f"typos {style.typo_rate:.0%}"] if style.typo_rate else []
    habits += [f"says {word!r}" for word in (style.opener, style.closer, style.habit_before, style.habit_after) if word]
    return habits + [f"writes {short!r} for {word!r}" for word, short in style.abbreviations.items()]


def _when(preference: Preference, sessions: int) -> str:
    parts = [preference.strength, preference.origin]
    last = sessions - 1 if preference.last_session is None else preference.last_session
    if preference.event:
        parts.append(f"since session {preference.first_session}: {preference.event.replace('_', ' ')}")
    if preference.last_session is not None:
        parts.append(f"sessions {preference.first_session} to {last} only")
    if preference.scope:
        parts.append(f"only in {', '.join(preference.scope)}")
    return ", ".join(parts)


def _conversation(console: Console, conversation: Conversation) -> None:
    where = f"session {conversation.session}, {conversation.template_id or ('imported' if conversation.engine == IMPORTED else 'small talk')}"
    kind = f", noise: {conversation.noise}" if conversation.noise else ""
    console.print(Text(f"{conversation.conversation_id}: {where}{kind}", style="bold"))
    _rows(console, [("in force", ", ".join(f"{held.dimension} {held.value}" for held in conversation.in_force) or "nothing")])
    for turn in conversation.turns:
        console.print()
        _rows(console, [("\n".join([f"{turn.role}, {turn.act}", *_labels(turn)]), turn.content)])


def _labels(turn: Turn) -> Iterator[str]:
    """The labels of a turn."""
    for reveal in turn.reveals:
        yield f"{reveal.how}: {reveal.dimension} {reveal.value}"
    for shown in turn.shows:
        if shown.value is not None:
            yield f"shows {shown.dimension} {shown.value}"
    if turn.contradicted:
        yield f"the last word differs: {', '.join(turn.contradicted)}"
    if turn.edits:
        yield f"noise: {', '.join(edit.strategy for edit in turn.edits)}"


def _item(console: Console, item: Item) -> None:
    console.print(Text(f"{item.item_id}: {item.template_id or 'imported, without a task'}, slices {', '.join(item.slices) or 'none'}", style="bold"))
    history = f"{len(item.history)} conversations, {item.history[0]} to {item.history[-1]}" if item.history else "no conversations"
    _rows(console, [("query", item.query), ("history", history)])
    console.print()
    gold = [
        (f"gold {g.dimension}", f"{g.value}  ({g.state}{'' if g.revealed_in is None else f' in session {g.revealed_in}'}, {g.source})")
        for g in item.gold
    ]
    lures = [(f"lure {lure.dimension}", f"{lure.value}  ({lure.why.replace('_', ' ')})") for lure in item.lures]
    _rows(console, [*gold, *[("hard", constraint) for constraint in item.hard], *lures])
    for twin in item.twins:
        console.print()
        effects = [f"{edit.strategy}: {edit.effect}" if edit.effect else edit.strategy for edit in twin.edits]
        margin = [f"{twin.intensity} {twin.layer}", *dict.fromkeys(effects), *([] if twin.restorable else ["cannot be restored"])]
        _rows(console, [("\n".join(margin), twin.query)])
    if item.witness:
        console.print()
        console.print(Text("witness", style="dim"))
        console.print(Padding(Text(item.witness), (0, 0, 0, 2)))
