"""A verdict as one line per check, as JSON, and as a Markdown comment. Whatever comes from a submission is made harmless by escape.py."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from leaderboard.escape import markdown, shown
from leaderboard.verify import COUNTED, TIERS, Check, Verdict

MARKS = {True: "ok", False: "WRONG", None: "-"}
COMMENT = 60_000
"""The most characters of a comment; GitHub takes 65,536."""
NOT_LOOKED_AT = "not looked at, since what it stands on is wrong"
SELF_REPORTED = "self-reported: computed again from the submitted answers, which were not asked for again"
"""What a verdict alone says about the tier. The other tiers come from `reproduce` and from the maintainers (tiers.py)."""


def lines(verdict: Verdict) -> Iterator[str]:
    """Yield the lines for a terminal: the verdict, then one line per check."""
    yield f"{shown(str(verdict.path))}: {'accepted' if verdict.accepted else 'refused'}{_headline(verdict)}"
    for check in verdict.checks:
        yield f"  {MARKS[check.passed]:6}{check.name:12}{shown(_said(check), 1000)}"
    if verdict.accepted:
        yield f"  tier  {SELF_REPORTED}"


def _headline(verdict: Verdict) -> str:
    if verdict.found is None:
        return ""
    return f", {shown(verdict.found.claims.optimizer)} on {shown(str(verdict.found.config['model']))}, {len(verdict.found.samples):,} samples"


def _said(check: Check) -> str:
    if check.passed is None:
        return NOT_LOOKED_AT
    further = f"; and {check.further}{' or more' if check.further == COUNTED else ''} more" if check.further else ""
    return check.well if check.passed else "; ".join(check.faults) + further


def as_json(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return plain data. Texts of a submission are as it has them, but cut to a length, and what cannot be seen is written out."""
    return {"accepted": all(verdict.accepted for verdict in verdicts), "submissions": [_plain(verdict) for verdict in verdicts]}


def _plain(verdict: Verdict) -> dict[str, Any]:
    found = verdict.found
    told = {} if found is None else {key: found.record[key] for key in ("run_id", "optimizer", "name", "link", "contact", "training")}
    return {
        "path": shown(str(verdict.path)),
        "accepted": verdict.accepted,
        "tier": TIERS[0],
        **{key: shown(str(text), 2000) for key, text in told.items()},
        "checks": [
            {"name": check.name, "passed": check.passed, "faults": [shown(fault) for fault in check.faults], "further": check.further}
            for check in verdict.checks
        ],
        "scores": verdict.results["scores"] if verdict.results and verdict.accepted else None,
        "track": verdict.results["track"] if verdict.results and verdict.accepted else None,
    }


def comment(verdicts: Sequence[Verdict]) -> str:
    """Return a Markdown comment that can be posted as it is."""
    parts, length = ["## Submissions to the leaderboard\n"], 0
    for number, verdict in enumerate(verdicts):
        part = "\n".join(_section(verdict)) + "\n"
        if (length := length + len(part)) > COMMENT:
            parts.append(f"\nAnd {len(verdicts) - number} more, for which there is no room here: see the log.\n")
            break
        parts.append(part)
    return "\n".join(parts)


def _section(verdict: Verdict) -> Iterator[str]:
    yield f"### {'Accepted' if verdict.accepted else 'Refused'}: {markdown(str(verdict.path), 120)}\n"
    if verdict.found is not None:
        record = verdict.found.record
        yield f"{markdown(record['name'], 80)} · optimizer {markdown(record['optimizer'])} on {markdown(str(verdict.found.config['model']))} · "
        yield f"{len(verdict.found.samples):,} samples · run {markdown(record['run_id'])} · {markdown(record['link'])}\n"
    yield "| check | | |\n|---|---|---|"
    for check in verdict.checks:
        said = markdown(_said(check), 600) if check.passed is False else _said(check)
        yield f"| {check.name} | {MARKS[check.passed]} | {said} |"
    if verdict.accepted and verdict.results is not None:
        yield ""
        yield from _scores(verdict.results)
        yield f"\nTier: {SELF_REPORTED}."


def _scores(results: Mapping[str, Any]) -> Iterator[str]:
    yield "| clean | G | task | met |\n|---|---:|---:|---:|"
    for arm, conditions in results["arms"].items():
        yield f"| {markdown(arm)} | {' | '.join(_interval(conditions['clean'][axis]) for axis in ('personalization', 'task', 'met'))} |"


def _interval(found: Mapping[str, Any]) -> str:
    if found["mean"] is None or found["ci"] is None:
        return "–" if found["mean"] is None else f"{found['mean']:z.2f}"
    return f"{found['mean']:z.2f} [{found['ci'][0]:z.2f}, {found['ci'][1]:z.2f}]"
