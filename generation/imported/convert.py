"""Converts published conversations and states to users, conversations and items.

A persona becomes a user. The user's conversations come in the order of their time stamps, followed by those that only states show. A conversation
that a state shows and that was also published with its answers is one conversation. Each conversation but the first, and each state, makes an item:
its first question, with the conversations before it as history. Users without a mapped published value have no items, since there is nothing to
check.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from generation.imported.mapping import SPLITS, Published, load_mapping
from generation.imported.read import MASK, Chat, Message, Read, Refused, State
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.randomness import generator
from persona_atlas.records import IMPORTED, Conversation, Edit, Gold, Held, Item, Preference, Shown, Turn, User, WritingStyle
from persona_atlas.render import shown_values

SHARES = (0.5, 0.1, 0.4)
"""The shares of users that go to each of SPLITS. The persona's id alone decides, so that further files move nobody."""
MOST = 100
"""How many conversations, and how many items, one user's ids can number."""
UNKNOWN_STYLE = WritingStyle(False, False, False, "", "", "", "", {}, 0.0, "", "", "", "")
FIRST = "the first conversation of its user: there is no history before the question"
UNMAPPED = "no published value of the user is mapped, so that no checker applies"
TWICE = "its id stands in the files twice; the first that can be used is taken"
TOO_MANY = f"its user has {MOST} conversations already, and ids go no further"
TOO_MANY_ITEMS = f"its user has {MOST} items already, and ids go no further"
NOT_PUBLISHED = "not one of the published dimensions"


@dataclass
class Account:
    """What became of the published records, by their published ids.

    `ids`: the conversations and items that were made from a record, or that it shows; `left_out`: a reason for each record of that id that was not
    used; `without_item`: a reason for each question that makes no item.

    `contradictory`: persona -> dimension -> the different values that its records give, which are neither mapped nor kept as attributes. `traits`:
    published dimension -> value -> number of users who have it.
    """

    ids: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    left_out: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    without_item: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    contradictory: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    traits: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    chats: int = 0
    states: int = 0

    def became(self, published: str, *ours: str) -> None:
        self.ids[published] += [name for name in ours if name not in self.ids[published]]


@dataclass
class Converted:
    """The records of a release by split, and the account of what became of the published ones."""

    users: dict[str, list[User]] = field(default_factory=lambda: {split: [] for split in SPLITS})
    conversations: dict[str, list[Conversation]] = field(default_factory=lambda: {split: [] for split in SPLITS})
    items: dict[str, list[Item]] = field(default_factory=lambda: {split: [] for split in SPLITS})
    account: Account = field(default_factory=Account)


@dataclass
class _Persona:
    chats: list[Chat] = field(default_factory=list)
    states: list[State] = field(default_factory=list)


def convert(read: Iterable[Read]) -> Converted:
    """Convert everything that was read to records. What becomes no record is in the account, with the reason."""
    found = Converted()
    personas = _personas(read, found.account)
    for name in sorted(personas):
        split = _split(name)
        _User(name, f"u-{split}-{len(found.users[split]):06d}", split, found).take(personas[name])
    return found


def _personas(read: Iterable[Read], account: Account) -> dict[str, _Persona]:
    personas: dict[str, _Persona] = defaultdict(_Persona)
    seen: set[tuple[type, str]] = set()
    for record in read:
        key = (type(record), record.id)
        if isinstance(record, Refused):
            account.left_out[record.id].append(record.reason)
        elif key in seen:
            account.left_out[record.id].append(TWICE)
        else:
            seen.add(key)
            persona = personas[record.persona]
            if isinstance(record, State):
                persona.states.append(record)
            else:
                persona.chats.append(record)
    return personas


def _split(persona: str) -> str:
    return str(generator(0, "import", persona).choice(SPLITS, p=SHARES))


class _User:
    """One user while their records are being made."""

    def __init__(self, name: str, persona_id: str, split: str, found: Converted) -> None:
        self.name, self.persona_id, self.split, self.found, self.account = name, persona_id, split, found, found.account
        self.conversations: list[Conversation] = []
        self.by_words: dict[tuple[str, ...], Conversation] = {}
        self.items: list[Item] = []
        self.held: tuple[Held, ...] = ()

    def take(self, published: _Persona) -> None:
        traits = self._traits([*(chat.traits for chat in published.chats), *(state.traits for state in published.states)])
        mapping = load_mapping()
        mapped = {name: mapping[name].values[value] for name, value in traits.items() if name in mapping and value in mapping[name].values}
        self.held = tuple(sorted(mapped.values(), key=lambda held: held.dimension))
        for chat in sorted(published.chats, key=lambda chat: chat.stamp):
            self._chat(chat)
        shown = [(state, self._shown(state)) for state in published.states]
        for state, history in shown:
            if history is not None:
                self._state(state, history)
        if self.conversations:
            self._close(traits, mapped)

    def _traits(self, given: list[Mapping[str, str]]) -> dict[str, str]:
        """The traits of the user on which the records agree; the others go to the account."""
        values: dict[str, list[str]] = defaultdict(list)
        for name, value in (entry for traits in given for entry in traits.items()):
            if about(name) == "user" and value not in values[name]:
                values[name].append(value)
        if contradictory := {name: found for name, found in values.items() if len(found) > 1}:
            self.account.contradictory[self.name] = contradictory
        return {name: found[0] for name, found in sorted(values.items()) if len(found) == 1}

    def _close(self, traits: Mapping[str, str], mapped: Mapping[str, Held]) -> None:
        for name, value in traits.items():
            self.account.traits[name][value] += 1
        catalog = load_catalog()
        preferences = [Preference(h.dimension, h.value, dict(catalog.value(h.dimension, h.value).parameters), origin="unlabelled") for h in self.held]
        user = User(
            persona_id=self.persona_id,
            split=self.split,
            name=self.name,
            sessions=len(self.conversations),
            attributes={name: value for name, value in traits.items() if name not in mapped},
            style=UNKNOWN_STYLE,
            preferences=tuple(preferences),
            hard=(),
        )
        self.found.users[self.split].append(user)
        self.found.conversations[self.split] += self.conversations
        self.found.items[self.split] += self.items

    def _chat(self, chat: Chat) -> None:
        if len(self.conversations) == MOST:
            self.account.left_out[chat.id].append(TOO_MANY)
            return
        before = tuple(conversation.conversation_id for conversation in self.conversations)
        made = self._conversation(chat.query, chat.messages, chat.traits)
        self.account.became(chat.id, made.conversation_id)
        self.account.chats += 1
        if not before:
            self.account.without_item[chat.id].append(FIRST)
        else:
            self._item(chat.id, chat.query, made.domain, made.session, before)

    def _shown(self, state: State) -> tuple[str, ...] | None:
        """The ids of the conversations that the state shows, of which unknown ones are added; None if there is no room for them."""
        new = dict.fromkeys(_said(history) for history in state.histories if _said(history) not in self.by_words)
        if len(self.conversations) + len(new) > MOST:
            self.account.left_out[state.id].append(TOO_MANY)
            return None
        found = [self.by_words.get(_said(history)) or self._conversation(history[0].content, history, {}) for history in state.histories]
        return tuple(sorted({conversation.conversation_id for conversation in found}))

    def _state(self, state: State, history: tuple[str, ...]) -> None:
        self.account.states += 1
        self.account.became(state.id, *history)
        self._item(state.id, state.query, state.traits.get("domain", ""), len(self.conversations), history)

    def _conversation(self, query: str, messages: tuple[Message, ...], traits: Mapping[str, str]) -> Conversation:
        session = len(self.conversations)
        made = Conversation(
            conversation_id=f"{self.persona_id}-c{session:02d}",
            persona_id=self.persona_id,
            split=self.split,
            session=session,
            template_id="",
            domain=traits.get("domain", ""),
            slots={name: value for name, value in sorted(traits.items()) if about(name) == "conversation" and name != "domain"},
            query=query,
            turns=tuple(self._turn(message, first=number == 0) for number, message in enumerate(messages)),
            in_force=self.held,
            engine=IMPORTED,
        )
        self.conversations.append(made)
        self.by_words.setdefault(_said(messages), made)
        return made

    def _turn(self, message: Message, first: bool) -> Turn:
        if message.role == "user":
            return Turn("user", message.content, "ask" if first else "follow_up", clean=message.clean, edits=_edits(message))
        if message.content == MASK:
            return Turn("assistant", MASK, "answer")
        shown = shown_values(message.content, (held.dimension for held in self.held))
        return Turn("assistant", message.content, "answer", shows=tuple(Shown(*entry) for entry in shown.items()))

    def _item(self, published: str, query: str, domain: str, session: int, history: tuple[str, ...]) -> None:
        if not self.held or len(self.items) == MOST:
            self.account.without_item[published].append(UNMAPPED if not self.held else TOO_MANY_ITEMS)
            return
        item = Item(
            item_id=f"{self.persona_id}-i{len(self.items):02d}",
            persona_id=self.persona_id,
            split=self.split,
            session=session,
            template_id="",
            domain=domain,
            slots={},
            query=query,
            history=history,
            gold=tuple(Gold(held.dimension, held.value, None, "unlabelled") for held in self.held),
            hard=(),
            twins=(),
            witness="",
        )
        self.items.append(item)
        self.account.became(published, item.item_id)


def about(dimension: str) -> str:
    """What a published dimension describes, `user` or `conversation`; an unknown one is taken to describe the user."""
    known: Published | None = load_mapping().get(dimension)
    return known.about if known else "user"


def _said(messages: Iterable[Message]) -> tuple[str, ...]:
    """What the user says in a conversation, which identifies it even where its answers are masked."""
    return tuple(message.content for message in messages if message.role == "user")


def _edits(message: Message) -> tuple[Edit, ...]:
    """The noise as one edit: what lies between the common beginning and the common end of the clean and the noisy text."""
    clean, noisy = message.clean, message.content
    if not clean:
        return ()
    start = _alike(clean, noisy)
    end = _alike(clean[start:][::-1], noisy[start:][::-1])
    stop = len(clean) - end
    return (Edit(" + ".join(message.strategies) or "not published", start, stop, clean[start:stop], noisy[start : len(noisy) - end]),)


def _alike(left: str, right: str) -> int:
    """The length of the common beginning, in characters."""
    return next((place for place, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
