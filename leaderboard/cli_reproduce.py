"""The command `atlas-leaderboard reproduce`: asks the targets of submissions again."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from persona_atlas.console import Command, fail, option, progress_line, stopped

if TYPE_CHECKING:
    from leaderboard.reproduction import Draw, Reproduction
    from leaderboard.target import Given
    from persona_atlas.data import Release

FOLDER = click.Path(path_type=Path)


@click.command(cls=Command)
@click.argument("paths", type=FOLDER, nargs=-1, required=True, metavar="DIR...")
@click.option(
    "--fraction", type=float, default=0.1, show_default=True, metavar="SHARE", help="The share of each arm's different prompts that is asked."
)
@click.option("--seed", type=int, default=None, help="Which prompts.  [default: drawn anew, so that no submitter can know it; it is recorded]")
@click.option("--model", default=None, help="The target, where run.json's cannot be loaded as it is named there.")
@option(
    "model_args",
    default=None,
    metavar="K=V,...",
    help="Arguments of the target, such as pretrained=FILE.gguf. Files and addresses come from here alone.",
)
@option("use_cache", type=FOLDER, default=None, metavar="FILE", help="Keep answers there, so that an interrupted command with its --seed goes on.")
@option("dataset", default="persona-atlas", show_default=True, metavar="RELEASE", help="The release that the leaderboard asks.")
@click.option(
    "--out", type=FOLDER, default=Path("reproductions"), show_default=True, help="A folder for the records RUN_ID.json, or a .json file for one."
)
@click.option("--json", "as_json", is_flag=True, help="Print the records as JSON.")
def reproduce(paths: tuple[Path, ...], fraction: float, seed: int | None, as_json: bool, out: Path, dataset: str, **given: Any) -> None:
    """Ask the targets of submissions again, and hold a random share of the answers against those that were handed in.

    Each is verified first. Status 0 where all are reproduced, 1 where one is not, or is refused, 2 where a target cannot be asked, a record cannot
    be written or the command is wrong.
    """
    from leaderboard.errors import SubmissionError
    from leaderboard.reproduction import Draw
    from leaderboard.target import Given
    from persona_atlas.data import DataError, load_dataset

    try:
        draw = Draw(fraction, _drawn() if seed is None else seed)
        for path in paths:
            if not os.path.lexists(path):
                raise SubmissionError(f"there is no {str(path)!r}; give the folder that atlas-eval submit wrote, or an archive of it")
        if out.suffix == ".json" and len(paths) > 1:
            raise SubmissionError(f"--out {out} is one file, and there are {len(paths)} submissions; give a folder")
        if out.is_dir() if out.suffix == ".json" else out.is_file():
            raise SubmissionError(f"--out {out} is there already and is no {'.json file' if out.suffix == '.json' else 'folder'}; give another one")
        release = load_dataset(dataset)
    except (SubmissionError, DataError, OSError) as error:
        fail(error)
    try:
        done = [_reproduced(path, release, draw, Given(**given), out, as_json) for path in paths]
    except KeyboardInterrupt:
        stopped(f"Stopped. With --use_cache what was answered is kept: run the same command with --seed {draw.seed} to go on.")
    if as_json:
        click.echo(json.dumps({"reproduced": all(one["verdict"] == "reproduced" for one in done), "submissions": done}))
    verdicts = {one["verdict"] for one in done}
    sys.exit(2 if verdicts & {"could not be asked", "not recorded"} else int(verdicts != {"reproduced"}))


def _drawn() -> int:
    import secrets

    return secrets.randbits(53)


def _reproduced(path: Path, release: "Release", draw: "Draw", given: "Given", out: Path, as_json: bool) -> dict[str, Any]:
    """Return the verdict on one path, with its record: none if the submission is refused or its target cannot be asked."""
    from eval_harness import suites
    from eval_harness.errors import EvalError
    from eval_harness.runner import choose_items
    from leaderboard.errors import SubmissionError
    from leaderboard.escape import shown
    from leaderboard.reproduce import reproduce as ask_again
    from leaderboard.target import TargetError
    from leaderboard.verify import verify_one
    from persona_atlas.models import ModelError

    verdict, suite = "not reproduced", suites.CORE
    try:
        items = {item.item_id: item for item in choose_items(release, suite.split, suite.limit, suite.items_per_user)}
        with progress_line("answers") as progress:
            made = ask_again(verify_one(path, release, suite), release, items, draw, given, progress)
    except SubmissionError as error:
        reason = str(error)
    except (TargetError, ModelError, EvalError, OSError) as error:
        verdict, reason = "could not be asked", str(error)
    else:
        return _recorded(made, out, as_json)
    click.echo(f"Error: {shown(str(path))}: {verdict}: {shown(reason, 2000)}", err=True)
    return {"path": str(path), "verdict": verdict, "reason": reason}


def _recorded(made: "Reproduction", out: Path, as_json: bool) -> dict[str, Any]:
    """Write the record, and return it with the verdict. If it cannot be written, it is printed, so that the answers were not asked for nothing."""
    from leaderboard import reproduction
    from leaderboard.escape import shown
    from persona_atlas.shards import write_text

    record, verdict = made.record(), "reproduced" if made.accepted else "not reproduced"
    file = out if out.suffix == ".json" else out / f"{record['run_id']}.json"
    if not as_json:
        click.echo("\n".join(reproduction.lines(made)))
    try:
        write_text(file, reproduction.as_text(record))
    except OSError as error:
        verdict = "not recorded"
        said = f"{file} cannot be written ({error.strerror or error}); keep the record, which is printed"
        click.echo(f"Error: {shown(str(made.path))}: {verdict}: {shown(said, 2000)}", err=True)
        if not as_json:
            click.echo(reproduction.as_text(record))
    return {"path": str(made.path), "verdict": verdict, **record}
