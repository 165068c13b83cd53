"""The bytes of a submission's files, from a folder or an archive (.zip, .tar.gz, .tgz). Nothing is written to disk, and no link is followed.

A folder holds regular files of the known names and nothing else; links, devices and further files are refused. An archive holds the same, at its top
or in one folder (archives.py). No file is read beyond the size that LARGEST allows.
"""

import os
import stat
from pathlib import Path

from eval_harness.submission import LARGEST
from leaderboard.archives import of_tar_gz, of_zip
from leaderboard.errors import SubmissionError

OPTIONAL = ("repeats.jsonl",)
ARCHIVE_BYTES = 2**25
ARCHIVES = {".zip": of_zip, ".tar.gz": of_tar_gz, ".tgz": of_tar_gz}


def files_of(path: Path) -> dict[str, bytes]:
    """Return name -> bytes of a submission's files. Raises SubmissionError, or FileNotFoundError if there is no `path`."""
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        raise SubmissionError("it is a symbolic link, wanted a folder or an archive")
    if stat.S_ISDIR(status.st_mode):
        found = _of_folder(path)
    else:
        opener = next((opener for ending, opener in ARCHIVES.items() if path.name.endswith(ending)), None)
        if opener is None:
            raise SubmissionError(f"it is no folder, and no archive that ends in {', '.join(ARCHIVES)}")
        found = opener(_read(path, ARCHIVE_BYTES, "the archive"), LARGEST)
    if missing := [name for name in LARGEST if name not in found and name not in OPTIONAL]:
        raise SubmissionError(f"it lacks {', '.join(missing)}")
    return found


def _of_folder(path: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name not in LARGEST:
                raise SubmissionError(f"it holds {entry.name!r}, wanted {', '.join(LARGEST)} and nothing else")
            found[entry.name] = _read(path / entry.name, LARGEST[entry.name], entry.name)
    return found


def _read(path: Path, most: int, name: str) -> bytes:
    """Return the bytes of a regular file that is no link. O_NONBLOCK keeps a pipe from blocking us. Raises SubmissionError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise SubmissionError(f"{name} cannot be opened as a file ({os.strerror(error.errno or 0)}); links are not followed") from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size > most:
        os.close(descriptor)
        what = f"has {status.st_size:,} bytes, at most {most:,} are taken" if stat.S_ISREG(status.st_mode) else "is no regular file"
        raise SubmissionError(f"{name} {what}")
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise SubmissionError(f"{name} grows while it is read")
    return data
