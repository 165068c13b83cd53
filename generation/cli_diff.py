"""The command `atlas-generate diff`: what differs between two releases, and which part of the dataset version has to move."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generation.guard import Command
from persona_atlas.console import progress_line
from persona_atlas.short import short

if TYPE_CHECKING:
    from generation.diff import Diff, FileDiff

FOLDER = click.Path(path_type=Path)


@click.command(cls=Command)
@click.argument("old", type=FOLDER)
@click.argument("new", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def diff(old: Path, new: Path, as_json: bool) -> None:
    """Compare two releases: versions, configuration, and every record by its id.

    Says whether scores may move, and so which part of the dataset version has to. Status 0 if they are equal, 1 if they differ.
    """
    from generation.diff import diff as compared
    from persona_atlas.data import open_release

    releases = [open_release(folder, f"folder {folder}") for folder in (old, new)]
    with progress_line("files") as progress:
        found = compared(releases[0], releases[1], progress)
    if as_json:
        click.echo(json.dumps({"old": str(old), "new": str(new), **found.described()}))
    else:
        for line in _lines(found, old, new):
            click.echo(line)
    sys.exit(0 if found.equal else 1)


def _lines(found: "Diff", old: Path, new: Path) -> Iterator[str]:
    for name, (before, after) in {**found.versions, **{f"config {name}": pair for name, pair in found.config.items()}}.items():
        yield f"{name}: {_shown(before)} → {_shown(after)}"
    for file in found.files:
        if not file.equal:
            yield from _of_file(file)
    if found.rewritten:
        yield f"{len(found.rewritten)} file{'s hold' if len(found.rewritten) > 1 else ' holds'} the same content in other bytes"
    if found.equal:
        yield f"{old} and {new} are equal"
        return
    for reason in found.moves_scores:
        yield f"moves scores: {reason}"
    yield f"Dataset version: {_verdict(found)}"


def _of_file(file: "FileDiff") -> Iterator[str]:
    counts = [f"{number:,} {what}" for what in ("added", "removed", "changed") if (number := getattr(file, what))]
    became = ", ".join(counts) or "in another order"
    yield f"{file.config} of {file.split}: {file.rows[0]:,} → {file.rows[1]:,} rows, {became}"
    if file.fields:
        yield f"  fields: {', '.join(f'{name} ({count:,})' for name, count in file.fields.most_common())}"
    for what, ids in file.ids.items():
        if ids:
            yield f"  {what}: {', '.join(ids)}{', ...' if getattr(file, what) > len(ids) else ''}"


def _verdict(found: "Diff") -> str:
    before, after = (version or "none" for version in found.dataset_versions)
    if found.needed == "none":
        return f"may stay ({before} → {after})"
    wanted = f"the {found.needed} number has to move"
    match found.enough:
        case None:
            return f"{wanted} ({before} → {after})"
        case True:
            return f"{wanted}, and it did enough ({before} → {after})"
        case False:
            return f"{wanted}, and it did not ({before} → {after}); runs on the two would pass for runs on one"


def _shown(value: object) -> str:
    return "none" if value is None else short(str(value), 40, 16)
