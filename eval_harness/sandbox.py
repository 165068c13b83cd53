"""The harness's side of the optimizer's process: starts it, sends requests, enforces limits, and turns whatever happens into a Reply.

A hang, a crash, an exit, a wrong type or a flood of output ends at most the process, never the run: the next request gets a new process. After
GIVE_UP deaths in a row, the remaining requests are recorded as failed without being tried, so that an optimizer that always hangs ends in bounded
time.
"""

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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from eval_harness.errors import EvalError
from eval_harness.isolation import hidden
from eval_harness.metered import UNUSED, Meter, StrangeMessageError, Usage
from eval_harness.optimizer_spec import OptimizerSpec
from eval_harness.replies import Limit, Reply, as_json, is_reply, is_said
from persona_atlas.data import history, messages
from persona_atlas.protocol import Request

BATCH = 64
"""How many requests an optimizer with `optimize_batch` is sent at a time."""
GIVE_UP = 10
START_SECONDS = 120.0
SEND_SECONDS = 5.0
"""The least time that the process gets to read the target's answers."""
FIT_SECONDS = 3600.0
"""The time that `fit` may take, not counting what the target takes."""
MEMORY = 8 * 2**30
REPLY_BYTES = 2**21
LOG_BYTES = 2**18
LOG_SECONDS = 2.0
"""How long to wait for the end of the log, which a process that the optimizer left behind may keep open."""
STRANGE = "strange output: the process wrote something else than its reply to the pipe"
HIDDEN = ("PYTHONPATH", "PWD", "OLDPWD")
"""Environment variables that the process does not get, since they tell where the release is. Nor does it get those that begin with PERSONA_ATLAS. API
keys and the like are passed on.
"""


class _LostError(Exception):
    """The process is gone; the message says why."""


@dataclass
class Sandbox:
    """An optimizer in a process of its own, as a context manager.

    `fits`: whether it has a `fit`. `batches`: whether it is sent several requests at once. `batchless`: why a batch has failed, so that
    no other is tried.
    """

    spec: OptimizerSpec
    seed: int
    meter: Meter | None = None
    fit_usage: Usage = UNUSED
    deaths: int = 0
    requests: int = 0
    fits: bool = False
    batches: bool = False
    batchless: str = ""
    log: bytearray = field(default_factory=bytearray)
    _process: "subprocess.Popen[bytes] | None" = None
    _reader: threading.Thread | None = None
    _rest: bytes = b""

    def __enter__(self) -> "Sandbox":
        self._folder = tempfile.TemporaryDirectory(prefix="persona-atlas-")
        self._hiding = contextlib.ExitStack()
        self._hiding.enter_context(hidden())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        self._hiding.close()
        self._folder.cleanup()

    def start(self) -> None:
        """Start the process, load the module, and let it fit if it has a `fit`. Raises EvalError if it cannot be used."""
        try:
            message = self._start()
        except _LostError as error:
            raise EvalError(f"the module {self.spec.module!r} did not load: {error}") from None
        if "unusable" in message:
            raise EvalError(str(message["unusable"]))

    def stop(self) -> None:
        """End the process, and wait for the rest of what it printed."""
        self._kill()
        if self._reader is not None:
            self._reader.join(LOG_SECONDS)

    def optimize_all(self, requests: Sequence[Request]) -> Iterator[Reply]:
        """The reply to each request, in order: in batches if the optimizer takes them; otherwise, or once a batch has failed, one by one."""
        start = 0
        while start < len(requests):
            some = requests[start : start + (BATCH if self.batches else 1)]
            yield from (self._batch(some) if self.batches else None) or map(self.optimize, some)
            start += len(some)

    def _batch(self, requests: Sequence[Request]) -> list[Reply] | None:
        """The replies to a batch; None if it failed as a whole, for whatever reason. No more batches are then tried in the run."""
        started, seconds = time.monotonic(), self.spec.seconds * len(requests)
        self.requests += 1
        message = {"requests": [as_json(request) for request in requests], **self._told(seconds)}
        try:
            data = self._converse(message, Limit("no prompts", seconds), REPLY_BYTES * len(requests))
        except _LostError as error:
            self._kill()
            data = {"failure": str(error)}
        replies = data.get("replies")
        if data.get("number") != self.requests or not isinstance(replies, list) or len(replies) != len(requests) or not all(map(is_said, replies)):
            self.batches, self.batchless = False, data.get("failure", STRANGE) if is_said(data) else STRANGE
            self.log += f"optimize_batch failed: {self.batchless}\n".encode()
            return None
        took, usage = (time.monotonic() - started) / len(requests), self._usage()
        parts = [usage.part(place, len(requests)) for place in range(len(requests))]
        return [Reply.of(said, took, part) for said, part in zip(replies, parts, strict=True)]

    def optimize(self, request: Request) -> Reply:
        """The reply to one request, whatever the optimizer does. Raises EvalError where a new `fit` lost answers of the target."""
        if self.deaths >= GIVE_UP:
            return Reply(None, f"not tried: the optimizer's process was lost {GIVE_UP} times in a row")
        started = time.monotonic()
        self.requests += 1
        message = {"request": as_json(request), **self._told(self.spec.seconds)}
        try:
            if self._process is None and "unusable" in (ready := self._start()):
                raise _LostError(str(ready["unusable"]))
            data = self._converse(message, Limit("no prompt", self.spec.seconds))
            if not is_reply(data, self.requests):
                raise _LostError(STRANGE)
        except _LostError as error:
            self._kill()
            self.deaths += 1
            return Reply(None, str(error), seconds=time.monotonic() - started, usage=self._usage())
        self.deaths = 0
        return Reply.of(data, time.monotonic() - started, self._usage())

    def _told(self, seconds: float) -> dict[str, Any]:
        """What goes with every request: its number, the seed, its time, and the calls that are left."""
        return {"number": self.requests, "seed": self.seed, "seconds": seconds, "left": self.meter.left if self.meter else 0}

    def _usage(self) -> Usage:
        return self.meter.take_usage() if self.meter else UNUSED

    def _converse(self, message: dict[str, Any], limit: Limit, most: int = REPLY_BYTES) -> dict[str, Any]:
        """Send a message and return the reply. In between, answer what the optimizer asks of the target; its clock stops meanwhile."""
        left = limit.seconds
        self._send(message, left, Limit("the request was not read", left))
        while True:
            started = time.monotonic()
            data = self._receive(left, limit, most)
            left -= time.monotonic() - started
            if not ("ask" in data or "score" in data) or self.meter is None:
                return data
            reading = limit if left > SEND_SECONDS else Limit("what the target answered was not read", SEND_SECONDS)
            try:
                self._send(self.meter.serve(data), max(left, SEND_SECONDS), reading)
            except StrangeMessageError:
                raise _LostError(STRANGE) from None

    def _fit(self) -> dict[str, Any]:
        """Run `fit` and return its outcome. If the process is lost in it, the optimizer is unusable, as it is after an exception.

        Raises EvalError where the target lost answers in it, also after a crash: that is not the optimizer's fault, and what is done is saved.
        """
        assert self.meter is not None
        requests = [Request(f"train-{i}", messages(history(item, self.meter.release)), item.query) for i, item in enumerate(self.meter.items)]
        message = {"fit": [as_json(request) for request in requests], "seed": self.seed, "seconds": FIT_SECONDS, "left": self.meter.budget}
        try:
            with self.meter.fitting():
                said = self._converse(message, Limit("it was not done", FIT_SECONDS))
            if said.get("fitted") is not True and "unusable" not in said:
                raise _LostError(STRANGE)
        except _LostError as error:
            said = {"unusable": f"its fit failed: {error}"}
        finally:
            used = self.meter.take_usage()
            self.fit_usage += used
        if used.lost:  # whatever it made of them
            raise EvalError(f"the target lost {used.lost} of the answers that its fit asked for; give the same command again")
        return said

    def _start(self) -> dict[str, Any]:
        environment = {key: value for key, value in os.environ.items() if key not in HIDDEN and not key.startswith("PERSONA_ATLAS")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "eval_harness.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**environment, "PYTHONPATH": os.pathsep.join(_package_roots()), "PYTHONHASHSEED": "0"},
            cwd=self._folder.name,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        self._rest = b""
        self._reader = threading.Thread(target=self._keep_log, args=(self._process,), daemon=True)
        self._reader.start()
        spec = self.spec
        start = {"module": spec.module, "attribute": spec.attribute, "arguments": spec.arguments, "path": spec.path}
        calls, loading = self.meter.budget if self.meter else 0, Limit("it was not loaded", START_SECONDS)
        self._send({**start, "folder": self._folder.name, "memory": MEMORY, "calls": calls}, START_SECONDS, loading)
        said = self._receive(START_SECONDS, loading)
        self.batches = said.get("batches") is True and not self.batchless
        self.fits = said.get("fits") is True
        return self._fit() if self.fits and self.meter is not None else said

    def _keep_log(self, process: "subprocess.Popen[bytes]") -> None:
        """Drain what the module prints, keeping the first LOG_BYTES."""
        assert process.stderr is not None
        while chunk := process.stderr.read1(65536):  # type: ignore[attr-defined]
            self.log += chunk[: max(0, LOG_BYTES - len(self.log))]

    def _send(self, message: dict[str, Any], seconds: float, limit: Limit) -> None:
        """Write one line. Raises _LostError if the process is gone, or does not read the line within `seconds`; `limit` says what was late."""
        assert self._process is not None
        assert self._process.stdin is not None
        pipe, data, deadline = self._process.stdin.fileno(), json.dumps(message).encode() + b"\n", time.monotonic() + seconds
        try:
            while data:
                if not select.select([], [pipe], [], max(0.0, deadline - time.monotonic()))[1]:
                    raise _LostError(str(limit))
                data = data[os.write(pipe, data) :]
        except BrokenPipeError:
            raise _LostError(self._epitaph()) from None

    def _receive(self, seconds: float, limit: Limit, most: int = REPLY_BYTES) -> dict[str, Any]:
        """The next line, a JSON object. Raises _LostError if none comes within `seconds` and `most` bytes, or the process ends."""
        assert self._process is not None
        assert self._process.stdout is not None
        deadline = time.monotonic() + seconds
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                raise _LostError(str(limit))
            chunk = os.read(self._process.stdout.fileno(), 65536)
            if not chunk:
                raise _LostError(self._epitaph())
            self._rest += chunk
            if len(self._rest) > most:
                raise _LostError(f"too much output: more than {REPLY_BYTES // 2**20} MB for one prompt")
        line, self._rest = self._rest.split(b"\n", 1)
        try:
            data = json.loads(line)
        except ValueError:
            raise _LostError(STRANGE) from None
        if not isinstance(data, dict):
            raise _LostError(STRANGE)
        return data

    def _epitaph(self) -> str:
        assert self._process is not None
        try:
            status = self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            return "crash: the optimizer's process closed its pipe"
        if status >= 0:
            return f"crash: the optimizer's process ended with status {status}"
        names = {known.value: known.name for known in signal.Signals}  # most real-time signals have none
        return f"crash: killed by signal {names.get(-status, -status)}"

    def _kill(self) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):  # it may have ended by itself, for which macOS gives the second
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe and not pipe.closed:
                with contextlib.suppress(BrokenPipeError):  # nobody is left to read what was not sent
                    pipe.close()
        self._process = None


def _package_roots() -> list[str]:
    """The folder that holds our packages, for a process that starts in an empty folder."""
    import persona_atlas

    return [str(Path(persona_atlas.__file__).resolve().parent.parent)]
