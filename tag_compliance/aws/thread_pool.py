"""Jobs on a bounded number of threads, with results in the order in which jobs finish."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

_GRACE_SECONDS = 0.5
_MAX_WAITING_RESULTS = 8
"""Results that wait for the consumer. A thread with one more waits for a place, so that memory is
bounded if the consumer is slower than the threads."""


def run_in_threads(
    jobs: Iterable[Callable[[], T | None]], threads: int, stopped: threading.Event
) -> Generator[T, None, None]:
    """Runs each job once, in order; yields the results that are not None as jobs finish.

    Raises what the first failing job raised. After a failure or an interrupt, and when the consumer
    closes the iterator, it sets `stopped`, starts no more jobs and ends within a second. A job that
    waits for a response at that moment continues on its daemon thread, which the interpreter does
    not wait for. If another thread sets `stopped`, the iterator ends after the running jobs.
    """
    remaining = list(jobs)[::-1]
    pool = _Pool(remaining, stopped)
    workers = [
        threading.Thread(target=pool.work, name=f"scan-{number}", daemon=True)
        for number in range(min(threads, len(remaining)))
    ]
    try:
        for worker in workers:
            worker.start()
        yield from pool.results(len(workers))
    finally:
        pool.stop(len(workers))
        # An interrupt may arrive before the last thread has started.
        for worker in filter(threading.Thread.is_alive, workers):
            worker.join(_GRACE_SECONDS / len(workers))


class _Pool(Generic[T]):
    def __init__(self, remaining: list[Callable[[], T | None]], stopped: threading.Event) -> None:
        self._remaining = remaining
        self._stopped = stopped
        self._results: queue.SimpleQueue[T | BaseException | None] = queue.SimpleQueue()
        self._places = threading.Semaphore(_MAX_WAITING_RESULTS)

    def results(self, running: int) -> Iterator[T]:
        """The results, until as many threads have ended as are running."""
        while running:
            result = self._results.get()
            if result is None:  # a thread has ended
                running -= 1
            elif isinstance(result, BaseException):
                raise result
            else:
                self._places.release()
                yield result
            del result  # so that it is not kept while the next one is awaited

    def stop(self, threads: int) -> None:
        """No job starts any more, and no thread waits for a place."""
        self._stopped.set()
        self._places.release(max(threads, 1))

    def work(self) -> None:
        while not self._stopped.is_set():
            try:
                job = self._remaining.pop()
            except IndexError:
                break
            self._run(job)
        self._results.put(None)

    def _run(self, job: Callable[[], T | None]) -> None:
        # A function of its own, so that the thread does not keep the result during the next job.
        try:
            result = job()
        except BaseException as error:  # noqa: BLE001 - the consumer raises it
            self._stopped.set()
            self._results.put(error)
        else:
            if result is not None:
                # Without a timeout: threads that wake up ten times a second cost 6 % of a scan.
                self._places.acquire()
                self._results.put(result)
