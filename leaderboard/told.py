"""Whether an optimizer's prompts tell what a control tells that is told the gold values, as no optimizer is.

A prompt tells a value if one of the catalogue's instructions for it stands there, in whichever wording, frame and order, letter by letter. It is
*told* if the values that it tells are exactly those that a control in TOLD tells for the same request. A prompt that tells nothing is not told, so
of a user of whom nothing is known the bare query may be sent. Prompts in words of their own tell nothing here.

refused    half (COPIED) of the optimizer's own prompts under clean, which the rank comes from, are told. Found: none of PPOpt's 1,345 prompts, of
           GEPA's 1,993, of profile's 1,793 and of contrast_reader's 1,380

`reader` tells what a perfect reader of the history knows, as far as it applies to the task. So who reads the history and writes the catalogue's
instructions may well tell the same. Simulated, for a policy that finds 80 % of what was said: under clean a quarter of its prompts, under history_1
three quarters. Elsewhere than under clean, only those prompts count that also tell something else than all that was said.

refused    more than BEYOND of the own prompts, under one condition or under all of them together, are told and tell something else than all that was
           said. Found: none of the above. Simulated, for a policy that finds 90 % of what was said and leaves out half of what does not apply: at
           most 18 % (with 70 % left out, 27 %). Of reader's prompts: 56 % under clean, 47 % under all; of the oracle's, 81 % and 91 %
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import lru_cache

from eval_harness.claims import Claims
from eval_harness.conditions import Shown, show
from eval_harness.controls import CONTROLS
from eval_harness.recomputed import gold_of
from leaderboard.copies import COPIED, ENOUGH, Place
from leaderboard.wordwise import letters, words
from persona_atlas.data import Release
from persona_atlas.ledger import last_words
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import Item

TOLD = ("oracle", "reader")
BEYOND = 0.35
KNOWING = f"what the controls {' and '.join(TOLD)} tell, which are told what the users want"
HARD = "hard"
"""What stands in place of a dimension for a hard constraint."""
Values = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Told:
    """Where the optimizer's own prompts are; where they are told; and where they also tell something else than all that was said."""

    own: Set[Place] = frozenset()
    told: Set[Place] = frozenset()
    beyond: Set[Place] = frozenset()

    @property
    def counted(self) -> Set[Place]:
        """The places whose prompts count as no optimizer's: what is told under clean, and what cannot have been read elsewhere."""
        return self.beyond | {place for place in self.told if place[0] == "clean"}

    def faults(self) -> Iterator[str]:
        """Yield the first fault, if there is one."""
        clean = {place for place in self.own if place[0] == "clean"}
        if len(clean) >= ENOUGH and len(self.told & clean) >= COPIED * len(clean):
            yield f"{len(self.told & clean)} of its optimizer's {len(clean)} prompts under clean tell {KNOWING}"
            return
        conditions = sorted({condition for condition, _ in self.own})
        parts = {f" under {condition}": {place for place in self.own if place[0] == condition} for condition in conditions}
        for where, part in (*parts.items(), ("", self.own)):
            if len(part) >= ENOUGH and len(self.beyond & part) > BEYOND * len(part):
                what = f"{len(self.beyond & part)} of its optimizer's {len(part)} prompts{where} tell {KNOWING}"
                yield f"{what}, and not all that the history says"
                return


def told(claims: Claims, items: Mapping[str, Item], release: Release) -> Told:
    """Compare the optimizer's prompts under every condition with what the controls in TOLD tell. A control's prompts are its own."""
    if claims.optimizer in CONTROLS:
        return Told()
    gold = gold_of(claims, items, release)
    own, same, beyond = set(), set(), set()
    for sample in claims.samples:
        if sample.arm != claims.optimizer or not sample.prompt:
            continue
        place, item = (sample.condition, sample.item_id), items[sample.item_id]
        shown = show(sample.condition, item, release)
        if shown is None or words(sample.prompt) == words(shown.query):
            continue
        own.add(place)
        tells = _tells(sample.prompt)
        if tells and any(tells == _tells(CONTROLS[arm](item, shown, gold)) for arm in TOLD):
            same.add(place)
            if tells not in _all_that_was_said(item, shown):
                beyond.add(place)
    return Told(own, same, beyond)


def _tells(prompt: str) -> Values:
    text = letters(prompt)
    return frozenset(value for instruction, value in _instructions().items() if instruction in text)


@lru_cache(maxsize=1)
def _instructions() -> Mapping[str, tuple[str, str]]:
    """Return the letters of each of the catalogue's instructions -> dimension and value. None of them is a part of another."""
    catalog = load_catalog()
    meant = {(dimension.id, name): value.instructions for dimension in catalog.dimensions.values() for name, value in dimension.values.items()}
    held = {(HARD, name): constraint.instructions for name, constraint in catalog.hard.items()}
    return {letters(instruction): told for told, instructions in {**meant, **held}.items() for instruction in instructions}


def _all_that_was_said(item: Item, shown: Shown) -> tuple[Values, ...]:
    """Return what a policy tells that leaves nothing out: no hard constraint, those that were said, or those that apply to the task."""
    said = {dimension: value for dimension, (value, _) in last_words(shown.history).items() if dimension != HARD}
    asked = {entry.dimension: entry.value for entry in item.gold if entry.source == "query"}
    reveals = (reveal for conversation in shown.history for turn in conversation.turns for reveal in turn.reveals)
    hard = {reveal.value for reveal in reveals if reveal.dimension == HARD and reveal.standing}
    values = frozenset({**said, **asked}.items())
    return values, *(values | {(HARD, constraint) for constraint in constraints} for constraints in (hard, set(item.hard)))
