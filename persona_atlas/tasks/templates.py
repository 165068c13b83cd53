"""The task bank: templates read from YAML, checked when read, and filled with slot values.

A template asks one question with slots. `draw` draws values for the slots, and `fill` computes what is derived from them. The plan holds what a
right answer says, in parts that `persona_atlas.render` puts together in any style. CONTRIBUTING.md shows a whole template.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

from persona_atlas.content import CatalogError, need, place, read_lines, read_yaml
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import SPLITS
from persona_atlas.tasks import markup
from persona_atlas.tasks.markup import Locale, MarkupError
from persona_atlas.tasks.verifiers import check_specification, key_terms, printed

PLAN_PARTS = ("title", "summary", "core", "points", "example", "caveat", "next_step", "question", "alternative", "analogy", "cost", "time", "subject")


@dataclass(frozen=True)
class Plan:
    """What a right answer says. `core` (two sentences) is a full answer by itself; `points` are further sentences, most useful first."""

    title: str
    summary: str
    core: tuple[str, ...]
    points: tuple[str, ...]
    example: str
    caveat: str
    next_step: str
    question: str
    emoji: tuple[str, ...]
    alternative: str = ""
    analogy: str = ""
    cost: str = ""
    time: str = ""
    code: str = ""
    subject: str = ""


@dataclass(frozen=True)
class Incomplete:
    """How a question can leave out a detail that its right answer depends on.

    `slot`: the field that is left out (`people`, `bean.name`). `vague`: vague words in its place. `without`: the question without it. `mention`: the
    sentence in which the user may have mentioned it before. If `exclusive`, two values of the slot contradict each other.
    """

    slot: str
    vague: str
    without: str
    mention: str
    exclusive: bool = True


@dataclass(frozen=True)
class Template:
    template_id: str
    domain: str
    split: str
    queries: tuple[str, ...]
    slots: Mapping[str, tuple[Any, ...]]
    derived: Mapping[str, str]
    hard: tuple[str, ...]
    verifier: Mapping[str, Any]
    plan: Plan
    incomplete: Incomplete | None = None

    @property
    def core(self) -> bool:
        """Whether the task belongs to the core suite: scoring it does not run code from the answer."""
        return self.verifier["kind"] != "code"

    @cached_property
    def fillings(self) -> int:
        """How many different slot fillings there are."""
        return int(np.prod([len(options) for options in self.slots.values()])) if self.slots else 1


@dataclass(frozen=True)
class Filling:
    """A template with its slots filled. `slots`: the values drawn (stored in records). `values`: these and what is derived from them."""

    template: Template
    slots: Mapping[str, Any]
    values: Mapping[str, Any]

    @cached_property
    def verifier(self) -> Mapping[str, Any]:
        """The template's specification of its verifier, with the values in it."""
        found: Mapping[str, Any] = printed(self.template.verifier, self.values)
        return found

    def query(self, wording: int) -> str:
        return self.said(self.template.queries[wording % len(self.template.queries)])

    def text(self, part: str, locale: Locale) -> str:
        return markup.expand(part, self.values, locale)

    def said(self, line: str) -> str:
        """Return a line of the task as its user says it: in the default locale."""
        return markup.expand(line, self.values, Locale())


def fill(template: Template, slots: Mapping[str, Any]) -> Filling:
    """Fill a template with slot values, and compute what is derived. Raises MarkupError if an expression cannot be computed."""
    values = dict(slots)
    for name, expression in template.derived.items():
        values[name] = markup.evaluate(expression, values)
    return Filling(template, slots, values)


def draw(template: Template, generator: np.random.Generator) -> Filling:
    """Fill a template with each slot drawn uniformly."""
    return fill(template, {name: options[int(generator.integers(len(options)))] for name, options in template.slots.items()})


@lru_cache(maxsize=1)
def load_templates() -> Mapping[str, Template]:
    """Read all templates that ship with the package, by id. Raises CatalogError."""
    found: dict[str, Template] = {}
    for path in sorted(files("persona_atlas.tasks").joinpath("bank").iterdir(), key=lambda p: p.name):
        if not path.name.endswith(".yaml"):
            continue
        data = read_yaml(path)
        need(data, {"domain": str, "templates": list}, path.name)
        for entry in data["templates"]:
            template = _template(data["domain"], entry, path.name)
            if template.template_id in found:
                raise CatalogError(f"{place(path.name, entry, 'template')}: the id {template.template_id!r} is defined twice; rename one")
            found[template.template_id] = template
    return found


def _template(domain: str, data: Any, file: str) -> Template:
    where = place(file, data, "template")
    need(
        data,
        {"id": str, "split": str, "queries": list, "slots": dict, "verifier": dict, "plan": dict},
        where,
        {"derived": dict, "hard": list, "incomplete": dict},
    )
    if data["split"] not in SPLITS:
        raise CatalogError(f"{where}: split is {data['split']!r}, wanted one of {', '.join(SPLITS)}")
    check_specification(data["verifier"], where)
    if unknown := [name for name in data.get("hard", ()) if name not in load_catalog().hard]:
        raise CatalogError(f"{where}: hard names {unknown[0]!r}, wanted some of {', '.join(load_catalog().hard)}")
    template = Template(
        template_id=data["id"],
        domain=domain,
        split=data["split"],
        queries=read_lines(data["queries"], 1, f"{where}, queries"),
        slots={name: _options(slot, f"{where}, slot {name}") for name, slot in data["slots"].items()},
        derived={name: str(expression) for name, expression in data.get("derived", {}).items()},
        hard=tuple(data.get("hard", ())),
        verifier=data["verifier"],
        plan=_plan(data["plan"], where),
        incomplete=_incomplete(data["incomplete"], data["queries"], f"{where}, incomplete") if "incomplete" in data else None,
    )
    _computable(template, where)
    return template


def _incomplete(data: Any, queries: list[str], where: str) -> Incomplete:
    need(data, dict.fromkeys(("slot", "vague", "without", "mention"), str), where, {"exclusive": bool})
    slot = data["slot"]

    def names(text: str) -> bool:
        return any(expression == slot for expression, _ in markup.fields(text))

    if not any(names(query) for query in queries):
        raise CatalogError(f"{where}: no wording of the question holds {{{slot}}}; name a slot, or a row.field, that stands in one")
    if names(data["without"]):
        raise CatalogError(f"{where}: without holds {{{slot}}}, the slot that it is to leave out; reword it")
    if not names(data["mention"]):
        raise CatalogError(f"{where}: mention does not hold {{{slot}}}; a mention says what the question leaves out")
    return Incomplete(**data)


def _options(slot: Any, where: str) -> tuple[Any, ...]:
    """Return the options of a slot: `range` (integers), `choices` (scalars) or `rows` (mappings)."""
    kind, options = next(iter(slot.items())) if isinstance(slot, dict) and len(slot) == 1 else (None, None)
    if kind == "choices" and isinstance(options, list) and options:
        return tuple(options)
    if kind == "rows" and isinstance(options, list) and options and isinstance(options[0], dict):
        for number, row in enumerate(options, 1):
            need(row, dict.fromkeys(options[0], object), f"{where}, row {number}")
        return tuple(options)
    if kind == "range" and isinstance(options, list) and len(options) in (2, 3) and all(isinstance(bound, int) for bound in options):
        lo, hi, step = (*options, 1)[:3]
        if step > 0 and lo <= hi:
            return tuple(range(lo, hi + 1, step))
    raise CatalogError(f"{where}: found {slot!r}, wanted one of range: [lo, hi] or [lo, hi, step], choices: [...], rows: [...]")


def _plan(data: Any, where: str) -> Plan:
    keys = {
        "title": str,
        "summary": str,
        "core": list,
        "points": list,
        "example": str,
        "caveat": str,
        "next_step": str,
        "question": str,
        "emoji": list,
    }
    need(data, keys, f"{where}, plan", dict.fromkeys(("alternative", "analogy", "cost", "time", "code", "subject"), str))
    if len(data["core"]) != 2:
        raise CatalogError(f"{where}, plan: core has {len(data['core'])} sentences, wanted two")
    parts: dict[str, Any] = {key: read_lines(value, 1, f"{where}, plan, {key}") if isinstance(value, list) else value for key, value in data.items()}
    return Plan(**parts)


def _computable(template: Template, where: str) -> None:
    """Raise CatalogError unless the first filling computes every field of the questions, the plan (except its code) and the verifier."""
    try:
        filling = fill(template, {name: options[0] for name, options in template.slots.items()})
        texts = [text for part in PLAN_PARTS for text in _as_lines(getattr(template.plan, part))]
        told = (template.incomplete.without, template.incomplete.mention) if template.incomplete else ()
        for text in (*template.queries, *texts, *told):
            filling.text(text, Locale())
        key_terms(filling)
    except MarkupError as error:
        raise CatalogError(f"{where}: {error}") from None


def _as_lines(part: str | tuple[str, ...]) -> tuple[str, ...]:
    return (part,) if isinstance(part, str) else part
