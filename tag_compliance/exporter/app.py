"""The HTTP application: endpoints that show one state, kept up to date by polling."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.exceptions import HTTPException
from starlette.routing import Route

from tag_compliance.domain.clock import utc_now
from tag_compliance.exporter.auth import AuthMiddleware, Credentials
from tag_compliance.exporter.endpoints import Endpoints
from tag_compliance.exporter.file_reloader import FileReloader
from tag_compliance.exporter.scrape import ScrapeEndpoint
from tag_compliance.exporter.self_metrics import SelfMetrics
from tag_compliance.exporter.snapshot_watcher import SnapshotWatcher
from tag_compliance.snapshot.store import SnapshotStore

_FIRST_POLL_SECONDS = 5.0
"""How long the server waits for a slow storage before it responds without a snapshot."""


def create_app(
    store: SnapshotStore,
    *,
    poll_interval: float = 1.0,
    credentials: Sequence[Credentials] = (),
    files: Sequence[FileReloader[object]] = (),
    now: Callable[[], datetime] = utc_now,
) -> FastAPI:
    """Serves one store. `files` and those of the credentials are polled together with it."""
    watcher = SnapshotWatcher(store)
    watched = (*files, *(c.digests for c in credentials))
    app = FastAPI(
        title="tag-compliance exporter",
        openapi_url=None,
        redirect_slashes=False,
        # FastAPI would send traces to any address that an environment variable names.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        lifespan=_polling((watcher.poll, *(file.poll for file in watched)), poll_interval),
        exception_handlers={HTTPException: _plain_error},
    )
    if credentials:
        app.add_middleware(AuthMiddleware, credentials=credentials)
    scrape = ScrapeEndpoint(watcher, SelfMetrics(now, watched))
    app.router.routes.append(Route("/metrics", scrape, methods=["GET"]))
    app.router.routes.extend(Endpoints(watcher, now).routes())
    return app


async def _plain_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):  # Starlette passes no other type
        raise error
    phrase = HTTPStatus(error.status_code).phrase
    return PlainTextResponse(f"{error.status_code} {phrase}\n", error.status_code, error.headers)


def _polling(
    polls: Sequence[Callable[[], None]], interval: float
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Polls in a thread while the application runs.

    A daemon thread, not one of the event loop's pool, so that a storage that hangs does not keep
    the process from ending.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        polled, stop = threading.Event(), threading.Event()

        def run() -> None:
            while not stop.is_set():
                for poll in polls:
                    poll()
                polled.set()
                stop.wait(interval)

        threading.Thread(target=run, name="poll", daemon=True).start()
        await asyncio.to_thread(polled.wait, _FIRST_POLL_SECONDS)
        yield
        stop.set()

    return lifespan
