"""What an optimizer sees and what it returns.

The shortest optimizer is a module with one function:

    def optimize(request):
        return request.query + "\\n\\nAnswer in three bullet points."

A fuller one takes the context too, and returns a `Prompt` with the profile it inferred:

    def optimize(request, context):
        return Prompt(text, profile=(ProfileEntry("length", "brief", evidence="that is way too long"),))
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np

MAX_PROMPT_CHARACTERS = 100_000
"""A longer prompt is refused and counted as a failure of the optimizer: no target here could read it."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn: `role` is `user` or `assistant`."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """One user's history and next query. `user` is an opaque key, made anew for every run; `history` holds conversations, oldest first."""

    user: str
    history: tuple[tuple[Message, ...], ...]
    query: str


@dataclass(frozen=True, slots=True)
class ProfileEntry:
    """One inferred preference, with the words of the user that support it."""

    preference: str
    value: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the target is to be asked, and, where the optimizer can say, the profile behind it."""

    text: str
    profile: tuple[ProfileEntry, ...] = ()
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """What an optimizer may use: `seconds`, the time limit of one call, and `seed`, from which `generator()` is seeded for this request alone."""

    seed: int
    seconds: float

    def generator(self) -> "np.random.Generator":
        import numpy as np

        return np.random.default_rng(self.seed)


class Optimizer(Protocol):
    """`optimize(request, context)`; the context may be left out of the signature. Raising is recorded as a failure of that item."""

    def optimize(self, request: Request, context: Context) -> Prompt | str: ...


def as_text(history: Sequence[Sequence[Message]]) -> str:
    """A history as plain text, conversations divided by a blank line and numbered from 1: a convenience for optimizers."""
    parts = []
    for i, conversation in enumerate(history, 1):
        lines = [f"{message.role.capitalize()}: {message.content}" for message in conversation]
        parts.append(f"Conversation {i}\n" + "\n".join(lines))
    return "\n\n".join(parts)
