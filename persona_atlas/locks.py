"""Locks that one process has at a time. A lock ends with its process, however that ends, so a file that a kill left behind locks nothing."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def take(file: IO[str]) -> None:
    """Lock a file that is open for writing, until this process closes it, or another handle of it. Raises BlockingIOError where another process has
    the lock, OSError where the file system knows none.
    """
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except PermissionError as error:  # what some systems say in its place
        raise BlockingIOError(*error.args) from None


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Have the lock of the file `path` while the block runs, and remove the file then. Raises BlockingIOError where another process has it. Where the
    file system knows no locks, nobody is kept off.
    """
    while True:
        with path.open("a") as file:
            try:
                take(file)
            except BlockingIOError:
                raise
            except OSError:
                pass
            if os.fstat(file.fileno()).st_nlink == 0:  # it was opened before, and locked after, another process removed it
                continue
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return
