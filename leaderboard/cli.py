"""The command `atlas-leaderboard`: verifies submissions, asks their targets again (cli_reproduce.py), builds and publishes the site (cli_site.py)."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from leaderboard.cli_reproduce import reproduce
from leaderboard.cli_site import COMMANDS
from leaderboard.guard import guarded
from persona_atlas import __version__
from persona_atlas.console import Group, check_distribution, option

if TYPE_CHECKING:
    from leaderboard.verify import Verdict

FOLDER = click.Path(path_type=Path)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="atlas-leaderboard")
def main() -> None:
    """Verify submissions by recomputing every number from the answers; build and publish the site."""
    check_distribution("leaderboard")


@main.command()
@click.argument("paths", type=FOLDER, nargs=-1, required=True, metavar="DIR...")
@option("dataset", default="persona-atlas", show_default=True, metavar="RELEASE", help="The release that the leaderboard asks.")
@click.option("--known", type=FOLDER, default=None, metavar="DIR", help="Submissions that are there already (OPTIMIZER/RUN_ID), to find copies of.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--markdown", type=FOLDER, default=None, metavar="FILE", help="Write the report as a comment for a pull request.")
def verify(paths: tuple[Path, ...], dataset: str, known: Path | None, as_json: bool, markdown: Path | None) -> None:
    """Verify submissions: folders as atlas-eval submit packs them, or archives of one (.zip, .tar.gz).

    They are parsed and computed again; nothing of them is imported or run. Status 0 where all are accepted, 1 where one is refused.
    """
    verdicts = guarded(lambda: _verified(paths, dataset, known, (lambda line: None) if as_json else click.echo))
    from leaderboard import report
    from persona_atlas.shards import write_text

    if as_json:
        click.echo(json.dumps(report.as_json(verdicts)))
    if markdown is not None:
        guarded(lambda: write_text(markdown, report.comment(verdicts)))
    if not all(verdict.accepted for verdict in verdicts):
        sys.exit(1)


def _verified(paths: tuple[Path, ...], dataset: str, known: Path | None, tell: Callable[[str], None]) -> "list[Verdict]":
    """Return the verdicts, reporting each to `tell` as soon as it is there."""
    from eval_harness import suites
    from leaderboard import report
    from leaderboard.errors import SubmissionError
    from leaderboard.escape import shown
    from leaderboard.verify import known_in
    from leaderboard.verify import verify as verified
    from persona_atlas.data import load_dataset

    for path in paths:
        if not os.path.lexists(path):
            raise SubmissionError(f"there is no {str(path)!r}; give the folder that atlas-eval submit wrote, or an archive of it")
    if known is not None and not known.is_dir():
        raise SubmissionError(f"there is no folder {str(known)!r}; give --known the folder that holds OPTIMIZER/RUN_ID")

    def unread(said: str) -> None:
        click.echo(f"Passed over, and not looked at for copies: {shown(said)}", err=True)

    verdicts = []
    for verdict in verified(paths, load_dataset(dataset), suites.CORE, known_in(known, paths, unread) if known else ()):
        tell("\n".join(report.lines(verdict)))
        verdicts.append(verdict)
    return verdicts


for command in (reproduce, *COMMANDS):
    main.add_command(command)
