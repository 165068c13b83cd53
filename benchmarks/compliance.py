"""How often a target does what it is told: by dimension, told and untold, on test tasks.

    python benchmarks/compliance.py smol openvino:pretrained=FILE.gguf

For each value, asks some test tasks to which its dimension applies (test_ood tasks for a held-out dimension), once plainly and once with the
value's instruction, in each of the four wordings in turn. Prints the share of answers that end by themselves and show the value, as `untold -> told`,
averaged over the values of a dimension. A value that most answers show anyway (no emoji) starts high. The last lines give the means by wording;
`smol-steerable` was trained on the first three of the four.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from persona_atlas.answer import Answer
from persona_atlas.models import load_model
from persona_atlas.models.protocol import Generation, LanguageModel, Sampling
from persona_atlas.preferences import Value, load_catalog
from persona_atlas.randomness import generator
from persona_atlas.render import applicable_dimensions, instruct
from persona_atlas.render.instructions import WORDINGS
from persona_atlas.tasks import load_templates
from persona_atlas.tasks.templates import draw


@dataclass(frozen=True)
class Asked:
    value: Value
    wording: int
    untold: str
    told: str


def questions(each: int) -> Iterator[Asked]:
    """Yield `each` questions for every value."""
    catalog = load_catalog()
    for dimension in catalog.dimensions.values():
        splits = ("test",) if "test" in dimension.splits else ("test_ood",)
        fitting = [t for t in load_templates().values() if t.split in splits and t.core and dimension.id in applicable_dimensions(t.template_id)]
        for value in dimension.values.values():
            chosen = generator(0, "compliance", dimension.id, value.id)
            for i, which in enumerate(chosen.choice(len(fitting), size=each, replace=len(fitting) < each)):
                filling = draw(fitting[int(which)], chosen)
                query = filling.query(i)
                yield Asked(value, i % WORDINGS, query, instruct(query, [(dimension.id, value.id)], wording=i))


Shares = dict[str, tuple[float, float]]


def shares(model: LanguageModel, asked: list[Asked], tokens: int) -> tuple[Shares, Shares]:
    """Return the shares of answers, untold and told, that show the value: by dimension, and by wording."""
    prompts = list(dict.fromkeys([prompt for one in asked for prompt in (one.untold, one.told)]))
    answers = {prompts[index]: generation for index, generation in model.generate(prompts, Sampling(tokens))}
    by_dimension: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    by_wording: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for one in asked:
        untold, told = (answers[prompt] for prompt in (one.untold, one.told))
        met = shows(one.value, untold), shows(one.value, told)
        by_dimension[one.value.dimension].append(met)
        by_wording[f"wording {one.wording}"].append(met)
    return means(by_dimension), means(by_wording)


def shows(value: Value, generation: Generation) -> bool:
    return generation.finish_reason == "stop" and value.met(Answer(generation.text))


def means(met: Mapping[str, Sequence[tuple[float, float]]]) -> Shares:
    return {name: (sum(u for u, _ in found) / len(found), sum(t for _, t in found) / len(found)) for name, found in met.items()}


@click.command()
@click.argument("models", nargs=-1)
@click.option("--each", default=8, show_default=True, help="Questions a value.")
@click.option("--max_gen_toks", default=256, show_default=True)
def main(models: tuple[str, ...], each: int, max_gen_toks: int) -> None:
    asked = list(questions(each))
    columns = {}
    for model in models or ("smol",):
        name, _, arguments = model.partition(":")
        short = Path(arguments).stem or name
        columns[model if short in columns else short] = shares(load_model(name, arguments), asked, max_gen_toks)
    print(f"{len(asked)} questions, {each} a value; untold -> told\n")
    print("| dimension | " + " | ".join(columns) + " |")
    print("|---|" + "---|" * len(columns))
    for dimension in load_catalog().dimensions:
        print_row(dimension, [found[dimension] for found, _ in columns.values()])
    print_row("**mean**", [means({"all": list(found.values())})["all"] for found, _ in columns.values()])
    for wording in range(min(each, WORDINGS)):
        print_row(f"wording {wording}", [found[f"wording {wording}"] for _, found in columns.values()])


def print_row(name: str, cells: list[tuple[float, float]]) -> None:
    print(f"| {name} | " + " | ".join(f"{untold:.2f} → {told:.2f}" for untold, told in cells) + " |")


if __name__ == "__main__":
    main()
