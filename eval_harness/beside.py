"""Scores that need more than an item and its answer: the request, the user, or identity's answer to the same item (MEASUREMENT 4).

profile_f1   how well the optimizer's typed profile fits: precision against what holds for the user, recall against the part of the item's gold that
             the history reveals. An entry is right only if its evidence, where it gives any, occurs in a message of the user. None without a
             profile, and for an imported history, where what it reveals is not labelled
intrusion    whether the answer names the user's occupation, region or household although neither the question nor the witness does, times g. None
             if the user has none of these attributes
clarify      on questions that lack something which nothing restores: whether the answer asks back or states an assumption. The answer must be
             complete, in English and no refusal. It need not be on the subject, as a question back is not
changed      on items with nothing to personalize: the share of dimensions in which the answer shows another value than identity's
"""

from collections.abc import Mapping, Sequence

import regex

from eval_harness.conditions import Shown, show
from eval_harness.runfolder import Key, Sample
from persona_atlas.answer import Answer
from persona_atlas.data import Release
from persona_atlas.ledger import states
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import Item, User
from persona_atlas.scoring import Scores, takes_part

BESIDE = ("profile_f1", "intrusion", "clarify", "changed")
OF_A_LIFE = ("occupation", "household", "region")
"""The attributes of a user that `intrusion` looks for."""
AT_HOME = {
    "lives alone": regex.compile(r"\bliv(?:e|ing) (?:alone|by yourself|on your own|by myself|on my own)\b"),
    "lives with a partner": regex.compile(r"\b(?:your|my) (?:partner|husband|wife|spouse)\b"),
    "lives with a partner and children": regex.compile(r"\b(?:your|my) (?:partner|husband|wife|spouse|kids?|child(?:ren)?|family)\b"),
    "single parent": regex.compile(r"\bsingle (?:parent|mother|father|mom|mum|dad)\b|\b(?:your|my) (?:kids?|child(?:ren)?)\b"),
    "shares a flat": regex.compile(r"\b(?:your|my) (?:flat|house|room)-?mates?\b|\bshared? (?:a |your |my )?flat\b"),
    "lives with parents": regex.compile(r"\b(?:your|my) (?:parents|mother|father|mom|mum|dad)\b"),
}
"""Household -> how an answer would mention it to the user, or the user in a question."""
ASKS = regex.compile(
    r"\b(?:how (?:many|much|long|far|old|big|large|tall|often)|which|what|when|where|who|do you (?:mean|have)|are (?:you|there)|"
    r"(?:could|can) you (?:tell|say|share|specify|confirm))\b",
    regex.I,
)
CLAUSE_END = regex.compile(r"([.!?\n])")
ASSUMES = regex.compile(
    r"\b(?:assum(?:e|es|ed|ing|ption)|suppos(?:e|ing)|let(?:'|’)?s say|please (?:tell|let|share|specify|confirm)|depends on|without knowing|"
    r"i(?:'|’)?(?:d| would)? need to know|if (?:you|your|it|there|that)\b[^.!?\n]{0,40}\b(?:mean|meant|is|are|have|has))\b",
    regex.I,
)


def beside_scores(
    samples: Sequence[Sample], items: Mapping[str, Item], release: Release, scores: Mapping[tuple[str, str, str], Scores | None]
) -> dict[Key, dict[str, float | None]]:
    """The scores of BESIDE for each sample. Samples that the target's infrastructure failed on are left out."""
    users = {user.persona_id: user for split in {item.split for item in items.values()} for user in release.users(split)}
    bare = {(s.condition, s.item_id): s for s in samples if s.arm == "identity" and s.finish_reason != "error"}
    found: dict[Key, dict[str, float | None]] = {}
    for sample in samples:
        item, mine = items[sample.item_id], scores[sample.key]
        shown = show(sample.condition, item, release)
        if mine is None or shown is None:
            continue
        user, identity = users[item.persona_id], bare.get((sample.condition, sample.item_id))
        found[sample.key] = {
            "profile_f1": profile_f1(sample.profile, item, user, shown),
            "intrusion": mine.g * intrusion(sample.answer, item, user, shown) if set(OF_A_LIFE) & set(user.attributes) else None,
            "clarify": clarifies(sample.answer, sample.finish_reason) if shown.twin is not None and not shown.twin.restorable else None,
            "changed": changed(sample, identity, item) if identity is not None and not item.gold else None,
        }
    return found


def profile_f1(profile: Sequence[Mapping[str, str]], item: Item, user: User, shown: Shown) -> float | None:
    """F1 of typed entries (preference: a dimension, value: one of its values), in [0, 1]; None without entries or labels."""
    if not profile:
        return None
    said = [_plain(turn.content) for conversation in shown.history for turn in conversation.turns if turn.role == "user"] + [_plain(shown.query)]
    entries = {
        (entry["preference"], entry["value"])
        for entry in profile
        if not entry.get("evidence", "").strip() or any(_plain(entry["evidence"]) in text for text in said)
    }
    stated = {(entry["preference"], entry["value"]) for entry in profile}
    known = states(item.gold, shown.history)
    if "unlabelled" in known.values():
        return None
    gold = {entry.dimension: entry.value for entry in item.gold}
    held = set({**user.in_force(item.session, item.domain), **gold}.items())
    revealed = {(name, gold[name]) for name, state in known.items() if state == "revealed"}
    precision = len(entries & held) / len(stated)
    recall = len(entries & revealed) / len(revealed) if revealed else float(bool(entries & held))
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def intrusion(answer: str, item: Item, user: User, shown: Shown) -> float:
    """1 if the answer names a fact of the user's life that neither the question nor the item's right answer names, else 0."""
    lower, asked = answer.casefold(), f"{shown.query}\n{item.query}\n{item.witness}".casefold()
    facts = [user.attributes[name].casefold() for name in OF_A_LIFE if name in user.attributes]
    return float(any(_names(lower, fact) and not _names(asked, fact) for fact in facts if fact not in AT_HOME) or _home(lower, asked, facts))


def _home(answer: str, asked: str, facts: Sequence[str]) -> bool:
    """Whether the answer mentions one of these households to the user, and `asked` (question and witness) does not."""
    homes = [AT_HOME[fact] for fact in facts if fact in AT_HOME]
    return any(home.search(answer) is not None and home.search(asked) is None for home in homes)


def _names(text: str, fact: str) -> bool:
    return fact in text and regex.search(rf"(?<!\w){regex.escape(fact)}s?(?!\w)", text) is not None


def clarifies(answer: str, finish_reason: str) -> float:
    """1 if the answer asks back or states an assumption, and is complete, in English and no refusal, else 0."""
    return float((_asks(answer) or bool(ASSUMES.search(answer))) and takes_part(Answer(answer), finish_reason))


def _asks(answer: str) -> bool:
    """Whether a clause that ends with a question mark has words that ask for something. Each clause is read once, however many there are."""
    parts = CLAUSE_END.split(answer)
    return any(end == "?" and ASKS.search(clause) for clause, end in zip(parts[::2], parts[1::2], strict=False))


def changed(sample: Sample, identity: Sample, item: Item) -> float:
    """The share of the dimensions of the item's split in which the answer shows another value than identity's answer, in [0, 1]."""
    mine, bare = Answer(sample.answer), Answer(identity.answer)
    dimensions = [dimension for dimension in load_catalog().dimensions.values() if item.split in dimension.splits]
    if sample.answer == identity.answer:
        return 0.0
    return sum(dimension.met_by(mine) != dimension.met_by(bare) for dimension in dimensions) / len(dimensions)
