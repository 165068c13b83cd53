"""The commands of `atlas-generate` that look into releases and banks: `show`, `stats` and `catalog`."""

import json
from pathlib import Path

import click

from generation.guard import Command


@click.command(cls=Command)
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def stats(directory: Path, as_json: bool) -> None:
    """Where the words of a spoken release come from: what was taken at the first try, after retries, and why the rest was not."""
    from rich.console import Console

    from generation.spoken.acceptance import print_acceptance, provenance
    from persona_atlas.data import open_release

    found = provenance(open_release(directory, f"folder {directory}"))
    if as_json:
        click.echo(json.dumps(found))
    else:
        print_acceptance(Console(), found)


@click.command(cls=Command)
@click.option("--checkers", is_flag=True, help="How right the checkers are on the held answers, by family, instead of the counts.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def catalog(checkers: bool, as_json: bool) -> None:
    """What the banks hold: values, phrasings, tasks, noise; or how right the checkers are."""
    from rich.console import Console

    from generation import counts, validity

    found = validity.validity() if checkers else counts.counts()
    if as_json:
        click.echo(json.dumps(found))
    elif checkers:
        validity.print_validity(Console(), found)
    else:
        counts.print_counts(Console(), found)


@click.command(cls=Command)
@click.argument("kind", type=click.Choice(["persona", "conversation", "item"]))
@click.argument("id_", metavar="ID")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")
def show(kind: str, id_: str, directory: Path, as_json: bool) -> None:
    """Show one record of a release, with what its labels say in the margin."""
    from rich.console import Console

    from generation.show import find
    from generation.show import show as show_record
    from persona_atlas.data import open_release
    from persona_atlas.records import to_dict

    record = find(kind, id_, open_release(directory, f"folder {directory}"))
    if as_json:
        click.echo(json.dumps(to_dict(record), ensure_ascii=False))
    else:
        show_record(Console(), record)
