"""Items: a query after the user's last conversation, the gold that applies to it, lures, noisy twins, and a witness that proves the ceiling."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from generation.life import life_of
from generation.noise.semantic import Asked
from generation.noise.twins import is_mentioned, twins
from generation.quoting import literal
from generation.said import frames_of, phrasings_of
from generation.storyline import ItemPlan, Storyline, bears_on
from generation.voice import settled
from generation.wishes import framed
from persona_atlas.ledger import last_words
from persona_atlas.randomness import generator
from persona_atlas.records import Conversation, Gold, Item, Lure, User
from persona_atlas.render import NoWitnessError, applicable_dimensions, joint_witness


def items_of(seed: int, user: User, storyline: Storyline, history: list[Conversation], noise: list[Conversation]) -> tuple[list[Item], Counter[str]]:
    """The user's items; and how many noisy twins were not made and items left out (those without a joint witness), by reason."""
    items, failures = [], Counter[str]()
    for plan in storyline.items:
        try:
            item, failed = _item(seed, user, plan, history, noise)
        except NoWitnessError as error:
            failures[f"item left out: no joint witness in {error.template_id}"] += 1
            continue
        items.append(item)
        failures.update(failed)
    return items, failures


def _item(seed: int, user: User, plan: ItemPlan, history: list[Conversation], noise: list[Conversation]) -> tuple[Item, Counter[str]]:
    template = plan.filling.template
    asked = _asked(seed, user, plan)
    gold = gold_of(user, plan.filling.template.template_id, template.domain, history, plan.override)
    hard = tuple(limit.constraint for limit in user.hard if bears_on(limit.constraint, template))
    found, failures = twins(seed, plan.item_id, asked, is_mentioned(plan.filling, history))
    item = Item(
        item_id=plan.item_id,
        persona_id=user.persona_id,
        split=user.split,
        session=user.sessions,
        template_id=template.template_id,
        domain=template.domain,
        slots=dict(plan.filling.slots),
        query=asked.text,
        history=tuple(conversation.conversation_id for conversation in history),
        gold=gold,
        hard=hard,
        lures=lures_of(user, template.template_id, template.domain, history, gold),
        twins=found,
        history_noise=tuple(conversation.conversation_id for conversation in noise),
        witness=joint_witness(plan.filling, {entry.dimension: entry.value for entry in gold}, frozenset(hard)),
    )
    return replace(item, slices=slices_of(item, user, history)), failures


def _asked(seed: int, user: User, plan: ItemPlan) -> Asked:
    """The query as its user types it: the question, then what the query itself asks for, if anything."""
    style = replace(user.style, dotted=False)
    question, life = settled(plan.filling.query(plan.wording), style), life_of(user)
    if plan.override is None:
        return Asked(plan.filling, plan.wording, style, question, len(question), life)
    draw = generator(seed, "override", plan.item_id)
    lines = life.fitting(frames_of(user.split)["override"])
    requests = [line for line in life.fitting(phrasings_of(*plan.override)[user.split]["request"]) if not literal(line, plan.override[0])]
    wish = framed(lines[int(draw.integers(len(lines)))], requests[int(draw.integers(len(requests)))])
    ended = question if question.endswith((".", "?", "!")) else f"{question}."
    return Asked(plan.filling, plan.wording, style, f"{ended} {settled(wish, style)}", len(question), life)


def gold_of(user: User, template_id: str, domain: str, history: list[Conversation], override: tuple[str, str] | None = None) -> tuple[Gold, ...]:
    """The values that an answer should show: those in force whose dimension applies to the task (MEASUREMENT 1).

    In its dimension, what the query itself asks for (`override`: dimension and value) takes the place of the value in force.
    """
    applicable, said = applicable_dimensions(template_id), last_words(history)
    gold = []
    for dimension, value in user.in_force(user.sessions, domain).items():
        if dimension not in applicable:
            continue
        if override and override[0] == dimension:
            gold.append(Gold(dimension, override[1], None, "revealed", "query"))
            continue
        word = said.get(dimension)
        known = word is not None and word[0] == value
        gold.append(Gold(dimension, value, word[1] if word and known else None, "revealed" if known else "contradicted" if word else "unrevealed"))
    return tuple(gold)


def lures_of(user: User, template_id: str, domain: str, history: list[Conversation], gold: Sequence[Gold]) -> tuple[Lure, ...]:
    """The values that the history speaks of and that apply to the task, but are not in force.

    Either another value is in force in the dimension (`replaced`), or none is (`out_of_scope`, `expired`, `exception_over`).
    """
    applicable, held = applicable_dimensions(template_id), user.in_force(user.sessions, domain)
    spoken = {(reveal.dimension, reveal.value): reveal.how for c in history for turn in c.turns for reveal in turn.reveals}
    lures: list[Lure] = []
    for preference in user.preferences:
        key = (preference.dimension, preference.value)
        if preference.dimension not in applicable or key not in spoken or held.get(preference.dimension) == preference.value:
            continue
        if preference.dimension in held:
            lures.append(Lure(*key, "replaced"))
        elif preference.scope and domain not in preference.scope and preference.last_session is None:
            lures.append(Lure(*key, "out_of_scope"))
        elif preference.last_session is not None:
            lures.append(Lure(*key, "expired"))
    once = [Lure(d, v, "exception_over") for (d, v), how in spoken.items() if how == "exception" and d not in held and d in applicable]
    right = {(entry.dimension, entry.value) for entry in gold}
    return tuple(lure for lure in dict.fromkeys([*lures, *once]) if (lure.dimension, lure.value) not in right)


def slices_of(item: Item, user: User, history: list[Conversation]) -> tuple[str, ...]:
    """The kinds of personalization that the item asks for. `conflict` stays out of the headline; `nothing` means that there is no gold."""
    held = {p.dimension: p for p in user.preferences if p.in_force(user.sessions, item.domain)}
    mine = [held[gold.dimension] for gold in item.gold]
    hows = {gold.dimension: _hows(gold, history) for gold in item.gold}
    excepted = {r.dimension for c in history for turn in c.turns for r in turn.reveals if r.how == "exception"}
    found = {
        "stated": any(hows[gold.dimension] & {"explicit", "change"} for gold in item.gold),
        "implied": any(hows[gold.dimension] and not hows[gold.dimension] & {"explicit", "change"} for gold in item.gold),
        "scoped": any(preference.scope for preference in mine),
        "drifted": any(preference.event for preference in mine),
        "exception": bool(excepted & {gold.dimension for gold in item.gold}),
        "conflict": any(gold.source == "query" for gold in item.gold),
        "nothing": not item.gold,
        "hard": bool(item.hard),
    }
    return tuple(name for name, holds in found.items() if holds)


def _hows(gold: Gold, history: list[Conversation]) -> set[str]:
    """The ways in which the history reveals the gold."""
    reveals = [reveal for c in history for turn in c.turns for reveal in turn.reveals]
    return {r.how for r in reveals if r.dimension == gold.dimension and r.value == gold.value and r.standing}
