"""Renders a filled content plan, with one value per dimension, as a Markdown answer.

    render(filling, {"length": "brief", "structure": "bulleted", "units": "imperial"})
    - Cook 14 oz of dried penne for 4 people.
    - Boil it for 11 minutes in salted water.

The parts are printed in the locale, reworded, and counted; then further points of the plan are added until the length is in its band.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from persona_atlas.answer import count_words
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.preferences.checkers.wording import CONTRACTION
from persona_atlas.randomness import digest
from persona_atlas.render import wording
from persona_atlas.tasks.markup import Locale
from persona_atlas.tasks.templates import Filling, Plan

Style = Mapping[str, str]
"""dimension -> value. A dimension that is left out has its value from `defaults.yaml`."""


@lru_cache(maxsize=1)
def defaults() -> dict[str, Any]:
    return dict(yaml.safe_load(files("persona_atlas.render").joinpath("defaults.yaml").read_text(encoding="utf-8")))


@dataclass
class Draft:
    """The parts of an answer before they are assembled. All text is already printed and reworded."""

    opening: str = ""
    title: str = ""
    summary: str = ""
    lead: str = ""
    core: list[str] = field(default_factory=list)
    points: list[str] = field(default_factory=list)
    code: str = ""
    tail: list[str] = field(default_factory=list)
    details: str = ""

    def lines(self) -> list[str]:
        return [self.opening, self.title, self.summary, self.lead, *self.core, *self.points, *self.tail]

    def words(self) -> int:
        return sum(map(count_words, self.lines())) + (count_words(self.details) if self.points else 0)


def render(filling: Filling, style: Style, hard: frozenset[str] = frozenset()) -> str:
    """Return a Markdown answer that shows the values of `style` and keeps the hard constraints.

    Raises KeyError for an unknown dimension or value.
    """
    chosen = {**defaults()["style"], **style}
    for dimension, value in style.items():
        if value != defaults()["style"].get(dimension) and value not in load_catalog().dimensions[dimension].values:
            raise KeyError(f"{value!r} is no value of the dimension {dimension}")
    reword = _rewording(filling, chosen, hard)
    draft = _draft(filling, chosen, reword)
    _fill_up(draft, [reword(point) for point in filling.template.plan.points], chosen, free="length" not in style)
    if chosen["contractions"] == "contracted" and not CONTRACTION.search("\n".join(draft.lines()).lower()):
        draft.tail.insert(max(0, len(draft.tail) - (chosen["closing"] != "plain")), reword(_stock(filling.template.template_id)["contractible"]))
    _address(draft, chosen["address"])
    _liven(draft, chosen, filling.template.plan.emoji)
    return _assemble(draft, chosen["structure"])


def render_more(filling: Filling, style: Style, hard: frozenset[str] = frozenset(), said: str = "") -> str:
    """Return the answer to a follow-up question: points of the plan that are not in `said`, in the same style; empty if fewer than two are left."""
    plan, reword = filling.template.plan, _rewording(filling, {**defaults()["style"], **style}, hard)
    left = tuple(point for point in plan.points if reword(point).rstrip(".!") not in said)
    if len(left) < 2:
        return ""
    rest = replace(plan, core=left[:2], points=left[2:6])
    return render(replace(filling, template=replace(filling.template, plan=rest)), {"length": "brief", **style, "opening": "direct"}, hard)


def _rewording(filling: Filling, chosen: Style, hard: frozenset[str]) -> Callable[[str], str]:
    """Return a function that prints a plan's text in the chosen locale, spelling, contractions and emphasis."""
    locale = _locale(tuple(chosen[dimension] for dimension in LOCALE), hard)

    def reword(text: str) -> str:
        text = filling.text(text, locale)
        if chosen["spelling"] == "british":
            text = wording.british(text)
        if chosen["contractions"] == "contracted":
            text = wording.contract(text)
        return wording.emphasized(text, chosen["emphasis"])

    return reword


LOCALE = ("units", "unit_names", "clock", "dates", "currency")
"""The dimensions that say how quantities, times, dates and money are printed. They are fields of `Locale`."""


@lru_cache(maxsize=4096)
def _locale(values: tuple[str, ...], hard: frozenset[str]) -> Locale:
    return Locale(**dict(zip(LOCALE, values, strict=True)), hard=hard)


def _draft(filling: Filling, chosen: Style, reword: Callable[[str], str]) -> Draft:
    plan = filling.template.plan
    stock = _stock(filling.template.template_id)
    draft = Draft(core=[reword(sentence) for sentence in plan.core])
    if chosen["headings"] == "headings":
        draft.title, draft.details = reword(plan.title), stock["details"]
    if chosen["opening"] in ("greeting", "acknowledged"):
        draft.opening = stock[chosen["opening"]]
    elif chosen["opening"] == "summary_first":
        draft.summary = f"{stock['summary']} {reword(plan.summary)}"
    if chosen["voice"] == "first_person" and chosen["opening"] != "direct":
        draft.lead = reword(stock["voice"])
    if plan.code:
        draft.code = wording.code(filling.text(plan.code, Locale()), chosen["code_comments"])
    draft.tail = [reword(line) for line in _tail(plan, chosen, stock)]
    return draft


def _tail(plan: Plan, chosen: Style, stock: Mapping[str, str]) -> Iterator[str]:
    """Yield what follows the body, in order; the closing comes last. A part that the plan lacks is left out."""
    for dimension in ("example", "caveat", "alternative", "analogy", "cost", "time"):
        text = getattr(plan, dimension)
        if chosen[dimension] == dimension and text:
            yield f"{stock[dimension]} {text}."
    if chosen["voice"] == "first_person" and chosen["opening"] == "direct":
        yield stock["voice_after"]
    if chosen["hedging"] == "hedged":
        yield stock["hedged"]
    if chosen["encouragement"] == "encouraging":
        yield stock["encouragement"]
    match chosen["closing"]:
        case "next_step":
            yield f"{stock['next_step']} {plan.next_step}."
        case "question":
            yield plan.question
        case "recap":
            yield f"{stock['recap']} {plan.summary}"
        case "offer":
            yield stock["offer"]


@lru_cache(maxsize=1024)
def _stock(template_id: str) -> dict[str, Any]:
    """Return the stock words for a template. Where there are several to choose from, a template always gets the same one."""
    number = int(digest(template_id)[:8], 16)
    lines = {name: options if isinstance(options, str) else options[number % len(options)] for name, options in defaults()["stock"].items()}
    return {**lines, "table": defaults()["stock"]["table"]}


def _fill_up(draft: Draft, points: list[str], chosen: Style, *, free: bool) -> None:
    """Add points, most useful first, until the answer is a quarter into its length band and its body holds the share CARRIED of the words.

    The share does not matter in prose. A point that does not fit is skipped. If the length is `free`, the limit is twice the top of the band.
    """
    band = load_catalog().value("length", chosen["length"]).parameters
    low, high = band["low"], band["high"]
    goal = low + (high - low) // 4
    extra = TABLE_WORDS if chosen["structure"] == "table" else 0
    for point in points:
        words = draft.words() + extra
        carried = chosen["structure"] == "prose" or sum(map(count_words, [*draft.core, *draft.points])) >= CARRIED * words
        if words >= goal and carried:
            return
        draft.points.append(point)
        if draft.words() + extra + len(draft.points) > (high * 2 if free else high) - 3:
            draft.points.pop()


CARRIED = 0.5
"""The share of an answer's words that its body should hold. The checkers of structure ask for 0.4."""
TABLE_WORDS = 6
"""The words that a table adds: its header and the numbers of its first rows."""


def _address(draft: Draft, name: str) -> None:
    """Address the reader by the name that the value stands for, at the end of the first sentence."""
    if name != "none":
        called = load_catalog().value("address", name).parameters["name"]
        draft.core[0] = f"{draft.core[0].rstrip('.')}, {called.capitalize() if called == 'captain' else called}."


def _liven(draft: Draft, chosen: Style, emoji: tuple[str, ...]) -> None:
    if chosen["exclamation"] == "lively":
        draft.core[0] = draft.core[0].rstrip(".") + "!"
        if draft.points:
            draft.points[-1] = draft.points[-1].rstrip(".") + "!"
    if chosen["emoji"] == "some":
        draft.core[0] += f" {emoji[0]}"
        if len(emoji) > 1:
            draft.core[-1] += f" {emoji[1]}"


def _assemble(draft: Draft, structure: str) -> str:
    blocks: list[str] = [draft.opening]
    if draft.title:
        blocks.append(f"# {draft.title}")
    blocks += [draft.summary, draft.lead]
    split = bool(draft.title and draft.points)
    blocks.append(_body(draft.core if split else [*draft.core, *draft.points], structure, first=1))
    if split:
        blocks.append(f"## {draft.details}")
        blocks.append(_body(draft.points, structure, first=len(draft.core) + 1))
    blocks += [draft.code, *draft.tail]
    return "\n\n".join(block for block in blocks if block)


def _body(sentences: list[str], structure: str, first: int) -> str:
    match structure:
        case "bulleted":
            return "\n".join(f"- {sentence}" for sentence in sentences)
        case "numbered":
            return "\n".join(f"{i}. {sentence}" for i, sentence in enumerate(sentences, first))
        case "checklist":
            return "\n".join(f"- [ ] {sentence}" for sentence in sentences)
        case "table":
            rows = [f"| {i} | {sentence.replace('|', '/')} |" for i, sentence in enumerate(sentences, first)]
            return "\n".join([f"| {' | '.join(defaults()['stock']['table'])} |", "| --- | --- |", *rows])
        case "prose":
            return "\n\n".join(" ".join(sentences[i : i + 4]) for i in range(0, len(sentences), 4))
        case _:
            raise KeyError(f"structure {structure!r} has no rendering")
