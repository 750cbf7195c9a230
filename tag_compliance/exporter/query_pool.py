"""A few threads for queries of findings, so that people who search do not slow down scrapes.

They have the priority of the others: a thread with a lower one would be interrupted while it holds
the lock of the interpreter, and a scrape would wait for it.
"""

from __future__ import annotations

import asyncio
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


class QueryPool:
    """Runs work on its threads; the event loop is free meanwhile."""

    def __init__(self, threads: int = _THREADS, max_pending: int = _MAX_PENDING) -> None:
        self._threads = ThreadPoolExecutor(threads, "query")
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
