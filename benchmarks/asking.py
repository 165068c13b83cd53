"""What a perfect reader gains when it asks in PPOpt's words, by how they are put: about the most that PPOpt's policy can gain on a target.

    python benchmarks/asking.py                                                                   the simulated target `scripted`
    python benchmarks/asking.py --model smol-steerable --dataset DIR --users 100
    python benchmarks/asking.py --model openvino --model_args pretrained=FILE.gguf --dataset DIR

Takes one item per validation user. For each gold dimension, the prompt asks for what the item's history says last (hard constraints are left out):

nothing          asks for nothing: the bare query
oracle's words   the instruction wordings of the catalogue
sentence N       the Nth of PPOpt's sentences for each value, in one paragraph
list             the first of PPOpt's sentences, one per line
headed list      the same under a heading, which is what PPOpt writes

Prints mean G, task, the share of responsive answers, met, and the tokens of a prompt.
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

import click

from persona_atlas.data import Release, history, load_dataset
from persona_atlas.ledger import last_words
from persona_atlas.models import Sampling, load_model
from persona_atlas.ppopt.wishes import Meaning, asking, wishes
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


@click.command()
@click.option("--model", "name", default="scripted", show_default=True)
@click.option("--model_args", default="")
@click.option("--dataset", default="persona-atlas", show_default=True)
@click.option("--users", default=100, show_default=True)
def main(name: str, model_args: str, dataset: str, users: int) -> None:
    release, model = load_dataset(dataset), load_model(name, model_args)
    items = one_each(release, users)
    prompts = {form: [put(item.query, known(item, release)) for item in items] for form, put in FORMS.items()}
    different = list(dict.fromkeys(prompt for mine in prompts.values() for prompt in mine))
    answers = {different[number]: answer for number, answer in model.generate(different, Sampling(max_gen_toks=320))}
    print(f"{name}, {len(items)} validation users, an item each\n\n| | G | task | responsive | met | prompt tokens |\n|---|---|---|---|---|---|")
    for form, mine in prompts.items():
        found = [score(item, answers[prompt].text, answers[prompt].finish_reason) for item, prompt in zip(items, mine, strict=True)]
        columns = [[getattr(one, axis) for one in found] for axis in ("personalization", "task", "g", "met")]
        means = [f"{fmean(value for value in column if value is not None):.3f}" for column in columns]
        print(f"| {form} | {' | '.join(means)} | {fmean(map(model.count_tokens, mine)):.0f} |")


if __name__ == "__main__":
    main()
