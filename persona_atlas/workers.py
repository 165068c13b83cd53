"""Worker processes for what uses every core: building, verifying, scoring."""

import os
import signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from threading import Thread


def default_workers() -> int:
    """One worker a core that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def started(workers: int) -> ProcessPoolExecutor:
    """So many workers, each a fresh interpreter that ends when this process does."""
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_end_with_parent)


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever, or write into a build that somebody else has resumed."""

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which knows whether the work in hand is to be finished

    def watch() -> None:
        parent = parent_process()
        assert parent is not None
        parent.join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()
