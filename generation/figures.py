"""The section of a release's card on what was measured: the figures of the audit.json, gate.json and generality.json beside it.

## What was measured

Audit: 43 checks passed, 0 failed (`audit.json`; ...).

| what users say | train | test | train_samples.json |
| ...

Gate on `scripted`: 21 of 21 orders hold ...

Generality (`benchmarks/generality.py`): ...
"""

from collections.abc import Iterator, Mapping
from typing import Any

import regex

from generation.card import END as MADE
from generation.card import card, head
from generation.generality import paragraphs, table
from generation.verdicts import AUDIT, GATE, GENERALITY, OtherContentError, VerdictError, read_verdict
from persona_atlas import shards
from persona_atlas.data import Release
from persona_atlas.randomness import digest

HEADING = "\n## What was measured\n"
END = "\n\n<!-- the end of what was measured ({digest}): audit, card and push write what is above -->\n"
"""`digest` is that of the text between HEADING and END, so that what somebody wrote into it is not overwritten."""
MADE_BY, ENDED = (regex.compile(regex.escape(end).replace(r"\{digest\}", "(?P<digest>[0-9a-f]{16})")) for end in (MADE, END))
SPLITS = ("train", "test", "test_ood")
VARIETY = {
    "distinct_2": "different pairs of words, of all in a sample of words",
    "mtld": "MTLD (words until variety falls), same sample",
    "self_bleu": "self-BLEU of at most 300 turns (lower is more varied)",
    "vendi_share": "effective number of different turns, as a share of those sampled (at most 500)",
    "top_openings_share": "turns with one of the ten commonest openings, of all",
}
SCORES = ("personalization", "task")
ARMS = ("oracle", "identity", "random_user", "masked", "opposite_user", "bank_reader", "stuffing")
"""The rows of a gate that the card shows; gate.json has all of them."""


CHANGED = "{} was changed by hand, and stays as it is; to have it made anew, remove it and run the command again"


def write_card(release: Release) -> bool:
    """Put the figures of the verdicts into the release's README.md, leaving out verdicts on other content.

    Returns False, and writes nothing, if somebody changed the card. Raises VerdictError if a verdict cannot be read.
    """
    path, made = release.path / "README.md", card(release.manifest)
    try:
        behind = _behind(path.read_text(encoding="utf-8") if path.is_file() else made, head(release.manifest))
    except UnicodeDecodeError:
        return False
    if behind is None:
        return False
    verdicts = [_own(release, name) for name in (AUDIT, GATE, GENERALITY)]
    try:
        found = section(*verdicts)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        said = f"lacks {error}" if isinstance(error, KeyError) else f"has another form ({error})"
        raise VerdictError(
            f"a verdict beside {path} {said}; write it anew with atlas-generate audit, atlas-eval gate or benchmarks/generality.py"
        ) from None
    shards.write_text(path, made + found + behind)
    return True


def _behind(before: str, plain: str) -> str | None:
    """What somebody wrote below the text that was generated; None if they changed that text, so that a digest in it is not its own.

    Cards of earlier versions hold no digest of their head: it must be `plain`, what is made from the manifest today.
    """
    made = MADE_BY.search(before)
    if (digest(before[: made.start()])[:16] != made["digest"]) if made else (before.partition(HEADING)[0] != plain):
        return None
    rest = before[made.end() if made else len(plain) :]
    ended = ENDED.search(rest)
    if rest.startswith(HEADING) != bool(ended) or (ended and digest(rest[len(HEADING) : ended.start()])[:16] != ended["digest"]):
        return None
    return rest[ended.end() :] if ended else rest


def _own(release: Release, name: str) -> dict[str, Any] | None:
    """The content of a verdict; None if it is missing, or is on other content than the release's."""
    try:
        return read_verdict(release, name)
    except OtherContentError:
        return None


def section(audit: Mapping[str, Any] | None, gate: Mapping[str, Any] | None, generality: Mapping[str, Any] | None) -> str:
    """The section of the card; empty if nothing was measured."""
    parts = [*(_audit(audit) if audit else ()), *(_gate(gate) if gate else ()), *(paragraphs(generality) if generality else ())]
    text = "\n" + "\n\n".join(parts)
    return HEADING + text + END.format(digest=digest(text)[:16]) if parts else ""


def _audit(audit: Mapping[str, Any]) -> Iterator[str]:
    states = [check["state"] for check in audit["checks"]]
    skipped = len(states) - states.count("passed") - states.count("failed")
    others = f", {skipped} need a larger release or a reference" if skipped else ""
    yield (
        f"Audit (`atlas-generate audit`): {states.count('passed')} checks passed, {states.count('failed')} failed{others}. "
        "Every figure and limit is in `audit.json`, with plots in `audit.html`."
    )
    columns = audit["diversity"]["user"]["columns"]
    shown = [name for name in columns if name in SPLITS or name not in audit["release"]["users_by_split"]]
    rows = [[what, *(_number(columns[name].get(key)) for name in shown)] for key, what in VARIETY.items()]
    words = audit["diversity"]["user"]["words_compared"]
    yield table([f"what users say (samples of {words:,} words)", *(name.removeprefix("reference: ") for name in shown)], rows)
    near = [
        [
            name,
            _number(reference["fidelity"].get("auc"), ".4f"),
            _number(reference["nearness"]["most_similar"], ".2f"),
            f"{reference['nearness']['longest_run']} words",
        ]
        for name, reference in audit["references"].items()
    ]
    if near:
        yield (
            "Nearness to what others published (whose chats are made by models, too): how well a trained discriminator tells their turns from these "
            "(0.5 would be not at all), the likeness of the two nearest texts (Jaccard), and the longest run of words in both."
        )
        yield table(["beside", "AUC", "most similar", "longest run"], near)
    coherence, privacy = audit["coherence"], audit["privacy"]
    revealed, skill = audit["identifiability"]["revealed"], audit["identifiability"]["histories"]["skill"]
    if revealed is not None:
        yield f"Of the gold values {revealed:.0%} are revealed before the question."
    if skill is not None:
        yield f"A reader that counts words gets {skill:+.2f} of the way from guessing to knowing."
    wrong, found = coherence["contradicting"], privacy["personal_data"]["count"]
    yield f"Users who contradict themselves or their attributes, as far as its patterns see: {wrong}; personal data found: {found}."


def _gate(gate: Mapping[str, Any]) -> Iterator[str]:
    for verdict in gate["targets"].values():
        checks, rows = verdict["checks"], verdict["rows"]
        held = sum(bool(check["passed"]) for check in checks)
        yield (
            f"Gate on `{verdict['target']}` (`atlas-eval gate`): {held} of {len(checks)} required orders hold. Personalization and task of controls "
            f"and attackers, on {rows['oracle']['personalization']['n_users']} test users, with 95 % intervals:"
        )
        shown = [(name, rows[name]) for name in ARMS if name in rows]
        yield table(["", *SCORES], [[name, *(_interval(row[score]) for score in SCORES)] for name, row in shown])


def _interval(score: Mapping[str, Any]) -> str:
    if score["mean"] is None:
        return "–"
    mean, *ends = (round(number, 2) + 0.0 for number in (score["mean"], *(score["ci"] or ())))  # no -0.00
    return f"{mean:.2f} [{ends[0]:.2f}, {ends[1]:.2f}]" if ends else f"{mean:.2f}"


def _number(value: float | None, form: str = ".3g") -> str:
    return "" if value is None else format(value, form)
