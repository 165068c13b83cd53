"""Storylines: what each of a user's conversations is to contain, before any engine gives it words.

A session asks one task. It may bring up to two reveals: the user states a standing preference (`explicit`), complains of an answer that misses it, or
praises one that meets it; and a hard constraint may be mentioned. The assistant knows what was revealed before and follows it most of the time.
"""

from dataclasses import dataclass, field

import numpy as np

from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.randomness import generator
from persona_atlas.records import Reveal, User
from persona_atlas.render import applicable_dimensions
from persona_atlas.tasks.templates import Template, load_templates

SESSIONS = (8, 12)
ITEMS = 4
REVEALED = 0.85
REPEATED = 0.35
FOLLOWS = 0.75
HOW = {"explicit": 0.4, "complaint": 0.35, "praise": 0.25}
HABITS = ("length", "structure", "headings", "emphasis", "closing", "example", "caveat")
"""The dimensions in which the assistant's answers vary of themselves."""


@dataclass
class Session:
    """One conversation to be: its task, what the first and the second answer are to show, and what the user lets be known."""

    number: int
    template: Template
    reveals: list[Reveal] = field(default_factory=list)
    first: dict[str, str] = field(default_factory=dict)
    second: dict[str, str] = field(default_factory=dict)
    thanks: bool = False


@dataclass(frozen=True)
class Storyline:
    """A user's sessions in order, and the templates that are kept for the items."""

    sessions: tuple[Session, ...]
    item_templates: tuple[Template, ...]


def plan(seed: int, user: User) -> Storyline:
    """The storyline of a user, from the seed and the user's id."""
    draw = generator(seed, "storyline", user.persona_id)
    templates = [template for template in load_templates().values() if template.split == user.split]
    order = [templates[int(i)] for i in draw.permutation(len(templates))]
    usable = [template for template in order if _shared(user, template)]
    items, rest = usable[:ITEMS], [template for template in order if template not in usable[:ITEMS]]
    count = int(draw.integers(SESSIONS[0], SESSIONS[1] + 1))
    schedule = _schedule(user, count, draw)
    sessions: list[Session] = []
    known: dict[str, str] = {}
    for number in range(count):
        session = _session(number, schedule[number], rest, draw)
        _answers(session, user, known, draw)
        known.update({reveal.dimension: reveal.value for reveal in session.reveals if reveal.dimension != "hard"})
        sessions.append(session)
    return Storyline(tuple(sessions), tuple(items))


def _shared(user: User, template: Template) -> bool:
    """Whether any dimension of the user applies to the template."""
    return any(preference.dimension in applicable_dimensions(template.template_id) for preference in user.preferences)


def _schedule(user: User, count: int, draw: np.random.Generator) -> list[list[Reveal]]:
    """Which reveals fall into which session: a preference is revealed or not, some twice; at most two preferences a session."""
    schedule: list[list[Reveal]] = [[] for _ in range(count)]
    for preference in user.preferences:
        if draw.random() >= REVEALED:
            continue
        for _ in range(1 + int(draw.random() < REPEATED)):
            how = str(draw.choice(list(HOW), p=list(HOW.values())))
            free = [i for i in range(count) if len(schedule[i]) < 2 and all(reveal.dimension != preference.dimension for reveal in schedule[i])]
            if free:
                schedule[free[int(draw.integers(len(free)))]].append(Reveal(preference.dimension, preference.value, how))
    for limit in user.hard:
        schedule[int(draw.integers(count))].append(Reveal("hard", limit.constraint, "explicit" if limit.origin == "stated" else "fact"))
    return schedule


def _session(number: int, wanted: list[Reveal], templates: list[Template], draw: np.random.Generator) -> Session:
    """A session with a task to which the dimensions to be revealed apply; one that fits no task here is dropped.

    A hard constraint comes up with a task about food where one is left, as it would in life.
    """
    reveals = list(wanted)
    while True:
        needed = {reveal.dimension for reveal in reveals if reveal.dimension != "hard"}
        fitting = [template for template in templates if needed <= set(applicable_dimensions(template.template_id))]
        if len(needed) < len(reveals):
            fitting = [template for template in fitting if about_food(template)] or fitting
        if fitting:
            template = fitting[int(draw.integers(len(fitting)))]
            return Session(number, template, reveals, thanks=bool(draw.random() < 0.4))
        reveals.remove(next(reveal for reveal in reversed(reveals) if reveal.dimension != "hard"))


def about_food(template: Template) -> bool:
    """Whether a limit on food comes up by itself when the user asks this."""
    return template.domain == "cooking" or bool(set(template.hard) - {"alcohol_free"})  # a slug trap with beer is not for the table


def _answers(session: Session, user: User, known: dict[str, str], draw: np.random.Generator) -> None:
    """What the answers show: the assistant's habits, what it knows and follows, and what the reveals need."""
    catalog, applicable = load_catalog(), applicable_dimensions(session.template.template_id)
    mine = {preference.dimension: preference.value for preference in user.preferences}
    style: dict[str, str] = {}
    for dimension in applicable:
        values = list(catalog.dimensions[dimension].values)
        if dimension in known and draw.random() < FOLLOWS:
            style[dimension] = known[dimension]
        elif dimension in mine or (dimension in HABITS and draw.random() < 0.3):
            style[dimension] = values[int(draw.integers(len(values)))]
    second = dict(style)
    for reveal in session.reveals:
        if reveal.dimension == "hard":
            continue
        others = [other.id for other in catalog.dimensions[reveal.dimension].others(reveal.value)]
        style[reveal.dimension] = reveal.value if reveal.how == "praise" else others[int(draw.integers(len(others)))]
        second[reveal.dimension] = reveal.value
    session.first, session.second = style, second
