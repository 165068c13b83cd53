"""The `benchmark` config: test requests with their history inside and no gold, for people who answer them elsewhere."""

from dataclasses import dataclass

from persona_atlas.protocol import Message
from persona_atlas.records import Conversation, Item


@dataclass(frozen=True, slots=True)
class Chat:
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class BenchmarkRequest:
    """One item as an optimizer sees it. The answer that comes back is identified by `request_id`."""

    request_id: str
    history: tuple[Chat, ...]
    query: str


def benchmark_request(item: Item, conversations: list[Conversation]) -> BenchmarkRequest:
    shown = [conversation for conversation in conversations if conversation.conversation_id in item.history]
    return BenchmarkRequest(item.item_id, tuple(Chat(tuple(Message(turn.role, turn.content) for turn in c.turns)) for c in shown), item.query)
