"""Whether an optimizer's prompts are those of a control that is told the gold values, which no optimizer is.

Compared are the optimizer's own prompts under clean, which the rank comes from, with what the controls in TOLD write for the same items in each of
the wordings, word by word (wordwise.py). Found: of PPOpt's own prompts, none.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from eval_harness.claims import Claims
from eval_harness.conditions import show
from eval_harness.controls import CONTROLS
from eval_harness.recomputed import gold_of
from leaderboard.copies import COPIED, ENOUGH
from leaderboard.wordwise import words
from persona_atlas.data import Release
from persona_atlas.records import Item
from persona_atlas.render.instructions import WORDINGS

TOLD = ("oracle", "reader")


def told(claims: Claims, items: Mapping[str, Item], release: Release) -> Iterator[str]:
    """Yield a fault if COPIED of the optimizer's own prompts are a control's. The prompts of a control are its own."""
    if claims.optimizer in CONTROLS:
        return
    gold = gold_of(claims, items, release)
    asked = {sample.item_id: words(sample.prompt) for sample in claims.samples if sample.key[:2] == (claims.optimizer, "clean") and sample.prompt}
    own = {item_id: prompt for item_id, prompt in asked.items() if prompt != words(items[item_id].query)}
    shown = {item_id: seen for item_id in own if (seen := show("clean", items[item_id], release)) is not None}
    for arm in TOLD:
        for wording in range(WORDINGS):
            there = replace(gold, wording=wording)
            same = sum(own[item_id] == words(CONTROLS[arm](items[item_id], seen, there)) for item_id, seen in shown.items())
            if len(own) >= ENOUGH and same >= COPIED * len(own):
                yield f"{same} of its optimizer's {len(own)} prompts under clean are those of the control {arm}, which is told what the users want"
                return
