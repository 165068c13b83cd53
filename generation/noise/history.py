"""Noise conversations, which make a history dirtier. They are drawn from the user's own key, never from other users' records.

contradiction   the user praises an answer for showing a rival of their own value, or complains that an answer does not show the rival
mood            on a bad day, the user asks for a rival value for that day
other_person    somebody else uses the account and asks for what they like
off_topic       small talk: there is no question to which a preference could apply

A wish comes with the question, or after an answer; the assistant then answers again. As in the user's own conversations, this second answer heeds the
wish with probability HEEDS.
"""

from collections.abc import Callable, Mapping

import numpy as np

from generation.banks import chatter
from generation.life import asked, life_of
from generation.said import frames_of, phrasings_of
from generation.scripted import WITH_QUESTION, Memory, Scene
from generation.storyline import HEEDS, Session, Storyline, habits, other_value
from generation.wishes import framed, phrase
from persona_atlas.content import CatalogError
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.randomness import generator
from persona_atlas.records import Conversation, Held, Reveal, Turn, User
from persona_atlas.render import applicable_dimensions, render
from persona_atlas.tasks.templates import Template, load_templates
from persona_atlas.tasks.templates import draw as draw_filling

TRIES = 8
COMPLAINED = 0.5
"""The share of contradictions that are complaints; the others are praise."""


def noise_of(seed: int, user: User, storyline: Storyline) -> list[Conversation]:
    """As many noise conversations as the user has sessions, cycling through the kinds. Each belongs after the session that its `session` names."""
    kept = {item.filling.template.template_id for item in storyline.items}
    templates = [t for t in load_templates().values() if t.split == user.split and t.core and t.template_id not in kept]
    found = []
    for number in range(user.sessions):
        draw = generator(seed, "history_noise", user.persona_id, number)
        kind = list(KINDS)[(number + len(user.name)) % len(KINDS)]
        session = int(draw.integers(user.sessions))
        found.append(_conversation(user, number, session, *_scene(user, session, kind, templates, draw)))
    return found


def _scene(user: User, session: int, kind: str, templates: list[Template], draw: np.random.Generator) -> tuple[str, Scene | None, tuple[Turn, ...]]:
    """The kind, scene and turns of a noise conversation. If TRIES tries find no value to go against, it is small talk, which has no scene."""
    if kind != "off_topic":
        for _ in range(TRIES):
            scene = _against(user, session, kind, templates[int(draw.integers(len(templates)))], draw)
            if scene is not None:
                return kind, scene, tuple(scene.turns)
    return "off_topic", None, _small_talk(user, templates[0], draw)


def _against(user: User, session: int, kind: str, template: Template, draw: np.random.Generator) -> Scene | None:
    """A scene that speaks for a value which the user holds neither in this session nor at the end.

    None if no dimension of the user applies to the task, no such value exists, or the answers do not show what they should.
    """
    held, last = user.in_force(session, template.domain), user.in_force(user.sessions, template.domain)
    mine = [dimension for dimension in held if dimension in applicable_dimensions(template.template_id)]
    if not mine:
        return None
    dimension = mine[int(draw.integers(len(mine)))]
    others = [value.id for value in load_catalog().dimensions[dimension].others(held[dimension]) if value.id != last.get(dimension)]
    if not others:
        return None
    other = others[int(draw.integers(len(others)))]
    filling, wording = asked(template, life_of(user), draw)
    scene = Scene(user, Session(session, template), filling, filling.query(wording), draw, Memory())
    return scene if KINDS[kind](scene, dimension, other) else None


def _contradiction(scene: Scene, dimension: str, value: str) -> bool:
    if scene.draw.random() < COMPLAINED:
        return _answered_anew(scene, Reveal(dimension, value, "complaint"))
    scene.say(scene.voice.question(scene.query, []), "ask")
    answer, reveal = _rendered(scene, dimension, value), Reveal(dimension, value, "praise")
    if scene.answer(answer, "answer")[dimension] != value:
        return False
    praise = phrase(scene.user, reveal, scene.session.number, scene.draw, answer)
    scene.say(scene.voice.reaction([praise], glad=True), "feedback", (reveal,), (praise,))
    return True


def _mood(scene: Scene, dimension: str, value: str) -> bool:
    return _asked_for(scene, dimension, value, str(scene.voice.pick(frames_of(scene.user.split)["mood"])))


def _other_person(scene: Scene, dimension: str, value: str) -> bool:
    frame = str(scene.voice.pick(frames_of(scene.user.split)["other_person"]))
    return _asked_for(scene, dimension, value, frame.replace("{name}", scene.user.name))


def _asked_for(scene: Scene, dimension: str, value: str, frame: str) -> bool:
    request = str(scene.voice.pick(phrasings_of(dimension, value)[scene.user.split]["request"]))
    wish, reveal = framed(frame, request), Reveal(dimension, value, "exception")
    if scene.draw.random() >= WITH_QUESTION["exception"]:
        return _answered_anew(scene, reveal, wish)
    scene.say(scene.voice.question(scene.query, [wish]), "ask", (reveal,), (wish,))
    return scene.answer(_rendered(scene, dimension, value), "answer")[dimension] == value


def _answered_anew(scene: Scene, reveal: Reveal, wish: str = "") -> bool:
    """Play the question, an answer that shows another value, the wish, and a second answer. An empty `wish` means a phrasing from the bank.

    Returns whether both answers show what they should, and differ.
    """
    scene.say(scene.voice.question(scene.query, []), "ask")
    answer = _rendered(scene, reveal.dimension, other_value(reveal.dimension, reveal.value, scene.draw))
    if scene.answer(answer, "answer")[reveal.dimension] == reveal.value:
        return False
    said = wish or phrase(scene.user, reveal, scene.session.number, scene.draw, answer)
    scene.say(scene.voice.reaction([said], glad=False), "feedback", (reveal,), (said,))
    heeds = scene.draw.random() < HEEDS
    value = reveal.value if heeds else other_value(reveal.dimension, reveal.value, scene.draw)
    again = _rendered(scene, reveal.dimension, value)
    return again != answer and (scene.answer(again, "revise")[reveal.dimension] == reveal.value) == heeds


def _rendered(scene: Scene, dimension: str, value: str) -> str:
    return render(scene.filling, habits(scene.filling.template, scene.user, {dimension: value}, scene.draw))


KINDS: Mapping[str, Callable[[Scene, str, str], bool]] = {
    "contradiction": _contradiction,
    "mood": _mood,
    "other_person": _other_person,
    "off_topic": lambda scene, dimension, value: False,
}


WAYS: Mapping[str, tuple[str, ...]] = {"contradiction": ("complaint", "praise"), "mood": ("exception",), "other_person": ("exception",)}
"""Kind -> the ways in which it may reveal a value. Small talk reveals none."""


def _small_talk(user: User, template: Template, draw: np.random.Generator) -> tuple[Turn, ...]:
    """A chat from the bank of small talk, with the user's turns typed in their way of writing."""
    scene = Scene(user, Session(0, template), draw_filling(template, draw), "", draw, Memory())
    life = life_of(user)
    chats = [chat for chat in chatter()["off_topic"][user.split] if all(life.allows(text) for entry in chat for text in entry.values())]
    if not chats:
        raise CatalogError(f"a user with {dict(user.attributes)} can have none of the small talk of {user.split}; add a plain one to chatter.yaml")
    turns = []
    for entry in chats[int(draw.integers(len(chats)))]:
        ((role, text),) = entry.items()
        words = scene.voice.filled(text)
        turns.append(Turn(role, scene.voice.typed(words) if role == "user" else words, "ask" if role == "user" else "answer"))
    return tuple(turns)


def _conversation(user: User, number: int, session: int, came: str, scene: Scene | None, turns: tuple[Turn, ...]) -> Conversation:
    template = scene.filling.template if scene else None
    held = user.in_force(session, template.domain) if template else {}
    return Conversation(
        conversation_id=f"{user.persona_id}-n{number:02d}",
        persona_id=user.persona_id,
        split=user.split,
        session=session,
        template_id=template.template_id if template else "",
        domain=template.domain if template else "",
        slots=dict(scene.filling.slots) if scene else {},
        query=scene.query if scene else turns[0].content,
        turns=turns,
        in_force=tuple(Held(dimension, value) for dimension, value in held.items()),
        noise=came,
    )
