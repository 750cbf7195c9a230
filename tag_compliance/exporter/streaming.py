"""Sends what may be many megabytes to who may be slow, without copying and not forever."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from starlette.types import Receive, Scope, Send

from tag_compliance.exporter.protocol import abort

PIECE_BYTES = 2 * 1024 * 1024
"""At a time, which takes 0.5 ms; meanwhile other clients wait. Smaller ones take more CPU in all.

So does `sendfile`, twice as much: it hands the kernel page after page, which this copies together.
"""

PIECE_BYTES_TLS = 64 * 1024
"""Encrypted, a piece is copied, and so each client holds one."""

STALL_SECONDS = 30.0
"""So long may a client take for one piece: no Prometheus would wait for it either."""

GRACE_SECONDS = 30.0
"""So long may a client go on reading a snapshot that has been superseded."""


class ClientTooSlow(Exception):
    """The client was cut off."""


async def send_body(
    scope: Scope,
    receive: Receive,
    send: Send,
    parts: tuple[memoryview, bytes],
    is_current: Callable[[], bool],
) -> None:
    """Sends the first part in pieces, each when the one before has left, and then the second.

    The first is shared by all clients and not copied. One that does not read holds a snapshot for a
    bounded time, so that memory stays bounded while snapshots come and go. Raises `ClientTooSlow`.
    """
    held, ending = parts
    now = asyncio.get_running_loop().time
    at_the_latest = math.inf
    size = PIECE_BYTES_TLS if scope["scheme"] == "https" else PIECE_BYTES
    try:
        for start in range(0, len(held), size):
            if at_the_latest == math.inf and not is_current():
                at_the_latest = now() + GRACE_SECONDS
            piece = held[start : start + size]
            async with asyncio.timeout_at(min(now() + STALL_SECONDS, at_the_latest)):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            # Whoever reads as fast as this sends would have the loop for itself.
            await asyncio.sleep(0)
        async with asyncio.timeout(STALL_SECONDS):
            await send({"type": "http.response.body", "body": ending})
    except TimeoutError:
        await abort(scope, receive)
        raise ClientTooSlow from None
    except asyncio.CancelledError:
        # The server stops and has waited long enough.
        await abort(scope, receive)
        raise ClientTooSlow from None
