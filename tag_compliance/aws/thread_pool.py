"""Jobs on a bounded number of threads, with results in the order in which they finish."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

_GRACE_SECONDS = 0.5
_RESULTS_IN_FLIGHT = 8
"""Finished results that wait for the consumer; a full queue stops the threads, so that memory stays
bounded when the consumer is slower than they are."""


class _Ended:
    """A thread has ended."""


def run_in_threads(
    jobs: Iterable[Callable[[], T | None]], threads: int, stopped: threading.Event
) -> Iterator[T]:
    """Runs each job once, in order; yields the results that are not None as jobs finish.

    Raises what the first failing job raised. On a failure, an interrupt, or when the consumer
    closes the iterator, it sets `stopped`, starts no more jobs and ends within a second. A thread
    that waits for a response at that moment cannot be ended, only left behind: the threads are
    daemons, because the interpreter would otherwise wait for them at its end.
    """
    pool = _Pool(jobs, stopped)
    workers = pool.create_workers(threads)
    try:
        for worker in workers:
            worker.start()
        yield from pool.results(len(workers))
    finally:
        stopped.set()
        # An interrupt may come before the last of them has started.
        for worker in filter(threading.Thread.is_alive, workers):
            worker.join(_GRACE_SECONDS / len(workers))


class _Pool(Generic[T]):
    def __init__(self, jobs: Iterable[Callable[[], T | None]], stopped: threading.Event) -> None:
        self._left = list(jobs)[::-1]
        self._stopped = stopped
        self._results: queue.Queue[T | BaseException | _Ended] = queue.Queue(_RESULTS_IN_FLIGHT)

    def create_workers(self, most: int) -> list[threading.Thread]:
        return [
            threading.Thread(target=self._work, name=f"scan-{number}", daemon=True)
            for number in range(min(most, len(self._left)))
        ]

    def results(self, running: int) -> Iterator[T]:
        """The results, until so many threads have ended."""
        while running:
            result = self._results.get()
            if isinstance(result, _Ended):
                running -= 1
            elif isinstance(result, BaseException):
                raise result
            else:
                yield result

    def _work(self) -> None:
        while self._left and not self._stopped.is_set():
            try:
                job = self._left.pop()
            except IndexError:
                break
            try:
                result = job()
            except BaseException as error:  # noqa: BLE001 - it is raised where results are consumed
                self._put(error)
                return
            if result is not None:
                self._put(result)
        self._put(_Ended())

    def _put(self, result: T | BaseException | _Ended) -> None:
        while not self._stopped.is_set():
            try:
                self._results.put(result, timeout=0.1)
            except queue.Full:
                continue
            return
