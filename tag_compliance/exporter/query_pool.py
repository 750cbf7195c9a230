"""A few threads for queries of findings, so that people who search do not slow down scrapes."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tag_compliance.errors import QueriesBusy

T = TypeVar("T")

_THREADS = 2
_MAX_PENDING = 64
"""Queries that run or wait. Each page is one; a person has one at a time."""

_MAX_WAIT_SECONDS = 10.0
"""A query that has waited longer is not run: its client has probably given up."""

_NICENESS = 5
"""Added to that of the process. In Linux it is of a thread: it gets a third of the time."""


class QueryPool:
    """Runs work on its threads; the event loop is free meanwhile."""

    def __init__(self, threads: int = _THREADS, max_pending: int = _MAX_PENDING) -> None:
        self._threads = ThreadPoolExecutor(threads, "query", _lower_priority)
        self._max_pending = max_pending
        self._pending = 0

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises. Raises `QueriesBusy` if too much is waiting."""
        if self._pending >= self._max_pending:
            raise QueriesBusy
        deadline = time.monotonic() + _MAX_WAIT_SECONDS

        def run_in_time() -> T:
            if time.monotonic() > deadline:
                raise QueriesBusy
            return work()

        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, run_in_time)
        finally:
            self._pending -= 1

    def close(self) -> None:
        """Starts no more work."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _lower_priority() -> None:
    if hasattr(os, "setpriority"):
        thread = threading.get_native_id()
        lower = os.getpriority(os.PRIO_PROCESS, thread) + _NICENESS
        os.setpriority(os.PRIO_PROCESS, thread, lower)
