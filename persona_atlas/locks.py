"""Locks that only one process can hold. A lock ends with its process, however that ends, so a file that a kill leaves behind locks nothing."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def take(file: IO[str]) -> None:
    """Lock a file that is open for writing, until this process closes it or any other handle of the same file.

    Raises BlockingIOError if another process holds the lock, OSError if the file system has no locks.
    """
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except PermissionError as error:  # which some systems raise instead
        raise BlockingIOError(*error.args) from None


@contextmanager
def held(path: Path, busy: Exception) -> Iterator[None]:
    """Hold the lock of the file `path` while the block runs, then remove the file.

    Raises `busy` if another process holds the lock. On a file system without locks, no other process is kept out.
    """
    while True:
        with path.open("a") as file:
            try:
                take(file)
            except BlockingIOError:
                raise busy from None
            except OSError:
                pass
            if os.fstat(file.fileno()).st_nlink == 0:  # another process removed it after we opened it and before we locked it
                continue
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return
