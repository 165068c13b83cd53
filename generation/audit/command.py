"""The command `atlas-generate audit`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generation.guard import Command, writing
from persona_atlas.console import fail, progress_line, stopped

if TYPE_CHECKING:
    from persona_atlas.data import Release


@click.command(cls=Command)
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--reference",
    "references",
    multiple=True,
    metavar="FILE|DIR",
    type=click.Path(path_type=Path),
    help="Chats of others to set beside it: the files of arXiv:2602.12394, WildChat, PRISM (JSON lines, Parquet), or a release. May be repeated.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="What is sampled depends on it.")
@click.option("--out", type=click.Path(path_type=Path), default=None, help="Where audit.json and audit.html go.  [default: the release's folder]")
@click.option("--json", "as_json", is_flag=True, help="Print what audit.json holds.")
def audit(directory: Path, references: tuple[Path, ...], seed: int, out: Path | None, as_json: bool) -> None:
    """Say how good a release is: variety, duplicates, leaks, coherence, evenness, privacy. Status 1 if a threshold fails.

    Writes audit.json and audit.html and, without --out, figures into the release's card. docs/audit.md
    explains what is measured and why each limit is set.
    """
    from rich.console import Console

    from generation.audit.audit import audit as audit_release
    from generation.audit.page import print_checks, write
    from persona_atlas.data import open_release

    try:
        release = open_release(directory, f"folder {directory}")
        _check_out(out)
        with progress_line("questions") as progress:
            found = audit_release(release, references, seed, progress)
    except KeyboardInterrupt:
        stopped("Stopped. Nothing was written: run the same command again to audit from the start.")
    with writing(out or directory):
        write(found, out or directory)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        print_checks(Console(), found)
        click.echo(f"Next: open {(out or directory) / 'audit.html'}")
    if out is None:
        _write_card(release)
    if not found["passed"]:
        sys.exit(1)


def _write_card(release: "Release") -> None:
    """Put the figures into the card. If that fails, say why and go on: the audit itself is done."""
    from generation.figures import CHANGED, write_card
    from generation.verdicts import VerdictError

    try:
        if not write_card(release):
            click.echo(CHANGED.format(release.path / "README.md"), err=True)
    except (VerdictError, OSError) as error:
        click.echo(f"The card stays as it is: {error}", err=True)


def _check_out(out: Path | None) -> None:
    if out is not None and out.exists() and not out.is_dir():
        fail(f"{out} is a file, wanted a folder; give another --out")
