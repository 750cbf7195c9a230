"""`GET /metrics`: the newest snapshot and the exporter's own metrics, as one exposition."""

from __future__ import annotations

import hashlib

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from tag_compliance import __version__
from tag_compliance.exporter.negotiation import accepts_gzip
from tag_compliance.exporter.own_metrics import CONTENT_TYPE, OwnMetrics
from tag_compliance.exporter.served import Exposition
from tag_compliance.exporter.streaming import ClientTooSlow, send_body
from tag_compliance.exporter.watcher import State, Watcher
from tag_compliance.logs import get_logger

logger = get_logger(__name__)


class ScrapeEndpoint:
    """An ASGI application of its own: a scrape is bytes that are ready, and a few made for it."""

    def __init__(self, watcher: Watcher, own_metrics: OwnMetrics) -> None:
        self._watcher = watcher
        self._own_metrics = own_metrics
        self._nothing = Exposition.empty()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = self._watcher.state
        headers = Headers(scope=scope)
        if scope["method"] == "GET":
            self._own_metrics.scrapes += 1
        etag = _etag(state)
        answer = [("etag", etag), ("vary", "accept-encoding"), ("cache-control", "no-cache")]
        if _matches(headers.getlist("if-none-match"), etag):
            await _start(send, 304, answer)
            await send({"type": "http.response.body"})
            return
        gzip = accepts_gzip(",".join(headers.getlist("accept-encoding")))
        exposition = state.served.exposition if state.served else self._nothing
        held, ending = parts = exposition.followed_by(self._own_metrics.render(state), gzip=gzip)
        if gzip:
            answer.append(("content-encoding", "gzip"))
        answer.append(("content-type", CONTENT_TYPE))
        answer.append(("content-length", str(len(held) + len(ending))))
        await _start(send, 200, answer)
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body"})
            return

        def is_current() -> bool:
            return self._watcher.state.served is state.served

        try:
            await send_body(scope, receive, send, parts, is_current)
        except ClientTooSlow:
            self._own_metrics.scrapes_dropped += 1
            logger.warning("scrape cut off", client=_client(scope))


def _etag(state: State) -> str:
    """Weak: two answers of one snapshot differ in counters of the exporter alone."""
    known = (
        __version__,
        state.served and state.served.snapshot_id,
        state.last_scan and state.last_scan.ended_at,
        state.fault,
    )
    return f'W/"{hashlib.sha256(repr(known).encode()).hexdigest()[:24]}"'


def _matches(if_none_match: list[str], etag: str) -> bool:
    """Weak comparison (RFC 9110, 13.1.2)."""
    asked = {tag.strip().removeprefix("W/") for line in if_none_match for tag in line.split(",")}
    return "*" in asked or etag.removeprefix("W/") in asked


def _client(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else "unknown"


async def _start(send: Send, status: int, headers: list[tuple[str, str]]) -> None:
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": raw})
