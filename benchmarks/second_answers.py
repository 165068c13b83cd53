"""What second answers give away about the user, without a word of the user's (eval_harness/second_answers.py).

    python benchmarks/second_answers.py                             the small release in the package, validation users
    python benchmarks/second_answers.py build/v1 --split train

For each way in which users let something be known, prints how much of it shows as a value that is new in a second answer. Then prints how many such
values nobody asked for. Uses no language model and no simulated target.
"""

from collections import Counter

import click

from eval_harness.second_answers import second_answers
from persona_atlas.data import load_dataset
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import SPLITS


@click.command()
@click.argument("release", default="persona-atlas")
@click.option("--split", type=click.Choice(SPLITS), default="validation", show_default=True)
def main(release: str, split: str) -> None:
    dimensions = sorted(id_ for id_, dimension in load_catalog().dimensions.items() if split in dimension.splits)
    let_known, shown = Counter[str](), Counter[str]()
    changes = 0
    for conversation in load_dataset(release).conversations(split):
        if conversation.noise:
            continue
        reveals = {(place, one.dimension, one.value): one.how for place, turn in enumerate(conversation.turns) for one in turn.reveals}
        changed = set(second_answers(conversation.turns, dimensions))
        changes += len(changed)
        let_known.update(reveals.values())
        shown.update(how for reveal, how in reveals.items() if reveal in changed)
    for how, number in let_known.most_common():
        print(f"{how:<10} {shown[how]:>5} of {number:>5}")
    print(f"{'all':<10} {shown.total():>5} of {let_known.total():>5}")
    print(f"{changes - shown.total()} changes more, of {changes}, that nobody asked for")


if __name__ == "__main__":
    main()
