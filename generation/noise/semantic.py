"""Semantic noise: edits that make a question incomplete or ambiguous. The effect of each edit says what it did, and to which slot.

    clean       Making risotto for 4 tonight, we sit down at 19:00. How much rice?
    incomplete  Making risotto for a few tonight, we sit down at 19:00. How much rice?                      slot people vague
    ambiguous   Making risotto for 9 tonight, we sit down at 19:00. How much rice? Wait, no: there will be 4 of us.    slot people put right

The strategies are named as in the paper (arXiv 2602.12394).

incomplete  missing_slots, vague_slot_values, context_dependency, unclear_priority
ambiguous   several_intents, ambiguous_intent, self_contradiction, change_of_mind (what is said last holds)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import regex

from generation.banks import noise_words
from generation.life import Life
from generation.life import asked as drawn_for
from generation.noise.edits import appended, joined_ends, with_article
from generation.voice import BY_THE_WAY, lowered, settled
from persona_atlas.records import Edit, WritingStyle
from persona_atlas.tasks import markup
from persona_atlas.tasks.templates import Filling, Incomplete, Template, fill, load_templates

Edits = tuple[Edit, ...]
LIFE = Life()
"""A life about which nothing is known."""


class NoPlaceError(ValueError):
    """The strategy cannot be applied to this question. The message says why."""


@dataclass(frozen=True)
class Asked:
    """An item's query and where it comes from.

    `wording`: index of the wording of the task that was used; `text`: the whole query; `length`: how many characters at its start are the question
    itself (a wish may follow); `life`: what is known about the user's life.
    """

    filling: Filling
    wording: int
    style: WritingStyle
    text: str
    length: int
    life: Life = LIFE

    @property
    def incomplete(self) -> Incomplete:
        if self.filling.template.incomplete is None:
            raise NoPlaceError("the task names no slot to leave out")
        return self.filling.template.incomplete

    def cased(self, words: str) -> str:
        """The words as the user types them in the middle of a sentence."""
        return lowered(words) if self.style.lowercase else words

    def span(self) -> tuple[int, int]:
        """Start and end, in `text`, of the slot that can be left out. Raises NoPlaceError if this wording does not name it."""
        query, slot = self.filling.template.queries[self.wording], self.incomplete.slot
        for field in markup.FIELD.finditer(query):
            if field.group(1) == slot:
                printed, expected = self.filling.said(field.group(0)), len(self.filling.said(query[: field.start()]))
                start = self.text.lower().find(printed.lower(), expected)
                if 0 <= start - expected <= 1:
                    return start, start + len(printed)
        raise NoPlaceError("this wording does not name the slot")


def _line(strategy: str, draw: np.random.Generator, key: str = "after") -> str:
    lines = noise_words()[strategy][key]
    return str(lines[int(draw.integers(len(lines)))])


def _added(strategy: str, asked: Asked, line: str, effect: str) -> Edit:
    return appended(strategy, asked.text, settled(line, asked.style), effect)


def _without(strategy: str, asked: Asked) -> Edit:
    """Replace the question by the one without the slot. If that ends in a mark, the full stop that followed the question goes too."""
    shorter = settled(asked.filling.said(asked.incomplete.without), asked.style)
    end = asked.length
    if shorter.endswith((".", "?", "!")) and asked.text[end : end + 2] == ". ":
        end += 1
    return Edit(strategy, 0, end, asked.text[:end], shorter, f"slot {asked.incomplete.slot} left out")


def _missing_slots(asked: Asked, draw: np.random.Generator) -> Edits:
    return (_without("missing_slots", asked),)


def _vague_slot_values(asked: Asked, draw: np.random.Generator) -> Edits:
    start, end = asked.span()
    start, end, vague = with_article(asked.text, start, end, asked.cased(asked.incomplete.vague))
    return (Edit("vague_slot_values", start, end, asked.text[start:end], vague, f"slot {asked.incomplete.slot} vague"),)


def _context_dependency(asked: Asked, draw: np.random.Generator) -> Edits:
    effect = f"slot {asked.incomplete.slot} left to the history"
    return (_without("context_dependency", asked), _added("context_dependency", asked, _line("context_dependency", draw), effect))


def _unclear_priority(asked: Asked, draw: np.random.Generator) -> Edits:
    return (_added("unclear_priority", asked, _line("unclear_priority", draw), "several aims, none first"),)


def _several_intents(asked: Asked, draw: np.random.Generator) -> Edits:
    """Append a second question that is consistent with the user's life, from the same split and, if there is another, the same domain."""
    others = _siblings(asked.filling.template.template_id)
    other, wording = drawn_for(others[int(draw.integers(len(others)))], asked.life, draw)
    line = f"{_line('several_intents', draw, 'joins')} {other.query(wording)}"
    return (_added("several_intents", asked, line, f"a second question: {other.template.template_id}"),)


@lru_cache(maxsize=1024)
def _siblings(template_id: str) -> tuple[Template, ...]:
    mine = load_templates()[template_id]
    same_split = [t for t in load_templates().values() if t.split == mine.split and t.template_id != template_id]
    return tuple([t for t in same_split if t.domain == mine.domain] or same_split)


def _ambiguous_intent(asked: Asked, draw: np.random.Generator) -> Edits:
    return (_added("ambiguous_intent", asked, _line("ambiguous_intent", draw), "the intent in doubt"),)


def _self_contradiction(asked: Asked, draw: np.random.Generator) -> Edits:
    wrong = _stated(asked, _other(asked, draw))
    line = _line("self_contradiction", draw).format(right=_stated(asked, asked.filling), wrong=wrong)
    return (_added("self_contradiction", asked, line, f"slot {asked.incomplete.slot} contradicted"),)


def _change_of_mind(asked: Asked, draw: np.random.Generator) -> Edits:
    (start, end), other, slot = asked.span(), _other(asked, draw), asked.incomplete.slot
    field = next(f.group(0) for f in markup.FIELD.finditer(asked.filling.template.queries[asked.wording]) if f.group(1) == slot)
    start, end, said = with_article(asked.text, start, end, asked.cased(other.said(field)))
    wrong = Edit("change_of_mind", start, end, asked.text[start:end], said, f"slot {slot} wrong at first")
    line = _line("change_of_mind", draw).format(right=_stated(asked, asked.filling))
    return (wrong, _added("change_of_mind", asked, line, f"slot {slot} put right"))


def _stated(asked: Asked, filling: Filling) -> str:
    """A sentence that states the slot's value in `filling`."""
    said = BY_THE_WAY.sub("", filling.said(asked.incomplete.mention))
    return said[:1].upper() + said[1:]


def _other(asked: Asked, draw: np.random.Generator) -> Filling:
    """The task filled with another value of the slot. Raises NoPlaceError if there is no value that contradicts the first."""
    name, field = asked.incomplete.slot, "{" + asked.incomplete.slot + "}"
    slot, _, part = name.partition(".")
    filling = asked.filling
    if slot not in filling.template.slots:
        raise NoPlaceError("the slot is computed from others")
    if not asked.incomplete.exclusive:
        raise NoPlaceError("two values of the slot can both be true")
    mine = filling.slots[slot]
    options = [{**mine, part: option[part]} if part else option for option in filling.template.slots[slot]]
    others = [fill(filling.template, {**filling.slots, slot: option}) for option in options if option != mine]
    others = [other for other in others if other.said(field) != filling.said(field)]
    if not others:
        raise NoPlaceError("the slot has no other value")
    return others[int(draw.integers(len(others)))]


Strategy = Callable[[Asked, np.random.Generator], Edits]
LAYERS: Mapping[str, Mapping[str, tuple[Strategy, float]]] = {
    "incomplete": {
        "missing_slots": (_missing_slots, 0.5),
        "vague_slot_values": (_vague_slot_values, 0.6),
        "context_dependency": (_context_dependency, 0.6),
        "unclear_priority": (_unclear_priority, 0.7),
    },
    "ambiguous": {
        "several_intents": (_several_intents, 0.6),
        "ambiguous_intent": (_ambiguous_intent, 0.5),
        "self_contradiction": (_self_contradiction, 0.7),
        "change_of_mind": (_change_of_mind, 0.4),
    },
}
"""Layer -> strategy -> the function that makes its edits, and its weight (the paper's probability)."""
TOGETHER = (frozenset({"missing_slots", "vague_slot_values"}), frozenset({"self_contradiction", "change_of_mind"}))
"""At most one strategy of each set is used, since both change the same slot in incompatible ways."""


def disturb(layer: str, asked: Asked, draw: np.random.Generator, number: int) -> tuple[Edits, str]:
    """The edits of up to `number` strategies of a layer, and the reason if there are none (else empty)."""
    found: list[Edit] = []
    reason, done = "", 0
    for name in _order(layer, draw, number):
        try:
            edits = LAYERS[layer][name][0](asked, draw)
        except NoPlaceError as error:
            reason = f"{name}: {error}"
            continue
        hidden = slots_hidden(tuple(found))
        found += [edit for edit in edits if not (hidden and edit.effect.endswith("left out"))]
        done += 1
        if done == number:
            break
    return _in_order(asked, found), "" if found else reason


def _order(layer: str, draw: np.random.Generator, number: int) -> list[str]:
    """The strategies in the order in which they are tried, drawn by weight without replacement, at most one of each set of TOGETHER.

    Among the first `number`, context_dependency comes last, after anything that hides the slot. The others replace strategies that cannot be applied.
    """
    weights = {name: weight for name, (_, weight) in LAYERS[layer].items()}
    drawn = draw.choice(list(weights), size=len(weights), replace=False, p=np.array(list(weights.values())) / sum(weights.values()))
    fitting: list[str] = []
    for name in map(str, drawn):
        if not any(name in group and group & set(fitting) for group in TOGETHER):
            fitting.append(name)
    first = sorted(fitting[:number], key=lambda name: name == "context_dependency")
    return [*first, *fitting[number:]]


def _in_order(asked: Asked, edits: list[Edit]) -> Edits:
    """Sort by position. Sentences appended at the end keep their order, and each is joined to the one before it."""
    return joined_ends(asked.text, tuple(sorted(edits, key=lambda edit: edit.start)))


def slots_hidden(edits: Edits) -> set[str]:
    """The slots whose value cannot be read from the noisy text, according to the edits' effects."""
    hidden = regex.compile(r"slot (\S+) (?:left out|vague|left to the history|contradicted)$")
    return {match.group(1) for edit in edits for match in [hidden.match(edit.effect)] if match}
