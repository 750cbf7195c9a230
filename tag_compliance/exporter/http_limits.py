"""Limits on what one HTTP/1.1 connection can make the server hold.

uvicorn's httptools protocol limits neither the size of a request head nor the time it may take.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

from starlette.types import Receive, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MAX_REQUEST_BYTES = 64 * 1024
"""Size of a whole request: head, trailers, and a body, which no endpoint reads.

Not counted is the data received together with the start of the request, at most 256 KiB.
"""

MAX_PIPELINED = 16
HEAD_TIMEOUT_SECONDS = 10.0

_ABORT = "tag_compliance.abort"
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class LimitedHttpProtocol(HttpToolsProtocol):
    """One connection."""

    _received = 0
    _cycles: Sequence[RequestResponseCycle] = ()
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # Each chunk waits until the kernel has taken the previous one, so that a client that stops
        # reading holds a single chunk.
        # (Not 0 with TLS: its transports pause at `size >= high`, which would be always.)
        transport.set_write_buffer_limits(high=1 if self.scheme == "https" else 0, low=0)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        # uvicorn marks only the newest of pipelined requests; the others would continue sending.
        for cycle in self._cycles:
            cycle.disconnected = True
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_idle() and self._head_timer is None:
            self._start_head_timer()
        self._received += len(data)
        super().data_received(data)
        if self._received > MAX_REQUEST_BYTES and not self.transport.is_closing():
            self._reject()

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= MAX_PIPELINED:
            self.transport.abort()
            raise ValueError("too many pipelined requests")
        self._received = 0
        super().on_message_begin()
        self.scope["extensions"] = {_ABORT: {"transport": self.transport}}

    def on_headers_complete(self) -> None:
        self._stop_head_timer()
        super().on_headers_complete()
        unfinished = [cycle for cycle in self._cycles if not cycle.response_complete]
        self._cycles = [*unfinished, self.cycle]

    def _reject(self) -> None:
        if self._is_idle():
            self.transport.write(_TOO_LARGE)
            self.transport.close()
        else:
            self.transport.abort()

    def _is_idle(self) -> bool:
        """Whether no response is in progress."""
        # uvicorn's annotation omits None.
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is None or cycle.response_complete

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_SECONDS, self._on_head_timeout)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _on_head_timeout(self) -> None:
        self._head_timer = None
        if self._is_idle():
            self.transport.abort()


async def abort(scope: Scope, receive: Receive) -> None:
    """Closes the request's connection without waiting for data that is still to be sent."""
    extension = scope.get("extensions", {}).get(_ABORT)
    if extension is None:
        return
    cast("asyncio.Transport", extension["transport"]).abort()
    while (await receive())["type"] != "http.disconnect":
        pass
