"""`GET /metrics`: the newest snapshot and the exporter's own metrics as one exposition."""

from __future__ import annotations

import asyncio
import hashlib
import math

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from tag_compliance import __version__
from tag_compliance.exporter.etag import matches
from tag_compliance.exporter.http_limits import abort
from tag_compliance.exporter.negotiation import accepts_gzip
from tag_compliance.exporter.self_metrics import CONTENT_TYPE, SelfMetrics
from tag_compliance.exporter.snapshot_watcher import SnapshotWatcher, State
from tag_compliance.logs import get_logger
from tag_compliance.snapshot.appendable_gzip import Appendable, compress

logger = get_logger(__name__)

CHUNK_BYTES = 2 * 1024 * 1024
"""Sending a chunk takes 0.5 ms, during which other clients wait. Smaller chunks take more CPU.

`sendfile` takes twice the CPU, because it hands single pages to the kernel.
"""

CHUNK_BYTES_TLS = 64 * 1024
"""With TLS a chunk is copied, so that each client holds one."""

CHUNK_TIMEOUT_SECONDS = 30.0
"""The time that a client may take for one chunk; Prometheus would not wait longer either."""

SUPERSEDED_TIMEOUT_SECONDS = 30.0
"""The time that a client may continue reading a snapshot after a newer one has replaced it."""


class ScrapeEndpoint:
    """A plain ASGI application: it sends prepared bytes and a few that are made per scrape."""

    def __init__(self, watcher: SnapshotWatcher, self_metrics: SelfMetrics) -> None:
        self._watcher = watcher
        self._self_metrics = self_metrics
        self._empty_gzip = Appendable.of(compress(b""))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = self._watcher.state
        headers = Headers(scope=scope)
        if scope["method"] == "GET":
            self._self_metrics.scrapes += 1
        etag = _etag(state)
        response = [("etag", etag), ("vary", "accept-encoding"), ("cache-control", "no-cache")]
        if matches(headers.getlist("if-none-match"), etag):
            await _start(send, 304, response)
            await send({"type": "http.response.body"})
            return
        gzip = accepts_gzip(",".join(headers.getlist("accept-encoding")))
        if gzip:
            response.append(("content-encoding", "gzip"))
        shared, ending = self._body(state, gzip=gzip)
        response.append(("content-type", CONTENT_TYPE))
        # The policy of the page allows scripts from this exporter; metrics are never one.
        response.append(("x-content-type-options", "nosniff"))
        response.append(("content-length", str(len(shared) + len(ending))))
        await _start(send, 200, response)
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body"})
            return
        try:
            await self._send_chunks(scope, send, shared, state)
            async with asyncio.timeout(CHUNK_TIMEOUT_SECONDS):
                await send({"type": "http.response.body", "body": ending})
        except (TimeoutError, asyncio.CancelledError):
            # Cancelled: the server stops and has waited for its whole shutdown period.
            await abort(scope, receive)
            self._self_metrics.scrapes_dropped += 1
            client = scope.get("client")
            logger.warning("slow scrape aborted", client=client[0] if client else "unknown")

    def _body(self, state: State, *, gzip: bool) -> tuple[memoryview, bytes]:
        """The two parts of a body: the first is shared by all responses, not copied."""
        more, snapshot = self._self_metrics.render(state), state.snapshot
        if gzip:
            compressed = snapshot.gzip if snapshot else self._empty_gzip
            return compressed.body, compressed.tail(more)
        return memoryview(snapshot.plain if snapshot else b""), more

    async def _send_chunks(
        self, scope: Scope, send: Send, shared: memoryview, state: State
    ) -> None:
        """Sends each chunk after the client has taken the previous one.

        A client that does not read keeps a snapshot in memory for a limited time only. Raises
        `TimeoutError`.
        """
        now = asyncio.get_running_loop().time
        deadline = math.inf
        size = CHUNK_BYTES_TLS if scope["scheme"] == "https" else CHUNK_BYTES
        for start in range(0, len(shared), size):
            if deadline == math.inf and self._watcher.state.snapshot is not state.snapshot:
                deadline = now() + SUPERSEDED_TIMEOUT_SECONDS
            chunk = shared[start : start + size]
            async with asyncio.timeout_at(min(now() + CHUNK_TIMEOUT_SECONDS, deadline)):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            # A client that reads as fast as this sends would otherwise keep the event loop busy.
            await asyncio.sleep(0)


def _etag(state: State) -> str:
    """Weak: responses with the same snapshot differ in the exporter's own metrics."""
    known = repr((__version__, *state.version))
    return f'W/"{hashlib.sha256(known.encode()).hexdigest()[:24]}"'


async def _start(send: Send, status: int, headers: list[tuple[str, str]]) -> None:
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": raw})
