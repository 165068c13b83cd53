"""Storylines: what each of a user's conversations is to contain, before an engine puts it into words.

A session asks about one task. It may contain reveals. The user may

- state a standing wish (`explicit`, or `change` if it replaces an earlier one)
- mention a fact of life from which it follows (`fact`)
- complain about an answer that misses it, or praise one that meets it (`complaint`, `praise`)
- ask for something else this once (`exception`), or lift a wish (`end`)
- mention a hard constraint

How often and in which way depends on the user: many say little, some nothing.

Within a conversation the assistant does what it is told there. It begins the next one as if it had been told nothing but hard constraints. Apart from
that its answers vary at random (`habits`), so they alone, without the user's words, show nothing of what was said in other conversations. A second
answer to a question draws anew everything that nobody spoke of. So most of what changed from the first one is chance, and only the user's words say
what was asked for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from generation.dynamics import free_dimensions
from generation.life import asked, life_of
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.preferences.conflicts import load_conflicts
from persona_atlas.randomness import generator
from persona_atlas.records import Preference, Reveal, User
from persona_atlas.render import applicable_dimensions
from persona_atlas.tasks.templates import Filling, Template, load_templates

ITEMS = 4
SPEAKS = {"never": 0.0, "seldom": 0.65, "often": 0.95}
"""`feedback` of the writing style -> the probability that the user speaks of a stated preference at all."""
AGAIN = {"weak": 0.1, "normal": 0.35, "strong": 0.9}
"""Strength of a preference -> the probability that it comes up a second time."""
HOW = {
    "plainly": {"explicit": 0.65, "complaint": 0.2, "praise": 0.15},
    "by_complaint": {"explicit": 0.25, "complaint": 0.55, "praise": 0.2},
    "by_praise": {"explicit": 0.25, "complaint": 0.25, "praise": 0.5},
}
MENTIONS_FACT = 0.9
EXCEPTION = 0.6
ONCE_ONLY = 0.35
VARIES = 0.3
"""The probability that an answer shows a random value of a dimension that nobody spoke of."""
HEEDS = 0.5
"""The probability that a second answer does what was asked for after the first. Either way the user does not ask again."""
DRAWS = 8
"""How often the style of a second answer is drawn at most, to find one that differs from the first."""
CONFLICT = 0.75
MENTIONED = 0.5
MOST_WISHES = 2
"""The most wishes that are placed in one session. Hard constraints, and wishes that are lifted, are not counted."""
IN_ANSWER = ("explicit", "change", "complaint", "praise", "exception")
"""The ways of revealing that are about an answer, so that the dimension must apply to the task."""


@dataclass
class Session:
    """The plan of one conversation: its task, what the user reveals, and what the first and second answer show (dimension -> value).

    `heeds`: whether the second answer does what was asked for. `mentions`: sentences said in passing, which state what the incomplete question of an
    item leaves out.
    """

    number: int
    template: Template
    reveals: list[Reveal] = field(default_factory=list)
    first: dict[str, str] = field(default_factory=dict)
    second: dict[str, str] = field(default_factory=dict)
    heeds: bool = True
    mentions: list[str] = field(default_factory=list)

    def heeding(self) -> "Session":
        """The same session with a second answer that does what was asked for."""
        asked = {reveal.dimension: reveal.value for reveal in self.reveals if reveal.dimension != "hard" and reveal.how in IN_ANSWER}
        return replace(self, second={**self.second, **asked}, heeds=True)


@dataclass(frozen=True)
class ItemPlan:
    """The plan of an item.

    `wording`: index of the task's wording; `mentioned`: whether the history is to mention the slot that incomplete twins lack; `override`: the
    dimension and value that the query itself asks for, if any.
    """

    item_id: str
    filling: Filling
    wording: int
    mentioned: bool
    override: tuple[str, str] | None


@dataclass(frozen=True)
class Storyline:
    """A user's sessions in order, and the items after them."""

    sessions: tuple[Session, ...]
    items: tuple[ItemPlan, ...]


def plan(seed: int, user: User) -> Storyline:
    """The storyline of a user, drawn from the seed and the user's id."""
    chance = generator(seed, "storyline", user.persona_id)
    templates = [template for template in load_templates().values() if template.split == user.split and template.core]
    order = [templates[int(i)] for i in chance.permutation(len(templates))]
    kept = _item_templates(user, order)
    items = tuple(_item(seed, user, number, template, chance) for number, template in enumerate(kept))
    rest = [template for template in order if template not in kept]
    schedule = _schedule(user, chance)
    sessions: list[Session] = []
    known: dict[str, str] = {}
    for number in range(user.sessions):
        wanted = [r for r in schedule[number] if r.how != "end" or known.get(r.dimension) == r.value]
        session = _session(user, number, wanted, rest, chance)
        rest.remove(session.template)
        _answers(session, user, chance, generator(seed, "second answer", user.persona_id, number))
        known.update({reveal.dimension: reveal.value for reveal in session.reveals if reveal.standing and reveal.dimension != "hard"})
        sessions.append(session)
    _mention(items, sessions, chance)
    return Storyline(tuple(sessions), items)


def _item_templates(user: User, order: list[Template]) -> list[Template]:
    """The tasks of the user's items, in the given order.

    Tasks to which a preference applies come first, and among them those that list a hard constraint of the user. If the user has no preference in
    some domains, as a rule half of the items are from there.
    """

    def applying(template: Template) -> int:
        return len(user.in_force(user.sessions, template.domain).keys() & set(applicable_dimensions(template.template_id)))

    def limited(template: Template) -> bool:
        """False, which sorts first, if the task lists a hard constraint of the user."""
        return not any(limit.constraint in template.hard for limit in user.hard)

    inside = sorted((template for template in order if applying(template)), key=limited)
    outside = [template for template in order if not user.in_force(user.sessions, template.domain)]
    wanted = ITEMS // 2 if outside else ITEMS
    chosen = inside[:wanted]
    return [*chosen, *outside[: ITEMS - len(chosen)]]


def bears_on(constraint: str, template: Template) -> bool:
    """Whether answers to a task must keep a hard constraint: it is universal, or the task lists it."""
    return load_catalog().hard[constraint].universal or constraint in template.hard


def _item(seed: int, user: User, number: int, template: Template, chance: np.random.Generator) -> ItemPlan:
    item_id = f"{user.persona_id}-i{number:02d}"
    drawn = generator(seed, "item", item_id)
    filling, wording = asked(template, life_of(user), drawn)
    mentioned = template.incomplete is not None and chance.random() < MENTIONED
    held = user.in_force(user.sessions, template.domain)
    gold = [dimension for dimension in sorted(held) if dimension in applicable_dimensions(template.template_id)]
    override = None
    if gold and number == ITEMS - 1 and chance.random() < CONFLICT:
        dimension = gold[int(chance.integers(len(gold)))]
        override = (dimension, other_value(dimension, held[dimension], chance))
    return ItemPlan(item_id, filling, wording, mentioned, override)


def other_value(dimension: str, value: str, chance: np.random.Generator) -> str:
    """Another value of the dimension."""
    others = load_catalog().dimensions[dimension].others(value)
    return others[int(chance.integers(len(others)))].id


def _schedule(user: User, chance: np.random.Generator) -> list[list[Reveal]]:
    """Session -> its reveals."""
    schedule: list[list[Reveal]] = [[] for _ in range(user.sessions)]
    told: set[str] = set()
    for preference in user.preferences:
        if _reveal(user, preference, schedule, chance):
            told.add(preference.dimension)
    for limit in user.hard:
        schedule[int(chance.integers(user.sessions))].append(Reveal("hard", limit.constraint, "explicit" if limit.origin == "stated" else "fact"))
    for preference in user.preferences:
        followed = any(p.dimension == preference.dimension and p.first_session > preference.first_session for p in user.preferences)
        if preference.last_session is not None and not followed and preference.dimension in told:
            schedule[preference.last_session + 1].append(Reveal(preference.dimension, preference.value, "end"))
    if user.style.feedback != "never":
        _exceptions(user, schedule, chance)
    return schedule


def _reveal(user: User, preference: Preference, schedule: list[list[Reveal]], chance: np.random.Generator) -> bool:
    """Put the reveals of one preference into the schedule. Returns whether there is any."""
    last = user.sessions - 1 if preference.last_session is None else preference.last_session
    window = range(preference.first_session, last + 1)
    if preference.origin == "implied":
        return chance.random() < MENTIONS_FACT and _place(preference, "fact", window, schedule, chance)
    if chance.random() >= SPEAKS[user.style.feedback]:
        return False
    shares = HOW[user.style.tells]
    times = 1 + int(chance.random() < AGAIN[preference.strength])
    done = False
    for time in range(times):
        how = str(chance.choice(list(shares), p=list(shares.values())))
        if preference.event and time == 0 and how == "explicit":
            done |= _place(preference, "change", range(preference.first_session, preference.first_session + 1), schedule, chance)
        else:
            done |= _place(preference, "explicit" if preference.scope and time == 0 else how, window, schedule, chance)
    return done


def _place(preference: Preference, how: str, window: Iterable[int], schedule: list[list[Reveal]], chance: np.random.Generator) -> bool:
    free = [i for i in window if len(schedule[i]) < MOST_WISHES and all(reveal.dimension != preference.dimension for reveal in schedule[i])]
    if free:
        schedule[free[int(chance.integers(len(free)))]].append(Reveal(preference.dimension, preference.value, how))
    return bool(free)


def _exceptions(user: User, schedule: list[list[Reveal]], chance: np.random.Generator) -> None:
    """Schedule exceptions: perhaps one against a standing wish, and perhaps one in a dimension without a preference."""
    standing = [p for p in user.preferences if p.last_session is None and p.first_session < user.sessions - 1]
    if standing and chance.random() < EXCEPTION:
        chosen = standing[int(chance.integers(len(standing)))]
        once = Preference(chosen.dimension, other_value(chosen.dimension, chosen.value, chance), {})
        _place(once, "exception", range(chosen.first_session, user.sessions), schedule, chance)
    if chance.random() < ONCE_ONLY:
        free = free_dimensions(user.split, {p.dimension: p.value for p in user.preferences})
        dimension = free[int(chance.integers(len(free)))]
        value = list(dimension.values)[int(chance.integers(len(dimension.values)))]
        _place(Preference(dimension.id, value, {}), "exception", range(user.sessions), schedule, chance)


def _session(user: User, number: int, wanted: list[Reveal], templates: list[Template], chance: np.random.Generator) -> Session:
    """A session with a task in which its reveals can be made. Reveals are dropped, last first, until a task fits; hard constraints never are.

    A session that reveals hard constraints gets a task that lists all of them if one is left, as it would happen in life.
    """
    reveals = list(wanted)
    while True:
        fitting = [template for template in templates if _fits(user, number, reveals, template)]
        limits = {reveal.value for reveal in reveals if reveal.dimension == "hard"}
        if limits:
            fitting = [template for template in fitting if limits <= set(template.hard)] or fitting
        if fitting:
            return Session(number, fitting[int(chance.integers(len(fitting)))], reveals)
        reveals.remove(next(reveal for reveal in reversed(reveals) if reveal.dimension != "hard"))


def _fits(user: User, number: int, reveals: list[Reveal], template: Template) -> bool:
    """Whether the reveals can be made with this task: their dimensions apply to it, and standing wishes are in force in its domain."""
    needed = {reveal.dimension for reveal in reveals if reveal.dimension != "hard" and reveal.how in IN_ANSWER}
    if not needed <= set(applicable_dimensions(template.template_id)):
        return False
    held = user.in_force(number, template.domain)
    return all(held.get(r.dimension) == r.value for r in reveals if r.dimension != "hard" and r.standing and r.how != "fact")


def _answers(session: Session, user: User, chance: np.random.Generator, anew: np.random.Generator) -> None:
    """Decide what the two answers of a session show: what the reveals need, and habits besides.

    `anew` draws whether the second answer heeds the user, and its habits.
    """
    spoken = [reveal for reveal in session.reveals if reveal.dimension != "hard" and reveal.how in IN_ANSWER]
    first = {r.dimension: r.value if r.how == "praise" else other_value(r.dimension, r.value, chance) for r in spoken}
    session.first = habits(session.template, user, first, chance)
    session.heeds = bool(anew.random() < HEEDS)
    second = {r.dimension: r.value if session.heeds or r.how == "praise" else other_value(r.dimension, r.value, anew) for r in spoken}
    session.second = next(
        (style for _ in range(DRAWS) if (style := habits(session.template, user, second, anew)) != session.first),
        dict(second),
    )


def habits(template: Template, user: User, needed: Mapping[str, str], chance: np.random.Generator) -> dict[str, str]:
    """What an answer shows: `needed`, and with probability VARIES a random value of each other dimension that applies, whatever the user wants."""
    catalog, conflicts, limits = load_catalog(), load_conflicts(), {limit.constraint for limit in user.hard}
    style = dict(needed)
    for dimension in chance.permutation(sorted(applicable_dimensions(template.template_id))):
        values = list(catalog.dimensions[dimension].values)
        if dimension not in style and chance.random() < VARIES and conflicts.allow({*style, dimension}, limits):
            style[str(dimension)] = values[int(chance.integers(len(values)))]
    return style


def _mention(items: tuple[ItemPlan, ...], sessions: list[Session], chance: np.random.Generator) -> None:
    """Have a session mention what an item's incomplete question leaves out, in the words of its task."""
    free = list(range(len(sessions)))
    for item in items:
        if item.mentioned and item.filling.template.incomplete:
            number = free.pop(int(chance.integers(len(free))))
            sessions[number].mentions.append(item.filling.said(item.filling.template.incomplete.mention))
