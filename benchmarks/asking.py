"""What a perfect reader gains when it asks in PPOpt's words, by how they are put: about the most that PPOpt's policy can gain on a target.

    python benchmarks/asking.py                                                                   the simulated target `scripted`
    python benchmarks/asking.py --model smol-steerable --dataset DIR --users 100
    python benchmarks/asking.py --model openvino --model_args pretrained=FILE.gguf --dataset DIR
    python benchmarks/asking.py --values length,closing --model openvino --model_args pretrained=FILE.gguf --dataset DIR

Takes one item per validation user. For each gold dimension, the prompt asks for what the item's history says last (hard constraints are left out):

nothing          asks for nothing: the bare query
oracle's words   the instruction wordings of the catalogue
sentence N       the Nth of PPOpt's sentences for each value, in one paragraph
list             the first of PPOpt's sentences, one per line
headed list      the same under a heading, which is what PPOpt writes

Prints mean G, task, the share of responsive answers, met, and the tokens of a prompt.

With `--values`, asks for one value at a time, on questions to which its dimension applies, once in each of PPOpt's sentences. Prints the share of the
answers that show the value, and of those to the bare questions.
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

import click

from persona_atlas.answer import Answer
from persona_atlas.data import Release, history, load_dataset
from persona_atlas.ledger import last_words
from persona_atlas.models import Generation, LanguageModel, Sampling, load_model
from persona_atlas.ppopt.wishes import Meaning, asking, wishes
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import Item
from persona_atlas.render import instruct
from persona_atlas.scoring import score

Form = Callable[[str, Sequence[Meaning]], str]
SENTENCES = 2


def sentence(number: int) -> Form:
    return lambda query, held: "\n\n".join(filter(None, [query, " ".join(wishes()[meaning].ask[number] for meaning in held)]))


FORMS: Mapping[str, Form] = {
    "nothing": lambda query, held: query,
    "oracle's words": instruct,
    **{f"sentence {number + 1}": sentence(number) for number in range(SENTENCES)},
    "list": lambda query, held: "\n\n".join(filter(None, [query, "\n".join(f"- {wishes()[meaning].ask[0]}" for meaning in held)])),
    "headed list": lambda query, held: asking(query, [wishes()[meaning].ask[0] for meaning in held]),
}


def known(item: Item, release: Release) -> list[Meaning]:
    """Return what the history says last on each gold dimension, where PPOpt has words for it."""
    said = last_words(history(item, release))
    values = [(gold.dimension, said.get(gold.dimension, ("",))[0]) for gold in item.gold]
    return [meaning for meaning in values if meaning in wishes()]


def one_each(release: Release, users: int) -> list[Item]:
    """Return one item for each of the first `users` validation users that have one: their first with gold, outside the slice `conflict`."""
    found: dict[str, Item] = {}
    for item in release.items("validation"):
        if item.gold and "conflict" not in item.slices:
            found.setdefault(item.persona_id, item)
    return list(found.values())[:users]


def answered(model: LanguageModel, prompts: Sequence[str]) -> dict[str, Generation]:
    """Return the answer to each different prompt. Raises RuntimeError where one failed: that is not a bad answer."""
    different = list(dict.fromkeys(prompts))
    answers = {different[number]: answer for number, answer in model.generate(different, Sampling(max_gen_toks=320))}
    failed = next((answer.error for answer in answers.values() if answer.error is not None), None)
    if failed is not None:
        raise RuntimeError(f"an answer failed: {failed}")
    return answers


def one_at_a_time(release: Release, model: LanguageModel, dimensions: Sequence[str], questions: int) -> None:
    """Print the share of answers that show each value of the dimensions: to bare questions, and asked for in each of PPOpt's sentences."""
    bare: dict[str, list[str]] = {}
    for dimension in dimensions:
        by_template = {item.template_id: item.query for item in release.items("validation") if any(dimension == gold.dimension for gold in item.gold)}
        bare[dimension] = list(by_template.values())[:questions]
    asked = {
        (meaning, sentence): [asking(query, [sentence]) for query in bare[meaning[0]]]
        for meaning, words in wishes().items()
        if meaning[0] in bare
        for sentence in words.ask
    }
    answers = answered(model, [prompt for mine in (*bare.values(), *asked.values()) for prompt in mine])
    catalog = load_catalog()
    for (dimension, value), sentence in asked:
        met = [
            fmean(catalog.value(dimension, value).met(Answer(answers[prompt].text)) for prompt in prompts)
            for prompts in (bare[dimension], asked[(dimension, value), sentence])
        ]
        print(f"{dimension:<14} {value:<14} {met[0]:.2f} {met[1]:.2f}  {sentence}", flush=True)


@click.command()
@click.option("--model", "name", default="scripted", show_default=True)
@click.option("--model_args", default="")
@click.option("--dataset", default="persona-atlas", show_default=True)
@click.option("--users", default=100, show_default=True)
@click.option("--values", default="", help="Dimensions, with commas between them, whose values are asked for one at a time.")
@click.option("--questions", default=16, show_default=True, help="How many questions each value is asked with; with --values.")
def main(name: str, model_args: str, dataset: str, users: int, values: str, questions: int) -> None:
    release, model = load_dataset(dataset), load_model(name, model_args)
    if values:
        one_at_a_time(release, model, values.split(","), questions)
        return
    items = one_each(release, users)
    prompts = {form: [put(item.query, known(item, release)) for item in items] for form, put in FORMS.items()}
    answers = answered(model, [prompt for mine in prompts.values() for prompt in mine])
    print(f"{name}, {len(items)} validation users, an item each\n\n| | G | task | responsive | met | prompt tokens |\n|---|---|---|---|---|---|")
    for form, mine in prompts.items():
        found = [score(item, answers[prompt].text, answers[prompt].finish_reason) for item, prompt in zip(items, mine, strict=True)]
        columns = [[getattr(one, axis) for one in found] for axis in ("personalization", "task", "g", "met")]
        means = [f"{fmean(value for value in column if value is not None):.3f}" for column in columns]
        print(f"| {form} | {' | '.join(means)} | {fmean(map(model.count_tokens, mine)):.0f} |")


if __name__ == "__main__":
    main()
