"""Executors: where the shards of a build are made.

`local` makes them in this process or in processes on this machine, `ray` in Ray actors, here or on a cluster. A shard is the same wherever it was
made, and it is done when its marker exists. An executor hands out work and keeps no record of progress, so a build begun with one executor can go on
with the other.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from generation.errors import GenerateError
from generation.people import Block


class ExecutorError(GenerateError):
    """The shards cannot be made. The message says what was found, what was wanted and what to type next. Finished shards are kept."""


@dataclass(frozen=True)
class Job:
    """How the shards of one build are made. A job is pickled for other processes, so its functions must be importable by name.

    `make` writes a shard, its marker last. `marker` gives the path of a shard's marker in the folder `work`, which is absolute. `set_up` is called by
    each Ray actor before its first shard; it raises ExecutorError if the actor's machine cannot make shards of this build.
    """

    work: Path
    make: Callable[[Block], Block]
    marker: Callable[[Block], Path]
    set_up: Callable[[], None]


class Executor(Protocol):
    """Makes shards. It has one method, so that a further executor (a batch system, say) is one file."""

    def run(self, job: Job, missing: Sequence[Block], workers: int | None) -> Generator[Block, None, None]:
        """Make the missing shards with `workers` workers, by default as many as there is room for, and yield each when it is done.

        Raises ExecutorError, and what `job.make` raises. Closing the generator ends the workers.
        """
        ...


def executor(name: str, num_gpus: float | None, address: str | None) -> Executor:
    """The executor of that name. Raises ExecutorError if it is unknown or not installed, or does not take the other arguments."""
    if name == "ray":
        from generation.executors.ray import Ray

        return Ray.checked(num_gpus or 0.0, address)
    if name != "local":
        raise ExecutorError(f"there is no executor {name!r}; give --executor local or --executor ray")
    for given in (None if num_gpus is None else f"--num_gpus {num_gpus:g}", None if address is None else f"--ray_address {address}"):
        if given:
            raise ExecutorError(f"{given} is for Ray alone; add --executor ray, or leave it out")
    from generation.executors.local import Local

    return Local()
