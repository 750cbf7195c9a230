"""HTTP responses of limited duration and size.

The timeout of a socket limits each single read. A server that sends one byte after the other, or
without end, would keep its client waiting for ever, or fill its memory.
"""

from __future__ import annotations

import io
import math
import time
from typing import TYPE_CHECKING, Any

from tag_compliance.remote.time_limit import remaining_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from socket import socket

    from urllib3.connectionpool import HTTPConnectionPool

_LEAST_SECONDS = 0.001
"""Python would not wait at all with a timeout of 0."""


class ResponseTooLarge(Exception):
    """A response has more bytes than the client accepts."""


class LimitedSocket:
    """A socket whose timeout limits all reads together, until the timeout is set again.

    urllib3 sets it before each response. A response is then also limited to `max_bytes`, and to
    the seconds that remain to the work on this thread.
    """

    def __init__(self, sock: socket, max_bytes: int) -> None:
        self._socket = sock
        self._max_bytes = max_bytes
        self.settimeout(sock.gettimeout())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def settimeout(self, seconds: float | None) -> None:
        limit = min(math.inf if seconds is None else seconds, remaining_seconds())
        self._socket.settimeout(None if limit == math.inf else max(limit, _LEAST_SECONDS))
        self._ends_at = time.monotonic() + limit
        self._bytes_left = self._max_bytes

    def makefile(self, _mode: str = "rb", buffering: int | None = None) -> io.IOBase:
        """What `http.client` reads responses from."""
        stream = _LimitedStream(self, self._socket.makefile("rb", 0))
        return stream if buffering == 0 else io.BufferedReader(stream)

    def read_into(self, raw: io.RawIOBase, buffer: Any) -> int | None:
        seconds = self._ends_at - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("the response was not complete in time")
        if seconds < math.inf:
            self._socket.settimeout(seconds)
        count = raw.readinto(buffer)
        self._bytes_left -= count or 0
        if self._bytes_left < 0:
            raise ResponseTooLarge(f"the response has more than {self._max_bytes:,} bytes")
        return count


class _LimitedStream(io.RawIOBase):
    def __init__(self, sock: LimitedSocket, raw: io.RawIOBase) -> None:
        self._socket = sock
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        return self._socket.read_into(self._raw, buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def limited_pools(
    pools: Mapping[str, type[HTTPConnectionPool]], max_bytes: int
) -> dict[str, type[HTTPConnectionPool]]:
    """The classes of connection pools by scheme, with limited responses."""
    return {scheme: _limited(pool, max_bytes) for scheme, pool in pools.items()}


def _limited(pool: type[HTTPConnectionPool], max_bytes: int) -> type[HTTPConnectionPool]:
    connection: Any = pool.ConnectionCls

    class LimitedConnection(connection):  # type: ignore[misc]  # its type is known at run time only
        sock: Any

        def connect(self) -> None:
            super().connect()
            self.sock = LimitedSocket(self.sock, max_bytes)

    return type(f"Limited{pool.__name__}", (pool,), {"ConnectionCls": LimitedConnection})
