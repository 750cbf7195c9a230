"""The endpoints for probes and people: `/health`, `/ready`, `/livez` and the status page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.routing import Route

from tag_compliance.exporter.health import evaluate_health
from tag_compliance.exporter.html_pages import HtmlPages
from tag_compliance.exporter.negotiation import accepts_html
from tag_compliance.exporter.snapshot_watcher import SnapshotWatcher
from tag_compliance.exporter.status_page import StatusPage
from tag_compliance.exporter.status_text import render_text

_NOT_STORED = {"Cache-Control": "no-store"}


class Endpoints:
    """Each request shows the watcher's state at that moment."""

    def __init__(self, watcher: SnapshotWatcher, now: Callable[[], datetime]) -> None:
        self._watcher = watcher
        self._now = now
        self._html = HtmlPages()

    def routes(self) -> list[Route]:
        endpoints = {
            "/health": self.health,
            "/ready": self.ready,
            "/livez": self.livez,
            "/": self.status,
        }
        return [Route(path, endpoint, methods=["GET"]) for path, endpoint in endpoints.items()]

    async def health(self, _: Request) -> Response:
        state = self._watcher.state
        health = evaluate_health(state, self._now())
        snapshot = state.snapshot
        body = {
            "status": "healthy" if health.healthy else "failing",
            "reasons": health.reasons,
            "remarks": health.remarks,
            "snapshot": snapshot.snapshot_id if snapshot else None,
            "snapshot_made_at": snapshot.status.made_at.isoformat() if snapshot else None,
            "last_scan": state.last_scan.outcome if state.last_scan else None,
        }
        return JSONResponse(body, 200 if health.healthy else 503, _NOT_STORED)

    async def ready(self, _: Request) -> Response:
        if self._watcher.state.snapshot is None:
            return PlainTextResponse("not ready: no snapshot has been loaded yet\n", 503)
        return PlainTextResponse("ready\n")

    async def livez(self, _: Request) -> Response:
        return PlainTextResponse("alive\n")

    def status(self, request: Request) -> Response:
        """Not a coroutine: Starlette calls it in a thread, so that no scrape waits for a page."""
        state, at = self._watcher.state, self._now()
        page = StatusPage(state, evaluate_health(state, at), at)
        headers = {"Vary": "Accept", **_NOT_STORED}
        if accepts_html(request.headers.get("accept", "")):
            html = self._html.render("status.html", page=page)
            return HTMLResponse(html, headers=headers | self._html.headers)
        return PlainTextResponse(render_text(page), headers=headers)
