"""The command `atlas-generate push`: uploads a verified and audited release to the Hugging Face Hub."""

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from generation.guard import Command, writing
from persona_atlas.console import fail, option, progress_line, stopped

if TYPE_CHECKING:
    from generation.hub import Plan, Target
    from persona_atlas.data import Release

REPO_ID = re.compile(r"[\w.-]+/[\w.-]+")
BRANCH = re.compile(r"(?!.*\.\.)\w[\w./-]*")
MOST = 12
"""How many uploads are listed by name."""


@click.command(cls=Command)
@click.argument("directory", type=click.Path(path_type=Path))
@option("repo_id", required=True, metavar="OWNER/NAME", help="The dataset repository; it is made if it is not there.")
@click.option("--private", is_flag=True, help="Make the repository private, if it is made; refuse one that is there and public.")
@click.option("--revision", default="main", show_default=True, metavar="BRANCH", help="The branch; it is made from main if it is not there.")
@option("dry_run", is_flag=True, help="Only say what would be uploaded.")
@option("no_audit", is_flag=True, help="Push a release that was not audited.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def push(directory: Path, repo_id: str, private: bool, revision: str, dry_run: bool, no_audit: bool, as_json: bool) -> None:
    """Upload a release to the Hugging Face Hub: only what changed, in one commit.

    It must pass `verify` and hold a passed audit.json; its card is given the figures of audit and gate. A push that was interrupted goes on with
    the same command.
    """
    if not REPO_ID.fullmatch(repo_id):
        wanted = f"{repo_id.strip('/').split('/')[0]}/persona-atlas"
        fail(f"--repo-id {repo_id!r} is no OWNER/NAME; give for example --repo-id {wanted if REPO_ID.fullmatch(wanted) else 'me/persona-atlas'}")
    if not _is_named(repo_id):
        fail(f"--repo-id {repo_id!r} is no name that the Hub takes; give OWNER/NAME of letters, digits, '-', '_' and '.', without '.git' at the end")
    if not BRANCH.fullmatch(revision):
        fail(f"--revision {revision!r} is no name of a branch; give one of letters, digits, '-', '_', '.' and '/'")
    os.environ.setdefault("HF_HUB_DISABLE_XET", "1")  # plain LFS keeps finished uploads file by file; HF_HUB_DISABLE_XET=0 selects Xet
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    from generation.hub import Target

    target = Target(repo_id, revision, private)
    release = _checked(directory, target, no_audit, dry_run)
    found = _done(release, target, dry_run)
    if as_json:
        click.echo(json.dumps(found))
    else:
        for line in _lines(found):
            click.echo(line)


def _is_named(repo_id: str) -> bool:
    """Whether the Hub accepts the name."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(repo_id)
    except HFValidationError:
        return False
    return True


def _checked(directory: Path, target: "Target", no_audit: bool, dry_run: bool) -> "Release":
    """Open the release, end with an error unless it may be published, and update its card (not in a dry run). Quick checks come first."""
    from huggingface_hub import get_token

    from generation.hub_errors import TOKEN
    from generation.publishable import check_private, check_verdicts
    from generation.verify import verify
    from persona_atlas.data import open_release
    from persona_atlas.workers import default_workers

    try:
        release = open_release(directory, f"folder {directory}")
        check_private(release, target.private)
        check_verdicts(release, no_audit)
        if get_token() is None and not dry_run:
            fail(f"there is no token for the Hub; {TOKEN.format(target.repo_id)}")
        with progress_line("users verified") as progress:
            report = verify(release, default_workers(), progress)
    except KeyboardInterrupt:
        _interrupted()
    if report.wrong:
        fail(f"{directory} does not pass verify: {report.wrong:,} problems, the first: {report.problems[0]}; see atlas-generate verify {directory}")
    for what, count in report.unchecked.items():
        click.echo(f"not checked: {what} ({count:,})", err=True)
    if not dry_run:
        _carded(release)
    return release


def _carded(release: "Release") -> None:
    """Put the figures into the card, unless somebody changed the card."""
    from generation.figures import CHANGED, write_card

    card = release.path / "README.md"
    with writing(card, "mend that, and run the same command again"):
        if not write_card(release):
            click.echo(CHANGED.format(card), err=True)


def _done(release: "Release", target: "Target", dry_run: bool) -> dict[str, Any]:
    """Push, or only plan the push, and describe the result."""
    from huggingface_hub import HfApi

    from generation.hub import plan
    from generation.hub import push as pushed

    api = HfApi()
    try:
        if dry_run:
            return _described(target, plan(api, release, target), None, api.endpoint)
        done = pushed(api, release, target)
        return _described(target, done.plan, done.commit, api.endpoint)
    except KeyboardInterrupt:
        _interrupted()


def _interrupted() -> NoReturn:
    stopped("Stopped. What was uploaded is kept, and readers see nothing of it: run the same command again to go on.")


def _described(target: "Target", plan: "Plan", commit: str | None, endpoint: str) -> dict[str, Any]:
    return {
        "repo_id": target.repo_id,
        "revision": target.revision,
        "url": f"{endpoint}/datasets/{target.repo_id}",
        "dry_run": commit is None,
        "new": not plan.exists,
        "commit": commit,
        "uploads": [{"path": file.path, "size": file.size} for file in plan.uploads],
        "removed": list(plan.removed),
        "unchanged": [file.path for file in plan.unchanged],
        "bytes": plan.size,
    }


def _lines(found: dict[str, Any]) -> Iterator[str]:
    where = f"{found['repo_id']} ({found['revision']})"
    if not (found["uploads"] or found["removed"]):
        yield f"{where} holds this release already: {len(found['unchanged'])} files, nothing to upload"
        return
    for file in found["uploads"][:MOST]:
        yield f"{file['size']:>14,}  {file['path']}"
    if len(found["uploads"]) > MOST:
        yield f"{'...':>14}  and {len(found['uploads']) - MOST} more"
    for name in found["removed"]:
        yield f"{'removed':>14}  {name}"
    verb = "would be uploaded" if found["dry_run"] else "uploaded"
    counts = f"{len(found['uploads'])} files, {found['bytes']:,} bytes {verb}, {len(found['unchanged'])} unchanged, {len(found['removed'])} removed"
    yield f"{where}{', which is not there yet' if found['new'] and found['dry_run'] else ''}: {counts}"
    if not found["dry_run"]:
        yield f"{found['url']}, commit {found['commit'][:12]}; open it with {_opener(found['repo_id'], found['revision'])}"


def _opener(repo_id: str, revision: str) -> str:
    """The call that opens what was pushed: our own opens only the branch main."""
    if revision == "main":
        return f'persona_atlas.load_dataset("{repo_id}")'
    return f'datasets.load_dataset("{repo_id}", revision="{revision}")'
