"""The command `atlas-generate`: builds, verifies and audits releases."""

import errno
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

import click

from generation.audit.command import audit
from generation.cli_describe import card, croissant
from generation.cli_diff import diff
from generation.cli_look import catalog, show, stats
from generation.cli_private import private_template
from generation.cli_push import push
from generation.guard import Group
from persona_atlas import __version__
from persona_atlas.console import AT_ONCE, CACHE, check_distribution, explicit, fail, option, progress_line, stopped

PATH = click.Path(path_type=Path)
private_option = click.option("--private", type=PATH, default=None, metavar="BANK", help="A bank that test users speak from (docs/held-out.md).")
workers_option = click.option("--workers", type=click.IntRange(min=1), default=None, help="Processes.  [default: one a core]")


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="atlas-generate")
def main() -> None:
    """Build PersonaAtlas releases, verify and audit them, and look into them."""
    check_distribution("generation")


@main.command()
@click.option(
    "--users",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="Simulated users in all four splits (half train, 30 % test).",
)
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same content, whatever the workers.")
@click.option(
    "--out",
    type=PATH,
    default=Path("persona-atlas"),
    show_default=True,
    help="The release folder; an unfinished build there goes on.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=None,
    help="Processes, or Ray actors.  [default: one a core; on a cluster as many as there is room for]",
)
@click.option("--executor", default="local", show_default=True, help="Where shards are made: local (processes) or ray (actors of Ray).")
@option("num_gpus", type=click.FloatRange(min=0), default=None, help="GPUs for each Ray actor; 0.5 shares one between two.  [default: 0]")
@option(
    "ray_address",
    metavar="ADDRESS",
    default=None,
    help="A Ray cluster: auto, HOST:PORT or ray://HOST:PORT. --out must then be on a file system that all nodes share, under the same path."
    "  [default: a Ray of our own on this machine]",
)
@click.option("--engine", default="scripted", show_default=True, help="Who gives conversations their words: scripted, or lm (language models).")
@click.option("--model", default=None, help="The language model of --engine lm, by the names that atlas-eval takes.")
@option("model_args", default=None, metavar="K=V,...", help="Arguments of --model, such as pretrained=FILE.gguf.")
@click.option("--entailment", default=None, metavar="MODEL", help="An entailment model (transformers) that also hears whether wishes are conveyed.")
@option("at_once", type=click.IntRange(min=1), default=None, help=f"Conversations that go on side by side in a process.  [default: {AT_ONCE}]")
@option("use_cache", type=PATH, default=None, help=f"Where models' answers are kept.  [default: {CACHE}]")
@click.option("--recipe", type=PATH, default=None, help="A YAML file with these flags, and a pool of assistants.")
@private_option
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as JSON.")
@click.pass_context
def build(context: click.Context, /, recipe: Path | None, as_json: bool, **flags: Any) -> None:
    """Build a release into a folder that datasets.load_dataset opens."""
    from generation.build import Config
    from generation.executors import executor
    from generation.private import read_private
    from generation.spoken.recipe import speech_of, with_recipe

    given = with_recipe(flags, explicit(context), recipe)
    chosen = executor(given["executor"], given["num_gpus"], given["ray_address"])
    bank = given["private"]
    config = Config(given["users"], given["seed"], speech_of(given), private=read_private(bank) if bank else None)
    _built(config, given["out"], as_json, given["workers"], chosen)


def _built(config: Any, out: Path, as_json: bool, workers: int | None = None, chosen: Any = None) -> None:
    """Build the release, and print what is in it."""
    from generation.build import LOCAL
    from generation.build import build as build_release

    started = time.monotonic()
    try:
        with progress_line("shards") as progress:
            manifest = build_release(config, out, workers, progress, chosen or LOCAL)
    except BrokenPipeError:  # whoever reads our output has gone; click handles that quietly
        raise
    except OSError as error:
        fail(_blocked(out, error))
    except KeyboardInterrupt:
        _interrupted(out)
    if as_json:
        click.echo(json.dumps(manifest))
        return
    rows: dict[str, int] = {}
    for entry in manifest["files"]:
        rows[entry["config"]] = rows.get(entry["config"], 0) + entry["rows"]
    click.echo(f"{out}: " + ", ".join(f"{count:,} {name}" for name, count in rows.items()) + f" in {time.monotonic() - started:.1f} s")
    click.echo(f"content digest {manifest['content_digest']}")
    click.echo(f"Next: atlas-generate verify {out}, or atlas-eval --optimizer history --dataset {out}")


def _blocked(out: Path, error: OSError) -> str:
    """What the system refused, and what to do.

    An error about the release names no file, a file in the release's folder, or a folder above it. Any other file is named in the sentence.
    """
    reason, folder = os.strerror(error.errno) if error.errno else str(error), out.absolute()
    named = Path(os.fsdecode(error.filename)).absolute() if isinstance(error.filename, str | bytes) else folder
    if not (named.is_relative_to(folder) or folder.is_relative_to(named)):
        return f"{named} cannot be used ({reason}); mend that, and run the same command again"
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return f"{out} cannot be written ({reason}); {'make room and run the same command again to go on' if full else 'give another --out'}"


def _interrupted(out: Path) -> NoReturn:
    stopped(f"Stopped. Finished shards are kept: run the same command again to go on, or remove {out} to start over.")


@main.command("import-ppopt")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=PATH)
@click.option("--out", required=True, type=PATH, help="The release folder, new or empty.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest and what import.json says as JSON.")
def import_ppopt(files: tuple[Path, ...], out: Path, as_json: bool) -> None:
    """Turn published files of arXiv:2602.12394 into a release.

    FILE is train_samples.json, rl_states.jsonl, or JSON lines with the columns of the data card. What has no counterpart here is listed in
    OUT/import.json, with the reason.
    """
    from generation.imported.release import import_release
    from generation.imported.summary import summary

    imported = import_release(files, out)
    if as_json:
        click.echo(json.dumps({"manifest": imported.manifest, "import": imported.report}, ensure_ascii=False))
        return
    for line in summary(imported, out):
        click.echo(line)


@main.command()
@click.argument("directory", type=PATH)
@workers_option
@private_option
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def verify(directory: Path, workers: int | None, private: Path | None, as_json: bool) -> None:
    """Check every record, label and digest of a release. Status 1 if something is wrong with it."""
    from generation.private import read_private
    from generation.releases import name_of
    from generation.verify import verify as verify_release
    from generation.verify_conversations import BY_RULES
    from persona_atlas.data import open_release
    from persona_atlas.workers import default_workers

    try:
        release = open_release(directory, f"folder {directory}")
        with progress_line("users") as progress:
            report = verify_release(release, workers or default_workers(), progress, read_private(private) if private else None)
    except KeyboardInterrupt:
        stopped("Stopped. Nothing was changed: run the same command again to verify from the start.")
    result: dict[str, Any] = {
        "directory": str(directory),
        "ok": not report.wrong,
        "wrong": report.wrong,
        "checked": report.checked,
        "problems": report.problems,
        "unchecked": report.unchecked,
    }
    if as_json:
        click.echo(json.dumps(result))
    else:
        for what, count in report.checked.items():
            click.echo(f"{count:>9,}  {what}")
        for what, count in report.unchecked.items():
            click.echo(f"{count:>9,}  not checked: {what}")
        for problem in report.problems:
            click.echo(f"  wrong: {problem}")
        true = "every label that can be checked is true" if report.unchecked else "every label is true"
        if BY_RULES in report.checked:
            true += "; what a model's own words let be known is judged by rules, which err (docs/spoken.md)"
        name = name_of(release.manifest["content_digest"])
        true += f"; this is the release {name}" if name else ""
        found = f"{report.wrong:,} problem{'s' if report.wrong > 1 else ''}" if report.wrong else f"intact, and {true}"
        click.echo(f"{directory}: {found}")
    if report.wrong:
        sys.exit(1)


@main.command()
@click.argument("directory", type=PATH)
@click.option("--out", type=PATH, required=True, help="The new release's folder; an unfinished one there goes on.")
@click.option("--split", default=None, help="The one split whose users speak anew; the new release has no other.  [default: all]")
@click.option("--model", default=None, help="The language model, by the names that atlas-eval takes.")
@option("model_args", default=None, metavar="K=V,...", help="Arguments of --model, such as pretrained=FILE.gguf.")
@click.option("--entailment", default=None, metavar="MODEL", help="An entailment model (transformers) that also hears whether wishes are conveyed.")
@option("at_once", type=click.IntRange(min=1), default=AT_ONCE, show_default=True, help="Conversations that go on side by side.")
@option("use_cache", type=PATH, default=CACHE, show_default=True, help="Where models' answers are kept.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as JSON.")
def revoice(directory: Path, out: Path, split: str | None, as_json: bool, **flags: Any) -> None:
    """Say the conversations of a release in a language model's words; users, items and labels stay."""
    from generation.build import Config
    from generation.spoken.recipe import speech_of
    from generation.spoken.revoice import revoiced

    _built(Config(speech=speech_of({**flags, "engine": "lm"}), **revoiced(directory, split)), out, as_json)


main.add_command(stats)
main.add_command(catalog)
main.add_command(show)
main.add_command(audit)
main.add_command(private_template)
main.add_command(diff)
main.add_command(push)
main.add_command(card)
main.add_command(croissant)
