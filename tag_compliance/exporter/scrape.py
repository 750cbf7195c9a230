"""`GET /metrics`: the newest snapshot and the exporter's own metrics as one exposition."""

from __future__ import annotations

import hashlib

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from tag_compliance import __version__
from tag_compliance.exporter.loaded_snapshot import Exposition
from tag_compliance.exporter.negotiation import accepts_gzip
from tag_compliance.exporter.self_metrics import CONTENT_TYPE, SelfMetrics
from tag_compliance.exporter.snapshot_watcher import SnapshotWatcher, State
from tag_compliance.exporter.streaming import ClientTooSlow, send_body
from tag_compliance.logs import get_logger

logger = get_logger(__name__)


class ScrapeEndpoint:
    """A plain ASGI application: it sends prepared bytes and a few that are made per scrape."""

    def __init__(self, watcher: SnapshotWatcher, self_metrics: SelfMetrics) -> None:
        self._watcher = watcher
        self._self_metrics = self_metrics
        self._no_snapshot = Exposition.empty()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = self._watcher.state
        headers = Headers(scope=scope)
        if scope["method"] == "GET":
            self._self_metrics.scrapes += 1
        etag = _etag(state)
        response = [("etag", etag), ("vary", "accept-encoding"), ("cache-control", "no-cache")]
        if _matches(headers.getlist("if-none-match"), etag):
            await _start(send, 304, response)
            await send({"type": "http.response.body"})
            return
        gzip = accepts_gzip(",".join(headers.getlist("accept-encoding")))
        if gzip:
            response.append(("content-encoding", "gzip"))
        exposition = state.snapshot.exposition if state.snapshot else self._no_snapshot
        parts = exposition.followed_by(self._self_metrics.render(state), gzip=gzip)
        response.append(("content-type", CONTENT_TYPE))
        response.append(("content-length", str(sum(map(len, parts)))))
        await _start(send, 200, response)
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body"})
            return

        def is_current() -> bool:
            return self._watcher.state.snapshot is state.snapshot

        try:
            await send_body(scope, receive, send, parts, is_current)
        except ClientTooSlow:
            self._self_metrics.scrapes_dropped += 1
            logger.warning("slow scrape aborted", client=_client(scope))


def _etag(state: State) -> str:
    """Weak: responses with the same snapshot differ in the exporter's own metrics."""
    known = (
        __version__,
        state.snapshot and state.snapshot.snapshot_id,
        state.last_scan and state.last_scan.ended_at,
        state.failure,
    )
    return f'W/"{hashlib.sha256(repr(known).encode()).hexdigest()[:24]}"'


def _matches(if_none_match: list[str], etag: str) -> bool:
    """Weak comparison (RFC 9110, section 13.1.2)."""
    asked = {tag.strip().removeprefix("W/") for line in if_none_match for tag in line.split(",")}
    return "*" in asked or etag.removeprefix("W/") in asked


def _client(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else "unknown"


async def _start(send: Send, status: int, headers: list[tuple[str, str]]) -> None:
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": raw})
