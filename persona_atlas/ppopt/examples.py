"""Training examples for the target: a prompt that tells values, and an answer that solves the task and shows them.

    {"prompt": "How much pasta for 4?\n\nPlease answer in this way:\n- Use bullet points.", "answer": "- Cook **400 g of pasta** ...", "kind": "told"}

All come from the train split: its templates, its phrasings, the dimensions that its users have. An answer becomes an example only if it passes the
verifier and the checkers (`right`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from rapidfuzz import fuzz

from persona_atlas.answer import Answer
from persona_atlas.content import read_yaml
from persona_atlas.data import Release, history, messages
from persona_atlas.ppopt.givens import givens
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.preferences.conflicts import load_conflicts
from persona_atlas.protocol import as_text
from persona_atlas.randomness import generator
from persona_atlas.records import Conversation, Item
from persona_atlas.render import NoWitnessError, applicable_dimensions, instruct, joint_witness, shown_values
from persona_atlas.render.instructions import WORDINGS
from persona_atlas.scoring import filling_of, responsive
from persona_atlas.tasks import Filling, Template, load_templates, verify
from persona_atlas.tasks.templates import draw as draw_filling

SPLIT = "train"
MOST_TOLD = 6
"""The most values that one prompt tells."""
TRIES = 20
IN_OWN_WORDS = 0.3
"""The share of told examples whose values are told in a user's phrasings instead of the catalogue's instruction wordings."""
WITH_HARD = 0.25
TRAINED_WORDINGS = WORDINGS - 1
"""The last instruction wording is never trained on, so that prompts in it show what was learned beyond the exact words."""


@dataclass(frozen=True)
class Example:
    """One training example.

    `kind`: `told`, `plain`, `question`, `history` or `sampled`. `values`: dimension -> value, what the prompt tells and the answer shows.
    """

    prompt: str
    answer: str
    kind: str
    template_id: str
    values: Mapping[str, str]


@lru_cache(maxsize=1)
def frames() -> dict[str, Any]:
    return dict(read_yaml(files("persona_atlas.ppopt").joinpath("frames.yaml")))


@lru_cache(maxsize=1)
def train_templates() -> tuple[Template, ...]:
    return tuple(template for template in load_templates().values() if template.split == SPLIT and template.core)


def right(filling: Filling, text: str, values: Mapping[str, str], hard: Iterable[str] = ()) -> bool:
    """Whether an answer is one to learn from: it solves the task, is responsive, shows all values and keeps all hard constraints."""
    answer = Answer(text)
    solved = verify(filling, answer)
    if solved < 1.0 or not responsive(answer, filling, solved) or shown_values(text, values) != dict(values):
        return False
    return all(load_catalog().hard[constraint].met(answer) for constraint in hard)


def told_examples(seed: int, number: int) -> Iterator[Example]:
    """`number` examples with one to MOST_TOLD values and, in some, a hard constraint."""
    for i in range(number):
        yield first_that_works(seed, ("told", i), _told)


def plain_examples(seed: int, number: int) -> Iterator[Example]:
    """`number` examples whose prompts tell nothing; the answers show none to three values drawn at random."""
    for i in range(number):
        yield first_that_works(seed, ("plain", i), _plain)


def first_that_works(seed: int, key: tuple[str, int], make: Callable[[np.random.Generator], Example | None]) -> Example:
    """Return the first of TRIES draws that gives an example. Raises RuntimeError where none does, which means that the task bank is broken."""
    for attempt in range(TRIES):
        found = make(generator(seed, "example", *key, attempt))
        if found is not None:
            return found
    raise RuntimeError(f"none of {TRIES} draws for the training example {key} has an answer that passes")


def _told(draw: np.random.Generator) -> Example | None:
    filling, wording = drawn_task(draw)
    number = int(draw.integers(1, MOST_TOLD + 1))
    hard = (str(pick(draw, filling.template.hard)),) if filling.template.hard and draw.random() < WITH_HARD else ()
    values = drawn_values(filling, number, hard, draw)
    text = answer_to(filling, wording, values, hard)
    prompt = told_prompt(filling.query(wording), values, hard, draw)
    return None if text is None else Example(prompt, text, "told", filling.template.template_id, values)


def _plain(draw: np.random.Generator) -> Example | None:
    filling, wording = drawn_task(draw)
    text = answer_to(filling, wording, drawn_values(filling, int(draw.integers(0, 4)), (), draw))
    return None if text is None else Example(filling.query(wording), text, "plain", filling.template.template_id, {})


def drawn_task(draw: np.random.Generator) -> tuple[Filling, int]:
    """Draw a train task with its slots filled, and the number of one of its wordings."""
    filling = draw_filling(pick(draw, train_templates()), draw)
    return filling, int(draw.integers(len(filling.template.queries)))


def told_prompt(query: str, values: Mapping[str, str], hard: Sequence[str], draw: np.random.Generator) -> str:
    """Return the query with values told: in one of the trained instruction wordings, or in the words of train users."""
    if draw.random() < IN_OWN_WORDS:
        return str(pick(draw, frames()["told"])).format(query=query, said=" ".join(_said(values, hard, draw)))
    return instruct(query, shuffled(values, draw), hard, wording=int(draw.integers(TRAINED_WORDINGS)))


def answer_to(filling: Filling, wording: int, values: Mapping[str, str], hard: Sequence[str] = ()) -> str | None:
    """Return a right answer that starts with what the question gives, or without that where it would make it wrong; None where there is none."""
    text = _witness(with_givens(filling, filling.template.queries[wording]), values, hard)
    return text or _witness(filling, values, hard)


def with_givens(filling: Filling, wording: str) -> Filling:
    """Return the filling with a content plan that starts with what this wording gives."""
    first = givens(wording)
    plan = filling.template.plan
    return filling if first is None else replace(filling, template=replace(filling.template, plan=replace(plan, core=(first, *plan.core))))


def drawn_values(filling: Filling, number: int, hard: Sequence[str], draw: np.random.Generator) -> dict[str, str]:
    """Draw up to `number` values of different dimensions that train users have, that apply to the task and that do not conflict."""
    catalog, conflicts = load_catalog(), load_conflicts()
    known = [name for name in applicable_dimensions(filling.template.template_id) if SPLIT in catalog.dimensions[name].splits]
    chosen: dict[str, str] = {}
    for name in draw.permutation(known):
        if len(chosen) == number:
            break
        if conflicts.allow({*chosen, str(name)}, set(hard)):
            chosen[str(name)] = str(pick(draw, list(catalog.dimensions[str(name)].values)))
    return chosen


def _witness(filling: Filling, values: Mapping[str, str], hard: Sequence[str]) -> str | None:
    try:
        text = joint_witness(filling, values, frozenset(hard))
    except NoWitnessError:
        return None
    return text if right(filling, text, values, hard) else None


def _said(values: Mapping[str, str], hard: Sequence[str], draw: np.random.Generator) -> list[str]:
    """Return each value and hard constraint as some train user says it."""
    catalog = load_catalog()
    lines = []
    for name, value in shuffled(values, draw):
        banks = catalog.value(name, value).phrasings[SPLIT]
        lines.append(str(pick(draw, banks["explicit"])) if draw.random() < 0.6 else f"Please {pick(draw, banks['request'])}.")
    return [*lines, *(str(pick(draw, catalog.hard[constraint].phrasings[SPLIT]["explicit"])) for constraint in hard)]


def history_examples(release: Release, seed: int, number: int, characters: int) -> Iterator[Example]:
    """At most `number` examples, one per item, whose values are told by a train user's newest conversations, as many as `characters` hold."""
    items = [item for item in release.items(SPLIT) if "conflict" not in item.slices]
    order = generator(seed, "history items").permutation(len(items))
    made = 0
    for i in order:
        if made == number:
            return
        item = items[int(i)]
        found = _with_history(item, _newest(history(item, release), characters), generator(seed, "history", item.item_id))
        if found is not None:
            made += 1
            yield found


def _newest(conversations: Sequence[Conversation], characters: int) -> list[Conversation]:
    kept: list[Conversation] = []
    for conversation in reversed(conversations):
        characters -= sum(len(turn.content) + 12 for turn in conversation.turns)
        if characters < 0:
            break
        kept.insert(0, conversation)
    return kept


def _with_history(item: Item, shown: Sequence[Conversation], draw: np.random.Generator) -> Example | None:
    """Ask the item after the conversations shown. The answer shows the gold values that they reveal; None without such values or such an answer."""
    revealed = {reveal.dimension for conversation in shown for turn in conversation.turns for reveal in turn.reveals if reveal.standing}
    values = {gold.dimension: gold.value for gold in item.gold if gold.dimension in revealed and gold.state == "revealed"}
    filling = filling_of(item)
    text = answer_to(filling, _wording(item, filling), values, tuple(item.hard)) if values else None
    if text is None:
        return None
    said = "\n\n".join(as_text([conversation]).split("\n", 1)[1] for conversation in messages(shown))
    prompt = str(pick(draw, frames()["history"])).format(history=said, query=item.query)
    return Example(prompt, text, "history", item.template_id, values)


def _wording(item: Item, filling: Filling) -> int:
    """Return the number of the wording most similar to the item's query, which its user has rephrased."""
    return max(range(len(filling.template.queries)), key=lambda number: fuzz.ratio(filling.query(number).lower(), item.query.lower()))


def pick(draw: np.random.Generator, options: Sequence[Any]) -> Any:
    return options[int(draw.integers(len(options)))]


def shuffled(values: Mapping[str, str], draw: np.random.Generator) -> list[tuple[str, str]]:
    pairs = list(values.items())
    return [pairs[int(i)] for i in draw.permutation(len(pairs))]
