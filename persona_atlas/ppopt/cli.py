"""The command `atlas-train`: PPOpt, the reference optimizer (`sft`, then `grpo`), and the small target that listens (`target`)."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from persona_atlas import __version__
from persona_atlas.console import CACHE, Group, guarded, option, progress_line

if TYPE_CHECKING:
    from persona_atlas.data import Release

Made = tuple[Path, str]
"""A training's folder, and the file in it that holds the adapter."""
dataset = option("dataset", default="persona-atlas", show_default=True, metavar="DIR", help="The release whose train users are learned from.")
seed = option("seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of examples, weights and order.")


def output_path(default: str) -> Callable[[Any], Any]:
    return option(
        "output_path", type=click.Path(path_type=Path), default=None, metavar="DIR", help=f"Where the adapter goes.  [default: runs/{default}-CONFIG]"
    )


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="atlas-train")
def main() -> None:
    """Train PPOpt, the reference optimizer, and the small target that listens.

    \b
    atlas-train sft --dataset DIR                                       from gold: read a history, write a profile and a prompt
    atlas-train grpo --checkpoint runs/sft-cpu --target NAME            then from what a target answers to its prompts
    atlas-eval --optimizer ppopt --optimizer_args checkpoint=$PWD/runs/grpo-cpu

    A run that was killed goes on with the same command. One line a log step on standard output, in JSON.
    """
    os.environ.setdefault("TQDM_DISABLE", "1")  # read once, when tqdm is first imported: libraries print no progress bars between our lines


@main.command()
@option(
    "config",
    default="cpu",
    show_default=True,
    help="The recipe: smoke (seconds, trains nothing worth having), cpu (an hour or so), gpu, gpu-8b, cpu-reading, cpu-writing, cpu-whole, "
    "cpu-no-profile.",
)
@option("checkpoint", type=click.Path(path_type=Path), default=None, metavar="DIR", help="Train the adapter there on, in place of a new one.")
@dataset
@seed
@output_path("sft")
def sft(**given: Any) -> None:
    """Fine-tune PPOpt's policy on what a reader of train users' histories should write."""

    def train(release: "Release", out: Path) -> Made:
        from persona_atlas.ppopt.base import ADAPTER
        from persona_atlas.ppopt.policy import Run, train_sft
        from persona_atlas.ppopt.recipe import load_recipe

        recipe = load_recipe("sft", given["config"])
        with progress_line("cases") as count:
            return train_sft(Run(given["config"], release, given["seed"], out), recipe, given["checkpoint"], count, _tell), ADAPTER

    _guarded("sft", given, train)


@main.command()
@option("config", default="cpu", show_default=True, help="The recipe: smoke, cpu, gpu, gpu-8b, or one of the ablations.")
@option("checkpoint", type=click.Path(path_type=Path), required=True, metavar="DIR", help="What atlas-train sft wrote.")
@option("target", required=True, help="The model whose answers are rewarded, by atlas-eval's names for it. On it, atlas-eval refuses the policy.")
@option("target_args", default="", metavar="K=V,…", help="Its arguments, for example pretrained=FILE.gguf.")
@option("use_cache", type=click.Path(path_type=Path), default=CACHE, show_default=True, help="Answers that are known are never generated again.")
@dataset
@seed
@output_path("grpo")
def grpo(**given: Any) -> None:
    """Train the policy on by GRPO: rewarded for the profile, and for what a target answers to its prompts."""

    def train(release: "Release", out: Path) -> Made:
        from persona_atlas.models import load_model
        from persona_atlas.models.cache import CachedModel, ResponseCache
        from persona_atlas.ppopt.base import ADAPTER
        from persona_atlas.ppopt.policy import Run, train_grpo
        from persona_atlas.ppopt.recipe import load_recipe

        recipe = load_recipe("grpo", given["config"])
        model = CachedModel(load_model(given["target"], given["target_args"]), ResponseCache(given["use_cache"].expanduser()))
        with progress_line("cases") as count:
            return train_grpo(Run(given["config"], release, given["seed"], out), recipe, given["checkpoint"], model, count, _tell), ADAPTER

    _guarded("grpo", given, train)


@main.command()
@option("config", default="cpu", show_default=True, help="The recipe: smoke (seconds, trains nothing worth having), cpu (about an hour), gpu.")
@dataset
@option("sampler", default="openvino", show_default=True, help="The model whose right answers are learned from too.")
@option("sampler_args", default="", metavar="K=V,…", help="Its arguments, for example pretrained=FILE.gguf; without them it is not asked.")
@seed
@output_path("target")
def target(**given: Any) -> None:
    """Fine-tune SmolLM2-135M-Instruct to follow wishes about style while still answering."""

    def train(release: "Release", out: Path) -> Made:
        from persona_atlas.models import load_model
        from persona_atlas.models.smol import smol_weights
        from persona_atlas.ppopt.recipe import load_recipe
        from persona_atlas.ppopt.target import Training, train_target

        load_recipe("target", given["config"])
        sampler = load_model(given["sampler"], given["sampler_args"]) if given["sampler_args"] else None
        training = Training(given["config"], smol_weights(), release, sampler, given["seed"], out)
        if sampler is None and training.recipe.sampled:
            click.echo(f"No --sampler_args: the {training.recipe.sampled} prompts for another model are left out.", err=True)
        with progress_line("examples") as count:
            adapter = train_target(training, count, _tell)
        return adapter.parent, adapter.name

    _guarded("target", given, train)


def _tell(line: dict[str, float]) -> None:
    click.echo(json.dumps(line))


def _guarded(stage: str, given: dict[str, Any], train: "Callable[[Release, Path], Made]") -> None:
    """Open the release and train. An expected error becomes one sentence and exit status 2."""
    from persona_atlas.content import CatalogError
    from persona_atlas.data import DataError
    from persona_atlas.models import ModelError
    from persona_atlas.ppopt.recipe import load_recipe

    def work() -> Made:
        load_recipe(stage, given["config"])
        return train(_learnable(given["dataset"]), given["output_path"] or Path("runs") / f"{stage}-{given['config']}")

    errors = (ModelError, DataError, CatalogError)
    folder, name = guarded(work, errors, "Stopped. The same command goes on from the last checkpoint.")
    click.echo(f"{folder / name}: {(folder / name).stat().st_size / 2**20:.1f} MB; its card is {folder / 'README.md'}", err=True)


def _learnable(dataset: str) -> "Release":
    from persona_atlas.data import load_dataset
    from persona_atlas.models import ModelError

    release = load_dataset(dataset)
    if release.imported:
        raise ModelError(f"{dataset} is imported: its questions have no tasks to learn from; give a release of atlas-generate build")
    if not release.items("train"):
        raise ModelError(f"{dataset} has no train users; build a larger release: atlas-generate build --users 100")
    return release
