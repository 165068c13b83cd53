"""A release on the Hugging Face Hub: what is there, what differs, and the one commit that makes the two alike.

Files are compared by what the Hub itself keeps of them (the SHA-256 of a large file, the git blob id of a small one), so that nothing is uploaded
twice. The Hub keeps what an interrupted push has uploaded, and the next push goes on from there. Readers see the release before the commit or the one
after it, never a half.
"""

import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.hf_api import RepoFile

from generation.hub_errors import BusyError, HubError, worded
from persona_atlas import shards
from persona_atlas.data import Release

BESIDE = ("README.md", "manifest.json")
VERDICTS = ("audit.json", "audit.html", "gate.json", "generality.json", "import.json", "croissant.json")
"""Further files that are uploaded if they are beside the manifest."""
OURS = "data/"
"""The folder that holds nothing but the release: whatever else the Hub has in it is removed."""
DATASET = "dataset"
WAITS = (2.0, 8.0)
"""Seconds before the second and the third try of a push; within a try, the client itself waits and tries again."""


@dataclass(frozen=True)
class Target:
    """Where a release goes: OWNER/NAME and branch. `private`: the repository is created private, and one that is there and public is refused."""

    repo_id: str
    revision: str = "main"
    private: bool = False


@dataclass(frozen=True)
class File:
    """A file of the release; `path` is its name in it."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Plan:
    """What a push has to do. `head`: the commit that it builds on; None if the branch, or the whole repository, is not there yet."""

    exists: bool
    head: str | None
    uploads: tuple[File, ...]
    unchanged: tuple[File, ...]
    removed: tuple[str, ...]

    @property
    def done(self) -> bool:
        return self.head is not None and not (self.uploads or self.removed)

    @property
    def size(self) -> int:
        return sum(file.size for file in self.uploads)


@dataclass(frozen=True)
class Pushed:
    """A finished push: the plan made at its start, once there was a branch, and the commit that now holds the release."""

    plan: Plan
    commit: str


def files_of(release: Release) -> tuple[File, ...]:
    """The files of a release that are uploaded: data, card, manifest, and those of VERDICTS that are there."""
    data = [(entry["path"], entry["sha256"]) for entry in release.manifest["files"]]
    beside = [name for name in (*BESIDE, *VERDICTS) if (release.path / name).is_file()]
    pairs = [*data, *((name, shards.file_sha256(release.path / name)) for name in beside)]
    return tuple(File(name, (release.path / name).stat().st_size, sha256) for name, sha256 in pairs)


def plan(api: HfApi, release: Release, target: Target) -> Plan:
    """Compare the release with what the Hub has. Raises HubError."""
    with worded(target.repo_id):
        exists, head = _head(api, target)
        there = dict(_tree(api, target, head)) if head else {}
    files = files_of(release)
    unchanged = tuple(file for file in files if file.path in there and _same(release.path / file.path, file, there[file.path]))
    mine = {file.path for file in files}
    removed = tuple(sorted(name for name in there if name not in mine and (name.startswith(OURS) or name in VERDICTS)))
    return Plan(exists, head, tuple(file for file in files if file not in unchanged), unchanged, removed)


def push(api: HfApi, release: Release, target: Target) -> Pushed:
    """Make the branch on the Hub equal to the release, in one commit. Raises HubError; what was uploaded by then is kept for the next push.

    Before each try the Hub is looked at again, so that a commit whose answer alone was lost is not made twice.
    """
    first: Plan | None = None
    for wait in (*WAITS, None):
        try:
            todo = _begun(api, release, target)
            first = first or todo
            return Pushed(first, _pushed(api, release, target, todo))
        except BusyError:
            if wait is None:
                raise
            time.sleep(wait)
    raise AssertionError("the last try returns or raises")


def _begun(api: HfApi, release: Release, target: Target) -> Plan:
    """The plan for a branch that is there: one that was not is made, and begins with what the main one holds."""
    todo = plan(api, release, target)
    if todo.head is not None:
        return todo
    with worded(target.repo_id):
        _make(api, target, todo)
    return replace(plan(api, release, target), exists=todo.exists)


def _pushed(api: HfApi, release: Release, target: Target, todo: Plan) -> str:
    if todo.done and todo.head is not None:
        return todo.head
    with worded(target.repo_id):
        adds = [CommitOperationAdd(file.path, str(release.path / file.path)) for file in todo.uploads]
        deletes = [CommitOperationDelete(name) for name in todo.removed]
        info = api.create_commit(
            target.repo_id,
            [*adds, *deletes],
            commit_message=_message(release.manifest),
            repo_type=DATASET,
            revision=target.revision,
            parent_commit=todo.head,
        )
    return str(info.oid)


def _message(manifest: Mapping[str, Any]) -> str:
    version = f" {manifest['dataset_version']}" if "dataset_version" in manifest else ""
    return f"PersonaAtlas{version}, content {manifest['content_digest'][:16]}"


def _make(api: HfApi, target: Target, todo: Plan) -> None:
    """Create the repository or branch that is not there yet."""
    if not todo.exists:
        api.create_repo(target.repo_id, repo_type=DATASET, private=target.private, exist_ok=True)
    if target.revision != "main":
        api.create_branch(target.repo_id, branch=target.revision, repo_type=DATASET, exist_ok=True)


def _head(api: HfApi, target: Target) -> tuple[bool, str | None]:
    """Whether the repository is there, and the newest commit of the branch, None if there is no such branch."""
    try:
        info = api.repo_info(target.repo_id, repo_type=DATASET, revision=target.revision)
    except RevisionNotFoundError:
        _check_private(target, api.repo_info(target.repo_id, repo_type=DATASET).private)
        return True, None
    except RepositoryNotFoundError as error:
        if error.response.status_code != 404:  # 401: the Hub does not say whether there is none or this token may not see it
            raise
        return False, None
    _check_private(target, info.private)
    return True, info.sha


def _check_private(target: Target, private: bool | None) -> None:
    if target.private and not private:
        raise HubError(f"{target.repo_id} is there and public, --private asked for; make it private in its settings, or leave --private out")


def _tree(api: HfApi, target: Target, head: str) -> Iterator[tuple[str, RepoFile]]:
    for entry in api.list_repo_tree(target.repo_id, recursive=True, revision=head, repo_type=DATASET):
        if isinstance(entry, RepoFile):
            yield entry.path, entry


def _same(path: Path, file: File, there: RepoFile) -> bool:
    if there.lfs is not None:
        return bool(there.lfs.sha256 == file.sha256)
    return there.size == file.size and bool(there.blob_id == _blob_id(path))


def _blob_id(path: Path) -> str:
    """The git blob id of a file's content."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
