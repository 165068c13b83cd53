"""Whether a release may go out, by its manifest and the verdicts that lie beside it.

    manifest.json     "private": true: made from phrasings that nobody may see, and so for a private repository alone
    audit.json        of `atlas-generate audit`: "passed" must be true; without it a release goes out only if that is asked for
    gate.json         of `atlas-eval gate`: it may be missing, since it takes a target and minutes; where it is there, each target is "passed"
    generality.json   of benchmarks/generality.py: it may be missing, and nothing in it is demanded

None of the verdicts may be of other content than the release's.
"""

from generation.verdicts import AUDIT, GATE, GENERALITY, read_verdict
from persona_atlas.data import Release


class UnpublishableError(ValueError):
    """A release may not go out: why, and what to type next."""


def check_private(release: Release, private: bool) -> None:
    """Raise UnpublishableError where a private release is to go where everybody reads it."""
    if release.manifest.get("private") and not private:
        raise UnpublishableError(f"{release.path} is a private release, which is not for publication; give --private, for a private repository")


def check_verdicts(release: Release, no_audit: bool) -> None:
    """Raise UnpublishableError where a verdict is against it, or there is no audit and none is waived; VerdictError where one cannot be read."""
    where = release.path
    audit = read_verdict(release, AUDIT)
    if audit is None and not no_audit:
        raise UnpublishableError(f"{where} was not audited; run atlas-generate audit {where}, or push it as it is with --no_audit")
    if audit is not None and audit.get("passed") is not True:
        raise UnpublishableError(f"{where} does not pass its audit; audit.json says why. Build a release that does, then run atlas-generate audit")
    read_verdict(release, GENERALITY)
    gate = read_verdict(release, GATE)
    targets = gate.get("targets", {}) if gate else {}
    if not isinstance(targets, dict) or not all(isinstance(verdict, dict) for verdict in targets.values()):
        raise UnpublishableError(f"{where}/gate.json has no verdicts in it; write it anew with atlas-eval gate {where}")
    failed = [str(verdict.get("target", name)) for name, verdict in targets.items() if verdict.get("passed") is not True]
    if failed:
        raise UnpublishableError(f"{where} does not pass the gate on {', '.join(failed)}; gate.json says which orders do not hold")
