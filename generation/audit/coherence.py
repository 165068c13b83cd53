"""Whether users are coherent: attributes and preferences that exclude each other, turns that contradict attributes or each other.

The audit looks at what is typed (attributes, preferences) and at what the patterns of contradictions.yaml and generation/life.py find in a user's own
words. Words that no pattern matches are not thereby shown to be coherent. Chats that dirty a history are left out: another person may speak there.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any

import regex

from generation.audit.corpus import Chat, Corpus
from generation.life import AGE, INTRODUCED, SPOUSE, WEIGHT, contradictions, of_age
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.preferences.conflicts import load_conflicts
from persona_atlas.records import User

SHOWN = 8
MOVED = 0.1
"""How far apart a user's statements of their weight may be, as a share of the least."""
Where = tuple[str, str]


def attribute_contradictions(user: User) -> list[str]:
    """The ids of the contradictory pairs of contradictions.yaml that the user's attributes match."""
    return [pair.id for pair in contradictions()[0] if pair.holds(user.attributes)]


def text_contradictions(user: User, chats: Iterable[Chat]) -> Iterator[tuple[str, Where]]:
    """What the user says that contradicts their attributes or name: the reason, and the place with its text."""
    for chat in chats:
        for place, turn in enumerate(chat.turns):
            if turn.role != "user":
                continue
            where = (f"{chat.id}, turn {place}", turn.text)
            for claim in contradictions()[1]:
                if claim.contradicts(user.attributes) and claim.says.search(turn.text):
                    yield claim.id, where
            if (said := INTRODUCED.search(turn.text)) and said["name"] not in user.name.split():
                yield "another name than theirs", where
            if (said := AGE.search(turn.text)) and not of_age(int(said["age"]), user.attributes.get("age_band", "")):
                yield "another age than theirs", where


def changes(chats: Iterable[Chat]) -> Iterator[tuple[str, Where]]:
    """The user's statements about themselves that do not fit each other: ages over a year apart, weights over a tenth apart, two spouses."""
    ages, weights, spouses = (_claims(pattern, chats) for pattern in (AGE, WEIGHT, SPOUSE))
    for what, claims, allowed in (("age", ages, lambda least: 1.0), ("weight", weights, lambda least: MOVED * least)):
        ordered = sorted(claims, key=lambda claim: float(claim[0]))
        if ordered and float(ordered[-1][0]) - float(ordered[0][0]) > allowed(float(ordered[0][0])):
            yield f"two different statements of {what}", _both(ordered[0][1], ordered[-1][1])
    first = {who.lower(): where for who, where in reversed(spouses)}
    if len(first) > 1:
        yield "a husband and a wife", _both(first["husband"], first["wife"])


def _claims(pattern: regex.Pattern[str], chats: Iterable[Chat]) -> list[tuple[str, Where]]:
    """What the pattern's group captures in the user's turns, each with its place and text."""
    turns = [(f"{chat.id}, turn {place}", turn.text) for chat in chats for place, turn in enumerate(chat.turns) if turn.role == "user"]
    return [(match[1], where) for where in turns for match in pattern.finditer(where[1])]


def _both(one: Where, other: Where) -> Where:
    return f"{one[0]} and {other[0]}", f"{one[1]} / {other[1]}"


def preference_problems(user: User) -> list[str]:
    """Values unknown to the catalogue, two values of a dimension in force at once, and combinations that the conflict table does not allow."""
    found, dimensions = [], load_catalog().dimensions
    for preference in user.preferences:
        if preference.dimension not in dimensions or preference.value not in dimensions[preference.dimension].values:
            found.append(f"{preference.dimension} {preference.value} is not in the catalogue")
    for one, other in combinations(user.preferences, 2):
        if one.dimension == other.dimension and one.value != other.value and _overlap(one, other, user.sessions):
            found.append(f"{one.dimension} is {one.value} and {other.value} at once")
    if not load_conflicts().allow({p.dimension for p in user.preferences}, {limit.constraint for limit in user.hard}):
        found.append("its dimensions and hard constraints are not allowed together")
    return found


def _overlap(one: Any, other: Any, sessions: int) -> bool:
    begun, ended = max(one.first_session, other.first_session), [p.last_session for p in (one, other) if p.last_session is not None]
    return begun <= min([sessions, *ended]) and (not one.scope or not other.scope or bool(set(one.scope) & set(other.scope)))


def figures(corpus: Corpus) -> dict[str, Any]:
    """Incoherences in attributes, texts, statements over time and preferences: how many, in how many users, by kind, with examples.

    `contradicting`: the users with one in attributes, texts or statements over time, each counted once.
    """
    attributes = [(why, (user.persona_id, ", ".join(user.attributes.values()))) for user in corpus.users for why in attribute_contradictions(user)]
    texts = [found for user in corpus.users for found in text_contradictions(user, corpus.histories[user.persona_id])]
    changed = [found for user in corpus.users for found in changes(corpus.histories[user.persona_id])]
    preferences = [(problem, (user.persona_id, problem)) for user in corpus.users for problem in preference_problems(user)]
    return {
        "users": len(corpus.users),
        "contradicting": len({_user(where) for _, (where, _) in (*attributes, *texts, *changed)}),
        "attributes": _summed(attributes, len(corpus.users)),
        "texts": _summed(texts, len(corpus.users)),
        "changes": _summed(changed, len(corpus.users)),
        "preferences": _summed(preferences, len(corpus.users)),
    }


def _summed(found: Sequence[tuple[str, Where]], users: int) -> dict[str, Any]:
    kinds: dict[str, set[str]] = defaultdict(set)
    for why, (where, _) in found:
        kinds[why].add(_user(where))
    concerned = {user for mine in kinds.values() for user in mine}
    return {
        "count": len(found),
        "users": len(concerned),
        "share": len(concerned) / max(users, 1),
        "by_kind": {why: len(mine) for why, mine in sorted(kinds.items(), key=lambda pair: -len(pair[1]))},
        "examples": [{"why": why, "where": where, "text": text[:240]} for why, (where, text) in found[:SHOWN]],
    }


def _user(where: str) -> str:
    """The id of the user in a place: `u-test-000003` for `u-test-000003-c02, turn 1`."""
    return regex.sub(r"-[cn]\d+\b.*$", "", where)
