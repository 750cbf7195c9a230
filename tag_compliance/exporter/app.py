"""The HTTP application: five ways of looking at one state."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.exceptions import HTTPException
from starlette.routing import Route

from tag_compliance.domain.clock import utc_now
from tag_compliance.exporter.access import AccessControl, Credentials
from tag_compliance.exporter.health import judge
from tag_compliance.exporter.negotiation import accepts_html
from tag_compliance.exporter.own_metrics import OwnMetrics
from tag_compliance.exporter.page import Page
from tag_compliance.exporter.page_html import HtmlPage
from tag_compliance.exporter.page_text import render_text
from tag_compliance.exporter.reloaded import Reloaded
from tag_compliance.exporter.scrape import ScrapeEndpoint
from tag_compliance.exporter.watcher import Watcher
from tag_compliance.snapshot.store import SnapshotStore

_FIRST_LOOK_SECONDS = 5.0
"""So long does the server wait for a slow storage before it answers without a snapshot."""


def create_app(
    store: SnapshotStore,
    *,
    poll_interval: float = 1.0,
    credentials: Sequence[Credentials] = (),
    files: Sequence[Reloaded[object]] = (),
    now: Callable[[], datetime] = utc_now,
) -> FastAPI:
    """The exporter of one store; `files` and those of the credentials are polled beside it."""
    watcher = Watcher(store)
    watched = (*files, *(c.digests for c in credentials))
    app = FastAPI(
        title="tag-compliance exporter",
        openapi_url=None,
        redirect_slashes=False,
        # FastAPI would send traces wherever an environment variable says.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        lifespan=_polling((watcher.poll, *(file.poll for file in watched)), poll_interval),
        exception_handlers={HTTPException: _plain_error},
    )
    if credentials:
        app.add_middleware(AccessControl, credentials=credentials)
    scrape = ScrapeEndpoint(watcher, OwnMetrics(now, watched))
    app.router.routes.append(Route("/metrics", scrape, methods=["GET"]))
    _add_pages(app, watcher, now)
    return app


def _add_pages(app: FastAPI, watcher: Watcher, now: Callable[[], datetime]) -> None:
    html = HtmlPage()

    async def health(_: Request) -> Response:
        state = watcher.state
        found = judge(state, now())
        served = state.served
        body = {
            "status": "healthy" if found.healthy else "failing",
            "reasons": found.faults,
            "remarks": found.remarks,
            "snapshot": served.snapshot_id if served else None,
            "snapshot_made_at": served.status.made_at.isoformat() if served else None,
            "last_scan": state.last_scan.outcome if state.last_scan else None,
        }
        return JSONResponse(body, 200 if found.healthy else 503, {"Cache-Control": "no-store"})

    async def ready(_: Request) -> Response:
        if watcher.state.served is None:
            return PlainTextResponse("not ready: there is no snapshot yet\n", 503)
        return PlainTextResponse("ready\n")

    async def livez(_: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def status(request: Request) -> Response:
        state, at = watcher.state, now()
        page = Page(state, judge(state, at), at)
        headers = {"Vary": "Accept", "Cache-Control": "no-store"}
        if accepts_html(request.headers.get("accept", "")):
            return HTMLResponse(html.render(page), headers=headers | html.headers)
        return PlainTextResponse(render_text(page), headers=headers)

    for path, endpoint in (
        ("/health", health), ("/ready", ready), ("/livez", livez), ("/", status)
    ):  # fmt: skip
        app.router.routes.append(Route(path, endpoint, methods=["GET"]))


async def _plain_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):  # Starlette calls it for these alone
        raise error
    phrase = HTTPStatus(error.status_code).phrase
    return PlainTextResponse(f"{error.status_code} {phrase}\n", error.status_code, error.headers)


def _polling(
    polls: Sequence[Callable[[], None]], interval: float
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Polls in a thread as long as the application lives.

    A thread of its own, and a daemon: a storage that hangs must not keep the process from ending,
    as it would from a thread of the loop's pool.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        looked, stop = threading.Event(), threading.Event()

        def run() -> None:
            while not stop.is_set():
                for poll in polls:
                    poll()
                looked.set()
                stop.wait(interval)

        threading.Thread(target=run, name="poll", daemon=True).start()
        await asyncio.to_thread(looked.wait, _FIRST_LOOK_SECONDS)
        yield
        stop.set()

    return lifespan
