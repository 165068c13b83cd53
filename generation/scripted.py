"""The scripted engine: puts a storyline into words without a language model.

User turns come from the banks of the user's split, in the user's own voice. Assistant turns are rendered, and the checkers decide what each of them
shows. A session whose answers contradict what the user says about them is tried again. After TRIES tries it is told without the reveals that depend
on an answer, which is counted as a failure.
"""

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np

from generation.life import asked, life_of
from generation.noise.edits import apply
from generation.noise.surface import disturb, spans_of
from generation.storyline import Session, Storyline
from generation.voice import Voice, joined
from generation.wishes import phrase
from persona_atlas.randomness import generator
from persona_atlas.records import Conversation, Held, Reveal, Shown, Turn, User
from persona_atlas.render import applicable_dimensions, render, render_more, shown_values
from persona_atlas.tasks.templates import Filling

TRIES = 4
REPEATED = "revision is the first answer again"
NOISY = 0.12
"""The share of user turns to which surface noise is added. Their clean twin is kept."""
WITH_QUESTION = {"explicit": 0.5, "change": 0.5, "exception": 0.6, "end": 1.0, "fact": 1.0, "complaint": 0.0, "praise": 0.0}
"""How often a reveal comes with the question, by the way it is made. Otherwise it comes with the feedback on the answer."""


@dataclass
class Memory:
    """What the user has revealed so far: the last standing value in each dimension, and the hard constraints, which every answer keeps."""

    values: dict[str, str] = field(default_factory=dict)
    hard: dict[str, None] = field(default_factory=dict)

    def hear(self, reveal: Reveal) -> None:
        if reveal.dimension == "hard":
            self.hard[reveal.value] = None
        elif reveal.how == "end":
            self.values.pop(reveal.dimension, None)
        elif reveal.standing:
            self.values[reveal.dimension] = reveal.value

    def held(self) -> tuple[Held, ...]:
        return tuple(Held(dimension, value) for dimension, value in self.values.items()) + tuple(Held("hard", id_) for id_ in self.hard)

    def copy(self) -> "Memory":
        return Memory(dict(self.values), dict(self.hard))


@dataclass
class Scene:
    """A conversation being written: the user, the session, its filled task, and the turns so far."""

    user: User
    session: Session
    filling: Filling
    query: str
    draw: np.random.Generator
    memory: Memory
    once: dict[str, str] = field(default_factory=dict)
    turns: list[Turn] = field(default_factory=list)

    @property
    def voice(self) -> Voice:
        return Voice(self.user.style, self.filling, self.draw, frozenset(self.memory.hard), life_of(self.user))

    def say(self, text: str, act: str, reveals: tuple[Reveal, ...] = (), keep: tuple[str, ...] = ()) -> None:
        """Add a user turn. `keep`: the parts of `text` that noise must not change, besides slot values."""
        for reveal in reveals:
            self.memory.hear(reveal)
            if reveal.how == "exception":
                self.once[reveal.dimension] = reveal.value
        turn = Turn("user", self.voice.typed(text), act, reveals, known=self.memory.held(), contradicted=self._contradicted())
        self.turns.append(self._noisy(turn, keep) if self.draw.random() < NOISY else turn)

    def answer(self, text: str, act: str) -> dict[str, str | None]:
        """Add an assistant turn, and return what it shows in the dimensions that the user has or speaks of in this session."""
        dimensions = dict.fromkeys(
            [p.dimension for p in self.user.preferences] + [r.dimension for r in self.session.reveals if r.dimension != "hard"]
        )
        shows = shown_values(text, dimensions)
        shown = tuple(Shown(dimension, value) for dimension, value in shows.items())
        self.turns.append(Turn("assistant", text, act, shows=shown, known=self.memory.held(), contradicted=self._contradicted()))
        return shows

    def _contradicted(self) -> tuple[str, ...]:
        return contradicted(self.user, self.session.number, self.memory.values, self.once)

    def _noisy(self, turn: Turn, keep: tuple[str, ...]) -> Turn:
        spans = spans_of(turn.content, self.filling, keep)
        edits = disturb(turn.content, self.user.style, spans, self.voice.life, self.draw, 2) if spans is not None else ()
        if not edits:
            return turn
        return replace(turn, content=apply(turn.content, edits), clean=turn.content, edits=edits)


def contradicted(user: User, session: int, known: dict[str, str], once: dict[str, str]) -> tuple[str, ...]:
    """The dimensions in which the user's last word is not the value in force: it was an exception, or a value that no longer holds."""
    held = {p.dimension: p.value for p in user.preferences if p.in_force(session, p.scope[0] if p.scope else "")}
    last = {**known, **once}
    return tuple(sorted(dimension for dimension, value in last.items() if held.get(dimension) != value))


def speak(seed: int, user: User, storyline: Storyline) -> tuple[list[Conversation], Counter[str]]:
    """The user's conversations in order, and the number of failed tries by reason."""
    failures: Counter[str] = Counter()
    conversations: list[Conversation] = []
    memory = Memory()
    for session in storyline.sessions:
        scene = _told(seed, user, session, memory, failures)
        memory = scene.memory
        conversations.append(_conversation(scene))
    return conversations, failures


def _told(seed: int, user: User, session: Session, memory: Memory, failures: Counter[str]) -> Scene:
    """Play a session until a try succeeds. An `end` is dropped unless the wish that it lifts is known by then.

    The last try leaves out every reveal that can depend on an answer, so it cannot fail.
    """
    session = replace(session, reveals=[r for r in session.reveals if r.how != "end" or memory.values.get(r.dimension) == r.value])
    for attempt in range(TRIES + 1):
        if attempt == TRIES:
            failures["reveal left out"] += 1
            session = replace(session, reveals=[r for r in session.reveals if r.dimension == "hard" or WITH_QUESTION[r.how] == 1.0])
        draw = generator(seed, "speak", user.persona_id, session.number, attempt)
        filling, wording = asked(session.template, life_of(user), draw)
        scene = Scene(user, session, filling, filling.query(wording), draw, memory.copy())
        reason = _play(scene)
        if reason is None:
            return scene
        failures[reason] += 1
        session = session.heeding() if reason == REPEATED else session
    raise AssertionError("a session without reveals of answers cannot fail")


def _conversation(scene: Scene) -> Conversation:
    template, user, number = scene.filling.template, scene.user, scene.session.number
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
        in_force=tuple(Held(dimension, value) for dimension, value in user.in_force(number, template.domain).items()),
    )


def _play(scene: Scene) -> str | None:
    """Write the session's turns. Returns why the try failed, or None if it succeeded."""
    reveals = scene.session.reveals
    early = tuple(r for r in reveals if r.dimension == "hard" or scene.draw.random() < WITH_QUESTION[r.how])
    later = tuple(r for r in reveals if r not in early)
    _ask(scene, early)
    applicable = applicable_dimensions(scene.filling.template.template_id)
    told = {r.dimension: r.value for r in early if r.dimension in applicable and r.how != "end"}
    shows = _render(scene, {**scene.session.first, **told}, "answer")
    for reveal in later:
        if (shows[reveal.dimension] == reveal.value) != (reveal.how == "praise"):
            return f"{reveal.how} not borne out by the answer"
    if later:
        _react(scene, later)
    last = scene.session.first
    if any(reveal.how != "praise" for reveal in later):
        last = scene.session.second
        shows = _render(scene, {**last, **told}, "revise")
        if any((shows[reveal.dimension] == reveal.value) != (scene.session.heeds or reveal.how == "praise") for reveal in later):
            return "revision does not show what it should"
        if scene.turns[-1].content == scene.turns[-3].content:
            return REPEATED
    _end(scene, {**last, **told})
    return None


def _render(scene: Scene, style: dict[str, str], act: str) -> dict[str, str | None]:
    return scene.answer(render(scene.filling, style, frozenset(scene.memory.hard)), act)


def _ask(scene: Scene, reveals: tuple[Reveal, ...]) -> None:
    """Write the question and the reveals that come with it. A fact, or a hard constraint that the task does not list, is led in as an aside."""
    template, said, phrases = scene.filling.template, [], []
    for reveal in reveals:
        words = phrase(scene.user, reveal, scene.session.number, scene.draw)
        if (reveal.dimension == "hard" and reveal.value not in template.hard) or reveal.how == "fact":
            said.append(scene.voice.by_the_way())
        said.append(words)
        phrases.append(words)
    scene.say(scene.voice.question(scene.query, said), "ask", reveals, tuple(phrases))


def _react(scene: Scene, reveals: tuple[Reveal, ...]) -> None:
    """Write the user's feedback. If it is praise alone, there is no second answer, so the session's mentions are added to it."""
    answer = scene.turns[-1].content
    phrases = [phrase(scene.user, reveal, scene.session.number, scene.draw, answer) for reveal in reveals]
    glad = all(reveal.how == "praise" for reveal in reveals)
    passing = [scene.voice.mention(said) for said in scene.session.mentions] if glad else []
    said = [scene.voice.reaction(phrases, glad=glad), *passing]
    scene.say(joined(said), "feedback", reveals, (*phrases, *passing))


def _end(scene: Scene, style: dict[str, str]) -> None:
    """Write the end of the chat, if the last turn is the assistant's: perhaps a follow-up question with its answer, then the mentions, and thanks.

    How likely the question and the thanks are depends on the user. Nobody gives thanks for a second answer that did not heed them.
    """
    voice, glad = scene.voice, scene.session.heeds or scene.turns[-1].act != "revise"
    answers = "\n".join(turn.content for turn in scene.turns if turn.role == "assistant")
    more = render_more(scene.filling, style, frozenset(scene.memory.hard), answers) if scene.turns[-1].role == "assistant" else ""
    if more and voice.asks_on():
        scene.say(voice.follow_up(), "follow_up")
        scene.answer(more, "answer")
    if scene.session.mentions and scene.turns[-1].role == "assistant":
        mentions = [voice.mention(said) for said in scene.session.mentions]
        said = [voice.thanks(), *mentions] if glad and voice.thanks_at_the_end() else mentions
        scene.say(joined(said), "mention", keep=tuple(mentions))
    elif scene.turns[-1].role == "assistant" and glad and voice.thanks_at_the_end():
        scene.say(voice.thanks(), "thank")
