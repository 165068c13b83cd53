"""Keeps an optimizer's process from reading the harness: its memory, open files and working folder, and the path of the release (Linux only).

While an optimizer runs, the harness makes itself undumpable, so the kernel refuses other processes of the same user access to /proc/PID/mem, cwd
and fd. It also overwrites what cmdline and environ show of the release. The optimizer's process gives up the capability with which root could
look anyway, and it is killed when the harness ends. On other systems none of this is done; docs/isolation.md says what is left.
"""

import contextlib
import ctypes
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38
CAP_SYS_PTRACE = 19
CAPABILITY_VERSION = 0x20080522
BLOCKS = slice(47, 51)
"""The fields of /proc/PID/stat with the first and last address of the arguments, then of the environment, that the process was started with."""
TELLING = ("PWD", "OLDPWD", "PERSONA_ATLAS")
"""Prefixes of the environment variables that tell where the release is."""


@contextlib.contextmanager
def hidden() -> Iterator[None]:
    """Hide this process while the block runs. Raises OSError if the kernel refuses."""
    if sys.platform != "linux":
        yield
        return
    blocks = _blocks()
    shown = [ctypes.string_at(start, end - start) for start, end in blocks]
    for (start, _), block, tells in zip(blocks, shown, (_further_argument, _telling_variable), strict=True):
        _overwrite(start, block, tells)
    _prctl(PR_SET_DUMPABLE, 0)
    try:
        yield
    finally:
        _prctl(PR_SET_DUMPABLE, 1)
        for (start, _), block in zip(blocks, shown, strict=True):
            ctypes.memmove(start, block, len(block))


def _overwrite(start: int, block: bytes, tells: Callable[[int, bytes], bool]) -> None:
    """Write zeros over those of a block's NUL-separated strings for which `tells(number, text)` is true."""
    place = 0
    for number, text in enumerate(block.split(b"\0")):
        if tells(number, text):
            ctypes.memset(start + place, 0, len(text))
        place += len(text) + 1


def _further_argument(number: int, text: bytes) -> bool:
    return number > 0


def _telling_variable(number: int, text: bytes) -> bool:
    return text.startswith(tuple(name.encode() for name in TELLING))


def give_up_looking() -> None:
    """Drop CAP_SYS_PTRACE for this process and all that it starts, for good. Raises OSError.

    A program that root starts would get every capability back. Without new privileges it gets none that its parent had given up.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable of capabilities 0 to 31, then of the rest
    _check(libc.capget(header, sets), "capget")
    for i in range(3):
        sets[i] &= ~(1 << CAP_SYS_PTRACE)
    _check(libc.capset(header, sets), "capset")
    _prctl(PR_SET_NO_NEW_PRIVS, 1)


def end_with_the_harness() -> None:
    """Have the kernel kill this process when the one that started it ends, for whatever reason, even in the middle of a request. Raises OSError."""
    if sys.platform == "linux":
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _blocks() -> list[tuple[int, int]]:
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    addresses = [int(field) for field in ["", "", *fields][BLOCKS]]
    return [(addresses[0], addresses[1]), (addresses[2], addresses[3])]


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0), f"prctl {option}")


def _check(status: int, what: str) -> None:
    if status != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what} failed")
