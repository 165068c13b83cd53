"""The commands `atlas-generate card` and `atlas-generate croissant`: they describe a release to people, and to programs."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generation.guard import Command, writing
from persona_atlas.console import fail

if TYPE_CHECKING:
    from persona_atlas.data import Release


@click.command(cls=Command)
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--url", default=None, help="Where the release is published.")
@click.option("--date", type=click.DateTime(["%Y-%m-%d"]), default=None, metavar="YYYY-MM-DD", help="Since when.  [default: today]")
@click.option("--out", type=click.Path(path_type=Path), default=None, metavar="FILE", help="Write it there instead of printing it.")
def croissant(directory: Path, url: str | None, date: datetime | None, out: Path | None) -> None:
    """Describe a release to programs, as Croissant metadata: files, columns, licence, limits."""
    from generation.croissant import croissant as described
    from persona_atlas.data import open_release
    from persona_atlas.shards import write_text

    release = open_release(directory, f"folder {directory}")
    found = described(release.path, release.manifest, url, f"{date or datetime.now():%Y-%m-%d}")
    if out is not None and out.resolve() in {(release.path / name).resolve() for name in _parts(release)}:
        fail(f"{out} is a part of the release; give another --out, such as {release.path / 'croissant.json'}")
    text = json.dumps(found, indent=2, ensure_ascii=False)
    if out is None:
        click.echo(text)
        return
    with writing(out):
        write_text(out, text + "\n")
    click.echo(f"Wrote {out}: {len(found['distribution'])} files and sets of files, {len(found['recordSet'])} record sets.")


def _parts(release: "Release") -> list[str]:
    """The files that a release cannot do without."""
    from generation.hub import BESIDE

    return [*BESIDE, *(entry["path"] for entry in release.manifest["files"])]


@click.command(cls=Command)
@click.argument("directory", type=click.Path(path_type=Path))
def card(directory: Path) -> None:
    """Put the figures of audit.json, gate.json and generality.json into a release's card, README.md.

    `audit` does so itself, and `push` before it uploads; this is for what was measured since.
    """
    from generation.figures import CHANGED, write_card
    from persona_atlas.data import open_release

    path, release = directory / "README.md", open_release(directory, f"folder {directory}")
    with writing(path, "mend that, and run the same command again"):
        written = write_card(release)
    if not written:
        fail(CHANGED.format(path))
    click.echo(f"Wrote {path}")
