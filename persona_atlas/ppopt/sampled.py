"""Examples in another model's voice, by rejection sampling.

The model is given the facts of a right answer and told at most two values. Answers that pass the verifier and every checker are kept, and asked
for in training without the facts.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from persona_atlas import shards
from persona_atlas.models.protocol import LanguageModel, ModelError, Sampling
from persona_atlas.ppopt.examples import TRAINED_WORDINGS, Example, drawn_values, frames, pick, right, shuffled, train_templates
from persona_atlas.ppopt.givens import givens
from persona_atlas.randomness import generator
from persona_atlas.render import instruct
from persona_atlas.tasks import Filling
from persona_atlas.tasks.markup import Locale
from persona_atlas.tasks.templates import draw as draw_filling

ANSWER_TOKENS = 200
POINTS = 4


@dataclass(frozen=True)
class Asked:
    """What the stronger model is asked (`prompt`), and what the target is asked in training (`query`)."""

    filling: Filling
    values: dict[str, str]
    prompt: str
    query: str
    wording: int


def asked(seed: int, number: int) -> Asked:
    """Draw the prompt `number`: a task, its facts, and one or two values; every sixth tells none."""
    draw = generator(seed, "sampled", number)
    filling = draw_filling(pick(draw, train_templates()), draw)
    values = drawn_values(filling, number % 6 and int(draw.integers(1, 3)), (), draw)
    wording = int(draw.integers(TRAINED_WORDINGS))
    number_of_query = int(draw.integers(len(filling.template.queries)))
    query = filling.query(number_of_query)
    plan, locale = filling.template.plan, Locale()
    facts = [filling.text(line, locale).replace("**", "") for line in (*plan.core, *plan.points[:POINTS])]
    told = shuffled(values, draw)
    wish = instruct("", told).strip()
    prompt = str(frames()["facts"]).format(query=query, facts="\n".join(f"- {fact}" for fact in facts), asked=wish).strip()
    return Asked(filling, values, prompt, instruct(query, told, wording=wording), number_of_query)


def sampled_examples(model: LanguageModel, seed: int, number: int, keep: Path, progress: Callable[[int, int], None]) -> list[Example]:
    """Ask `model` for `number` answers and keep the right ones in the file `keep`. If that file exists, it is read instead.

    Raises ModelError where an answer failed: that is not a wrong answer.
    """
    if not keep.is_file():
        found = list(_sampled(model, seed, number, progress))
        shards.write_text(keep, "".join(json.dumps(asdict(example)) + "\n" for example in found))
    return [Example(**json.loads(line)) for line in keep.read_text(encoding="utf-8").splitlines()]


def _sampled(model: LanguageModel, seed: int, number: int, progress: Callable[[int, int], None]) -> Iterator[Example]:
    todo = [asked(seed, i) for i in range(number)]
    answers = {}
    for index, generation in model.generate([one.prompt for one in todo], Sampling(ANSWER_TOKENS)):
        if generation.error is not None:
            raise ModelError(f"An answer of {model.name} did not come ({generation.error}); mend that, and run the same command again.")
        answers[index] = generation
        progress(len(answers), number)
    for index, generation in sorted(answers.items()):
        one, text = todo[index], generation.text.strip()
        if generation.finish_reason == "stop" and "facts" not in text.lower() and right(one.filling, text, one.values):
            yield Example(one.query, with_first_line(one, text), "sampled", one.filling.template.template_id, one.values)


def with_first_line(one: Asked, text: str) -> str:
    """Put what the question gives before the answer, as in all training answers, unless that would make it wrong."""
    first = givens(one.filling.template.queries[one.wording])
    longer = f"{one.filling.said(first)}\n\n{text}" if first else text
    return longer if right(one.filling, longer, one.values) else text
