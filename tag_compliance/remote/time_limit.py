"""Work that may wait for another machine or process, and a limit of the time that it takes."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator
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
    """What the limits around the work on this thread have left for it; inf outside of any."""
    return _ends_at.get() - time.monotonic()


@contextlib.contextmanager
def limited_to(seconds: float) -> Iterator[None]:
    """Limits every `run_within` of the block to what these seconds leave for it.

    The block itself is not interrupted.
    """
    before = _ends_at.set(min(_ends_at.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _ends_at.reset(before)


def run_within(seconds: float, work: Callable[[], T], thread_name: str = "time-limited") -> T:
    """Returns or raises what `work` does, or raises `TimeLimitExceeded` after `seconds`.

    They cannot exceed what the limits around the call have left.
    `work` runs on a daemon thread. If it is given up, that thread continues until it sees that no
    seconds remain, as everything in this package does; the interpreter does not wait for it.
    """
    seconds = min(seconds, remaining_seconds())
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
