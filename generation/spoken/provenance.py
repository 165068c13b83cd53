"""Where the words of a spoken release come from: one row per turn."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

SCRIPTED = "scripted"


@dataclass(frozen=True, slots=True)
class Utterance:
    """Where a turn's words come from: the agent, the model (`scripted` if no try was taken), the number of tries, and why each failed one failed."""

    conversation_id: str
    persona_id: str
    turn: int
    agent: str
    model: str
    tries: int
    failures: tuple[str, ...]

    @property
    def taken(self) -> bool:
        return self.model != SCRIPTED


def failures_of(utterances: Iterable[Utterance]) -> Counter[str]:
    """Failed tries by agent and reason, as the manifest lists them."""
    return Counter(f"{one.agent}: {reason}" for one in utterances for reason in one.failures)
