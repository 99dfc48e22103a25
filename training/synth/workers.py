"""Jobs in several processes that stop cleanly: on Ctrl-C, on an error, and when the parent is killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event

from sat3d.errors import CancelledError, Sat3dError

Progress = Callable[[int], object]
Job = Callable[[Progress], None]
_POLL_SECONDS = 0.25


def run_jobs(jobs: Sequence[Job], workers: int, advance: Progress) -> None:
    """Run every job, picklable and called with a progress function, in ``workers`` processes.

    One worker is this process. ``advance`` gets how much was done since its last call. On an error or Ctrl-C the jobs
    under way are told to stop at their next progress and are waited for, so that they can tidy up.

    Raises:
        Sat3dError: what a job raised, or that a process died.
    """
    if min(workers, len(jobs)) <= 1:
        for job in jobs:
            job(advance)
        return
    context = multiprocessing.get_context("spawn")  # the only way there is on Windows; safe beside threads everywhere
    done, stop = context.Value("q", 0), context.Event()
    try:
        with ProcessPoolExecutor(min(workers, len(jobs)), context, _start_worker, (done, stop)) as pool:
            try:
                _run_all(pool, list(jobs), min(workers, len(jobs)), _Report(done, advance))
            finally:
                stop.set()
    except BrokenProcessPool as error:
        raise Sat3dError(
            "A worker process died",
            error,
            "processes that run to their end",
            "use fewer --workers if memory is short, then run the same command again; finished shards are kept",
        ) from error


class _Report:
    """Hands on how much a shared counter grew."""

    def __init__(self, counter: Synchronized, advance: Progress):
        self.counter, self.advance, self.told = counter, advance, 0

    def __call__(self) -> None:
        now = self.counter.value
        self.advance(now - self.told)
        self.told = now


def _run_all(pool: ProcessPoolExecutor, jobs: list[Job], workers: int, report: Callable[[], None]) -> None:
    """Keep as many jobs submitted as there are workers: what is not submitted need not be cancelled."""
    running: set[Future] = set()
    while jobs or running:
        while jobs and len(running) < workers:
            running.add(pool.submit(_work, jobs.pop(0)))
        finished, running = wait(running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
        report()
        for future in finished:
            future.result()


_shared: dict[str, object] = {}


def _start_worker(done: Synchronized, stop: Event) -> None:
    import torch

    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C too, and says stop
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _shared.update(done=done, stop=stop)


def _die_with_parent() -> None:
    """A pool's processes would wait for ever for work from a parent that was killed."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _work(job: Job) -> None:
    job(_count)


def _count(amount: int) -> None:
    done: Synchronized = _shared["done"]
    with done.get_lock():
        done.value += amount
    if _shared["stop"].is_set():
        raise CancelledError("Rendering was stopped")
