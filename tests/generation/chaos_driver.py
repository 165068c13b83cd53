"""The command atlas-generate with a block for every user, so that a small build has many shards.

    python chaos_driver.py build --users 24 ...     the command
    python chaos_driver.py nursery REFERENCE ...    makes the release REFERENCE, which warms this process, then runs the command in forks of it,
                                                    one for each line that is read; says each one's process number, then its status

Forks begin at once, where a new interpreter imports and loads for seconds. The worker processes of a fork are forks as well.
"""

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from generation import build as building
from generation import people
from generation.build import Config
from generation.build import make_shard as make_whole_shard
from generation.cli import main
from generation.executors import local
from generation.people import Block
from persona_atlas.workers import _end_with_parent

people.BLOCK = 1


def make_shard(config: Config, work: Path, block: Block) -> Block:
    people.BLOCK = 1  # in the worker, too
    return make_whole_shard(config, work, block)


building.make_shard = make_shard


def forked(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=get_context("fork"), initializer=_end_with_parent)


def nursery(reference: str, arguments: Sequence[str]) -> None:
    main([*arguments, "--workers", "1", "--out", reference], standalone_mode=False)
    local.started = forked
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.dup2(2, 1)  # what the command says is no answer of the nursery
            status = 1
            try:
                main([*arguments, *line.split()])
            except SystemExit as ended:
                status = int(ended.code or 0)
            finally:
                os._exit(status)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "nursery":
        nursery(sys.argv[2], sys.argv[3:])
    else:
        main()
