"""From a file to a connection by the kernel alone, beside a transport that knows nothing of it."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import cast

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

MOST_BYTES = 1024 * 1024
"""At a time, which takes 0.3 ms; meanwhile other clients wait."""

AVAILABLE = sys.platform == "linux"


class FileSender:
    """Sends parts of a response's body, between its head and its last piece.

    `loop.sendfile` would do on asyncio's own loop, but not on uvloop, which everything else is
    twice as fast on; and it takes the protocol off the transport, so that nobody would notice a
    client that leaves.
    """

    def __init__(
        self, transport: asyncio.Transport, flow: FlowControl, cycle: RequestResponseCycle
    ) -> None:
        self._transport = transport
        self._flow = flow
        self._cycle = cycle

    async def send(self, file: int, start: int, count: int) -> int:
        """Waits until the client takes some of it; answers how much, 0 if the client has gone."""
        while True:
            # What the transport still holds, the response's head for one, goes first.
            while self._flow.write_paused and not self._transport.is_closing():
                await self._flow.drain()
            if self._transport.is_closing():
                # Its descriptor may be another connection's by now. Uvicorn itself marks but the
                # newest of pipelined requests.
                self._cycle.disconnected = True
                return 0
            try:
                sent = os.sendfile(self._socket(), file, start, min(count, MOST_BYTES))
            except BlockingIOError:
                await self._writable()
            except (ConnectionError, TimeoutError):
                self._transport.abort()
            else:
                self._cycle.expected_content_length -= sent
                return sent

    async def _writable(self) -> None:
        """Returns when the socket takes more, or the connection is lost.

        By the flow control that uvicorn releases in both cases. A loop lets nobody watch the
        descriptor of a transport, hence the second one.
        """
        loop = asyncio.get_running_loop()
        watched = os.dup(self._socket())
        self._flow.pause_writing()
        loop.add_writer(watched, self._flow.resume_writing)
        try:
            await self._flow.drain()
        finally:
            loop.remove_writer(watched)
            os.close(watched)
            self._flow.resume_writing()

    def _socket(self) -> int:
        return cast("int", self._transport.get_extra_info("socket").fileno())
