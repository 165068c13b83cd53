"""The user agent: says a scripted message in other words, in the user's own manner, and no more than it says."""

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
"""The share of messages that may repeat a phrasing or the whole scripted message word for word."""
SELF = ("I", "my", "me", "we", "our")
QUOTES = "\"“”'` \n"
WRAPPER = regex.compile(
    r"^\W*(?:(?:sure|certainly|okay|of course)[^\n:]{0,80}|paraphras\w+(?: \w+)?|here(?:'s| is)[^\n:]{0,80}|"
    r"in other words|message|reworded|[^\n:]{0,30}message):\s+",
    regex.I,
)
END = regex.compile(r"(?<=[.!?…])\s+(?=\S)")
FEW = 4
"""So many words at least make a piece of a message."""


@dataclass(frozen=True)
class Scene:
    """What a turn of a conversation is spoken in.

    `filling`: the task that it speaks of (None: small talk); `tasks`: those that this user will ask later, whose facts a message may mention;
    `place`: the turn's own name; `entails`: a model that hears what a message says.
    """

    user: User
    filling: Filling | None
    seed: int
    place: str
    tasks: Sequence[Filling] = ()
    entails: Entails | None = None


def message(turn: Turn, scene: Scene) -> Wanted:
    """What the user is to say in place of a scripted turn."""
    style = agents()["style"]
    manner = f"{style['verbosity'][scene.user.style.verbosity]} and {style['manner'][scene.user.style.manner]}"
    return reworded("user", {"style": manner}, turn, scene)


def reworded(agent: str, manner: Mapping[str, str], turn: Turn, scene: Scene) -> Wanted:
    """A scripted turn in other words of that agent, a sentence at a time."""
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
    """Where a sentence speaks of its writer: with which words it must go on to do so. Small models turn `my` into `your`."""
    said = [word for word in SELF if regex.search(rf"\b{word}\b", sentence, regex.I)]
    return agents()["keep"].format(words=", ".join(f'"{word}"' for word in said)) if said else ""


def _fits(sentence: str, wishes: Sequence[Wish], slots: Sequence[str], tasks: Sequence[Filling]) -> Callable[[Generation], Fault | None]:
    """What is wrong with what is said in place of a sentence, which conveys those wishes."""

    def fault(generation: Generation) -> Fault | None:
        text = generation.text
        if found := unfit(generation) or unfit_message(text, sentence) or changed_matter(text, sentence, slots):
            return found
        if any(mentions(task, text) != mentions(task, sentence) for task in tasks):
            return Fault("lost value", sentence)
        return next((one for wish in wishes if (one := misconveyed(text, wish, sentence))), None)

    return fault


def _says(scripted: str, wishes: Sequence[Wish], strict: bool, entails: Entails | None) -> Callable[[str], Fault | None]:
    """What is wrong with a whole message that is to say what `scripted` says. `strict`: it may not repeat it word for word."""

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
    """A message in pieces that can be put into other words by themselves, each with the wishes that it conveys.

    Pieces end where sentences do; a phrasing stays in one piece, and so do a few words with what stands before them, or at the beginning after them.
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
    """The message alone: without the words and quotation marks that a model may put around it."""
    text = WRAPPER.sub("", text.strip())
    return text.strip(QUOTES) if text.strip()[:1] in QUOTES else text.strip()
