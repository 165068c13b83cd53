"""The verdicts that lie beside a release: audit.json, gate.json, and generality.json, of which nothing is demanded."""

import json
from typing import Any

from persona_atlas.data import Release

AUDIT, GATE, GENERALITY = "audit.json", "gate.json", "generality.json"
COMMANDS = {AUDIT: "atlas-generate audit {}", GATE: "atlas-eval gate {}", GENERALITY: "python benchmarks/generality.py RUN... --release {}"}
"""What writes each."""


class VerdictError(ValueError):
    """A verdict cannot be read, and what to type next."""


class OtherContentError(VerdictError):
    """A verdict is of another release than the one beside it."""


def read_verdict(release: Release, name: str) -> dict[str, Any] | None:
    """A verdict, None where it is not there. Raises VerdictError."""
    path, command = release.path / name, COMMANDS[name].format(release.path)
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise VerdictError(f"{path} is not readable as JSON ({error}); write it anew with {command}") from None
    if not isinstance(found, dict):
        raise VerdictError(f"{path} is no JSON object; write it anew with {command}")
    if _digest(found) is None:
        raise VerdictError(f"{path} does not say of which release it is; write it anew with {command}")
    if _digest(found) != release.manifest["content_digest"]:
        raise OtherContentError(f"{path} is of other content than the release; write it anew with {command}, or remove it")
    return found


def _digest(verdict: dict[str, Any]) -> Any:
    """The content that a verdict says it is of, at its top or under `release`; None where it says nothing."""
    described = verdict.get("release")
    return verdict.get("content_digest", described.get("content_digest") if isinstance(described, dict) else None)
