"""Whether a release may go out, by its manifest and the verdicts that lie beside it.

    manifest.json "private": true: made from phrasings that nobody may see, and so for a private repository alone
audit.json    of `atlas-generate audit`: "passed" must be true; without it a release goes out only if that is asked for
gate.json     of `atlas-eval gate`: it may be missing, since it takes a target and minutes; where it is there, it is of this content and every
              target's verdict is "passed"
"""

import json
from collections.abc import Mapping
from typing import Any

from persona_atlas.data import Release


class UnpublishableError(ValueError):
    """A release may not go out: why, and what to type next."""


def check_private(release: Release, private: bool) -> None:
    """Raise UnpublishableError where a private release is to go where everybody reads it."""
    if release.manifest.get("private") and not private:
        raise UnpublishableError(f"{release.path} is a private release, which is not for publication; give --private, for a private repository")


def check_verdicts(release: Release, no_audit: bool) -> None:
    """Raise UnpublishableError where a verdict is against it, or there is no audit and none is waived."""
    where = release.path
    audit = _read(release, "audit.json", f"atlas-generate audit {where}")
    if audit is None and not no_audit:
        raise UnpublishableError(f"{where} was not audited; run atlas-generate audit {where}, or push it as it is with --no_audit")
    if audit is not None and audit.get("passed") is not True:
        raise UnpublishableError(f"{where} does not pass its audit; audit.json says why. Build a release that does, then run atlas-generate audit")
    gate = _read(release, "gate.json", f"atlas-eval gate {where}")
    targets = gate.get("targets", {}) if gate else {}
    failed = [str(verdict.get("target", name)) for name, verdict in targets.items() if verdict.get("passed") is not True]
    if failed:
        raise UnpublishableError(f"{where} does not pass the gate on {', '.join(failed)}; gate.json says which orders do not hold")


def _read(release: Release, name: str, command: str) -> dict[str, Any] | None:
    """A verdict, None where it is not there."""
    path = release.path / name
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UnpublishableError(f"{path} is not readable as JSON ({error}); write it anew with {command}") from None
    if not isinstance(found, dict):
        raise UnpublishableError(f"{path} is no JSON object; write it anew with {command}")
    if _digest(found) not in (None, release.manifest["content_digest"]):
        raise UnpublishableError(f"{path} is of other content than the release; write it anew with {command}, or remove it")
    return found


def _digest(verdict: Mapping[str, Any]) -> Any:
    """The content that a verdict says it is of, at its top or under `release`; None where it says nothing."""
    described = verdict.get("release")
    return verdict.get("content_digest", described.get("content_digest") if isinstance(described, dict) else None)
