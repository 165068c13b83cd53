"""Drills: short cases in which nearly every sentence of the user reveals something, so that the policy quickly learns what words mean.

    User: how long do i boil penne? from now on, split it into dotted points. My oven came with me from Ohio.

A drill needs no release: it is made of the train split's phrasings and PPOpt's own. It has several wishes, of which some hold only once, are lifted,
belong to a mood or to somebody else, or are replaced by a later one; then a train task's question, and what should be written.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from persona_atlas.ppopt.anew import FRAMES_OF, ended, framed
from persona_atlas.ppopt.areas import areas, listed
from persona_atlas.ppopt.bank import frames, phrasings
from persona_atlas.ppopt.cases import NOISE, ONCE, OVER, WORDS, Case, Mix
from persona_atlas.ppopt.evidence import END, SPLIT, Span, quoted
from persona_atlas.ppopt.examples import drawn_task, pick
from persona_atlas.ppopt.text import WANTS, Finding, asked, written
from persona_atlas.ppopt.wishes import Meaning, asking, subject, wishes
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.protocol import Message
from persona_atlas.randomness import generator
from persona_atlas.render import applicable_dimensions
from persona_atlas.tasks import Filling

SENTENCES = (6, 14)
"""How many sentences of a drill reveal something: at least the first number, fewer than the second."""
CHAT_SENTENCES, CHATTER = (1, 4), (0, 4)
"""The same for a drilled chat, and how many sentences of chatter are mixed in."""
NOTHING_SAID = 0.2
"""The share of drilled chats with chatter that reveal nothing. Such a chat gets one more sentence of chatter."""
ASKED_FIRST, ANSWERED = 0.5, 0.4
"""The share of drilled chats that begin with a question, and of later sentences that begin a new message."""
WAYS = {
    "explicit": 0.27,
    "complaint": 0.18,
    "praise": 0.12,
    "fact": 0.11,
    "change": 0.05,
    "exception": 0.1,
    "end": 0.06,
    "mood": 0.05,
    "other_person": 0.06,
}
"""How they reveal it, and how often. A value without facts of life is stated outright instead."""
CHAT_WAYS = {**WAYS, "explicit": 0.16, "scoped": 0.1, "bound": 0.03, "change": 0.03}
"""The same for a drilled chat. Some wishes hold only in some areas: one sentence says so (`scoped`), or a second one after a change (`bound`)."""
MOST_AREAS = 3
PASSING = {"exception": ONCE, "end": OVER, **NOISE}
AGAIN = 0.15
"""The chance that a sentence is about a dimension that an earlier one was about."""
LOWER, SLIPS = 0.3, 0.3
QUESTIONED = 0.2
ANSWER = "Noted."
ANSWERS = (ANSWER, "Sure.", "Of course, here it is:", "Thanks for telling me.", "The result is", "Here is another try.")
NAMES = ("Ada", "Noor", "Tomas", "Wanda", "Ike", "Lia")


@dataclass(frozen=True)
class Said:
    """A sentence that reveals something: its text, the words to quote, what it reveals, how, and the areas that this is bound to (empty: none)."""

    text: str
    quote: str
    meaning: Meaning
    way: str
    area: str = ""


def drills(mix: Mix, numbers: Iterable[int], seed: int) -> Iterator[Case]:
    """Make the drills of these numbers. Of the mix, only `profile` is used."""
    for i in numbers:
        yield drill(mix, i, seed)[0]


def drill(mix: Mix, number: int, seed: int, split: str = SPLIT) -> tuple[Case, list[Said]]:
    """Make the drill `number`, and return what its user says too. A `split` other than train, with its phrasings only, serves to test the policy."""
    draw = generator(seed, "ppopt drill", number)
    said = _sentences(draw, split, SENTENCES, WAYS)
    filling, query = _question(draw)
    last = _last_words(said)
    found, values, asks = [], {}, []
    for i, one in enumerate(said):
        if one.way in PASSING and (one.way != "end" or i in last):
            found.append(Finding(one.quote, PASSING[one.way]))
        elif one.way not in PASSING and i in last:
            found.append(Finding(one.quote, f"{WANTS} {wishes()[one.meaning].wants[0]}."))
            values[one.meaning[0]] = one.meaning[1]
            if one.meaning[0] in applicable_dimensions(filling.template.template_id):
                asks.append(wishes()[one.meaning].ask[0])
    prompt = asking(query, asks)
    history = _chats(said, draw)
    heard = "\n".join(message.content for chat in history for message in chat)
    return Case(f"drill-{number}", asked(history, query), written(found if mix.profile else None, prompt), query, heard, values), said


def _last_words(said: Sequence[Said]) -> set[int]:
    """Return the places of the last word on each matter. The end of another value than the one that is wished for leaves that wish in force."""
    last: dict[str, int] = {}
    for i, one in enumerate(said):
        held = said[last[subject(one.meaning)]] if subject(one.meaning) in last else None
        of_another = one.way == "end" and held is not None and held.way != "end" and held.meaning != one.meaning
        if one.way not in ("exception", *NOISE) and not of_another:
            last[subject(one.meaning)] = i
    return set(last.values())


def drilled_chat(number: int, seed: int, split: str = SPLIT, chatter: Sequence[str] = ()) -> tuple[tuple[Message, ...], list[Said]]:
    """Make one chat in which the user reveals some things (CHAT_SENTENCES), after a question or after an answer; return these things too.

    `chatter`: sentences that reveal nothing, of which some are mixed in. With chatter, a share of the chats (NOTHING_SAID) has nothing else.
    """
    draw = generator(seed, "ppopt chat drill", number)
    said = _sentences(draw, split, CHAT_SENTENCES, CHAT_WAYS)
    turn = ended(_question(draw)[1]) if draw.random() < ASKED_FIRST else ""
    spoken = [one.text for one in said]
    if chatter:
        said = [] if draw.random() < NOTHING_SAID else said
        spoken = _between([one.text for one in said], [str(pick(draw, chatter)) for _ in range(int(draw.integers(*CHATTER)) + (not said))], draw)
    chat: list[Message] = []
    for text in spoken:
        if turn and draw.random() < ANSWERED:
            chat += [Message("user", turn), Message("assistant", str(draw.choice(ANSWERS)))]
            turn = ""
        turn = f"{turn} {ended(text)}".strip()
    return (*chat, Message("user", turn), Message("assistant", str(draw.choice(ANSWERS)))), said


def _between(texts: list[str], others: list[str], draw: np.random.Generator) -> list[str]:
    """Insert the others at random places; the texts keep their order."""
    for other in others:
        texts.insert(int(draw.integers(len(texts) + 1)), other)
    return texts


def _sentences(draw: np.random.Generator, split: str, number: tuple[int, int], ways: Mapping[str, float]) -> list[Said]:
    """Draw what the user reveals, in order. Hard constraints are left out: whether they matter depends on the question."""
    known = [meaning for meaning in wishes() if meaning[0] != "hard"]
    found: list[Said] = []
    for _ in range(int(draw.integers(*number))):
        spoken_of = {one.meaning[0] for one in found}
        again = bool(found) and draw.random() < AGAIN
        meaning = pick(draw, [meaning for meaning in known if (meaning[0] in spoken_of) == again])
        way = str(draw.choice(list(ways), p=list(ways.values())))
        found.append(sentence(meaning, way, split, draw))
    return found


def sentence(meaning: Meaning, way: str, split: str, draw: np.random.Generator) -> Said:
    """Return what a user of the split says to reveal a meaning in the given way."""
    banks = _banks(meaning, split)
    if way == "fact" and "fact" not in banks:
        way = "explicit"
    if way in ("scoped", "bound"):
        return _bound(meaning, str(pick(draw, banks["request"])), way, draw)
    if way in banks and (way != "explicit" or draw.random() < 0.5):
        text = wish = str(pick(draw, banks[way]))
    else:
        wish = str(pick(draw, banks["request"]))
        text = framed(frames()[FRAMES_OF.get(way, way)], (wish,), draw).replace("{name}", str(pick(draw, NAMES)))
    return _said(text, wish, meaning, way, draw)


def _bound(meaning: Meaning, wish: str, way: str, draw: np.random.Generator) -> Said:
    """Return a wish for some areas only: in one sentence (`scoped`), or as a change with a sentence after it (`bound`)."""
    area = listed([str(name) for name in draw.choice(list(areas().values()), size=int(draw.integers(1, MOST_AREAS + 1)), replace=False)])
    if way == "scoped":
        return _said(framed(frames()["scoped"], (wish,), draw).replace("{area}", area), wish, meaning, way, draw, area)
    told = ended(framed(frames()["change"], (wish,), draw))
    limit = str(pick(draw, frames()["only"])).replace("{area}", area)
    return _said(f"{told} {limit[:1].upper()}{limit[1:]}", wish, meaning, way, draw, area)


def _said(text: str, wish: str, meaning: Meaning, way: str, draw: np.random.Generator, area: str = "") -> Said:
    """Return the text as it is typed, with the words to quote: up to the end of the sentence with the wish, at most WORDS words around it."""
    start = text.lower().index(wish.lower())
    typed = _typed(text, draw)
    end = next((match.end() for match in END.finditer(typed) if match.end() > start + len(wish)), len(typed))
    return Said(typed, quoted(typed, Span(0, len(typed[:end].rstrip()), (start, start + len(wish)), way), WORDS), meaning, way, area)


def _banks(meaning: Meaning, split: str) -> Mapping[str, tuple[str, ...]]:
    """Return the phrasings of the split by kind; for train, PPOpt's own too."""
    ours = phrasings()[meaning] if split == SPLIT else {}
    return {kind: (*lines, *ours.get(kind, ())) for kind, lines in load_catalog().value(*meaning).phrasings[split].items()}


def _typed(text: str, draw: np.random.Generator) -> str:
    """Return the text as people type: sometimes in lower case, sometimes with two letters swapped."""
    if draw.random() < LOWER:
        text = text.lower()
    if len(text) > 12 and draw.random() < SLIPS:
        i = int(draw.integers(1, len(text) - 2))
        if text[i : i + 2].isalpha():
            text = text[:i] + text[i + 1] + text[i] + text[i + 2 :]
    return text


def _chats(said: list[Said], draw: np.random.Generator) -> tuple[tuple[Message, ...], ...]:
    """Put the sentences, in order, into chats of one to three each, some of which begin with a question."""
    chats, rest = [], [ended(one.text) for one in said]
    while rest:
        number = int(draw.integers(1, 4))
        some, rest = rest[:number], rest[number:]
        if draw.random() < QUESTIONED:
            some = [ended(_question(draw)[1]), *some]
        chats.append((Message("user", " ".join(some)), Message("assistant", ANSWER)))
    return tuple(chats)


def _question(draw: np.random.Generator) -> tuple[Filling, str]:
    """Draw a train task, in its shortest wording: drills are about wishes."""
    filling, _ = drawn_task(draw)
    return filling, min((filling.query(wording) for wording in range(len(filling.template.queries))), key=len)
