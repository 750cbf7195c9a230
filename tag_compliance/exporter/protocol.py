"""HTTP/1.1 as uvicorn speaks it, with bounds on what a client may make the server hold.

uvicorn's httptools protocol bounds neither the size of a request's head nor the time that it takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

from starlette.types import Receive, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MOST_REQUEST_BYTES = 64 * 1024
"""Of a whole request: head, trailers, and a body that nothing here ever reads."""

MOST_PIPELINED = 16
HEAD_SECONDS = 10.0

_ABORT = "tag_compliance.abort"
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    _received = 0
    _cycles: Sequence[RequestResponseCycle] = ()
    _overdue: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # A piece waits until the one before has left for the kernel: a client that never reads on
        # costs one, and what the kernel sends by itself overtakes nothing.
        # (Not 0 with TLS: its transports pause at `size >= high`, and would for ever.)
        transport.set_write_buffer_limits(high=1 if self.scheme == "https" else 0, low=0)
        self._start_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        # Of pipelined requests, uvicorn marks the newest alone, and the others would send on.
        for cycle in self._cycles:
            cycle.disconnected = True
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._idle() and self._overdue is None:
            self._start_clock()
        self._received += len(data)
        super().data_received(data)
        if self._received > MOST_REQUEST_BYTES and not self.transport.is_closing():
            self._refuse()

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= MOST_PIPELINED:
            self.transport.abort()
            raise ValueError("too many pipelined requests")
        self._received = 0
        super().on_message_begin()
        self.scope["extensions"] = {_ABORT: {"transport": self.transport}}

    def on_headers_complete(self) -> None:
        self._stop_clock()
        super().on_headers_complete()
        unanswered = [cycle for cycle in self._cycles if not cycle.response_complete]
        self._cycles = [*unanswered, self.cycle]

    def _refuse(self) -> None:
        if self._idle():
            self.transport.write(_TOO_LARGE)
            self.transport.close()
        else:
            self.transport.abort()

    def _idle(self) -> bool:
        """Whether no response is under way."""
        # uvicorn types the attribute as if it were never None.
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is None or cycle.response_complete

    def _start_clock(self) -> None:
        self._overdue = self.loop.call_later(HEAD_SECONDS, self._on_overdue)

    def _stop_clock(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None

    def _on_overdue(self) -> None:
        self._overdue = None
        if self._idle():
            self.transport.abort()


async def abort(scope: Scope, receive: Receive) -> None:
    """Cuts the request's connection, without waiting for what is still to be sent."""
    extension = scope.get("extensions", {}).get(_ABORT)
    if extension is None:
        return
    cast("asyncio.Transport", extension["transport"]).abort()
    while (await receive())["type"] != "http.disconnect":
        pass
