"""Sends what may be many megabytes to who may be slow, without copying and not forever."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable

from starlette.types import Receive, Scope, Send

from tag_compliance.exporter.held import HeldBytes
from tag_compliance.exporter.protocol import abort, file_sender

PIECE_BYTES = 64 * 1024
STALL_SECONDS = 30.0
"""So long may a client take nothing, or over TLS one piece: no Prometheus would wait either."""

GRACE_SECONDS = 30.0
"""So long may a client go on reading a snapshot that has been superseded."""


class ClientTooSlow(Exception):
    """The client was cut off."""


async def send_body(
    scope: Scope,
    receive: Receive,
    send: Send,
    parts: tuple[HeldBytes, bytes],
    is_current: Callable[[], bool],
) -> None:
    """Sends the first part in pieces, each when the one before has left, and then the second.

    A client that does not read costs a piece at most, and holds a snapshot for a bounded time, so
    that memory stays bounded while snapshots come and go. Raises `ClientTooSlow`.
    """
    held, ending = parts
    now = asyncio.get_running_loop().time
    at_the_latest = math.inf
    send_some = _sending(scope, send, held)
    position = 0
    try:
        while position < held.size:
            if at_the_latest == math.inf and not is_current():
                at_the_latest = now() + GRACE_SECONDS
            async with asyncio.timeout_at(min(now() + STALL_SECONDS, at_the_latest)):
                sent = await send_some(position)
            if not sent:
                return
            position += sent
            if position < held.size:
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


def _sending(scope: Scope, send: Send, held: HeldBytes) -> Callable[[int], Awaitable[int]]:
    """Sends some bytes from a position on, and answers how many; 0 if there is nobody left."""

    async def by_copying(position: int) -> int:
        piece = held.read(position, PIECE_BYTES)
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        return len(piece)

    sender = file_sender(scope)
    if sender is None:
        return by_copying
    return lambda position: sender.send(held.descriptor, position, held.size - position)
