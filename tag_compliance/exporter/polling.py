"""Polls storage and files while the application runs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI

from tag_compliance.exporter.findings_service import FindingsService

_FIRST_POLL_SECONDS = 5.0
"""How long the server waits for a slow storage before it responds without a snapshot."""


def polling(
    awaited: Sequence[Callable[[], None]], findings: FindingsService, interval: float
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Calls each of them in its own thread while the application runs: a storage that hangs
    must not keep a revoked token valid. The server waits for the first of the `awaited` only, not
    for the findings database.

    Daemon threads, not those of the event loop's pool, so that a storage that hangs does not keep
    the process from ending.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        stop = threading.Event()

        def run(poll: Callable[[], None], polled: threading.Event) -> None:
            while not stop.is_set():
                poll()
                polled.set()
                stop.wait(interval)

        polls = (*awaited, findings.loader.poll)
        polled = [threading.Event() for _ in polls]
        for arguments in zip(polls, polled, strict=True):
            threading.Thread(target=run, args=arguments, name="poll", daemon=True).start()
        first = polled[: len(awaited)]
        waits = (asyncio.to_thread(event.wait, _FIRST_POLL_SECONDS) for event in first)
        await asyncio.gather(*waits)
        try:
            yield
        finally:
            stop.set()
            findings.pool.close()
            findings.loader.close()

    return lifespan
