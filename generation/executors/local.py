"""The executor `local`: makes shards in this process, or in a pool of processes that end when it does."""

from collections.abc import Generator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from generation.executors import ExecutorError, Job
from generation.people import Block
from persona_atlas.workers import default_workers, started


@dataclass(frozen=True)
class Local:
    """By default, one process per core. With one worker, or one shard, no other process is started."""

    def run(self, job: Job, missing: Sequence[Block], workers: int | None) -> Generator[Block, None, None]:
        """Make the missing shards, and yield each when it is done. Raises ExecutorError if a worker is killed."""
        processes = min(workers or default_workers(), len(missing))
        if processes <= 1:
            for block in missing:
                yield job.make(block)
            return
        with started(processes) as pool:
            try:
                futures = [pool.submit(job.make, block) for block in missing]
                for future in as_completed(futures):
                    yield future.result()
            except BrokenProcessPool:
                raise ExecutorError(
                    "a worker process was killed, perhaps for memory; run the same command again to go on, with fewer --workers"
                ) from None
            finally:  # whatever ends the loop, Ctrl-C included, start no further shard
                pool.shutdown(wait=False, cancel_futures=True)
