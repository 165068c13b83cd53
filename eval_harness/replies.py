"""What is sent to the optimizer's process and what is accepted from it: requests, replies, and their time limits (sandbox.py)."""

from dataclasses import dataclass
from typing import Any

from eval_harness.metered import UNUSED, Usage
from eval_harness.pipe import fault_of
from persona_atlas.protocol import Request

ENTRY = {"preference", "value", "evidence"}
"""The fields of a profile entry."""


@dataclass(frozen=True)
class Reply:
    """The outcome of one request: a prompt, or the reason why there is none.

    `seconds` is wall time, with what the target took, and with loading and `fit` if a new process was needed.
    """

    text: str | None
    failure: str | None
    profile: tuple[dict[str, str], ...] = ()
    seconds: float = 0.0
    usage: Usage = UNUSED
    notes: str = ""

    @classmethod
    def of(cls, said: dict[str, Any], seconds: float, usage: Usage) -> "Reply":
        """The reply that worker.py `said`."""
        return cls(said.get("text"), said.get("failure"), tuple(said.get("profile", ())), seconds, usage, str(said.get("notes", "")))


@dataclass(frozen=True)
class Limit:
    """The seconds that something may take, and what has not happened when they are over."""

    late: str
    seconds: float

    def __str__(self) -> str:
        return f"timeout: {self.late} within {self.seconds:g} s"


def as_json(request: Request) -> dict[str, Any]:
    history = [[{"role": m.role, "content": m.content} for m in conversation] for conversation in request.history]
    return {"user": request.user, "history": history, "query": request.query}


def is_reply(data: dict[str, Any], number: int) -> bool:
    """Whether this is a reply of worker.py to request `number`."""
    return data.get("number") == number and is_said(data)


def is_said(data: Any) -> bool:
    """Whether this is a prompt or a failure in worker.py's form. A process that an optimizer took over may write anything."""
    if not isinstance(data, dict) or ("failure" in data) == ("text" in data):
        return False
    said, profile = _is_text(data["failure"]) if "failure" in data else _is_prompt(data["text"]), data.get("profile", [])
    return said and _is_text(data.get("notes", "")) and isinstance(profile, list) and all(map(_is_entry, profile))


def unusable(data: dict[str, Any]) -> str | None:
    """Why the optimizer cannot be used, if worker.py says so."""
    return None if "unusable" not in data else data["unusable"] if _is_text(data["unusable"]) else "what its process says of it is no text"


def _is_prompt(text: Any) -> bool:
    return isinstance(text, str) and fault_of(text) is None


def _is_entry(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.keys() == ENTRY and all(map(_is_text, entry.values()))


def _is_text(text: Any) -> bool:
    """Whether this is text that can be written, that is, without half a surrogate pair."""
    return isinstance(text, str) and text.encode("utf-8", "replace").decode("utf-8") == text
