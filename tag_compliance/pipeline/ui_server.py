"""Dagster's webserver for `up`, with a guard against the web pages of other sites.

The command `dagster-webserver` has no place for one.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import AsyncIterator
from typing import Any

import click
import dagster as dg
import uvicorn
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._utils.log import configure_loggers
from dagster_webserver.app import create_app_from_workspace_process_context

from tag_compliance.pipeline.ui_guard import LOOPBACK, UiGuard

# As `dagster-webserver` has them.
_STATEMENT_MILLISECONDS, _POOL_RECYCLE_SECONDS, _POOL_OVERFLOW = 15_000, 3_600, 20


@click.command()
@click.option("--host", required=True)
@click.option("--port", type=int, required=True)
@click.option("--workspace", required=True)
@click.option("--allowed-hosts", default="", help="Names for the Host header, comma-separated.")
@click.option("--log-level", default="info")
@click.option("--log-format", default="colored")
def serve_ui(  # noqa: PLR0913, PLR0917 - click passes one parameter for each option
    host: str, port: int, workspace: str, allowed_hosts: str, log_level: str, log_format: str
) -> None:
    """Serves the instance of DAGSTER_HOME until SIGTERM.

    On other addresses than loopback any name is allowed unless some are named.
    """
    # uvicorn raises the signal again after its shutdown; `uvicorn.run` ends normally on this one.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    configure_loggers(formatter=log_format, log_level=log_level.upper())
    with dg.DagsterInstance.get() as instance:
        instance.optimize_for_webserver(
            _STATEMENT_MILLISECONDS, _POOL_RECYCLE_SECONDS, _POOL_OVERFLOW
        )
        with WorkspaceProcessContext(instance, WorkspaceFileTarget([workspace])) as context:
            app: Any = create_app_from_workspace_process_context(context, lifespan=_lifespan)
            names = [name.strip() for name in allowed_hosts.split(",") if name.strip()]
            guard = UiGuard(app, names if names or host in LOOPBACK else None)
            uvicorn.run(guard, host=host, port=port, log_level="warning")


@contextlib.asynccontextmanager
async def _lifespan(_app: object) -> AsyncIterator[None]:
    yield


if __name__ == "__main__":
    serve_ui()
