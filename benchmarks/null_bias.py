"""What a policy that cannot know the user gains on a target, which should be nothing, on as many users as a release has.

    python benchmarks/null_bias.py                                  the small release inside the package, on the simulated target `scripted`
    python benchmarks/null_bias.py DIR --model smol-steerable --out steerable.json
    python benchmarks/null_bias.py DIR --model openvino --model_args pretrained=FILE.gguf --out other.json
    python benchmarks/generality.py RUN RUN ... --null steerable.json --null other.json            uses these instead of the runs' figures

Prints means of G with 90 % intervals (users and templates crossed), which should lie within ±0.05:

blind         each policy that does not know the user, on the test split's users
unrevealed    the perfect reader over the values that nothing in the history reveals, on one item that has such values for each user of every split

A run of a few hundred users is too small to tell: gold is drawn at random, so by chance a target's own habits match it more often or less often.
Answers are kept, and prompts that were answered before, also by `atlas-eval`, are not asked again.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from generality import CLEAN, TO_90, G, interval_of

from eval_harness.conditions import show
from eval_harness.controls import BLIND, CONTROLS
from eval_harness.gold import Gold
from eval_harness.runner import choose_items
from eval_harness.table import Plan, Table
from generation.spoken.cast import Voice
from persona_atlas import shards
from persona_atlas.console import CACHE
from persona_atlas.data import DataError, Release, load_dataset
from persona_atlas.models import ModelError, Sampling, load_model
from persona_atlas.models.cache import CachedModel, ResponseCache
from persona_atlas.models.protocol import LanguageModel
from persona_atlas.records import SPLITS, Item
from persona_atlas.scoring import Scores, score

ARMS = ("identity", "placebo", "best_constant", "majority", "random_user")
READER = "reader"
Asked = list[tuple[str, Item, str]]
"""Arm, item, prompt."""


def silent_items(release: Release) -> Iterator[Item]:
    """Yield each user's first item with a gold value that nothing reveals, leaving out the slice `conflict`."""
    for split in SPLITS:
        taken: set[str] = set()
        for item in choose_items(release, split, None):
            silent = any(gold.state == "unrevealed" for gold in item.gold) and "conflict" not in item.slices
            if silent and item.persona_id not in taken:
                taken.add(item.persona_id)
                yield item


def asked(arms: Sequence[str], items: Sequence[Item], release: Release, model: LanguageModel) -> Asked:
    """Return the prompts of the arms for the items, which may be of several splits."""
    gold = {split: Gold(release, split, model.count_tokens, seed=0, wording=0, items=tuple(release.items(split))) for split in SPLITS}
    found = []
    for arm in arms:
        for item in items:
            shown = show(CLEAN, item, release)
            assert shown is not None, "every item has the clean condition"
            found.append((arm, item, CONTROLS[arm](item, shown, gold[item.split])))
    return found


def answered(prompts: Asked, model: LanguageModel, sampling: Sampling) -> dict[tuple[str, str, str], Scores | None]:
    """Return (arm, condition, item) -> the scores of the answer, or None if the target failed."""
    scores: dict[tuple[str, str, str], Scores | None] = {}
    with click.progressbar(model.generate([prompt for _, _, prompt in prompts], sampling), length=len(prompts), label="answers") as answers:
        for number, answer in answers:
            arm, item, _ = prompts[number]
            scores[arm, CLEAN, item.item_id] = None if answer.finish_reason == "error" else score(item, answer.text, answer.finish_reason)
    return scores


def means(arms: Iterable[str], axis: str, items: Sequence[Item], scores: Mapping[Any, Scores | None], release: Release) -> dict[str, Any]:
    """Return arm -> the mean of an axis with its 90 % interval as `ci`, and the numbers of users and items."""
    table = Table(Plan("", tuple(arms), (CLEAN,), "", "", 0), items, dict(scores), release)
    asked_of = {"users": int(table.user.max()) + 1, "items": len(items)}
    return {arm: {**interval_of(table, table.column(arm, CLEAN, axis), TO_90), **asked_of} for arm in arms}


@click.command()
@click.argument("dataset", metavar="[DIR]", default="persona-atlas")
@click.option("--model", "name", default="scripted", show_default=True)
@click.option("--model_args", default="")
@click.option("--arms", default=",".join(ARMS), show_default=True, help="The policies that do not know the user.")
@click.option("--users", default=None, type=click.IntRange(min=2), help="Only the first so many users of the test split.  [default: all]")
@click.option("--items_per_user", default=1, show_default=True, type=click.IntRange(min=1), help="Items of each of them.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=None, help="Where the figures are to lie, for generality.py.")
def main(dataset: str, name: str, model_args: str, arms: str, users: int | None, items_per_user: int, out: Path | None) -> None:
    chosen = arms.split(",")
    if unknown := [arm for arm in chosen if arm not in BLIND]:
        raise click.UsageError(f"{unknown[0]} is not one of the policies that do not know the user: {', '.join(BLIND)}")
    try:
        release, model = load_dataset(dataset), CachedModel(load_model(name, model_args), ResponseCache(CACHE.expanduser()))
    except (DataError, ModelError) as error:
        raise click.UsageError(str(error)) from None
    items, silent = choose_items(release, "test", users, items_per_user), list(silent_items(release))
    prompts = asked(chosen, items, release, model) + asked([READER], silent, release, model)
    scores = answered(prompts, model, Sampling(max_gen_toks=320))
    found = {
        "content_digest": release.manifest["content_digest"],
        "target": Voice(name, model_args).label,
        "blind": means(chosen, G, items, scores, release),
        "unrevealed": means([READER], "personalization_unrevealed", silent, scores, release)[READER],
    }
    print(f"{found['target']}\n\n| | G (90 %) | users, items |\n|---|---|---|")
    for label, row in {**found["blind"], f"{READER}, unrevealed": found["unrevealed"]}.items():
        ends = ", ".join(f"{end:+.3f}" for end in row["ci"] or [])
        print(f"| {label} | {row['mean']:+.3f} [{ends}] | {row['users']}, {row['items']} |")
    if out:
        shards.write_text(out, json.dumps(found, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
