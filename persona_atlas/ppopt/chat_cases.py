"""Training cases for reading chat by chat (chats.py): from a chat, what it shows; from what is known, the prompt.

drills      short chats made of phrasings and of train users' other sentences
writes      drilled questions: a list of wishes, some bound to areas, and the prompt that asks for those that bear on a train task
chats       chats of train users' histories, some reworded, some with a wish in them that misleads
questions   train items: what all the chats before the question show, and the prompt that follows from it
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from rapidfuzz import fuzz

from persona_atlas.data import Release, messages
from persona_atlas.ppopt.areas import areas, listed, named
from persona_atlas.ppopt.cases import NOISE, ONCE, Case, Mention, Mix, mentions, shown
from persona_atlas.ppopt.chats import NO_LONGER, in_force, read_asked, read_written, wanted, wish, write_asked
from persona_atlas.ppopt.drills import drilled_chat, sentence
from persona_atlas.ppopt.evidence import SPLIT
from persona_atlas.ppopt.examples import drawn_task, pick
from persona_atlas.ppopt.text import WANTS, Finding, written
from persona_atlas.ppopt.wishes import SENTENCE, Meaning, asking, subject, wishes
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.randomness import generator
from persona_atlas.records import Conversation, Item, User
from persona_atlas.render import applicable_dimensions
from persona_atlas.tasks import Template, load_templates

MOST_WORDS = 24
"""The most words of a sentence of chatter."""
HELD = (0, 13)
"""How many wishes are known at a drilled question: at least the first number, fewer than the second."""
BOUND_USERS, BOUND_WISHES, HERE = 0.5, 0.4, 0.5
"""The shares of drilled users who bind wishes to areas, of their wishes that are bound, and of users whose areas include that of the question."""
LOWER, OTHERWISE = 0.3, 0.2
"""The shares of drilled questions in lower case, and of those that ask for another value in one dimension, this time only."""
ALIKE = 88
"""How similar (of 100) a part of a message must be to the name of an area."""
BOUND = ("explicit", "change")
"""The ways of revealing a wish in which the areas named beside it are its own."""


def chat_drills(release: Release, numbers: Iterable[int], seed: int) -> Iterator[Case]:
    """Make the drilled chats of these numbers."""
    others = chatter(release)
    for i in numbers:
        chat, said = drilled_chat(i, seed, chatter=others)
        found = [Finding(one.quote, verdict(one.meaning, one.way, one.area)) for one in said]
        heard = "\n".join(message.content for message in chat)
        yield Case(f"chat-drill-{i}", read_asked(chat), read_written(found), "", heard, {})


def chatter(release: Release) -> list[str]:
    """Return the sentences, of at most MOST_WORDS words, of train users' turns that reveal nothing."""
    plain = (turn for conversation in release.conversations(SPLIT) for turn in conversation.turns if turn.role == "user" and not turn.reveals)
    return [said for turn in plain for said in SENTENCE.split(turn.content) if len(said.split()) <= MOST_WORDS]


def write_drills(numbers: Iterable[int], seed: int) -> Iterator[Case]:
    """Make the drilled questions of these numbers."""
    for i in numbers:
        draw = generator(seed, "ppopt write drill", i)
        filling, wording = drawn_task(draw)
        query = filling.query(wording)
        query = query.lower() if draw.random() < LOWER else query
        here = areas()[filling.template.domain]
        held = _drawn_wishes(here, draw)
        otherwise = ""
        if draw.random() < OTHERWISE and (free := [meaning for meaning in held if meaning[0] != "hard"]):
            otherwise, _ = pick(draw, free)
            told = sentence(pick(draw, [one for one in wishes() if one[0] == otherwise]), "exception", SPLIT, draw)
            query = f"{query} {told.text}"
        known = [meaning for meaning, area in held.items() if (not area or here in named(area)) and meaning[0] != otherwise]
        matters = bearing(known, filling.template)
        findings = [Finding("", f"{WANTS} {wish(*one)}.") for one in held.items()]
        prompt = asking(query, [wishes()[meaning].ask[0] for meaning in matters])
        values = {dimension: value for dimension, value in matters if dimension != "hard"}
        yield Case(f"write-drill-{i}", write_asked(findings, query), written(None, prompt), query, "", values)


def bearing(meanings: Iterable[Meaning], template: Template) -> list[Meaning]:
    """Return those of the wishes that matter to the task: values that an answer to it can show, and constraints that bear on it."""
    of_use = {*applicable_dimensions(template.template_id)}
    bears = {f"hard {name}" for name, constraint in load_catalog().hard.items() if constraint.universal or name in template.hard}
    return [meaning for meaning in meanings if meaning[0] in of_use or " ".join(meaning) in bears]


def _drawn_wishes(here: str, draw: np.random.Generator) -> dict[Meaning, str]:
    """Draw wishes about different matters, each with the areas that it is bound to, or empty. `here`: the area of the question."""
    others = [str(area) for area in draw.permutation([area for area in areas().values() if area != here])]
    bound = [*([here] if draw.random() < HERE else []), *others[: int(draw.integers(1, 3))]]
    bound = [bound[int(i)] for i in draw.permutation(len(bound))]
    binds = draw.random() < BOUND_USERS
    every, drawn = list(wishes()), dict[str, Meaning]()
    for i in draw.permutation(len(every)):
        drawn.setdefault(subject(every[int(i)]), every[int(i)])
    held = list(drawn.values())[: int(draw.integers(*HELD))]
    return {meaning: listed(bound) if binds and meaning[0] != "hard" and draw.random() < BOUND_WISHES else "" for meaning in held}


def chat_cases(release: Release, mix: Mix, numbers: Iterable[int], seed: int, questions: float) -> Iterator[Case]:
    """Make the cases of these numbers from the train items, in an order drawn anew for each pass; none where the release has no train items.

    `questions`: the share of cases that write a prompt. The others read a chat, unless the history is empty.
    """
    items = release.items(SPLIT)
    users = {user.persona_id: user for user in release.users(SPLIT)}
    for made in numbers if items else ():
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
    known = [one for finding in held if (one := wanted(finding.verdict)) is not None]
    asked = {gold.dimension for gold in item.gold if gold.source == "query"}
    here = [meaning for meaning, area in known if (not area or areas()[item.domain] in named(area)) and meaning[0] not in asked]
    prompt = asking(query, [wishes()[meaning].ask[0] for meaning in bearing(here, load_templates()[item.template_id])])
    values = {dimension: value for dimension, value in here if dimension != "hard"}
    said = "\n".join(turn.content for conversation in chats for turn in conversation.turns)
    return Case(item.item_id, write_asked(held, query), written(None, prompt), query, said, values)


def shows(conversation: Conversation, user: User) -> list[Finding]:
    """Return what a chat shows, in the order of the chat."""
    return [Finding(mention.words, _verdict(mention, user)) for mention in mentions([conversation])]


def _verdict(mention: Mention, user: User) -> str:
    if mention.noise:
        return NOISE[mention.noise]
    return verdict(mention.meaning, mention.reveal.how, _areas(mention, user) if mention.reveal.how in BOUND else "")


def verdict(meaning: tuple[str, str], how: str, area: str = "") -> str:
    """Return what follows from words that reveal a meaning in the given way."""
    if how in NOISE:
        return NOISE[how]
    if how == "exception":
        return ONCE
    return f"{NO_LONGER} {wish(meaning)}." if how == "end" else f"{WANTS} {wish(meaning, area)}."


def _areas(mention: Mention, user: User) -> str:
    """Return the areas that the message binds the wish to, in the order named; empty where it does not name all areas of the user's wish."""
    scopes = {preference.dimension: preference.scope for preference in user.preferences if preference.scope}
    scope = scopes.get(mention.reveal.dimension, ())
    if not scope or any(domain not in areas() for domain in scope):
        return ""
    text = mention.message.lower()
    found = {areas()[domain]: fuzz.partial_ratio_alignment(areas()[domain], text, score_cutoff=ALIKE) for domain in scope}
    places = {area: place.dest_start for area, place in found.items() if place is not None}
    if len(places) < len(scope):
        return ""
    return listed(sorted(places, key=lambda area: places[area]))
