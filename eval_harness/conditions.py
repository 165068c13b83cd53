"""Conditions: labelled changes to what an item shows. `clean` is the item's own query and its whole history."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from eval_harness.errors import nearest
from persona_atlas.protocol import Message
from persona_atlas.records import Conversation, Item

History = tuple[Conversation, ...]


@dataclass(frozen=True)
class Shown:
    """What is shown of an item under a condition: the query and the conversations, oldest first."""

    query: str
    history: History

    def texts(self) -> list[str]:
        """Every text that the request holds."""
        return [self.query, *(turn.content for conversation in self.history for turn in conversation.turns)]

    def messages(self) -> tuple[tuple[Message, ...], ...]:
        return tuple(tuple(Message(turn.role, turn.content) for turn in conversation.turns) for conversation in self.history)


def _clean(item: Item, history: History) -> Shown:
    return Shown(item.query, history)


def _surface(item: Item, history: History) -> Shown:
    return Shown(next(twin.query for twin in item.twins if twin.layer == "surface"), history)


def _latest(count: int) -> Callable[[Item, History], Shown]:
    return lambda item, history: Shown(item.query, history[len(history) - count :] if count else ())


CONDITIONS: Mapping[str, Callable[[Item, History], Shown]] = {
    "clean": _clean,
    "surface": _surface,
    "history_0": _latest(0),
    "history_2": _latest(2),
}
"""By name: as it is; the query with surface noise; no history; the two latest conversations."""
ALIASES = {"history_all": "clean"}


def parse_conditions(text: str) -> tuple[str, ...]:
    """The conditions named in `a,b,c`, each once, `clean` always first: differences are taken against it. Raises EvalError."""
    names = [ALIASES.get(name.strip(), name.strip()) for name in text.split(",") if name.strip()]
    for name in names:
        if name not in CONDITIONS:
            raise nearest("condition", name, [*CONDITIONS, *ALIASES])
    return tuple(dict.fromkeys(["clean", *names]))


def show(condition: str, item: Item, history: Sequence[Conversation]) -> Shown:
    """What `condition` shows of the item."""
    return CONDITIONS[condition](item, tuple(history))
