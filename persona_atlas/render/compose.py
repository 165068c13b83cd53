"""From a filled content plan and one value a dimension to a Markdown answer.

    render(filling, {"length": "brief", "structure": "bulleted", "units": "imperial"})
    - Cook 14.1 oz of dried penne for 4 people.
    - Boil it for 11 minutes in salted water.

The parts are printed in the locale, reworded, and counted; then as many of the plan's further points go in as the length band holds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from persona_atlas.answer import count_words
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.preferences.checkers.wording import CONTRACTION
from persona_atlas.render import wording
from persona_atlas.tasks.markup import Locale
from persona_atlas.tasks.templates import Filling

Style = Mapping[str, str]
"""dimension -> value. A dimension that is not named takes the value of `defaults.yaml`."""


@lru_cache(maxsize=1)
def defaults() -> dict[str, Any]:
    return dict(yaml.safe_load(files("persona_atlas.render").joinpath("defaults.yaml").read_text(encoding="utf-8")))


@dataclass
class Draft:
    """The parts of an answer before they are put together; all text is already printed and reworded."""

    greeting: str = ""
    title: str = ""
    summary: str = ""
    core: list[str] = field(default_factory=list)
    points: list[str] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)
    details: str = ""

    def words(self) -> int:
        parts = [self.greeting, self.title, self.summary, *self.core, *self.points, *self.tail]
        return sum(map(count_words, parts)) + (count_words(self.details) if self.points else 0)


def render(filling: Filling, style: Style, hard: frozenset[str] = frozenset()) -> str:
    """A Markdown answer that shows the values of `style` and keeps the hard constraints. Raises KeyError for an unknown dimension or value."""
    chosen = {**defaults()["style"], **style}
    reword = _rewording(filling, chosen, hard)
    draft = _draft(filling, chosen, reword)
    _fill_up(draft, [reword(point) for point in filling.template.plan.points], chosen)
    if chosen["contractions"] == "contracted" and not CONTRACTION.search(_text(draft).lower()):
        (draft.points or draft.core).append(reword(defaults()["stock"]["contractible"]))
    _liven(draft, chosen, filling.template.plan.emoji)
    return _assemble(draft, chosen["structure"])


def _rewording(filling: Filling, chosen: Style, hard: frozenset[str]) -> Callable[[str], str]:
    """One function that prints a plan's text in the chosen locale, spelling, contractions and emphasis."""
    values = {dimension: load_catalog().value(dimension, chosen[dimension]) for dimension in ("units", "clock")}
    locale = Locale(values["units"].parameters["system"], values["clock"].parameters["style"], hard)

    def reword(text: str) -> str:
        text = filling.text(text, locale)
        if chosen["spelling"] == "british":
            text = wording.british(text)
        if chosen["contractions"] == "contracted":
            text = wording.contract(text)
        return text if chosen["emphasis"] == "bold" else wording.plain(text)

    return reword


def _draft(filling: Filling, chosen: Style, reword: Callable[[str], str]) -> Draft:
    plan, stock = filling.template.plan, defaults()["stock"]
    draft = Draft(core=[reword(sentence) for sentence in plan.core])
    if chosen["headings"] == "headings":
        draft.title, draft.details = reword(plan.title), stock["details"]
    if chosen["opening"] == "greeting":
        greetings = stock["greeting"]
        draft.greeting = greetings[len(filling.template.template_id) % len(greetings)]
    elif chosen["opening"] == "summary_first":
        draft.summary = f"{stock['summary']} {reword(plan.summary)}"
    if chosen["example"] == "example":
        draft.tail.append(reword(f"{stock['example']} {plan.example}."))
    if chosen["caveat"] == "caveat":
        draft.tail.append(reword(f"{stock['caveat']} {plan.caveat}."))
    if chosen["closing"] == "next_step":
        draft.tail.append(reword(f"{stock['next_step']} {plan.next_step}."))
    elif chosen["closing"] == "question":
        draft.tail.append(reword(plan.question))
    return draft


def _fill_up(draft: Draft, points: list[str], chosen: Style) -> None:
    """Add points, most useful first, until the answer stands a quarter into its length band; one that does not fit is passed over."""
    band = load_catalog().value("length", chosen["length"]).parameters
    low, high = band["low"], band["high"]
    goal = low + (high - low) // 4
    for point in points:
        if draft.words() >= goal:
            return
        draft.points.append(point)
        if draft.words() > high - 3:
            draft.points.pop()


def _liven(draft: Draft, chosen: Style, emoji: tuple[str, ...]) -> None:
    if chosen["exclamation"] == "lively":
        draft.core[0] = draft.core[0].rstrip(".") + "!"
        if draft.points:
            draft.points[-1] = draft.points[-1].rstrip(".") + "!"
    if chosen["emoji"] == "some":
        draft.core[0] += f" {emoji[0]}"
        if len(emoji) > 1:
            draft.core[-1] += f" {emoji[1]}"


def _text(draft: Draft) -> str:
    return "\n".join([draft.greeting, draft.title, draft.summary, *draft.core, *draft.points, *draft.tail])


def _assemble(draft: Draft, structure: str) -> str:
    blocks: list[str] = [draft.greeting]
    if draft.title:
        blocks.append(f"# {draft.title}")
    blocks.append(draft.summary)
    split = bool(draft.title and draft.points)
    blocks.append(_body(draft.core if split else [*draft.core, *draft.points], structure, first=1))
    if split:
        blocks.append(f"## {draft.details}")
        blocks.append(_body(draft.points, structure, first=len(draft.core) + 1))
    blocks.extend(draft.tail)
    return "\n\n".join(block for block in blocks if block)


def _body(sentences: list[str], structure: str, first: int) -> str:
    match structure:
        case "bulleted":
            return "\n".join(f"- {sentence}" for sentence in sentences)
        case "numbered":
            return "\n".join(f"{i}. {sentence}" for i, sentence in enumerate(sentences, first))
        case "prose":
            return "\n\n".join(" ".join(sentences[i : i + 4]) for i in range(0, len(sentences), 4))
        case _:
            raise KeyError(f"structure {structure!r} has no rendering")
