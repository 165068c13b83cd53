"""Has the agents speak a scripted conversation turn by turn, so that the assistant answers what was really said before.

The labels of user turns stay, since a message is taken only if the rules find that it says what it should; docs/spoken.md says how often they are
wrong. What an assistant turn shows is decided by the checkers on the words that were really said. If no try is taken, the scripted words stand, and
the provenance says so.
"""

from collections.abc import Sequence
from dataclasses import replace

from generation.life import life_of
from generation.noise.edits import apply
from generation.noise.surface import disturb, protected_spans
from generation.spoken.assistant import answer
from generation.spoken.cast import Cast
from generation.spoken.distractor import distraction
from generation.spoken.entailment import load_entailment
from generation.spoken.provenance import SCRIPTED, Utterance
from generation.spoken.talk import Talk, asked
from generation.spoken.user import Scene, message
from generation.voice import settled
from persona_atlas.randomness import generator
from persona_atlas.records import Conversation, Shown, Turn, User
from persona_atlas.render import shown_values
from persona_atlas.tasks.templates import Filling, fill, load_templates


def voiced(
    conversation: Conversation, user: User, cast: Cast, seed: int, tasks: Sequence[Filling] = ()
) -> Talk[tuple[Conversation, list[Utterance]]]:
    """The conversation in the agents' words, and its provenance. `tasks`: the tasks that the user will ask about later."""
    filling = _filling(conversation)
    assistant = cast.assistant(seed, conversation.conversation_id)
    entails = load_entailment(cast.entailment) if cast.entailment else None
    turns, utterances = list(conversation.turns), []
    for number, turn in enumerate(conversation.turns):
        place = f"{conversation.conversation_id}/{number}"
        if turn.role == "assistant":
            wanted = answer(assistant, turns, number, filling, seed, place)
        elif conversation.noise:
            wanted = distraction(turn, conversation.noise, Scene(user, filling, seed, place, tasks, entails))
        else:
            wanted = message(turn, Scene(user, filling, seed, place, tasks, entails))
        told = yield from asked(wanted)
        if told.text is not None:
            turns[number] = _answered(turn, told.text) if turn.role == "assistant" else _said(turn, told.text, user, filling, seed, place)
        model = SCRIPTED if told.text is None else cast.voice(wanted.agent).label
        utterances.append(Utterance(conversation.conversation_id, user.persona_id, number, wanted.agent.split()[0], model, told.tries, told.failures))
    return replace(conversation, turns=tuple(turns), engine="lm"), utterances


def _filling(conversation: Conversation) -> Filling | None:
    return fill(load_templates()[conversation.template_id], conversation.slots) if conversation.template_id else None


def _answered(turn: Turn, text: str) -> Turn:
    seen = shown_values(text, [shown.dimension for shown in turn.shows])
    return replace(turn, content=text, shows=tuple(Shown(dimension, value) for dimension, value in seen.items()))


def _said(turn: Turn, text: str, user: User, filling: Filling | None, seed: int, place: str) -> Turn:
    """The turn with the message as the user types it. It gets surface noise if the scripted turn had some."""
    clean = settled(text, user.style)
    draw = generator(seed, "typing", place)
    edits = disturb(clean, user.style, protected_spans(clean, filling), life_of(user), draw, 2) if turn.edits and filling else ()
    return replace(turn, content=apply(clean, edits), clean=clean if edits else "", edits=tuple(edits))
