"""The command `atlas-eval submit`: packs a finished run of the suite core for the leaderboard."""

from pathlib import Path
from shlex import quote

import click

from eval_harness.errors import guarded
from persona_atlas.console import Command, option

FOLDER = click.Path(path_type=Path)
PLACE = "leaderboard/submissions"
STEPS = """To submit it, open a pull request that adds this folder to the repository of PersonaAtlas. In a clone of your fork of it, type:
  git switch -c submission-{run_id}
  mkdir -p {place}/{optimizer}
  cp -r {folder} {place}/{optimizer}/
  atlas-leaderboard verify {place}/{optimizer}/{run_id} --dataset {dataset} --known {place}
  git add {place}/{optimizer}/{run_id} && git commit -m "Submission: {optimizer}, {run_id}" && git push origin HEAD
The line with verify says beforehand what the pull request will be told."""


@click.command(cls=Command)
@click.argument("run", type=FOLDER)
@option("name", required=True, metavar="NAME", help="What the row on the leaderboard is called; published.")
@option("link", required=True, metavar="URL", help="Where the optimizer is described: a paper, a repository; published.")
@option("contact", required=True, metavar="TEXT", help="How to reach you; published.")
@option("training", default="Not stated.", show_default=True, metavar="TEXT", help="What data the optimizer was trained on; published.")
@option("dataset", default=None, metavar="DIR", help="The release that was asked.  [default: where run.json says it was]")
@option("out", type=FOLDER, required=True, metavar="DIR", help="Where the submission goes: DIR/OPTIMIZER/RUN_ID.")
def submit(run: Path, name: str, link: str, contact: str, training: str, dataset: str | None, out: Path) -> None:
    """Pack RUN, a finished run of the suite core, for the leaderboard, and say how to open the pull request.

    \b
    atlas-generate build --users 2500 --seed 0 --out v1
    atlas-eval --optimizer mymodule --suite core --controls identity,oracle,placebo --model smol-steerable --dataset v1 --output_path runs/mine
    atlas-eval submit runs/mine --name "My optimizer" --link https://example.org/paper --contact me@example.org --out submissions
    """
    folder, asked = guarded(lambda: _packed(run, (name, link, contact, training), dataset, out))
    files = list(folder.iterdir())
    size = sum(file.stat().st_size for file in files) / 2**20
    click.echo(f"Packed {run} into {folder}: {len(files)} files, {size:.1f} MB.")
    whole = quote(str(folder.resolve()))  # absolute, since the steps are typed in the clone
    click.echo(STEPS.format(folder=whole, optimizer=folder.parent.name, run_id=folder.name, place=PLACE, dataset=quote(asked)))


def _packed(path: Path, said: tuple[str, str, str, str], dataset: str | None, out: Path) -> tuple[Path, str]:
    """The folder of the submission, and the name of the release, as an absolute path if it is a folder."""
    from eval_harness import submission, suites
    from eval_harness.finished import open_run
    from persona_atlas.data import load_dataset

    run = open_run(path)
    name = dataset or run.dataset
    folder = submission.pack(run, load_dataset(name), submission.Entry(*said), out, suites.CORE)
    return folder, str(Path(name).resolve()) if Path(name).is_dir() else name


COMMANDS = (submit,)
