"""Sends what may be many megabytes to who may be slow, without copying and not forever."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Iterator

from starlette.types import Receive, Scope, Send

from tag_compliance.exporter.protocol import abort

PIECE_BYTES = 64 * 1024
STALL_SECONDS = 30.0
"""So long may one piece take: slower than 9 kB/s, no Prometheus would wait for the end either."""

GRACE_SECONDS = 30.0
"""So long may a client go on reading a snapshot that has been superseded."""


class ClientTooSlow(Exception):
    """The client was cut off."""


async def send_pieces(
    scope: Scope,
    receive: Receive,
    send: Send,
    parts: Iterable[bytes | memoryview],
    is_current: Callable[[], bool],
) -> None:
    """Sends the body in pieces, each when the one before has left; raises `ClientTooSlow`.

    A client that does not read therefore costs one piece that points into the shared snapshot, and
    holds the snapshot for a bounded time, so that memory stays bounded while snapshots come and go.
    """
    now = asyncio.get_running_loop().time
    at_the_latest = math.inf
    try:
        for piece in _pieces(parts):
            if at_the_latest == math.inf and not is_current():
                at_the_latest = now() + GRACE_SECONDS
            async with asyncio.timeout_at(min(now() + STALL_SECONDS, at_the_latest)):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    except TimeoutError:
        await abort(scope, receive)
        raise ClientTooSlow from None
    except asyncio.CancelledError:
        # The server stops and has waited long enough.
        await abort(scope, receive)
        raise ClientTooSlow from None


def _pieces(parts: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    for part in parts:
        for start in range(0, len(part), PIECE_BYTES):
            yield part[start : start + PIECE_BYTES]
