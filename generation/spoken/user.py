"""The user agent: rewords a scripted message in the user's own manner, without changing what it says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import regex
from rapidfuzz import fuzz

from generation.noise.surface import slot_texts
from generation.noise.twins import SAID_BY_THE_WAY, mentions
from generation.spoken.conveys import Fault, Wish, another_wish, changed_matter, misconveyed, parroted, wishes_of
from generation.spoken.entailment import Entails
from generation.spoken.form import copied, unfit, unfit_message
from generation.spoken.talk import Part, Wanted, agents
from persona_atlas.models.protocol import Generation
from persona_atlas.randomness import generator
from persona_atlas.records import Turn, User
from persona_atlas.tasks.templates import Filling

LONGEST = 160
MAY_PARROT = 0.15
"""The share of messages that may repeat a phrasing, or the whole scripted message, word for word."""
SELF = ("I", "my", "me", "we", "our")
QUOTES = "\"“”'` \n"
WRAPPER = regex.compile(
    r"^\W*(?:(?:sure|certainly|okay|of course)[^\n:]{0,80}|paraphras\w+(?: \w+)?|here(?:'s| is)[^\n:]{0,80}|"
    r"in other words|message|reworded|[^\n:]{0,30}message):\s+",
    regex.I,
)
END = regex.compile(r"(?<=[.!?…])\s+(?=\S)")
FEW = 4
"""The smallest number of words in a piece of a message."""


@dataclass(frozen=True)
class Scene:
    """The context of a turn that is to be reworded.

    `filling`: the conversation's task (None: small talk); `tasks`: the tasks that the user will ask about later, whose facts a message may mention;
    `place`: the turn's key for random draws; `entails`: an entailment model, if one is used.
    """

    user: User
    filling: Filling | None
    seed: int
    place: str
    tasks: Sequence[Filling] = ()
    entails: Entails | None = None


def message(turn: Turn, scene: Scene) -> Wanted:
    """The utterance wanted of the user agent in place of a scripted turn."""
    style = agents()["style"]
    manner = f"{style['verbosity'][scene.user.style.verbosity]} and {style['manner'][scene.user.style.manner]}"
    return reworded("user", {"style": manner}, turn, scene)


def reworded(agent: str, manner: Mapping[str, str], turn: Turn, scene: Scene) -> Wanted:
    """The utterance wanted of `agent` in place of a scripted turn, asked for a sentence or so at a time. `manner` fills the agent's template."""
    told = agents()[agent]
    scripted, wishes = turn.clean or turn.content, wishes_of(turn, scene.user)
    tasks = scene.tasks if turn.act in SAID_BY_THE_WAY else ()
    slots = slot_texts(scene.filling) if scene.filling else []
    parts = tuple(
        Part(told["reword"].format(message=sentence, keep=_keep(sentence), **manner), _fits(sentence, mine, slots, tasks))
        for sentence, mine in sentences(scripted, wishes)
    )
    strict = generator(scene.seed, "parrot", scene.place).random() >= MAY_PARROT
    seed = (scene.seed, "utterance", scene.place)
    return Wanted(agent, parts, told["again"], LONGEST, seed, _says(scripted, wishes, strict, scene.entails), bare)


def _keep(sentence: str) -> str:
    """A request to keep the first-person words of a sentence, since small models turn `my` into `your`; empty if it has none."""
    said = [word for word in SELF if regex.search(rf"\b{word}\b", sentence, regex.I)]
    return agents()["keep"].format(words=", ".join(f'"{word}"' for word in said)) if said else ""


def _fits(sentence: str, wishes: Sequence[Wish], slots: Sequence[str], tasks: Sequence[Filling]) -> Callable[[Generation], Fault | None]:
    """A judge of what is said in place of a sentence that conveys `wishes`."""

    def fault(generation: Generation) -> Fault | None:
        text = generation.text
        if found := unfit(generation) or unfit_message(text, sentence) or changed_matter(text, sentence, slots):
            return found
        if any(mentions(task, text) != mentions(task, sentence) for task in tasks):
            return Fault("lost value", sentence)
        return next((one for wish in wishes if (one := misconveyed(text, wish, sentence))), None)

    return fault


def _says(scripted: str, wishes: Sequence[Wish], strict: bool, entails: Entails | None) -> Callable[[str], Fault | None]:
    """A judge of a whole message in place of `scripted`. `strict`: it may not repeat the message, or a phrasing in it, word for word."""

    def fault(text: str) -> Fault | None:
        if strict and copied(text, scripted):
            return Fault("copy")
        faults = (misconveyed(text, wish, scripted) for wish in wishes)
        if found := next((one for one in faults if one), None) or another_wish(text, wishes, scripted):
            return found
        if lost := [wish.phrase for wish in wishes if entails and not entails(text, wish.phrase)]:
            return Fault("not conveyed", lost[0])
        return Fault("parrot") if strict and any(parroted(text, wish) for wish in wishes) else None

    return fault


def sentences(text: str, wishes: Sequence[Wish]) -> list[tuple[str, list[Wish]]]:
    """Split a message into pieces that can be reworded by themselves, each with the wishes that it conveys.

    Pieces end where sentences end, but not within a phrasing. A piece of fewer than FEW words is joined to what follows it, or at the end to
    what precedes it.
    """
    found = [fuzz.partial_ratio_alignment(wish.phrase.lower(), text.lower()) for wish in wishes]
    within = [(span.dest_start, span.dest_end) if span else (0, len(text)) for span in found]
    pieces: list[tuple[int, int]] = []
    start = 0
    for end in [*(end.start() for end in END.finditer(text)), len(text)]:
        if len(text[start:end].split()) >= FEW and not any(first < end < last for first, last in within):
            pieces.append((start, end))
            start = end
    if start < len(text):
        pieces = [*pieces[:-1], (pieces[-1][0] if pieces else 0, len(text))]
    return [
        (text[start:end].strip(), [wish for wish, (first, _) in zip(wishes, within, strict=True) if start <= first < end]) for start, end in pieces
    ]


def bare(text: str) -> str:
    """The message without the lead-in and the quotation marks that a model may put around it."""
    text = WRAPPER.sub("", text.strip())
    return text.strip(QUOTES) if text.strip()[:1] in QUOTES else text.strip()
