"""Limits on what clients can make the server hold and log.

uvicorn's httptools protocol limits neither the size of a request head nor the time it may take, and
it counts an idle connection like a busy one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

import uvloop
from starlette.types import Receive, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MAX_REQUEST_BYTES = 64 * 1024
"""Size of a whole request: head, trailers, and a body, which no endpoint reads.

Not counted is the data received together with the start of the request, at most 256 KiB.
"""

MAX_PIPELINED = 16
HEAD_TIMEOUT_SECONDS = 10.0
HANDSHAKE_TIMEOUT_SECONDS = 5.0
"""For TLS. A connection is counted from the end of its handshake."""

MAX_CONNECTIONS_PER_CLIENT = 256
"""Of one address, which can be that of a proxy; half of what the server accepts in total."""

PROBE_PATHS = frozenset({"/livez", "/ready"})
"""Served without credentials and above the limit of connections: what they show is no secret, and
the liveness probe must not restart an exporter that is only busy.
"""

_REPEATED_LOG_SECONDS = 60.0

_ABORT = "tag_compliance.abort"
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class LimitedHttpProtocol(HttpToolsProtocol):
    """One connection."""

    _received = 0
    opened_at = 0.0
    _in_head = False
    _cycles: Sequence[RequestResponseCycle] = ()
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.opened_at = self.loop.time()
        self._make_room()
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
        if self.is_idle() and self._head_timer is None:
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
        self._in_head = True
        super().on_message_begin()
        self.scope["extensions"] = {_ABORT: {"transport": self.transport}}

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # otherwise it is a trailer, which must not act as a header
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_head_timer()
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
            raise ValueError("exactly one Host header is required")
        # uvicorn compares with the number of all connections, also of those that are being closed.
        self.limit_concurrency = 0 if self._is_above_limit() else None
        super().on_headers_complete()
        unfinished = [cycle for cycle in self._cycles if not cycle.response_complete]
        self._cycles = [*unfinished, self.cycle]

    def send_400_response(self, msg: str) -> None:
        """For a malformed request, unless it is sent while a response is in progress."""
        if self.is_idle():
            super().send_400_response(msg)
        else:
            self.transport.abort()

    def _is_above_limit(self) -> bool:
        limit = self.config.limit_concurrency
        if limit is None or len(self.connections) < limit:
            return False
        is_probe = self.url.partition(b"?")[0].decode("latin-1") in PROBE_PATHS
        return not is_probe and len(self._others()) + 1 >= limit

    def _others(self) -> list[LimitedHttpProtocol]:
        """All other connections that are not being closed."""
        known = cast("set[LimitedHttpProtocol]", self.connections)
        return [c for c in known if c is not self and not c.transport.is_closing()]

    def _make_room(self) -> None:
        """Above a limit, closes the oldest idle connection, or this one if its client has no other.

        If all connections are busy, uvicorn responds with 503.
        """
        alive = self._others()
        limit = self.config.limit_concurrency
        same = [c for c in alive if c.client and self.client and c.client[0] == self.client[0]]
        if too_many := len(same) >= MAX_CONNECTIONS_PER_CLIENT:
            alive = same
        elif limit is None or len(alive) + 1 < limit:
            return
        idle = [connection for connection in alive if connection.is_idle()]
        if idle:
            min(idle, key=lambda connection: connection.opened_at).transport.abort()
        elif too_many:
            self.transport.abort()

    def _reject(self) -> None:
        if self.is_idle():
            self.transport.write(_TOO_LARGE)
            self.transport.close()
        else:
            self.transport.abort()

    def is_idle(self) -> bool:
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
        if self.is_idle():
            self.transport.abort()


class LimitedLoop(uvloop.Loop):
    """An event loop whose TLS servers do not wait long for a handshake; uvicorn has no setting."""

    async def create_server(  # type: ignore[override]
        self, *args: Any, **options: Any
    ) -> asyncio.AbstractServer:
        if options.get("ssl"):
            options["ssl_handshake_timeout"] = HANDSHAKE_TIMEOUT_SECONDS
        return await super().create_server(*args, **options)


class RepetitionFilter(logging.Filter):
    """Passes each message at most once a minute, with the number of those that were left out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._passed_at: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        message, now = str(record.msg), self._clock()
        if now - self._passed_at.get(message, -_REPEATED_LOG_SECONDS) < _REPEATED_LOG_SECONDS:
            self._left_out[message] = self._left_out.get(message, 0) + 1
            return False
        self._passed_at[message] = now
        if left_out := self._left_out.pop(message, 0):
            record.msg = f"{message} ({left_out} more since the last of these lines)"
        return True


async def abort(scope: Scope, receive: Receive) -> None:
    """Closes the request's connection without waiting for data that is still to be sent."""
    extension = scope.get("extensions", {}).get(_ABORT)
    if extension is None:
        return
    cast("asyncio.Transport", extension["transport"]).abort()
    while (await receive())["type"] != "http.disconnect":
        pass
