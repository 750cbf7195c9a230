"""One client's connection: HTTP/1.1 with keep-alive, the subset that AWS clients use.

It is written directly on an asyncio protocol, because benchmarks must measure the client and not
the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

from tag_compliance.simulator.wire import Delivery, Request, Response

_END_OF_HEAD = b"\r\n\r\n"
_PIECE_SECONDS = 0.05


@dataclass(eq=False)
class Connection(asyncio.Protocol):
    """Responds to one request after the other; each states the length of its body.

    `latency` returns the seconds that each response takes. The connection is a member of
    `open_connections` while it is open.
    """

    respond: Callable[[Request], Response]
    latency: Callable[[], float]
    open_connections: set[Connection]

    def __post_init__(self) -> None:
        self._received = b""
        self._is_responding = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.open_connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.open_connections.discard(self)

    def abort(self) -> None:
        """Close the connection without a response."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._respond_to_next()

    def _respond_to_next(self) -> None:
        if self._is_responding:
            return
        request = self._take_request()
        if request is None:
            return
        self._is_responding = True
        response = self.respond(request)
        delay = self.latency() + response.delay_seconds
        if delay > 0:
            asyncio.get_running_loop().call_later(delay, self._send, response)
        else:
            self._send(response)

    def _take_request(self) -> Request | None:
        head, end, body = self._received.partition(_END_OF_HEAD)
        if not end:
            return None
        request_line, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = request_line.split(" ")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
        if len(body) < length:
            return None
        self._received = body[length:]
        return Request(method, target, headers, body[:length])

    def _send(self, response: Response) -> None:
        if self._transport.is_closing() or response.delivery is Delivery.NEVER:
            return
        if response.delivery is Delivery.CLOSED:
            self._transport.close()
        elif response.delivery is Delivery.TRUNCATED:
            self._transport.write(response.head() + response.body[: len(response.body) // 2])
            self._transport.close()
        elif response.delivery is Delivery.PIECES:
            self._send_pieces(iter(response.pieces))
        else:
            self._transport.writelines((response.head(), response.body))
            self._is_responding = False
            if self._received:
                self._respond_to_next()

    def _send_pieces(self, pieces: Iterator[bytes]) -> None:
        if self._transport.is_closing():
            return
        if not self._transport.get_write_buffer_size():
            self._transport.write(next(pieces, b""))
        asyncio.get_running_loop().call_later(_PIECE_SECONDS, self._send_pieces, pieces)
