"""Decides from its manifest and the verdict files beside it whether a release may be published.

    manifest.json     "private": true means that it was made from secret phrasings, so it may go only to a private repository
    audit.json        from `atlas-generate audit`: "passed" must be true; if the file is missing, publishing must be asked for with --no_audit
    gate.json         from `atlas-eval gate`: may be missing, since it needs a target and minutes; if it is there, every target must have passed
    generality.json   from benchmarks/generality.py: may be missing, and nothing in it is required

Each verdict file that is there must be about the release's content (its content digest).
"""

from generation.errors import GenerateError
from generation.verdicts import AUDIT, GATE, GENERALITY, read_verdict
from persona_atlas.data import Release


class UnpublishableError(GenerateError):
    """A release may not be published. The message says why, and what to type next."""


def check_private(release: Release, private: bool) -> None:
    """Raise UnpublishableError if the release is private and the repository is not."""
    if release.manifest.get("private") and not private:
        raise UnpublishableError(f"{release.path} is a private release, which is not for publication; give --private, for a private repository")


def check_verdicts(release: Release, no_audit: bool) -> None:
    """Raise UnpublishableError if the audit or the gate failed, or if there is no audit and `no_audit` is not set.

    Raises VerdictError if a verdict file cannot be read or is about other content.
    """
    where = release.path
    audit = read_verdict(release, AUDIT)
    if audit is None and not no_audit:
        raise UnpublishableError(f"{where} was not audited; run atlas-generate audit {where}, or push it as it is with --no_audit")
    if audit is not None and audit.get("passed") is not True:
        raise UnpublishableError(f"{where} does not pass its audit; audit.json says why. Build a release that does, then run atlas-generate audit")
    read_verdict(release, GENERALITY)
    gate = read_verdict(release, GATE)
    if gate is None:
        return
    targets = gate.get("targets")
    if not isinstance(targets, dict) or not targets or not all(isinstance(verdict, dict) for verdict in targets.values()):
        raise UnpublishableError(f"{where}/gate.json has no verdicts in it; write it anew with atlas-eval gate {where}")
    failed = [str(verdict.get("target", name)) for name, verdict in targets.items() if verdict.get("passed") is not True]
    if failed:
        raise UnpublishableError(f"{where} does not pass the gate on {', '.join(failed)}; gate.json says which orders do not hold")
