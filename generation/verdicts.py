"""The verdict files beside a release: audit.json, gate.json and generality.json."""

import json
from typing import Any

from generation.errors import GenerateError
from persona_atlas.data import Release

AUDIT, GATE, GENERALITY = "audit.json", "gate.json", "generality.json"
COMMANDS = {AUDIT: "atlas-generate audit {}", GATE: "atlas-eval gate {}", GENERALITY: "python benchmarks/generality.py RUN... --release {}"}
"""File -> the command that writes it, with a place for the release's path."""


class VerdictError(GenerateError):
    """A verdict cannot be read. The message says what to type next."""


class OtherContentError(VerdictError):
    """A verdict is about other content than that of the release that it lies beside."""


def read_verdict(release: Release, name: str) -> dict[str, Any] | None:
    """A verdict, or None if there is no such file. Raises VerdictError if it cannot be read, OtherContentError if it is about other content."""
    path, command = release.path / name, COMMANDS[name].format(release.path)
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise VerdictError(f"{path} is not readable as JSON ({error}); write it anew with {command}") from None
    except OSError as error:
        raise VerdictError(f"{path} cannot be read ({error.strerror}); mend that, or write it anew with {command}") from None
    if not isinstance(found, dict):
        raise VerdictError(f"{path} is no JSON object; write it anew with {command}")
    if _digest(found) is None:
        raise VerdictError(f"{path} does not say of which release it is; write it anew with {command}")
    if _digest(found) != release.manifest["content_digest"]:
        raise OtherContentError(f"{path} is of other content than the release; write it anew with {command}, or remove it")
    return found


def _digest(verdict: dict[str, Any]) -> Any:
    """The content digest of the release that a verdict is about, from its top level or from `release`; None if it names none."""
    described = verdict.get("release")
    return verdict.get("content_digest", described.get("content_digest") if isinstance(described, dict) else None)
