"""One client's connection: HTTP/1.1 with keep-alive, as little of it as AWS clients use.

Written by hand on an asyncio protocol, since benchmarks must measure the client and not this.
"""

import asyncio
from collections.abc import Callable

from tag_compliance_tests.fake_aws.wire import Answer, Delivery, Request

_END_OF_HEAD = b"\r\n\r\n"


class Connection(asyncio.Protocol):
    def __init__(
        self,
        respond: Callable[[Request], Answer],
        latency: Callable[[], float],
        open_connections: "set[Connection]",
    ) -> None:
        self._respond = respond
        self._latency = latency
        self._open_connections = open_connections
        self._received = b""
        self._is_answering = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._open_connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._open_connections.discard(self)

    def abort(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._answer_next()

    def _answer_next(self) -> None:
        if self._is_answering:
            return
        try:
            request = self._take_request()
        except ValueError:
            self._transport.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            self._transport.close()
            return
        if request is None:
            return
        self._is_answering = True
        answer = self._respond(request)
        delay = self._latency() + answer.delay_seconds
        if delay > 0:
            asyncio.get_running_loop().call_later(delay, self._send, answer)
        else:
            self._send(answer)

    def _take_request(self) -> Request | None:
        head, end, body = self._received.partition(_END_OF_HEAD)
        if not end:
            return None
        _, *lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
        if length < 0 or "transfer-encoding" in headers:
            raise ValueError("only a body of a stated length is understood")
        if len(body) < length:
            return None
        self._received = body[length:]
        return Request(headers, body[:length])

    def _send(self, answer: Answer) -> None:
        if self._transport.is_closing() or answer.delivery is Delivery.NEVER:
            return
        if answer.delivery is Delivery.CUT:
            self._transport.close()
        elif answer.delivery is Delivery.TRUNCATED:
            self._transport.write(answer.head() + answer.body[: len(answer.body) // 2])
            self._transport.close()
        else:
            self._transport.writelines((answer.head(), answer.body))
            self._is_answering = False
            if self._received:
                self._answer_next()
