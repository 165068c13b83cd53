"""The command `atlas-train`: trains the small target that listens."""

import sys
from pathlib import Path
from typing import Any

import click

from persona_atlas import __version__
from persona_atlas.console import Group, fail, option, progress_line


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="atlas-train")
def main() -> None:
    """Train what PersonaAtlas ships: the small target that listens."""


@main.command()
@option("config", default="cpu", show_default=True, help="The recipe: smoke (seconds, trains nothing worth having), cpu (about an hour), gpu.")
@option("dataset", default="persona-atlas", show_default=True, metavar="DIR", help="The release whose train users' conversations are learned from.")
@option("sampler", default="openvino", show_default=True, help="The model whose right answers are learned from too.")
@option("sampler_args", default="", metavar="K=V,…", help="Its arguments, for example pretrained=FILE.gguf; without them it is not asked.")
@option("seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of examples, weights and order.")
@option("output_path", type=click.Path(path_type=Path), default=None, metavar="DIR", help="Where the adapter goes.  [default: runs/target-CONFIG]")
def target(**given: Any) -> None:
    """Fine-tune SmolLM2-135M-Instruct to follow wishes about style while still answering.

    A run that was killed goes on with the same command. One line a log step on standard output, in JSON.
    """
    from persona_atlas.content import CatalogError
    from persona_atlas.data import DataError
    from persona_atlas.models import ModelError

    try:
        adapter = _train(given)
    except (ModelError, DataError, CatalogError) as error:
        fail(error)
    except KeyboardInterrupt:
        click.echo("\nStopped. The same command goes on from the last checkpoint.", err=True)
        sys.exit(130)
    click.echo(f"{adapter}: {adapter.stat().st_size / 2**20:.1f} MB; its card is {adapter.parent / 'README.md'}", err=True)


def _train(given: dict[str, Any]) -> Path:
    import json

    from persona_atlas.data import load_dataset
    from persona_atlas.models import ModelError, load_model
    from persona_atlas.models.protocol import unknown_name
    from persona_atlas.models.smol import smol_weights
    from persona_atlas.ppopt.recipe import recipe_names
    from persona_atlas.ppopt.target import Training, train_target

    if given["config"] not in recipe_names():
        raise unknown_name("config", given["config"], recipe_names())
    release = load_dataset(given["dataset"])
    if release.imported:
        raise ModelError(f"{given['dataset']} is imported: its questions have no tasks to learn from; give a release of atlas-generate build")
    if not release.items("train"):
        raise ModelError(f"{given['dataset']} has no train users; build a larger release: atlas-generate build --users 100")
    sampler = load_model(given["sampler"], given["sampler_args"]) if given["sampler_args"] else None
    out = given["output_path"] or Path("runs") / f"target-{given['config']}"
    training = Training(given["config"], smol_weights(), release, sampler, given["seed"], out)
    if sampler is None and training.recipe.sampled:
        click.echo(f"No --sampler_args: the {training.recipe.sampled} prompts for another model are left out.", err=True)
    with progress_line("examples") as count:
        return train_target(training, count, lambda line: click.echo(json.dumps(line)))
