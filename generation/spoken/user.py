"""The user agent: says a scripted message in other words, in the user's own manner, and no more than it says."""

from collections.abc import Callable
from dataclasses import replace

import regex

from generation.noise.surface import slot_texts
from generation.spoken.conveys import Fault, another_wish, changed_matter, misconveyed, parroted, wishes_of
from generation.spoken.form import unfit, unfit_message
from generation.spoken.talk import Wanted, agents
from persona_atlas.models.protocol import Generation
from persona_atlas.randomness import generator
from persona_atlas.records import Turn, User
from persona_atlas.tasks.templates import Filling

LONGEST = 160
MAY_PARROT = 0.15
"""The share of messages that may repeat a phrasing or the whole scripted message word for word."""
QUOTES = "\"“”'` \n"
WRAPPER = regex.compile(
    r"^\W*(?:(?:sure|certainly|okay|of course)[^\n:]{0,80}|here(?:'s| is)[^\n:]{0,80}|in other words|message|reworded|[^\n:]{0,30}message):\s+",
    regex.I,
)
NEXT = regex.compile(r"\n+(?:Message|In other words):.*", regex.S)


def message(user: User, turn: Turn, filling: Filling | None, seed: int, place: str) -> Wanted:
    """What the user is to say in place of a scripted turn. `filling`: the task that it speaks of (None: small talk)."""
    style = agents()["style"]
    manner = f"{style['verbosity'][user.style.verbosity]} and {style['manner'][user.style.manner]}"
    told = agents()["user"]
    prompt = told["reword"].format(message=turn.clean or turn.content, style=manner)
    return Wanted("user", prompt, told["again"], LONGEST, judge(user, turn, filling, seed, place), (seed, "utterance", place))


def judge(user: User, turn: Turn, filling: Filling | None, seed: int, place: str) -> Callable[[Generation], Fault | None]:
    """What is wrong with a message that is to say what `turn` says."""
    scripted, wishes = turn.clean or turn.content, wishes_of(turn, user)
    slots = slot_texts(filling) if filling else []
    strict = generator(seed, "parrot", place).random() >= MAY_PARROT

    def fault(generation: Generation) -> Fault | None:
        text = bare(generation.text)
        found = unfit(replace(generation, text=text)) or unfit_message(text, scripted)
        if found and (found.reason != "copy" or strict):
            return found
        if found := changed_matter(text, scripted, slots):
            return found
        faults = (misconveyed(text, wish, scripted) for wish in wishes)
        if found := next((one for one in faults if one), None) or another_wish(text, wishes, scripted):
            return found
        return Fault("parrot") if strict and any(parroted(text, wish) for wish in wishes) else None

    return fault


def bare(text: str) -> str:
    """The message alone: without the words and quotation marks that a model may put around it."""
    text = WRAPPER.sub("", text.strip())
    return text.strip(QUOTES) if text.strip()[:1] in QUOTES else text.strip()
