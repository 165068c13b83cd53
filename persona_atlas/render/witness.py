"""Witnesses: renderings that prove that a dimension applies to a task, and that an item's ceiling can be reached (MEASUREMENT 1).

A dimension applies to a template only if each of its values has a rendering that passes the task fully and shows that value and no other.
This is decided for the whole dimension, never for one value and never from an answer, so that no value is likelier than its siblings.
"""

from collections.abc import Iterable, Mapping

from persona_atlas.answer import Answer
from persona_atlas.preferences.catalog import Dimension, load_catalog
from persona_atlas.render.compose import Style, defaults, render
from persona_atlas.tasks.templates import Filling, fill, load_templates
from persona_atlas.tasks.verifiers import verify

SCARCE: tuple[Style, ...] = (
    {"length": "brief", "example": "example", "caveat": "caveat"},
    {"length": "brief", "opening": "summary_first", "closing": "next_step"},
)
"""The styles that leave the least room, and share nothing but the plan's core: what shows in both shows in every joint rendering."""


class NoWitnessError(ValueError):
    """Rendering found no answer that passes the task, shows all the values asked for and keeps the constraints. The message says what fails."""

    def __init__(self, template_id: str, gold: Style, found: Iterable[str]) -> None:
        super().__init__(template_id, dict(gold), tuple(found))  # as it takes them, so that it can be sent to another process
        self.template_id = template_id

    def __str__(self) -> str:
        template_id, gold, found = self.args
        return f"{template_id} has no joint witness for {gold}: {'; '.join(found)}"


def shown_values(text: str, dimensions: Iterable[str]) -> dict[str, str | None]:
    """Return the value of each dimension that the answer shows; None where it shows none."""
    answer, catalog = Answer(text), load_catalog()
    return {dimension: catalog.dimensions[dimension].met_by(answer) for dimension in dimensions}


def problems(filling: Filling, text: str, gold: Mapping[str, str], hard: Iterable[str] = ()) -> list[str]:
    """Return the reasons why `text` is no witness of `gold` for this task, one sentence each; empty if it is one."""
    answer, catalog = Answer(text), load_catalog()
    found = []
    if (score := verify(filling, answer)) < 1.0:
        found.append(f"the task is passed to {score:.2f} only")
    for dimension, value in gold.items():
        if (shown := catalog.dimensions[dimension].met_by(answer)) != value:
            found.append(f"{dimension} shows {shown}, not {value}")
    found.extend(f"it breaks {constraint}" for constraint in hard if not catalog.hard[constraint].met(answer))
    return found


def joint_witness(filling: Filling, gold: Style, hard: frozenset[str] = frozenset()) -> str:
    """Return an answer that passes the task, shows all of `gold` and keeps `hard`. Raises NoWitnessError if rendering does not find one."""
    text = render(filling, gold, hard)
    if found := problems(filling, text, gold, hard):
        raise NoWitnessError(filling.template.template_id, gold, found)
    return text


def tried_out(template_id: str) -> tuple[str, ...]:
    """Find the dimensions that apply to a template by rendering it.

    A dimension applies if each of its values has a witness in every style of SCARCE, on the template's longest filling (the tests try more).
    """
    template = load_templates()[template_id]
    filling = fill(template, {name: max(options, key=lambda option: len(str(option))) for name, options in template.slots.items()})
    tried: dict[frozenset[tuple[str, str]], Answer | None] = {}

    def right_answer(style: Style) -> Answer | None:
        """Return the rendering in a style, or None if it does not solve the task. A style that names a default value is not rendered again."""
        key = frozenset({**defaults()["style"], **style}.items())
        if key not in tried:
            answer = Answer(render(filling, style))
            tried[key] = answer if verify(filling, answer) >= 1.0 else None
        return tried[key]

    def shows(dimension: Dimension, value: str, style: Style) -> bool:
        answer = right_answer({**style, dimension.id: value})
        return answer is not None and dimension.met_by(answer) == value

    dimensions = load_catalog().dimensions.values()
    return tuple(one.id for one in dimensions if all(shows(one, value, style) for style in SCARCE for value in one.values))
