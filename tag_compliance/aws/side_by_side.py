"""Many jobs on a bounded number of threads, which an interrupt need not wait for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

_GRACE_SECONDS = 0.5


def run_side_by_side(
    jobs: Iterable[Callable[[], None]], most: int, stopped: threading.Event
) -> None:
    """Runs each job once; raises what the first that fails raised.

    Interrupted, or where a job fails, it sets `stopped`, begins no more and raises within a second.
    A thread that waits for an answer then cannot be ended, only left behind: they are daemons,
    since the interpreter would otherwise await them before it ends.
    """
    left = list(jobs)[::-1]
    errors: list[BaseException] = []

    def work() -> None:
        while left and not stopped.is_set():
            try:
                job = left.pop()
            except IndexError:
                return
            try:
                job()
            except BaseException as error:  # noqa: BLE001 - it is raised where the jobs are awaited
                errors.append(error)
                stopped.set()

    threads = [
        threading.Thread(target=work, name=f"scan-{number}", daemon=True)
        for number in range(min(most, len(left)))
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except BaseException:
        stopped.set()
        # It may have come before the last of them had started.
        for thread in filter(threading.Thread.is_alive, threads):
            thread.join(_GRACE_SECONDS / len(threads))
        raise
    if errors:
        raise errors[0]
