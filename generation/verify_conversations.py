"""Verifies a user's conversations: the labels of turns against checkers, banks and the user's preferences."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from rapidfuzz import fuzz

from generation.noise.edits import problems as edit_problems
from generation.noise.history import KINDS, WAYS
from generation.said import unseen
from generation.scripted import Memory, contradicted
from generation.spoken.conveys import says
from generation.voice import abbreviated
from generation.wishes import phrasings
from persona_atlas.records import IMPORTED, Conversation, Held, Reveal, Turn, User
from persona_atlas.render import shown_values
from persona_atlas.tasks.templates import load_templates

SLIPS = 75.0
"""The least similarity (0 to 100) to a phrasing if the user makes typos, abbreviates, or types dots for full stops. For other users it is 100."""
WHOLE = 0.75
"""The least length of a turn, as a share of its phrasing's: a part of a phrasing is not its words."""
BANKS = {"explicit": ("explicit", "request"), "change": ("request",), "exception": ("request",), "end": ("request",)}
"""Way of revealing -> the kinds of phrasings that its words may be from. For those not listed it is the kind of the same name."""
Count = Callable[[str], None]
BY_RULES = "reveals in a model's own words, by rules"
"""Counts reveals of a spoken release that contain no phrasing of the bank: enough of one must be left."""
UNSEEN = "whether wishes are in words of the private bank, which was not given"
"""Counts reveals whose words cannot be checked, since the private bank is missing."""


@dataclass
class State:
    """The state after the turns so far: what was revealed, what was asked for this once, and what the last answer shows."""

    memory: Memory = field(default_factory=Memory)
    once: dict[str, str] = field(default_factory=dict)
    shown: dict[str, str | None] = field(default_factory=dict)


def history_problems(user: User, conversations: list[Conversation], count: Count) -> Iterator[str]:
    """What is wrong with the user's history, one sentence per problem."""
    memory = Memory()
    for number, conversation in enumerate(conversations):
        if conversation.noise or conversation.session != number:
            kind = conversation.noise or "no noise"
            yield f"{conversation.conversation_id}: session {conversation.session}, {kind}, at place {number} of the history"
        yield from _conversation(user, conversation, memory, count)


def noise_problems(user: User, conversations: list[Conversation], count: Count) -> Iterator[str]:
    """What is wrong with the user's noise conversations, one sentence per problem."""
    for conversation in conversations:
        if conversation.noise not in KINDS or (conversation.noise == "off_topic") != (conversation.template_id == ""):
            yield f"{conversation.conversation_id}: noise {conversation.noise or 'none'} with template {conversation.template_id or 'none'}"
        yield from (f"{conversation.conversation_id}: {problem}" for problem in _misleading(user, conversation))
        yield from _conversation(user, conversation, Memory(), count)


def _misleading(user: User, conversation: Conversation) -> Iterator[str]:
    """Check that noise speaks once, in a way of its kind, for a value that the user holds neither then nor at the end; and small talk of none."""
    reveals = [reveal for turn in conversation.turns for reveal in turn.reveals]
    if conversation.noise == "off_topic":
        if conversation.in_force or any(turn.reveals or turn.shows or turn.known or turn.contradicted for turn in conversation.turns):
            yield "small talk with labels, which has none"
        return
    if len(reveals) != 1:
        yield f"{len(reveals)} reveals in a {conversation.noise}, wanted 1"
    held, last = (user.in_force(session, conversation.domain) for session in (conversation.session, user.sessions))
    for reveal in reveals:
        if reveal.how not in WAYS.get(conversation.noise, ()):
            yield f"{reveal.how} of {reveal.dimension} {reveal.value}, which is no way of a {conversation.noise}"
        if reveal.dimension not in held or reveal.value in (held[reveal.dimension], last.get(reveal.dimension)):
            yield f"{conversation.noise} with {reveal.dimension} {reveal.value}, which does not go against the user's values"


def _conversation(user: User, conversation: Conversation, memory: Memory, count: Count) -> Iterator[str]:
    where = conversation.conversation_id
    if conversation.engine == IMPORTED:
        yield f"{where}: an imported conversation in a release that is not imported"
    if conversation.template_id:
        template = load_templates()[conversation.template_id]
        if (template.split, template.domain) != (user.split, conversation.domain):
            yield f"{where}: template {conversation.template_id} is not of split {user.split} and domain {conversation.domain}"
        held = tuple(Held(*entry) for entry in user.in_force(conversation.session, conversation.domain).items())
        if conversation.in_force != held:
            yield f"{where}: in_force does not say what the user's preferences are in this session"
    state = State(memory=memory)
    for index, turn in enumerate(conversation.turns):
        for problem in _turn(user, conversation, turn, state, count):
            yield f"{where}, turn {index}: {problem}"


def _turn(user: User, conversation: Conversation, turn: Turn, state: State, count: Count) -> Iterator[str]:
    if turn.role == "assistant" and conversation.noise != "off_topic":
        count("assistant turns against the checkers")
        labels = {shown.dimension: shown.value for shown in turn.shows}
        state.shown = shown_values(turn.content, labels)
        if state.shown != labels or not {p.dimension for p in user.preferences} <= set(labels):
            yield "the labels do not say what the checkers see"
    if (turn.clean or turn.edits) and (found := edit_problems(turn.clean, turn.content, turn.edits)):
        yield found
    for reveal in turn.reveals:
        yield from _reveal(user, conversation, turn, reveal, state, count)
        state.memory.hear(reveal)
        if reveal.how == "exception":
            state.once[reveal.dimension] = reveal.value
    if conversation.noise == "off_topic":
        return
    if turn.known != state.memory.held():
        yield "known does not say what the turns so far reveal"
    if turn.contradicted != contradicted(user, conversation.session, state.memory.values, state.once):
        yield "contradicted does not say where the last word differs from what is in force"


def _reveal(user: User, conversation: Conversation, turn: Turn, reveal: Reveal, state: State, count: Count) -> Iterator[str]:
    if unseen(user.split):
        count(UNSEEN)
    else:
        yield from _words(user, conversation, turn, reveal, count)
    if reveal.dimension == "hard":
        if reveal.value not in {limit.constraint for limit in user.hard}:
            yield f"reveals {reveal.value}, which the user does not have"
        return
    mine = [p for p in user.preferences if (p.dimension, p.value) == (reveal.dimension, reveal.value)]
    session = conversation.session
    if reveal.standing and not conversation.noise:
        domains = [conversation.domain if reveal.how != "fact" or not p.scope else p.scope[0] for p in mine]
        if not any(p.in_force(session, domain) for p, domain in zip(mine, domains, strict=True)):
            yield f"reveals {reveal.dimension} {reveal.value}, which is not in force"
    if reveal.how in ("complaint", "praise") and (state.shown.get(reveal.dimension) == reveal.value) != (reveal.how == "praise"):
        yield f"{reveal.how} of {reveal.dimension} {reveal.value}, but the answer before shows {state.shown.get(reveal.dimension)}"


def _words(user: User, conversation: Conversation, turn: Turn, reveal: Reveal, count: Count) -> Iterator[str]:
    """Check that the turn says what it reveals, in words of its split's bank or, if a language model spoke it, by rules."""
    said = turn.clean or turn.content
    reason = _phrasing_problem(said, reveal, user)
    by_rules = reason and conversation.engine != "scripted"
    count(BY_RULES if by_rules else "reveals")
    if reason and not (by_rules and says(said, reveal, user.split)):
        yield reason


def _phrasing_problem(text: str, reveal: Reveal, user: User) -> str:
    """Why the turn does not say what it reveals in words of its split's bank; empty if it does. The user's own way of typing is tolerated."""
    banks = phrasings(reveal).get(user.split, {})
    lines = [line for kind in BANKS.get(reveal.how, (reveal.how,)) for line in banks.get(kind, ())]
    spellings = dict.fromkeys(typed for line in lines for typed in (line, abbreviated(line, user.style)))
    whole = [line.lower().rstrip(".") for line in spellings if len(text) >= WHOLE * len(line)]
    alike = max((fuzz.partial_ratio(line, text.lower()) for line in whole), default=0.0)
    if alike >= (SLIPS if user.style.typo_rate or user.style.abbreviations or user.style.dotted else 100.0):
        return ""
    return f"{reveal.how} of {reveal.dimension} {reveal.value} in words that are not of split {user.split}'s bank"
