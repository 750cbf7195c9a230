"""The HTTP application: endpoints that show one state, kept up to date by polling."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from starlette.exceptions import HTTPException
from starlette.routing import Route

from tag_compliance.domain.clock import utc_now
from tag_compliance.exporter.api.endpoints import routes as api_routes
from tag_compliance.exporter.auth import AuthMiddleware
from tag_compliance.exporter.database_loader import DatabaseLoader
from tag_compliance.exporter.downloads import routes as download_routes
from tag_compliance.exporter.error_responses import http_error, unexpected_error
from tag_compliance.exporter.file_reloader import FileReloader
from tag_compliance.exporter.findings_access import NO_CREDENTIALS, Access
from tag_compliance.exporter.findings_service import FindingsService
from tag_compliance.exporter.health import evaluate_health
from tag_compliance.exporter.html_pages import PAGE_HEADERS, Asset, assets, render_html
from tag_compliance.exporter.negotiation import accepts_html
from tag_compliance.exporter.pages.routes import page_routes
from tag_compliance.exporter.polling import polling
from tag_compliance.exporter.scrape import ScrapeEndpoint
from tag_compliance.exporter.self_metrics import SelfMetrics
from tag_compliance.exporter.snapshot_watcher import SnapshotWatcher
from tag_compliance.exporter.status_page import StatusPage
from tag_compliance.exporter.status_text import render_text
from tag_compliance.logs import printable_json
from tag_compliance.snapshot.store import SnapshotStore

_PAGE_AGE = timedelta(seconds=30)
"""How long a page with the same content is reused; one of 10,000 regions takes 0.7 s of CPU."""

_NOT_STORED = {"Cache-Control": "no-store"}


def create_app(
    store: SnapshotStore,
    *,
    poll_interval: float = 1.0,
    access: Access = NO_CREDENTIALS,
    files: Sequence[FileReloader[object]] = (),
    now: Callable[[], datetime] = utc_now,
) -> FastAPI:
    """Serves one store. `files` and those of the credentials are polled independently of it."""
    watcher = SnapshotWatcher(store)
    findings = FindingsService(DatabaseLoader(store, watcher), access)
    watched = (*files, *(c.digests for c in access.credentials))

    def poll_files() -> None:
        for file in watched:
            file.poll()

    app = FastAPI(
        title="tag-compliance exporter",
        openapi_url=None,
        redirect_slashes=False,
        # FastAPI would send traces to any address that an environment variable names.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        lifespan=polling((watcher.poll, poll_files), findings, poll_interval),
        exception_handlers={HTTPException: http_error, Exception: unexpected_error},
    )
    if access.credentials:
        app.add_middleware(AuthMiddleware, credentials=access.credentials)
    people = _Endpoints(watcher, now)
    endpoints: dict[str, Callable[..., object]] = {
        "/metrics": ScrapeEndpoint(watcher, SelfMetrics(now, watched, findings.loader.is_loaded)),
        "/health": people.health,
        "/ready": people.ready,
        "/livez": people.livez,
        "/": people.status,
        **{asset.path: partial(_serve_asset, asset) for asset in assets()},
    }
    app.router.routes += [Route(path, e, methods=["GET"]) for path, e in endpoints.items()]
    app.router.routes += [*api_routes(findings), *download_routes(findings)]
    app.router.routes += page_routes(findings, watcher, now)
    return app


class _Endpoints:
    """The endpoints for probes and people. They show the watcher's state at that moment."""

    def __init__(self, watcher: SnapshotWatcher, now: Callable[[], datetime]) -> None:
        self._watcher = watcher
        self._now = now
        self._started_at = now()
        self._rendering = threading.Lock()
        self._pages: dict[bool, tuple[object, datetime, bytes]] = {}

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
        text = printable_json(json.dumps(body, ensure_ascii=False))
        status = 200 if health.healthy else 503
        return Response(text, status, _NOT_STORED, media_type="application/json")

    async def ready(self, _: Request) -> Response:
        if self._watcher.state.snapshot is None:
            return PlainTextResponse("not ready: no snapshot has been loaded yet\n", 503)
        return PlainTextResponse("ready\n")

    async def livez(self, _: Request) -> Response:
        return PlainTextResponse("alive\n")

    def status(self, request: Request) -> Response:
        """Not a coroutine: Starlette calls it in a thread, so that no scrape waits for a page."""
        headers = {"Vary": "Accept", **_NOT_STORED}
        if accepts_html(request.headers.get("accept", "")):
            return HTMLResponse(self._page(html=True), headers=headers | PAGE_HEADERS)
        return PlainTextResponse(self._page(html=False), headers=headers)

    def _page(self, *, html: bool) -> bytes:
        """Renders one page at a time, so that viewers cannot take the interpreter from scrapes."""
        with self._rendering:
            state, now = self._watcher.state, self._now()
            version, rendered_at, text = self._pages.get(html, (None, now, b""))
            if version != state.version or now - rendered_at > _PAGE_AGE:
                page = StatusPage(state, evaluate_health(state, now), now, self._started_at)
                text = (render_html(page) if html else render_text(page)).encode()
                self._pages[html] = state.version, now, text
            return text


async def _serve_asset(asset: Asset, _: Request) -> Response:
    headers = {
        "Cache-Control": "max-age=31536000, immutable",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(asset.content, headers=headers, media_type=asset.media_type)
