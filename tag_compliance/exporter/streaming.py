"""Sends large responses to slow clients, without copying them and within a time limit."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from starlette.types import Receive, Scope, Send

from tag_compliance.exporter.http_limits import abort

CHUNK_BYTES = 2 * 1024 * 1024
"""Sending a chunk takes 0.5 ms, during which other clients wait. Smaller chunks take more CPU.

`sendfile` takes twice the CPU, because it hands single pages to the kernel.
"""

CHUNK_BYTES_TLS = 64 * 1024
"""With TLS a chunk is copied, so that each client holds one."""

CHUNK_TIMEOUT_SECONDS = 30.0
"""The time that a client may take for one chunk; Prometheus would not wait longer either."""

SUPERSEDED_TIMEOUT_SECONDS = 30.0
"""The time that a client may continue reading a snapshot after a newer one has replaced it."""


class ClientTooSlow(Exception):
    """The client took too long, and its connection was closed."""


async def send_body(
    scope: Scope,
    receive: Receive,
    send: Send,
    parts: tuple[memoryview, bytes],
    is_current: Callable[[], bool],
) -> None:
    """Sends the first part in chunks, each after the previous one was taken, then the second part.

    The first part is shared by all clients and not copied. A client that does not read keeps a
    snapshot in memory for a limited time only. Raises `ClientTooSlow`.
    """
    shared, ending = parts
    now = asyncio.get_running_loop().time
    deadline = math.inf
    size = CHUNK_BYTES_TLS if scope["scheme"] == "https" else CHUNK_BYTES
    try:
        for start in range(0, len(shared), size):
            if deadline == math.inf and not is_current():
                deadline = now() + SUPERSEDED_TIMEOUT_SECONDS
            chunk = shared[start : start + size]
            async with asyncio.timeout_at(min(now() + CHUNK_TIMEOUT_SECONDS, deadline)):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            # A client that reads as fast as this sends would otherwise keep the event loop busy.
            await asyncio.sleep(0)
        async with asyncio.timeout(CHUNK_TIMEOUT_SECONDS):
            await send({"type": "http.response.body", "body": ending})
    except (TimeoutError, asyncio.CancelledError):
        # Cancelled: the server stops and has waited for its whole shutdown period.
        await abort(scope, receive)
        raise ClientTooSlow from None
