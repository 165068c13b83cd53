"""An optimizer's process as the harness holds it: one JSON object a line in both directions, and an end however the process behaves."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from eval_harness.replies import Limit

REPLY_BYTES = 2**21
LOG_BYTES = 2**18
LOG_SECONDS = 2.0
"""How long to wait for the end of the log, which a process that the optimizer left behind may keep open."""
STRANGE = "strange output: the process wrote something else than its reply to the pipe"
HIDDEN = ("PYTHONPATH", "PWD", "OLDPWD")
"""Environment variables that the process does not get, since they tell where the release is. Nor does it get those that begin with PERSONA_ATLAS. API
keys and the like are passed on.
"""


class LostError(Exception):
    """The process is gone, is too slow or breaks the protocol; the message says why."""


class Process:
    """A new process of worker.py, in a new and empty folder. What it prints is added to `log`, up to LOG_BYTES."""

    def __init__(self, log: bytearray) -> None:
        self._log = log
        self._rest = b""
        self._temporary = tempfile.TemporaryDirectory(prefix="persona-atlas-", ignore_cleanup_errors=True)  # a child may write to it to the end
        self.folder = self._temporary.name
        environment = {key: value for key, value in os.environ.items() if key not in HIDDEN and not key.startswith("PERSONA_ATLAS")}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "eval_harness.worker"],  # -P: nothing is imported from the folder where it starts
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**environment, "PYTHONPATH": os.pathsep.join(_package_roots()), "PYTHONHASHSEED": "0"},
            cwd=self.folder,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        self._reader = threading.Thread(target=self._keep_log, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: dict[str, Any], seconds: float, limit: Limit) -> None:
        """Write one line. Raises LostError if the process is gone, or does not read the line within `seconds`; `limit` says what was late."""
        assert self._process.stdin is not None
        pipe, data, deadline = self._process.stdin.fileno(), json.dumps(message).encode() + b"\n", time.monotonic() + seconds
        try:
            while data:
                if not select.select([], [pipe], [], max(0.0, deadline - time.monotonic()))[1]:
                    raise LostError(str(limit))
                data = data[os.write(pipe, data) :]
        except BrokenPipeError:
            raise LostError(self._epitaph()) from None

    def receive(self, seconds: float, limit: Limit, most: int = REPLY_BYTES) -> dict[str, Any]:
        """The next line, a JSON object. Raises LostError if none comes within `seconds` and `most` bytes, or the process ends."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + seconds
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                raise LostError(str(limit))
            chunk = os.read(self._process.stdout.fileno(), 65536)
            if not chunk:
                raise LostError(self._epitaph())
            self._rest += chunk
            if len(self._rest) > most:
                raise LostError(f"too much output: more than {most // 2**20} MB")
        line, self._rest = self._rest.split(b"\n", 1)
        try:
            data = json.loads(line)
        except (ValueError, RecursionError):
            raise LostError(STRANGE) from None
        if not isinstance(data, dict):
            raise LostError(STRANGE)
        return data

    def end(self) -> None:
        """Kill the process with its group, and remove its folder."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # it may have ended by itself, for which macOS gives the second
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe and not pipe.closed:
                with contextlib.suppress(BrokenPipeError):  # nobody is left to read what was not sent
                    pipe.close()
        self._temporary.cleanup()

    def wait_for_log(self) -> None:
        """Wait for the rest of what it printed."""
        self._reader.join(LOG_SECONDS)

    def _keep_log(self) -> None:
        """Drain what the module prints, keeping the first LOG_BYTES."""
        assert self._process.stderr is not None
        while chunk := self._process.stderr.read1(65536):  # type: ignore[attr-defined]
            self._log += chunk[: max(0, LOG_BYTES - len(self._log))]

    def _epitaph(self) -> str:
        try:
            status = self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            return "crash: the optimizer's process closed its pipe"
        if status >= 0:
            return f"crash: the optimizer's process ended with status {status}"
        names = {known.value: known.name for known in signal.Signals}  # most real-time signals have none
        return f"crash: killed by signal {names.get(-status, -status)}"


def _package_roots() -> list[str]:
    """The folder that holds our packages, for a process that starts in an empty folder."""
    import persona_atlas

    return [str(Path(persona_atlas.__file__).resolve().parent.parent)]
