"""The commands `atlas-leaderboard build` and `push`: make the static site, publish it."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from leaderboard.guard import guarded
from persona_atlas.console import Command, option

if TYPE_CHECKING:
    from leaderboard.build import Built

FOLDER = click.Path(path_type=Path)


@click.command(cls=Command)
@click.option(
    "--submissions", type=FOLDER, default=Path("leaderboard/submissions"), show_default=True, metavar="DIR", help="The folder of OPTIMIZER/RUN_ID."
)
@option(
    "dataset",
    default=("persona-atlas",),
    show_default=True,
    multiple=True,
    metavar="RELEASE",
    help="The release that the leaderboard asks; may be given again for older ones, each of which has a table of its own.",
)
@click.option("--out", type=FOLDER, required=True, metavar="DIR", help="Where the site goes; a site that is there is replaced.")
@click.option("--cache", type=FOLDER, default=None, metavar="DIR", help="Where verdicts are kept, so that only what is new is verified.")
@click.option("--strict", is_flag=True, help="End with status 1 where a submission is left out.")
@click.option("--json", "as_json", is_flag=True, help="Print what became of each submission, and of the site, as JSON.")
def build(submissions: Path, dataset: tuple[str, ...], out: Path, cache: Path | None, strict: bool, as_json: bool) -> None:
    """Verify every submission in a folder, and write the accepted ones as a static site.

    A submission that is refused is left out, and the reason is printed. Tiers come from tiers.yaml and reproductions/ beside the folder.

    \b
    atlas-leaderboard build --dataset persona-atlas --cache ~/.cache/leaderboard --out site
    python -m http.server --directory site
    """
    built = guarded(lambda: _built(submissions, dataset, out, cache, (lambda line: None) if as_json else click.echo))
    click.echo(json.dumps(built.as_json(submissions, out)) if as_json else _summary(built, out))
    if strict and built.refused:
        sys.exit(1)


def _summary(built: "Built", out: Path) -> str:
    accepted, refused = len(built.found) - len(built.refused), len(built.refused)
    size, first = sum(built.sizes.values()) / 2**20, built.sizes["index.html"]
    return f"{accepted} accepted, {refused} left out; {len(built.sizes)} files, {size:.1f} MB, in {out} (index.html: {first:,} bytes)"


def _built(submissions: Path, names: tuple[str, ...], out: Path, cache: Path | None, tell: Callable[[str], None]) -> "Built":
    from eval_harness import suites
    from leaderboard.build import Given
    from leaderboard.build import build as made
    from leaderboard.cache import Cache
    from persona_atlas.data import load_dataset

    return made(Given(submissions, [load_dataset(name) for name in names], suites.CORE, Cache(cache)), out, tell)


@click.command(cls=Command)
@option("repo_id", required=True, metavar="OWNER/NAME", help="The Space; made where there is none.")
@click.option("--site", type=FOLDER, default=Path("site"), show_default=True, metavar="DIR", help="What atlas-leaderboard build wrote.")
@option("dry_run", is_flag=True, help="List the files and their sizes, and publish nothing.")
@click.option("--private", is_flag=True, help="Where the Space is made, let only its owner see it.")
def push(repo_id: str, site: Path, dry_run: bool, private: bool) -> None:
    """Publish a built site as a static Space on the Hugging Face Hub. Needs a token that may write, for example in HF_TOKEN."""
    guarded(lambda: _pushed(repo_id, site, dry_run, private))


def _pushed(repo_id: str, site: Path, dry_run: bool, private: bool) -> None:
    from leaderboard import push as hub

    hub.check_repo_id(repo_id)
    files = hub.files_of_site(site)
    if dry_run:
        for name, size in files.items():
            click.echo(f"{size:>12,}  {name}")
        click.echo(f"{sum(files.values()):>12,}  bytes in {len(files):,} files would go to the Space {repo_id}; nothing was published")
        return
    address = hub.push(site, repo_id, private)
    click.echo(f"Published {len(files):,} files, {sum(files.values()) / 2**20:.1f} MB: {address}")


COMMANDS = (build, push)
