"""The scripted engine: gives a storyline its words without a language model.

The user's turns come from the banks of the user's split, in the user's own writing style; the assistant's turns are rendered. Every assistant turn is
looked at by the checkers as it is written: what it shows is recorded as they see it, and a session whose reveal the answers do not bear out
is counted and not written.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from generation.people import asides, thanks
from generation.storyline import Session, Storyline, about_food
from generation.typing_style import as_typed, closed, joined, opened
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.randomness import generator
from persona_atlas.records import Conversation, Reveal, Shown, Turn, User
from persona_atlas.render import render, shown_values
from persona_atlas.tasks.templates import Filling
from persona_atlas.tasks.templates import draw as draw_filling

TRIES = 4


@dataclass
class Scene:
    """The conversation in the making: the user, the session, its filled task, and the turns so far."""

    user: User
    session: Session
    filling: Filling
    query: str
    draw: np.random.Generator
    known: list[str]
    hard: set[str]
    turns: list[Turn] = field(default_factory=list)

    def say(self, text: str, act: str, reveals: tuple[Reveal, ...] = ()) -> None:
        for reveal in reveals:
            name = reveal.value if reveal.dimension == "hard" else reveal.dimension
            if name not in self.known:
                self.known.append(name)
            if reveal.dimension == "hard":
                self.hard.add(reveal.value)
        self.turns.append(Turn("user", text, act, reveals, known=tuple(self.known)))

    def answer(self, style: dict[str, str], act: str) -> dict[str, str | None]:
        text = render(self.filling, style, frozenset(self.hard))
        shows = shown_values(text, [preference.dimension for preference in self.user.preferences])
        shown = tuple(Shown(dimension, value) for dimension, value in shows.items())
        self.turns.append(Turn("assistant", text, act, shows=shown, known=tuple(self.known)))
        return shows


def speak(seed: int, user: User, storyline: Storyline) -> tuple[list[Conversation], Counter[str]]:
    """The user's conversations in order, and how many tries failed, by reason."""
    failures: Counter[str] = Counter()
    conversations: list[Conversation] = []
    known: list[str] = []
    hard: set[str] = set()
    for session in storyline.sessions:
        for attempt in range(TRIES):
            draw = generator(seed, "speak", user.persona_id, session.number, attempt)
            filling = draw_filling(session.template, draw)
            query = filling.query(int(draw.integers(len(session.template.queries))))
            scene = Scene(user, session, filling, query, draw, list(known), set(hard))
            if reason := _play(scene):
                failures[reason] += 1
                continue
            known, hard = scene.known, scene.hard
            conversations.append(_conversation(scene, len(conversations)))
            break
        else:
            failures["session left out"] += 1
    return conversations, failures


def _conversation(scene: Scene, number: int) -> Conversation:
    template, user = scene.filling.template, scene.user
    return Conversation(
        conversation_id=f"{user.persona_id}-c{number:02d}",
        persona_id=user.persona_id,
        split=user.split,
        session=number,
        template_id=template.template_id,
        domain=template.domain,
        slots=dict(scene.filling.slots),
        query=scene.query,
        turns=tuple(scene.turns),
    )


def _play(scene: Scene) -> str | None:
    """Write the session's turns; the reason where the answers do not bear out a reveal."""
    reveals = scene.session.reveals
    in_query = tuple(r for r in reveals if r.dimension == "hard" or (r.how == "explicit" and scene.draw.random() < 0.5))
    later = [r for r in reveals if r not in in_query]
    scene.say(_typed(scene, _question(scene, in_query)), "ask", in_query)
    first = {**scene.session.first, **{r.dimension: r.value for r in in_query if r.dimension != "hard"}}
    shows = scene.answer(first, "answer")
    for reveal in later:
        if (shows[reveal.dimension] == reveal.value) != (reveal.how == "praise"):
            return f"{reveal.how} not borne out by the answer"
    if later:
        scene.say(_typed(scene, joined([_phrase(scene, reveal) for reveal in later])), "feedback", tuple(later))
    if any(reveal.how != "praise" for reveal in later):
        shows = scene.answer(scene.session.second, "revise")
        if any(shows[reveal.dimension] != reveal.value for reveal in later):
            return "revision does not meet the feedback"
    if scene.session.thanks and scene.turns[-1].role == "assistant":
        scene.say(_typed(scene, _pick(scene, thanks())), "thank")
    return None


def _question(scene: Scene, reveals: tuple[Reveal, ...]) -> str:
    """The query and what the user lets be known with it; a limit on food goes with a task that has none as an aside."""
    asked = opened(scene.query, scene.user.style, scene.draw, words=_slot_words(scene.filling))
    if not reveals:
        return closed(asked, scene.user.style, scene.draw)
    said = [asked, *(_phrase(scene, reveal) for reveal in reveals if reveal.dimension != "hard")]
    limits = [_phrase(scene, reveal) for reveal in reveals if reveal.dimension == "hard"]
    if limits and not about_food(scene.session.template):
        said.append(_pick(scene, asides()))
    return joined([*said, *limits])


def _phrase(scene: Scene, reveal: Reveal) -> str:
    catalog = load_catalog()
    source: Any = catalog.hard[reveal.value] if reveal.dimension == "hard" else catalog.value(reveal.dimension, reveal.value)
    return _pick(scene, source.phrasings[scene.user.split][reveal.how])


def _pick(scene: Scene, options: Sequence[str]) -> str:
    return str(options[int(scene.draw.integers(len(options)))])


def _typed(scene: Scene, text: str) -> str:
    return as_typed(text, scene.user.style, scene.draw, keep=frozenset(word.lower() for word in _slot_words(scene.filling)))


def _slot_words(filling: Filling) -> frozenset[str]:
    """The words of the slot values: a typo there would change the task."""
    values = [v for value in filling.slots.values() for v in (value.values() if isinstance(value, dict) else [value])]
    return frozenset(word for value in values for word in str(value).split())
