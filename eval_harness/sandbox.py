"""The harness's side of the optimizer's process: starts it, sends requests, enforces limits, and turns whatever happens into a Reply.

A hang, a crash, an exit, a wrong type or a flood of output ends at most the process, never the run: the next request gets a new process. After
GIVE_UP deaths in a row, the remaining requests are recorded as failed without being tried, so that an optimizer that always hangs ends in bounded
time. Each process has a new working folder.
"""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import Any

from eval_harness.errors import EvalError
from eval_harness.isolation import hidden
from eval_harness.metered import UNUSED, Meter, StrangeMessageError, Usage
from eval_harness.optimizer_spec import OptimizerSpec
from eval_harness.process import REPLY_BYTES, STRANGE, LostError, Process
from eval_harness.replies import Limit, Reply, as_json, is_reply, is_said, unusable
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
    _process: Process | None = None
    _ended: Process | None = None

    def __enter__(self) -> "Sandbox":
        self._hiding = contextlib.ExitStack()
        self._hiding.enter_context(hidden())
        self._hiding.enter_context(_terminated_as_interrupted())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        self._hiding.close()

    def start(self) -> None:
        """Start the process, load the module, and let it fit if it has a `fit`. Raises EvalError if it cannot be used."""
        try:
            fault = self._start()
        except LostError as error:
            raise EvalError(f"the module {self.spec.module!r} did not load: {error}") from None
        if fault:
            raise EvalError(fault)

    def renew(self) -> None:
        """Replace the process by a new one, which knows nothing of the requests so far, and let it fit. Raises EvalError as `optimize` does.

        If it cannot be used, that counts as a death, and the next request tries again.
        """
        self._kill()
        if self.deaths < GIVE_UP:
            try:
                self._ready()
            except LostError:
                self.deaths += 1

    def stop(self) -> None:
        """End the process, and wait for the rest of what it printed."""
        self._kill()
        if self._ended is not None:
            self._ended.wait_for_log()

    def optimize_all(self, requests: Sequence[Request]) -> Iterator[Reply]:
        """The reply to each request, in order: in batches if the optimizer takes them; otherwise, or once a batch has failed, one by one."""
        start = 0
        while start < len(requests):
            some = requests[start : start + (BATCH if self.batches else 1)]
            yield from (self._batch(some) if self.batches else None) or map(self.optimize, some)
            start += len(some)

    def _batch(self, requests: Sequence[Request]) -> list[Reply] | None:
        """The replies to a batch; None if it failed as a whole, for whatever reason: no more batches are then tried in the run.

        None also if no process can be started. That is not the batch's fault, and `optimize`, which tries again, counts it.
        """
        try:
            self._ready()
        except LostError:
            return None
        started, seconds = time.monotonic(), self.spec.seconds * len(requests)
        self.requests += 1
        message = {"requests": [as_json(request) for request in requests], **self._told(seconds)}
        try:
            data = self._converse(message, Limit("no prompts", seconds), REPLY_BYTES * len(requests))
        except LostError as error:
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
            self._ready()
            data = self._converse(message, Limit("no prompt", self.spec.seconds))
            if not is_reply(data, self.requests):
                raise LostError(STRANGE)
        except LostError as error:
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
        assert self._process is not None
        left = limit.seconds
        self._process.send(message, left, Limit("the request was not read", left))
        while True:
            started = time.monotonic()
            data = self._process.receive(left, limit, most)
            left -= time.monotonic() - started
            if not ("ask" in data or "score" in data) or self.meter is None:
                return data
            reading = limit if left > SEND_SECONDS else Limit("what the target answered was not read", SEND_SECONDS)
            try:
                answers = self.meter.serve(data)
            except StrangeMessageError:
                raise LostError(STRANGE) from None
            started = time.monotonic()
            self._process.send(answers, max(left, SEND_SECONDS), reading)
            left -= time.monotonic() - started

    def _fit(self) -> str | None:
        """Run `fit` and return why the optimizer is unusable, if it is. Losing the process makes it unusable, as an exception does.

        Raises EvalError where the target lost answers in it, also after a crash: that is not the optimizer's fault, and what is done is saved.
        """
        assert self.meter is not None
        if not self.meter.items and self.meter.release.items("train"):
            raise EvalError("it has a fit, and no train users are left for that, since the run is scored on all of them; give a smaller --limit")
        requests = [Request(f"train-{i}", messages(history(item, self.meter.release)), item.query) for i, item in enumerate(self.meter.items)]
        message = {"fit": [as_json(request) for request in requests], "seed": self.seed, "seconds": FIT_SECONDS, "left": self.meter.budget}
        try:
            with self.meter.fitting():
                said = self._converse(message, Limit("it was not done", FIT_SECONDS))
            fault = unusable(said)
            if said.get("fitted") is not True and fault is None:
                raise LostError(STRANGE)
        except LostError as error:
            fault = f"its fit failed: {error}"
        finally:
            used = self.meter.take_usage()
            self.fit_usage += used
        if used.lost:  # whatever it made of them
            lost = f"the target lost {used.lost} of the answers that its fit asked for" + (f" ({used.why.rstrip('.')})" if used.why else "")
            raise EvalError(f"{lost}; mend that if it lasts, and give the same command again")
        return fault

    def _ready(self) -> None:
        """Start a process if there is none. Raises LostError if it cannot be used."""
        if self._process is not None:
            return
        try:
            if fault := self._start():
                raise LostError(fault)
        except LostError:
            self._kill()
            raise

    def _start(self) -> str | None:
        """Start the process, let it load and fit, and return why it cannot be used, if so."""
        self._process = Process(self.log)
        spec, calls, loading = self.spec, self.meter.budget if self.meter else 0, Limit("it was not loaded", START_SECONDS)
        start = {"module": spec.module, "attribute": spec.attribute, "arguments": spec.arguments, "path": spec.path}
        self._process.send({**start, "folder": self._process.folder, "memory": MEMORY, "calls": calls}, START_SECONDS, loading)
        said = self._process.receive(START_SECONDS, loading)
        self.batches = said.get("batches") is True and not self.batchless
        self.fits = said.get("fits") is True
        return self._fit() if self.fits and self.meter is not None else unusable(said)

    def _kill(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process, self._ended = None, self._process


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Take SIGTERM for Ctrl-C while the block runs, so that neither a process nor its folder is left behind (in the main thread alone)."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
