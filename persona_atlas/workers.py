"""Worker processes for what uses every core: building, verifying, scoring."""

import os
import signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from threading import Thread


def default_workers() -> int:
    """Return the number of cores that this process may use: one worker for each."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def started(workers: int) -> ProcessPoolExecutor:
    """Return a pool of `workers` processes, each a fresh interpreter that ends when this process does."""
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_end_with_parent)


def _end_with_parent() -> None:
    """End this worker when its parent ends: it would wait for work forever, or write into a build that somebody else has resumed."""

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which knows whether to finish the current work

    def watch() -> None:
        parent = parent_process()
        assert parent is not None
        parent.join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()
