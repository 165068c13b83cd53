"""The noisy twins of an item: three layers in three intensities, each checked against its labels. Those that fail are counted and left out."""

from collections import Counter

import numpy as np
import regex
from rapidfuzz import fuzz

from generation.noise import semantic, surface
from generation.noise.edits import apply
from generation.noise.edits import problems as edit_problems
from generation.noise.semantic import Asked, slots_hidden
from generation.voice import BY_THE_WAY
from generation.wording import kept, plain, stems_of
from persona_atlas.preferences.checkers.hard import word_pattern
from persona_atlas.randomness import generator
from persona_atlas.records import Conversation, Twin
from persona_atlas.tasks.markup import FIELD
from persona_atlas.tasks.templates import Filling

INTENSITIES = {"light": (1, 2), "medium": (3, 4), "heavy": (5, 7)}
"""The smallest and largest number of surface edits."""
STRATEGIES = {"light": 1, "medium": 2, "heavy": 3}
"""How many strategies of a semantic layer are combined at most."""
LAYERS = ("surface", "incomplete", "ambiguous")
FIGURE = regex.compile(r"\d(?:[\d,.:]*\d)?")
LIKE = 80.0
"""The least similarity (0 to 100) to the task's own words for a text with typos to count as the mention."""


MOST = 0.6
"""The least share of a mention's words, its values aside, that a reworded mention must keep."""
SAID_BY_THE_WAY = ("mention", "feedback")
"""The acts of turns in which a user may mention what the incomplete question of an item lacks."""


def twins(seed: int, item_id: str, asked: Asked, mentioned: bool) -> tuple[tuple[Twin, ...], Counter[str]]:
    """The twins whose labels are right, and how many twins were not made or failed, by reason. `mentioned`: see `is_mentioned`."""
    found: list[Twin] = []
    failures: Counter[str] = Counter()
    for layer in LAYERS:
        for intensity in INTENSITIES:
            twin, reason = _twin(layer, intensity, asked, mentioned, generator(seed, layer, intensity, item_id))
            reason = reason or (problems(asked.text, twin, asked.filling, mentioned) if twin else "")
            if twin is None or reason:
                failures[f"no {intensity} {layer} twin: {reason}"] += 1
            else:
                found.append(twin)
    return tuple(found), failures


def _twin(layer: str, intensity: str, asked: Asked, mentioned: bool, draw: np.random.Generator) -> tuple[Twin | None, str]:
    if layer == "surface":
        least, most = INTENSITIES[intensity]
        edits = surface.disturb(
            asked.text, asked.style, surface.protected_spans(asked.text, asked.filling), asked.life, draw, int(draw.integers(least, most + 1))
        )
    else:
        edits, reason = semantic.disturb(layer, asked, draw, STRATEGIES[intensity])
        if reason:
            return None, reason
    if not edits:
        return None, "the text offers no place"
    return Twin(layer, intensity, apply(asked.text, edits), edits, restorable=mentioned or not slots_hidden(edits)), ""


def strategies(layer: str) -> frozenset[str]:
    """The names of a layer's strategies."""
    return frozenset(surface.STRATEGIES if layer == "surface" else semantic.LAYERS[layer])


def problems(query: str, twin: Twin, filling: Filling, mentioned: bool) -> str:
    """Why the twin is not what its labels say; empty if it is."""
    if found := edit_problems(query, twin.query, twin.edits):
        return found
    if strange := [edit.strategy for edit in twin.edits if edit.strategy not in strategies(twin.layer)]:
        return f"{strange[0]} is no strategy of this layer"
    hidden = slots_hidden(twin.edits)
    if twin.restorable != (mentioned or not hidden):
        return "it is called restorable and is not, or the other way round"
    if twin.layer == "surface":
        if len(twin.edits) < INTENSITIES[twin.intensity][0]:
            return f"it has {len(twin.edits)} edits, fewer than {twin.intensity} means"
        value = surface.lost(twin.query, filling, query)
        return f"the slot value {value!r} was changed" if value else ""
    if not hidden:
        gone = [figure for figure in FIGURE.findall(query) if figure not in FIGURE.findall(twin.query)]
        return f"the figure {gone[0]} is gone" if gone else ""
    removed = {edit.effect.split()[1] for edit in twin.edits if edit.effect.endswith(("left out", "vague"))}
    told = filling.template.incomplete.mention if filling.template.incomplete else ""
    for slot in removed:
        printed = [filling.said(field.group(0)).lower() for field in FIELD.finditer(told) if field.group(1) == slot]
        if any(word_pattern((value,)).search(twin.query.lower()) for value in printed):
            return f"slot {slot} is still named"
    return ""


def is_mentioned(filling: Filling, history: list[Conversation]) -> bool:
    """Whether a turn of the history states what the task's incomplete question leaves out."""
    said = [turn.clean or turn.content for conversation in history for turn in conversation.turns if turn.act in SAID_BY_THE_WAY]
    return any(mentions(filling, text) for text in said)


def _mistyped(value: str, text: str) -> bool:
    """Whether a value without digits is in the text, possibly with typos."""
    return not FIGURE.search(value) and fuzz.partial_ratio(value, text) >= LIKE


def mentions(filling: Filling, text: str) -> bool:
    """Whether a message states what the task's incomplete question leaves out."""
    if filling.template.incomplete is None:
        return False
    words = BY_THE_WAY.sub("", filling.said(filling.template.incomplete.mention)).lower().rstrip(".")
    values = [plain(filling.said(field.group(0))).rstrip(".") for field in FIELD.finditer(filling.template.incomplete.mention)]
    if not all(kept(value, plain(text)) or _mistyped(value, plain(text)) for value in values):
        return False
    others = set(stems_of(words)) - set(stems_of(" ".join(values)))
    return fuzz.partial_ratio(words, text.lower()) >= LIKE or len(others & set(stems_of(text))) >= MOST * len(others)
