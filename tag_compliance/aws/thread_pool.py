"""Jobs on a bounded number of threads, with results in the order in which jobs finish."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

_GRACE_SECONDS = 0.5
_POLL_SECONDS = 0.1
_MAX_WAITING_RESULTS = 8
"""Results that wait for the consumer. More of them block the threads, so that memory is bounded if
the consumer is slower than the threads."""


class _ThreadEnded:
    """What a thread reports as its last result."""


def run_in_threads(
    jobs: Iterable[Callable[[], T | None]], threads: int, stopped: threading.Event
) -> Generator[T, None, None]:
    """Runs each job once, in order; yields the results that are not None as jobs finish.

    Raises what the first failing job raised. After a failure or an interrupt, and when the consumer
    closes the iterator, it sets `stopped`, starts no more jobs and ends within a second. A job that
    waits for a response at that moment continues on its daemon thread, which the interpreter does
    not wait for. If another thread sets `stopped`, the iterator ends after the running jobs.
    """
    pool = _Pool(jobs, stopped)
    workers = pool.create_workers(threads)
    try:
        for worker in workers:
            worker.start()
        yield from pool.results(len(workers))
    finally:
        stopped.set()
        pool.consumer_ended.set()
        # An interrupt may arrive before the last thread has started.
        for worker in filter(threading.Thread.is_alive, workers):
            worker.join(_GRACE_SECONDS / len(workers))


class _Pool(Generic[T]):
    def __init__(self, jobs: Iterable[Callable[[], T | None]], stopped: threading.Event) -> None:
        self._remaining = list(jobs)[::-1]
        self._stopped = stopped
        self._results: queue.Queue[T | BaseException | _ThreadEnded] = queue.Queue(
            _MAX_WAITING_RESULTS
        )
        self.consumer_ended = threading.Event()

    def create_workers(self, limit: int) -> list[threading.Thread]:
        return [
            threading.Thread(target=self._work, name=f"scan-{number}", daemon=True)
            for number in range(min(limit, len(self._remaining)))
        ]

    def results(self, running: int) -> Iterator[T]:
        """The results, until as many threads have ended as are running."""
        while running:
            result = self._results.get()
            if isinstance(result, _ThreadEnded):
                running -= 1
            elif isinstance(result, BaseException):
                raise result
            else:
                yield result
            del result  # so that it is not kept while the next one is awaited

    def _work(self) -> None:
        while not self._stopped.is_set():
            try:
                job = self._remaining.pop()
            except IndexError:
                break
            self._run(job)
        self._put(_ThreadEnded())

    def _run(self, job: Callable[[], T | None]) -> None:
        # A function of its own, so that the thread does not keep the result during the next job.
        try:
            result = job()
        except BaseException as error:  # noqa: BLE001 - the consumer raises it
            self._stopped.set()
            self._put(error)
        else:
            if result is not None:
                self._put(result)

    def _put(self, result: T | BaseException | _ThreadEnded) -> None:
        while not self.consumer_ended.is_set():
            try:
                self._results.put(result, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return
