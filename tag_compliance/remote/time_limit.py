"""Work that may wait for another machine or process, and a limit of the time that it takes."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")

_GRACE_SECONDS = 0.5
"""How much longer than the work itself the caller waits: an error of the work is more precise."""

_ends_at: ContextVar[float] = ContextVar("tag_compliance_ends_at", default=math.inf)


class TimeLimitExceeded(Exception):
    """The work was not finished in time; it may still be running."""


def remaining_seconds() -> float:
    """What the innermost `run_within` has left for the work on this thread; inf outside of one."""
    return _ends_at.get() - time.monotonic()


def run_within(seconds: float, work: Callable[[], T], thread_name: str = "time-limited") -> T:
    """Returns or raises what `work` does, or raises `TimeLimitExceeded` after `seconds`.

    `work` runs on a daemon thread. If it is given up, that thread continues until it sees that no
    seconds remain, as everything in this package does; the interpreter does not wait for it.
    """
    ends_at = time.monotonic() + seconds

    def limited() -> T:
        _ends_at.set(ends_at)
        return work()

    future = start(limited, thread_name)
    wait([future], max(0.0, seconds) + _GRACE_SECONDS)
    if not future.done():
        raise TimeLimitExceeded
    return future.result()


def start(work: Callable[[], T], thread_name: str) -> Future[T]:
    """Runs `work` on a daemon thread, which the interpreter does not wait for."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - the caller raises it
            future.set_exception(error)

    threading.Thread(target=run, name=thread_name, daemon=True).start()
    return future
