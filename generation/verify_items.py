"""Verifies a user's items: gold, lures and slices against the history, witnesses against the checkers, twins against their labels."""

from collections.abc import Iterator
from dataclasses import replace

from generation.items import gold_of, lures_of, slices_of
from generation.noise.twins import is_mentioned
from generation.noise.twins import problems as twin_problems
from generation.said import phrasings_of, unseen
from generation.storyline import bears_on
from generation.verify_conversations import UNSEEN, Count
from generation.voice import settled
from persona_atlas.records import Conversation, Item, User
from persona_atlas.render.witness import problems as witness_problems
from persona_atlas.scoring import filling_of
from persona_atlas.tasks.templates import Filling, load_templates


def item_problems(user: User, conversations: list[Conversation], noise: list[Conversation], items: list[Item], count: Count) -> Iterator[str]:
    """What is wrong with the items, one sentence per problem."""
    for item in items:
        count("witnesses")
        filling = filling_of(item)
        for problem in (
            *_place(user, item, conversations, noise),
            *_query(user, item, filling, count),
            *_labels(user, item, conversations),
            *_witness(item, filling),
        ):
            yield f"{item.item_id}: {problem}"
        mentioned = is_mentioned(filling, conversations)
        for twin in item.twins:
            count("noise twins")
            if found := twin_problems(item.query, twin, filling, mentioned):
                yield f"{item.item_id}, {twin.intensity} {twin.layer}: {found}"


def _place(user: User, item: Item, conversations: list[Conversation], noise: list[Conversation]) -> Iterator[str]:
    template = load_templates()[item.template_id]
    if template.split != user.split:
        yield f"template {item.template_id} is not of split {user.split}"
    if item.domain != template.domain:
        yield f"domain {item.domain} is not its template's"
    if item.template_id in {c.template_id for c in (*conversations, *noise)}:
        yield "its template was asked in the history"
    if item.session != user.sessions or item.history != tuple(c.conversation_id for c in conversations):
        yield "its history is not the user's conversations before it"
    if item.history_noise != tuple(c.conversation_id for c in noise):
        yield "its history noise is not the user's"


def _labels(user: User, item: Item, conversations: list[Conversation]) -> Iterator[str]:
    override = next(((gold.dimension, gold.value) for gold in item.gold if gold.source == "query"), None)
    if item.gold != gold_of(user, item.template_id, item.domain, conversations, override):
        yield "its gold is not what the user's preferences and the history say"
    if item.lures != lures_of(user, item.template_id, item.domain, conversations, item.gold):
        yield "its lures are not what the user's preferences and the history say"
    expected = tuple(limit.constraint for limit in user.hard if bears_on(limit.constraint, load_templates()[item.template_id]))
    if item.hard != expected:
        yield f"its hard constraints are {', '.join(item.hard) or 'none'}, wanted {', '.join(expected) or 'none'}"
    if item.slices != slices_of(item, user, conversations):
        yield "its slices are not what gold and history say"


def _query(user: User, item: Item, filling: Filling, count: Count) -> Iterator[str]:
    """Check that the query is a wording of the task as this user types it, and that it asks for the gold whose source is the query."""
    style = replace(user.style, dotted=False)
    wordings = [settled(filling.query(number), style) for number in range(len(filling.template.queries))]
    wording = next((wording for wording in wordings if item.query.startswith(wording)), None)
    asked = next((gold for gold in item.gold if gold.source == "query"), None)
    if wording is None or (asked is None and item.query not in wordings):
        yield "its query is no wording of its task"
        return
    if asked is None:
        return
    if unseen(user.split):
        count(UNSEEN)
        return
    requests = phrasings_of(asked.dimension, asked.value)[user.split]["request"]
    if not any(request.lower() in item.query[len(wording) :].lower() for request in requests):
        yield f"its query does not ask for {asked.dimension} {asked.value}"


def _witness(item: Item, filling: Filling) -> Iterator[str]:
    for problem in witness_problems(filling, item.witness, {gold.dimension: gold.value for gold in item.gold}, item.hard):
        yield f"the witness fails: {problem}"
