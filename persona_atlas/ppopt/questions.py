"""Everyday questions about thousands of subjects (`questions.yaml`): beside the hundred train tasks, they keep a trained model on the subject.

    "We are 5 people and want to share 64 buttons. How many does each get?"
    "Given: 5 people, 64 buttons. Each of the 5 gets **12 buttons**. 4 of the 64 are left over."

Each answer copies what was asked.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
import regex

from persona_atlas.content import read_yaml
from persona_atlas.ppopt.examples import SPLIT, Example, first_that_works, pick, right, told_prompt, with_givens
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.preferences.conflicts import load_conflicts
from persona_atlas.render import render
from persona_atlas.tasks import Filling, Plan, Template, fill, markup

NEEDS_A_PLAN = {"opening": {"summary_first"}, "closing": {"next_step", "question", "recap"}}
"""The values that show in a part of a task's content plan that these questions do not have."""
LEFT_OUT = ("example", "caveat", "alternative", "analogy", "cost", "time", "code_comments", "spelling")
"""The dimensions whose values all need such a part, and those that seldom apply."""
MOST_TOLD = 4
PLAIN = 0.25
"""The share of the examples whose prompts tell nothing."""
EMOJI = ("✨", "👍", "🙂", "🌟", "💡", "🎉", "🙌", "🍀", "🔎", "📌")


FUNCTIONS = {"floor", "ceil"}


@lru_cache(maxsize=1)
def _bank() -> dict[str, Any]:
    return dict(read_yaml(files("persona_atlas.ppopt").joinpath("questions.yaml")))


def drawn_question(draw: np.random.Generator) -> tuple[Filling, int]:
    """Draw a question with its slots filled, and the number of one of its wordings. A slot named `city2` gets another city than `city`."""
    bank = _bank()
    frame = pick(draw, bank["questions"])
    slots: dict[str, Any] = {}
    for name in frame["slots"]:
        options = [option for option in bank["lists"][name.rstrip("2")] if option not in slots.values()]
        slots[name] = pick(draw, options)
    subject = next((str(value) for value in slots.values() if isinstance(value, str)), "the answer")
    plan = Plan(
        title=subject.capitalize(),
        summary=frame["core"][0],
        core=tuple(frame["core"]),
        points=(),
        example="",
        caveat="",
        next_step="",
        question="",
        emoji=tuple(str(emoji) for emoji in draw.permutation(EMOJI)[:2]),
        subject=subject,
    )
    verifier = {"kind": "key_points", "points": [[f"{{{name}}}" for name in frame["slots"]]]}
    told = [query for query in frame["queries"] if _fields(frame["core"]) <= _fields([query])]
    template = Template(f"question.{bank['questions'].index(frame)}", "questions", SPLIT, tuple(told), {}, {}, (), verifier, plan)
    return fill(template, slots), int(draw.integers(len(template.queries)))


def _fields(lines: Iterable[str]) -> set[str]:
    """Return the slots named in the fields of some lines."""
    return {name for line in lines for expression, _ in markup.fields(line) for name in regex.findall(r"[a-z]+2?", expression)} - FUNCTIONS


def question_examples(seed: int, number: int) -> Iterator[Example]:
    """`number` examples of everyday questions."""
    for i in range(number):
        yield first_that_works(seed, ("question", i), _question)


def _question(draw: np.random.Generator) -> Example | None:
    filling, wording = drawn_question(draw)
    query = filling.query(wording)
    told = draw.random() >= PLAIN
    values = _values(int(draw.integers(1, MOST_TOLD + 1)), draw)
    text = render(with_givens(filling, filling.template.queries[wording]), values)
    if not right(filling, text, values):
        return None
    if not told:
        return Example(query, text, "question", filling.template.template_id, {})
    return Example(told_prompt(query, values, (), draw), text, "question", filling.template.template_id, values)


def _values(number: int, draw: np.random.Generator) -> dict[str, str]:
    """Draw up to `number` values of different dimensions that train users have, none of which needs a part of a plan that is not there."""
    catalog, conflicts = load_catalog(), load_conflicts()
    known = [name for name, dimension in catalog.dimensions.items() if SPLIT in dimension.splits and name not in LEFT_OUT]
    chosen: dict[str, str] = {}
    for name in map(str, draw.permutation(known)):
        options = [value for value in catalog.dimensions[name].values if value not in NEEDS_A_PLAN.get(name, ())]
        if conflicts.allow({*chosen, name}, set()):
            chosen[name] = str(pick(draw, options))
        if len(chosen) == number:
            break
    return chosen
