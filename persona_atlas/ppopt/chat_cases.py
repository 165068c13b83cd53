"""Training cases for reading chat by chat (chats.py): of a chat, what it shows; of what is known, the prompt.

drills      chats made of phrasings alone, in which nearly every sentence lets something be known
chats       of train users' histories, some said anew, some with a wish in them that is not the user's own
questions   train items: what all the chats before show, and the prompt under it
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.resources import files

import numpy as np
from rapidfuzz import fuzz

from persona_atlas.content import need, read_yaml
from persona_atlas.data import Release, messages
from persona_atlas.ppopt.cases import NOISE, ONCE, Case, Mention, Mix, asks, mentions, shown
from persona_atlas.ppopt.chats import NO_LONGER, ONLY, in_force, read_asked, read_written, wanted, write_asked
from persona_atlas.ppopt.drills import drilled_chat
from persona_atlas.ppopt.evidence import SPLIT
from persona_atlas.ppopt.examples import pick
from persona_atlas.ppopt.text import WANTS, Finding, written
from persona_atlas.ppopt.wishes import wishes
from persona_atlas.randomness import generator
from persona_atlas.records import Conversation, Item, User

QUESTIONS = 0.25
"""The share of cases of the release that write a prompt; the others read a chat."""
ALIKE = 88
"""How like (of 100) a part of a message has to be to the name of an area."""
BOUND = ("explicit", "change")
"""How a wish is let be known, where the areas named beside it are its own."""


def chat_drills(number: int, seed: int) -> Iterator[Case]:
    """`number` drilled chats."""
    for i in range(number):
        chat, said = drilled_chat(i, seed)
        found = [Finding(one.quote, verdict(one.meaning, one.way)) for one in said]
        heard = "\n".join(message.content for message in chat)
        yield Case(f"chat-drill-{i}", read_asked(chat), read_written(found), "", heard, {})


def chat_cases(release: Release, mix: Mix, number: int, seed: int, questions: float = QUESTIONS) -> Iterator[Case]:
    """`number` cases from the train items in an order drawn anew each time through; fewer where the release has none that are fit."""
    items = [item for item in release.items(SPLIT) if "conflict" not in item.slices]
    users = {user.persona_id: user for user in release.users(SPLIT)}
    for made in range(number if items else 0):
        through, place = divmod(made, len(items))
        item = items[int(generator(seed, "ppopt chat order", through).permutation(len(items))[place])]
        draw = generator(seed, "ppopt chat", through, item.item_id)
        chats = shown(item, users[item.persona_id], release, mix, draw)
        if chats and draw.random() >= questions:
            yield _read_case(item, users[item.persona_id], pick(draw, chats))
        else:
            yield _write_case(item, users[item.persona_id], chats, mix, draw)


def _read_case(item: Item, user: User, conversation: Conversation) -> Case:
    (chat,) = messages([conversation])
    said = "\n".join(message.content for message in chat)
    return Case(item.item_id, read_asked(chat), read_written(shows(conversation, user)), "", said, {})


def _write_case(item: Item, user: User, chats: Sequence[Conversation], mix: Mix, draw: np.random.Generator) -> Case:
    query = pick(draw, item.twins).query if item.twins and draw.random() < mix.twins else item.query
    held = in_force(shows(conversation, user) for conversation in chats)
    known = [told for finding in held if (told := wanted(finding.verdict)) is not None]
    here = [meaning for meaning, area in known if (not area or item.domain in _domains(area)) and _open(meaning, item)]
    prompt = "\n\n".join(filter(None, [query, " ".join(asks(item, here, draw))]))
    values = {dimension: value for dimension, value in here if dimension != "hard"}
    said = "\n".join(turn.content for conversation in chats for turn in conversation.turns)
    return Case(item.item_id, write_asked(held, query), written(None, prompt), query, said, values)


def _open(meaning: tuple[str, str], item: Item) -> bool:
    """Whether the question leaves the matter to the profile: it does not ask otherwise itself, and a constraint bears on it."""
    if meaning[0] == "hard":
        return meaning[1] in item.hard
    return not any(gold.dimension == meaning[0] and gold.source == "query" for gold in item.gold)


def shows(conversation: Conversation, user: User) -> list[Finding]:
    """What a chat shows, in the order in which it stands."""
    return [Finding(mention.words, _verdict(mention, user)) for mention in mentions([conversation])]


def _verdict(mention: Mention, user: User) -> str:
    if mention.noise:
        return NOISE[mention.noise]
    return verdict(mention.meaning, mention.reveal.how, _areas(mention, user) if mention.reveal.how in BOUND else "")


def verdict(meaning: tuple[str, str], how: str, area: str = "") -> str:
    """What follows from words that let a meaning be known in some way."""
    if how in NOISE:
        return NOISE[how]
    if how == "exception":
        return ONCE
    wants = wishes()[meaning].wants[0]
    return f"{NO_LONGER} {wants}." if how == "end" else f"{WANTS} {wants}{ONLY if area else ''}{area}."


def _areas(mention: Mention, user: User) -> str:
    """The areas that the message binds the wish to, in the order in which they are named; empty where it names none, or not all of the user's."""
    scopes = {preference.dimension: preference.scope for preference in user.preferences if preference.scope}
    scope = scopes.get(mention.reveal.dimension, ())
    if not scope or any(domain not in areas() for domain in scope):
        return ""
    text = mention.message.lower()
    found = {areas()[domain]: fuzz.partial_ratio_alignment(areas()[domain], text, score_cutoff=ALIKE) for domain in scope}
    places = {area: place.dest_start for area, place in found.items() if place is not None}
    if len(places) < len(scope):
        return ""
    *first, last = sorted(places, key=lambda area: places[area])
    return f"{', '.join(first)} and {last}" if first else last


@lru_cache(maxsize=1)
def areas() -> dict[str, str]:
    """Domain -> how users name it. Raises CatalogError."""
    file = files("persona_atlas.ppopt").joinpath("words").joinpath("areas.yaml")
    data = read_yaml(file)
    need(data, {"areas": dict}, file.name)
    return dict(data["areas"])


def _domains(area: str) -> list[str]:
    return [domain for domain, name in areas().items() if name in area.replace(" and ", ", ").split(", ")]
