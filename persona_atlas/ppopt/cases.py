"""Training cases of PPOpt, made from the release's gold: what the policy reads for a train item, and what it should write.

The profile quotes the user and says what follows. Wishes that are over, or that held only once, on other subjects, in a passing mood or for somebody
else, are quoted too, but left out of the prompt. The prompt is the query and, in few words, what is in force, in scope, and of use for it. Where
nothing is, it is the query itself.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from persona_atlas.data import Release, history, messages
from persona_atlas.ppopt.anew import anew, framed
from persona_atlas.ppopt.areas import areas, listed
from persona_atlas.ppopt.bank import frames, phrasings
from persona_atlas.ppopt.budget import newest
from persona_atlas.ppopt.evidence import SPLIT, quoted, spoken
from persona_atlas.ppopt.examples import pick
from persona_atlas.ppopt.text import WANTS, Finding, asked, written
from persona_atlas.ppopt.wishes import Meaning, asking, subject, wishes
from persona_atlas.protocol import Message
from persona_atlas.randomness import generator
from persona_atlas.records import Conversation, Item, Reveal, Turn, User

WORDS = 8
"""The most words of a quotation, unless the wish itself is longer."""
ONCE, OVER, ELSEWHERE, ASKED = "but only that once.", "but that wish is over.", "but only on other subjects.", "but this question asks otherwise."
NOISE = {"mood": "but only in the mood of that day.", "other_person": "but that was somebody else."}
DIRTY = 0.5
"""In a dirty history, the share of the conversations without reveals that get a misleading wish."""


@dataclass(frozen=True)
class Mix:
    """How items are varied.

    `noise`: the share of cases with a dirty history. `twins`: of the items that have noisy twins, the share whose query is replaced by one. `anew`:
    the chance that a turn with reveals is reworded. `shorter`: the share of cases that show only a few of the newest conversations. `budget`: the
    most tokens of the history. `profile`: whether the policy should write one.
    """

    noise: float
    twins: float
    anew: float
    shorter: float
    budget: int
    profile: bool = True


@dataclass(frozen=True)
class Case:
    """One training case.

    `reads`: the text that the policy is given. `writes`: the reply that it should learn. `query`: the question. `said`: all messages of the history
    that is shown, joined by line breaks. `values`: dimension -> value, what the user wants according to the profile.
    """

    item_id: str
    reads: str
    writes: str
    query: str
    said: str
    values: Mapping[str, str]


def cases(release: Release, mix: Mix, numbers: Iterable[int], count: Callable[[str], int], seed: int) -> Iterator[Case]:
    """Make the cases of these numbers from the train items, in an order drawn anew for each pass; none where the release has no train items."""
    items = release.items(SPLIT)
    users = {user.persona_id: user for user in release.users(SPLIT)}
    for made in numbers if items else ():
        through, place = divmod(made, len(items))
        order = generator(seed, "ppopt order", through).permutation(len(items))
        item = items[int(order[place])]
        yield case(item, users[item.persona_id], release, mix, count, generator(seed, "ppopt", through, item.item_id))


def case(item: Item, user: User, release: Release, mix: Mix, count: Callable[[str], int], draw: np.random.Generator) -> Case:
    """Make a case of one item, varied by the draw."""
    chats = shown(item, user, release, mix, draw)
    query = item.query
    if item.twins and draw.random() < mix.twins:
        query = pick(draw, item.twins).query
    chats = _cut(chats, newest(messages(chats), count, mix.budget))
    found = findings(item, user, chats)
    wanted = [mention.meaning for mention, verdict in found if verdict.startswith(WANTS)]
    values = {dimension: value for dimension, value in wanted if dimension != "hard"}
    prompt = asking(query, asks(item, wanted))
    lines = [Finding(mention.words, verdict) for mention, verdict in found] if mix.profile else None
    said = "\n".join(turn.content for conversation in chats for turn in conversation.turns)
    return Case(item.item_id, asked(messages(chats), query), written(lines, prompt), query, said, values)


def _cut(chats: Sequence[Conversation], kept: Sequence[Sequence[Message]]) -> list[Conversation]:
    """Return of the newest conversations what was kept of their messages: all, or the newest, one of which may be cut itself."""
    left = chats[len(chats) - len(kept) :]
    return [replace(conversation, turns=_kept(conversation.turns, chat)) for conversation, chat in zip(left, kept, strict=True)]


def _kept(turns: Sequence[Turn], chat: Sequence[Message]) -> tuple[Turn, ...]:
    newest_turns = turns[len(turns) - len(chat) :]
    return tuple(replace(turn, content=message.content) for turn, message in zip(newest_turns, chat, strict=True))


def shown(item: Item, user: User, release: Release, mix: Mix, draw: np.random.Generator) -> Sequence[Conversation]:
    """Return the item's history, shortened, reworded and dirtied by the draw."""
    found = history(item, release)
    if draw.random() < mix.shorter:
        found = found[len(found) - min(int(draw.integers(6)), len(found)) :]
    dirty = draw.random() < mix.noise
    said = [_anew(conversation, user, mix.anew, draw) for conversation in found]
    return [_dirtied(conversation, user, draw) if dirty and draw.random() < DIRTY else conversation for conversation in said]


def _anew(conversation: Conversation, user: User, chance: float, draw: np.random.Generator) -> Conversation:
    scoped = {preference.dimension: _in_words(preference.scope) for preference in user.preferences if preference.scope}
    turns = tuple(anew(turn, scoped, draw) if turn.reveals and draw.random() < chance else turn for turn in conversation.turns)
    return replace(conversation, turns=turns)


def _in_words(scope: Sequence[str]) -> str:
    """Return the areas as users name them; empty where one of them has no words."""
    return listed([areas()[domain] for domain in scope]) if all(domain in areas() for domain in scope) else ""


def _dirtied(conversation: Conversation, user: User, draw: np.random.Generator) -> Conversation:
    """Add a wish to the conversation that is somebody else's or only a mood's. A conversation with reveals is left as it is."""
    if any(turn.reveals for turn in conversation.turns):
        return conversation
    noise, first = str(pick(draw, list(NOISE))), conversation.turns[0]
    dimension, value = pick(draw, [meaning for meaning in wishes() if meaning[0] != "hard" and meaning not in _held(user)])
    wish = framed(frames()[noise], phrasings()[dimension, value]["request"], draw).replace("{name}", user.name)
    asked_for = replace(first, content=f"{first.content} {wish}", reveals=(Reveal(dimension, value, "exception"),))
    return replace(conversation, turns=(asked_for, *conversation.turns[1:]), noise=noise)


def _held(user: User) -> set[Meaning]:
    return {(preference.dimension, preference.value) for preference in user.preferences}


@dataclass(frozen=True)
class Mention:
    """Words of the user that reveal something.

    `message`: the whole message. `noise`: the kind of noise that its conversation is; empty for none. `last`: whether this is the user's last word
    on the matter.
    """

    words: str
    message: str
    reveal: Reveal
    noise: str
    last: bool = False

    @property
    def meaning(self) -> Meaning:
        return self.reveal.dimension, self.reveal.value


def findings(item: Item, user: User, chats: Iterable[Conversation]) -> list[tuple[Mention, str]]:
    """Return what the profile quotes, in the order of the history, each with its verdict."""
    found = list(mentions(chats))
    last = {subject(one.meaning): number for number, one in enumerate(found) if not one.noise and one.reveal.how != "exception"}
    known = [replace(one, last=number in last.values()) for number, one in enumerate(found)]
    return [(one, verdict) for one in known if (verdict := _verdict(one, item, user)) is not None]


def mentions(chats: Iterable[Conversation]) -> Iterator[Mention]:
    """Yield every reveal that is found in its message and that PPOpt has words for, in order."""
    for conversation in chats:
        for turn in conversation.turns:
            places = [(reveal, span) for reveal in turn.reveals if (span := spoken(turn.content, reveal)) is not None]
            for reveal, span in sorted(places, key=lambda place: place[1].start):
                if (reveal.dimension, reveal.value) in wishes():
                    yield Mention(quoted(turn.content, span, WORDS), turn.content, reveal, conversation.noise)


def _verdict(mention: Mention, item: Item, user: User) -> str | None:
    """Return what follows from a mention. None where it is passed over: a later word replaced it, or the constraint does not bear on the question."""
    reveal = mention.reveal
    if mention.noise:
        return NOISE[mention.noise]
    if reveal.how == "exception":
        return ONCE
    if not mention.last or (reveal.dimension == "hard" and reveal.value not in item.hard):
        return None
    if reveal.how == "end":
        return OVER
    if any(gold.dimension == reveal.dimension and gold.source == "query" for gold in item.gold):
        return ASKED
    if _elsewhere(reveal, item, user):
        return ELSEWHERE
    return f"{WANTS} {wishes()[mention.meaning].wants[0]}."


def _elsewhere(reveal: Reveal, item: Item, user: User) -> bool:
    """Whether the value holds only on other subjects."""
    mine = [preference for preference in user.preferences if (preference.dimension, preference.value) == (reveal.dimension, reveal.value)]
    return bool(mine) and all(preference.scope and item.domain not in preference.scope for preference in mine)


def asks(item: Item, wanted: Iterable[Meaning]) -> list[str]:
    """Return a sentence for each wanted value that the item's answer can show, and for each wanted hard constraint."""
    of_use = {"hard", *(gold.dimension for gold in item.gold)}
    return [wishes()[meaning].ask[0] for meaning in wanted if meaning[0] in of_use]
