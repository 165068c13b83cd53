"""The folder that a release is built into: held by one build at a time, and gone on with where a killed one left off."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from generation.errors import GenerateError
from persona_atlas import locks, shards

WORK, CONFIG, LOCK = ".building", "config.json", ".building.lock"
"""The work folder, what it says about the build, and the file that a running build holds. That file lies beside the work folder, which could not be
removed on NFS while a file in it is open."""
LEFT = (".README.md.", ".manifest.json.")
"""The prefixes of temporary files that a killed build may have left beside the card and the manifest."""
FOREIGN = (".DS_Store", ".nfs")
"""The prefixes of files that desktops and network file systems leave in any folder."""
Written = Mapping[str, Any]
"""A configuration as config.json holds it."""


class BuildError(GenerateError):
    """A build cannot start or go on. The message says what was found, what was wanted and what to type next."""


@contextmanager
def held(out: Path) -> Iterator[None]:
    """Hold the lock of the release's folder, which is made if need be, while the block runs.

    Raises BuildError if `out` is a file or a release that no build has left unfinished, or if another build, perhaps the same one, holds the lock.
    """
    if out.exists() and not out.is_dir():
        raise BuildError(f"{out} is a file, wanted a folder; give another --out")
    if (out / "manifest.json").is_file() and not (out / WORK).is_dir():
        raise _done(out)
    out.mkdir(parents=True, exist_ok=True)
    with locks.held(out / LOCK, BuildError(f"another build into {out} is running; let it end, or give another --out")):
        yield


def finished(out: Path, wanted: Written) -> bool:
    """Whether a build of this configuration was killed after it wrote its manifest. Its work folder is removed.

    Raises BuildError if `out` holds any other release.
    """
    if not (out / "manifest.json").is_file():
        return False
    same = _written(out) == wanted
    if (out / WORK).is_dir():  # another build may have ended just before this one got the lock
        shutil.rmtree(out / WORK)
    if not same:
        raise _done(out)
    return True


def opened(out: Path, wanted: Written) -> Path:
    """Return the work folder of the build, which is new or resumed. Raises BuildError if `out` holds something else."""
    work, there = out / WORK, _written(out)
    ours = (WORK, LOCK) if there is None else (WORK, LOCK, "data", "README.md")
    strangers = [path.name for path in sorted(out.iterdir()) if path.name not in ours and not path.name.startswith((*LEFT, *FOREIGN))]
    if strangers:
        raise BuildError(f"{out} is not empty (it holds {strangers[0]}); give a new folder with --out")
    if there is not None:
        if there == wanted:
            return work
        if any(work.glob("*/shard.json")):
            what = _differences(there, wanted)
            raise BuildError(f"{out} holds an unfinished build of another configuration ({what}); remove {work} or give another --out")
        shutil.rmtree(work)
    shards.write_text(work / CONFIG, json.dumps(wanted))
    return work


def clear(out: Path) -> None:
    """Remove what a killed build may have left of the release itself."""
    shutil.rmtree(out / "data", ignore_errors=True)
    for left in out.iterdir():
        if left.name.startswith(LEFT):
            left.unlink()


def _done(out: Path) -> BuildError:
    return BuildError(f"{out} holds a finished release; give another --out, or remove the folder to build anew")


def _written(out: Path) -> Written | None:
    """Return what an unfinished build in `out` makes; None if there is none."""
    file = out / WORK / CONFIG
    if not file.is_file():
        return None
    written: Written = json.loads(file.read_text(encoding="utf-8"))
    return written


def _differences(there: Written, wanted: Written) -> str:
    """Return what differs between two configurations: values with their names, the models' arguments by name alone."""
    names = [
        f"{key} {there.get(key, 'none')} there, {wanted.get(key, 'none')} asked for"
        for key in {**there, **wanted}
        if there.get(key) != wanted.get(key) and key not in ("arguments", "config_digest")
    ]
    theirs, ours = there.get("arguments", {}), wanted.get("arguments", {})
    pairs = [(theirs[agent], ours[agent]) for agent in theirs if agent in ours]
    arguments = sorted({name for one, other in pairs for name in {**one, **other} if one.get(name) != other.get(name)})
    if arguments:
        names.append(f"another {' and '.join(arguments)} of the models")
    return ", ".join(names) or "other banks or generator"
