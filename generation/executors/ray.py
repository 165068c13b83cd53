"""The executor `ray`: makes shards in Ray actors, one per worker, on this machine or on a cluster.

Ray places the actors and reports their deaths. Only the markers in the work folder say which shards are done. An actor has one shard at a time, so
one that dies, alone or with its node, costs only that shard, which goes to another actor until TRIES actors have died over it. An actor is given
shards only once it has started, so one that Ray finds no room for keeps no shard waiting.

Without an address, a Ray of our own is started: loopback only, no dashboard, no usage statistics. It ends with the build.
"""

import logging
import math
import os
import pickle
import re
import socket
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import dropwhile
from pathlib import Path
from typing import Any, NoReturn

import generation
from generation.executors import ExecutorError, Job
from generation.people import Block
from persona_atlas.workers import default_workers

ADDRESS = re.compile(r"(ray://)?[^\s/:]+:\d+|(ray://)?\[[0-9a-fA-F:]+\]:\d+")
TRIES = 3
"""How many actors may die over one shard, or in a row while starting, before the build stops."""
ANSWER = 30.0
"""Seconds in which a cluster has to answer."""
NO_ROOM = 60.0
"""Seconds without any actor at work after which the build says what it is waiting for."""
VISIBLE = 60.0
"""Seconds in which a file that another node wrote has to be visible here: network file systems cache for a while that a file is missing."""
OBJECTS = 80 * 2**20
"""Bytes of shared memory for a Ray of our own: about the least it accepts, since shards travel through files."""
PROBE = "import logging, sys, ray; ray.init(sys.argv[1], log_to_driver=False, logging_level=logging.CRITICAL); ray.shutdown()"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ray:
    """Actors with `num_gpus` GPUs each (a fraction shares one), on the cluster at `address` or, without an address, on a Ray of our own."""

    num_gpus: float = 0
    address: str | None = None

    @classmethod
    def checked(cls, num_gpus: float, address: str | None) -> "Ray":
        """Check the arguments before anything is written. Raises ExecutorError if Ray is not installed or does not accept them."""
        if find_spec("ray") is None:
            raise ExecutorError("--executor ray needs Ray, which is not installed; type: pip install 'persona-atlas[ray]'")
        if num_gpus < 0 or (num_gpus > 1 and num_gpus != int(num_gpus)):
            raise ExecutorError(f"--num_gpus {num_gpus:g} is neither a whole number nor a share of one GPU; give for example 0.5, 1 or 2")
        if address is not None and address != "auto" and not ADDRESS.fullmatch(address):
            raise ExecutorError(f"--ray_address {address!r} is no address of a cluster; give auto, HOST:PORT or ray://HOST:PORT")
        return cls(num_gpus, address)

    def run(self, job: Job, missing: Sequence[Block], workers: int | None) -> Generator[Block, None, None]:
        """Make the missing shards, and yield each when its marker is visible here.

        By default there is one worker per core, and on a cluster as many as there is room for.
        """
        if not missing:
            return
        with _own_ray(workers or default_workers()) if self.address is None else _cluster(self.address) as ray:
            room = self._room(ray)
            maker = ray.remote(num_cpus=1, num_gpus=self.num_gpus, max_restarts=0, scheduling_strategy="SPREAD")(_maker())
            yield from _Crew(ray, job, maker, lambda: self._room(ray), self._wanted()).made(missing, workers or room)

    def _wanted(self) -> str:
        """What one actor takes, in words."""
        return "a CPU" if not self.num_gpus else f"a CPU and {self.num_gpus:g} GPUs"

    def _room(self, ray: Any) -> int:
        """How many actors the nodes have room for. Raises ExecutorError if there is no room for a single one."""
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        if not nodes:
            raise ExecutorError("Ray has lost its nodes; run the same command again to go on")
        gpus = [node.get("GPU", 0.0) for node in nodes]
        room = sum(
            int(min(node.get("CPU", 0.0), math.inf if not self.num_gpus else gpu / self.num_gpus)) for node, gpu in zip(nodes, gpus, strict=True)
        )
        if room == 0:
            raise ExecutorError(
                f"Ray found no node with {self._wanted()} (the most GPUs on one node: {max(gpus):g}); give another --num_gpus or --ray_address"
            )
        return room


@contextmanager
def _own_ray(workers: int) -> Iterator[Any]:
    """Run a Ray on this machine with `workers` CPUs."""
    # The variable is named after the systems where 0 is the default. On Linux, too, 0 keeps all ports on the loopback interface.
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    with _initialized(address="local", num_cpus=workers, include_dashboard=False, object_store_memory=OBJECTS) as ray:
        yield ray


@contextmanager
def _cluster(address: str) -> Iterator[Any]:
    """Join the cluster at an address. Raises ExecutorError if none answers.

    A separate process asks first, since Ray waits for minutes and then ends the process that asked.
    """
    where = f"--ray_address {address}"
    try:
        subprocess.run([sys.executable, "-c", PROBE, address], timeout=ANSWER, capture_output=True, text=True, check=True)
    except subprocess.TimeoutExpired:
        _no_cluster(f"no Ray cluster answered at {where} within {ANSWER:g} seconds")
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip().splitlines() or [f"status {error.returncode}"])[-1]
        _no_cluster(f"there is no Ray cluster to join at {where} ({said.removeprefix('ConnectionError: ').split('. ')[0]})")
    with _initialized(address=address) as ray:
        yield ray


def _no_cluster(found: str) -> NoReturn:
    raise ExecutorError(f"{found}; start one with ray start --head (RAY_AUTH_TOKEN holds its token, if it has one), or leave --ray_address out")


@contextmanager
def _initialized(**settings: Any) -> Iterator[Any]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    if ray.is_initialized():
        raise ExecutorError("this process has joined a Ray cluster already; call ray.shutdown() first")
    ray._private.worker._worker_logs_enabled = False  # Ray would report deaths on standard output, where the result goes
    try:
        try:
            ray.init(log_to_driver=False, logging_level=logging.ERROR, **settings)
        except (OSError, RuntimeError, ValueError) as error:
            raise ExecutorError(f"Ray did not start: {_first_line(error)}; see /tmp/ray/session_latest/logs, or use --executor local") from error
        yield ray
    finally:
        ray.shutdown()


def _maker() -> type:
    """The class of the actors. It is local, so it is pickled by value; `set_up` then makes an actor import what this process imports."""
    root = Path(generation.__file__).resolve().parent.parent
    ours = [] if root.name in ("site-packages", "dist-packages") else [str(root)]
    # Ray puts these folders first, so a file called generation.py there would be imported instead of ours.
    rays = {os.getcwd(), os.path.dirname(os.path.realpath(sys.argv[0]))}

    class Maker:
        def set_up(self, pickled_job: bytes) -> None:
            sys.path[:] = [*ours, *dropwhile(lambda folder: folder in rays, sys.path)]
            self.job = pickle.loads(pickled_job)
            self.job.set_up()

        def make(self, block: Any) -> str:
            """Make the shard, and return the name of this host."""
            self.job.make(block)
            return socket.gethostname()

    return Maker


class _Crew:
    """The actors of one build: those that are starting, those that wait, and those that are busy with a shard.

    `starting` and `busy` are keyed by the reference to the answer that Ray will give.
    """

    def __init__(self, ray: Any, job: Job, maker: Any, room: Callable[[], int], wanted: str) -> None:
        self.ray, self.job, self.maker, self.room, self.wanted = ray, job, maker, room, wanted
        self.pickled_job = ray.cloudpickle.dumps(job)
        self.starting: dict[Any, Any] = {}
        self.waiting: list[Any] = []
        self.busy: dict[Any, tuple[Any, Block]] = {}
        self.tries: Counter[Block] = Counter()
        self.failed_starts = 0
        self.idle_since: float | None = time.monotonic()
        """Since when no actor has answered or been busy; None once that was reported."""

    def made(self, missing: Sequence[Block], workers: int) -> Iterator[Block]:
        """Make the shards with at most `workers` actors, and yield each when it is done."""
        queue = deque(missing)
        for _ in range(min(workers, len(missing))):
            self._start()
        while queue or self.busy:
            while queue and self.waiting:
                actor, block = self.waiting.pop(), queue.popleft()
                self.busy[actor.make.remote(block)] = (actor, block)
            answers, _ = self.ray.wait([*self.starting, *self.busy], timeout=5.0)
            if answers or self.busy:
                self.idle_since = time.monotonic()
            else:
                self.room()  # raises if no node is left that could take the starting actors
                self._tell_of_waiting()
            for answer in answers:
                if answer in self.starting:
                    self._started(answer)
                elif done := self._finished(answer, queue):
                    yield done

    def _tell_of_waiting(self) -> None:
        """Warn, once, if others have taken all the room for a long time."""
        if self.idle_since is None or time.monotonic() - self.idle_since < NO_ROOM:
            return
        self.idle_since = None
        free = self.ray.available_resources()
        log.warning(
            "no actor has been at work for %g seconds: each takes %s, and of the cluster are free %g CPUs and %g GPUs; "
            "the build waits for room (Ctrl-C ends it, finished shards are kept)",
            NO_ROOM, self.wanted, free.get("CPU", 0), free.get("GPU", 0),
        )  # fmt: skip

    def _start(self) -> None:
        actor = self.maker.remote()
        self.starting[actor.set_up.remote(self.pickled_job)] = actor

    def _started(self, answer: Any) -> None:
        actor = self.starting.pop(answer)
        try:
            self._get(answer)
        except ImportError as error:
            raise ExecutorError(
                f"a node cannot import what makes the shards ({error}); install persona-atlas with the same extras on every node"
            ) from error
        except _LostError as error:
            self.failed_starts += 1
            if self.failed_starts == TRIES:
                raise ExecutorError(f"{TRIES} actors in a row died while starting ({error}); see that a node has memory for them") from error
            self._start()
        else:
            self.failed_starts = 0
            self.waiting.append(actor)

    def _finished(self, answer: Any, queue: "deque[Block]") -> Block | None:
        """The block whose shard is done; None if the actor died over it and the block goes back to the queue."""
        actor, block = self.busy.pop(answer)
        try:
            host = self._get(answer)
        except _LostError as error:
            self.ray.kill(actor)  # an actor that is only out of reach would go on working
            if self.job.marker(block).is_file():
                self._start()
                return block
            self._count(block, error)
            self._start()
            queue.append(block)  # last, so that a shard that kills its actors does not hold up the others
            return None
        self.waiting.append(actor)
        self._await_marker(block, host)
        return block

    def _count(self, block: Block, error: Exception) -> None:
        self.tries[block] += 1
        name = self.job.marker(block).parent.name
        if self.tries[block] == TRIES:
            raise ExecutorError(
                f"shard {name} was given up: {TRIES} actors died over it ({error}), perhaps for memory; "
                "run the same command again to go on, with fewer --workers"
            ) from error
        log.warning("shard %s is made again (try %d of %d): %s", name, self.tries[block] + 1, TRIES, error)

    def _await_marker(self, block: Block, host: str) -> None:
        marker, deadline = self.job.marker(block), time.monotonic() + VISIBLE
        while not marker.is_file():
            if time.monotonic() > deadline:
                raise ExecutorError(
                    f"{host} has written {marker}, but it is not to be seen here; "
                    "give an --out on a file system that all nodes share, under the same path"
                )
            time.sleep(0.1)

    def _get(self, answer: Any) -> Any:
        """What an actor answered. Raises what its work raised, and _LostError if the actor is gone."""
        errors = self.ray.exceptions
        try:
            return self.ray.get(answer)
        except errors.RayTaskError as error:
            raise error.cause from error
        except errors.RayError as error:
            raise _LostError(_first_line(error)) from error


class _LostError(Exception):
    """An actor or its node is gone."""


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
