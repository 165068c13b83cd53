"""Runs one function of untrusted Python on some arguments. `sandbox.py` starts this file as a process of its own, and never imports it.

It reads {"blocks", "function", "cases": [arguments, ...], "seconds", "megabytes"} from standard input, and writes what the function returned for
each case to standard output. A block that is no Python (the command that runs it, what it prints) is left out, and one that raises (an example of an
error) ends there; the function may be in any other. It never learns the expected results. Before a block runs, limits are set that cannot be raised
again, and an audit hook that cannot be removed refuses sockets, processes, files and foreign functions. Much of `os` raises no audit event (file
metadata, pipes, users), so all system calls but a harmless few are taken out of it.
"""

import importlib
import json
import os
import posix
import resource
import sys
from types import BuiltinFunctionType, CodeType
from typing import Any

FORBIDDEN = (
    *("open", "socket.", "subprocess.", "os.", "shutil.", "pathlib.", "glob.", "tempfile.", "pty.", "signal.", "mmap.", "ctypes.", "sqlite3."),
    *("ftplib.", "http.", "urllib.", "smtplib.", "webbrowser.", "gc.", "code.__new__", "sys._getframe", "sys.addaudithook", "sys.settrace"),
)
UNHEARD = ("posix", "pwd")
"""Modules whose calls reach the system without an audit event. The blocks must not load them afresh."""
HARMLESS = frozenset({"cpu_count", "fspath", "getpid", "strerror", "times", "urandom"})
"""The system calls that stay in `os`."""
PRELOADED = (
    "bisect calendar collections copy dataclasses datetime decimal fractions functools heapq itertools math operator random re statistics string "
    "textwrap typing unicodedata"
)


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event.startswith(FORBIDDEN) or (event == "import" and arguments[0] in UNHEARD):
        raise PermissionError(f"{event} is not allowed here")


def close_system() -> None:
    """Take the system calls out of `os`: file metadata, descriptors, pipes, users. `os.path` and `pathlib` have no others to use."""

    def refused(*_: Any, **__: Any) -> None:
        raise PermissionError("calls of the system are not allowed here")

    for name in [name for name, call in vars(posix).items() if isinstance(call, BuiltinFunctionType) and name not in HARMLESS]:
        for module in (posix, os):
            if hasattr(module, name):
                setattr(module, name, refused)
    for listed in (os.supports_dir_fd, os.supports_effective_ids, os.supports_fd, os.supports_follow_symlinks):
        listed.clear()


def returned(namespace: dict[str, Any], function: str, arguments: list[Any]) -> Any:
    """Return a list of what the function returns, as plain data; an empty list if it raises or exits, or returns something else."""
    try:
        return json.loads(json.dumps([namespace[function](*arguments)]))
    except BaseException:  # the boundary: whatever the source raises, the case is not passed
        return []


def compiled(block: str) -> CodeType | None:
    try:
        return compile(block, "answer", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def run(program: CodeType, namespace: dict[str, Any]) -> None:
    try:
        exec(program, namespace)
    except BaseException:  # the boundary: a block that raises or exits has defined what it has defined
        return


def main() -> None:
    job = json.loads(sys.stdin.read())
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    limits = {
        resource.RLIMIT_CPU: job["seconds"],
        resource.RLIMIT_AS: job["megabytes"] * 2**20,
        resource.RLIMIT_FSIZE: 1 << 16,
        resource.RLIMIT_NOFILE: 16,
    }
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))
    for module in PRELOADED.split():  # what answers use most is loaded while files can still be read
        importlib.import_module(module)
    namespace: dict[str, Any] = {"__name__": "answer"}
    programs = [program for block in job["blocks"] if (program := compiled(block)) is not None]
    close_system()
    sys.addaudithook(refuse)
    for program in programs:
        run(program, namespace)
    values = [returned(namespace, job["function"], arguments) for arguments in job["cases"]]
    replies.write(json.dumps(values))
    replies.flush()


if __name__ == "__main__":
    main()
