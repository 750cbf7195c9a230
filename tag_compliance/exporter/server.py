"""The exporter's process: settings in, and it serves until it is told to stop."""

from __future__ import annotations

import logging
import signal
import socket
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from tag_compliance.errors import BadConfiguration, CannotListen, Fault
from tag_compliance.exporter.access import Credentials, read_basic_auth, read_bearer_tokens
from tag_compliance.exporter.app import create_app
from tag_compliance.exporter.protocol import BoundedProtocol
from tag_compliance.exporter.reloaded import Reloaded
from tag_compliance.exporter.tls import create_server_context, read_certificate
from tag_compliance.logs import get_logger
from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance.storage.open import open_storage

logger = get_logger(__name__)

_BACKLOG = 1024
_MOST_CONNECTIONS = 512
_KEEP_ALIVE_SECONDS = 75
"""Longer than the usual scrape interval, so that scrapes do without a new connection."""

_GRACEFUL_SECONDS = 20
"""For scrapes in flight; Kubernetes kills after 30."""

_UNREAD_MILLISECONDS = 60_000
_POLL_FOLDER_SECONDS, _POLL_BUCKET_SECONDS = 1.0, 15.0


@dataclass(frozen=True, slots=True)
class ExporterSettings:
    """Where the snapshots are, and where and to whom they are served.

    `storage` is a folder or `s3://bucket/prefix`; port 0 takes a free one; `poll_interval` None
    means one that suits the storage.
    """

    storage: str
    host: str
    port: int
    poll_interval: float | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    bearer_token_file: Path | None = None
    basic_auth_file: Path | None = None


def serve(settings: ExporterSettings) -> None:
    """Serves until SIGTERM or SIGINT, then lets scrapes in flight end.

    Raises `BadConfiguration` for a file that cannot be used and `CannotListen` for a port that
    cannot be had, before anything is served.
    """
    certificate = _certificate(settings)
    credentials = _credentials(settings)
    app = create_app(
        SnapshotStore(open_storage(settings.storage)),
        poll_interval=_poll_interval(settings),
        credentials=credentials,
        files=[certificate] if certificate else [],
    )
    context = create_server_context(certificate) if certificate else None
    with _listen(settings.host, settings.port) as listener:
        port = listener.getsockname()[1]
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=BoundedProtocol,
                ws="none",
                interface="asgi3",
                lifespan="on",
                log_config=None,
                log_level=logging.WARNING,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=_BACKLOG,
                limit_concurrency=_MOST_CONNECTIONS,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_GRACEFUL_SECONDS,
                ssl_context_factory=(lambda _config, _default: context) if context else None,
            )
        )
        _end_on_signals(server)
        shown = f"[{settings.host}]" if ":" in settings.host else settings.host
        logger.info(
            "listening",
            url=f"{'https' if context else 'http'}://{shown}:{port}",
            storage=settings.storage,
            credentials=",".join(c.scheme for c in credentials) or "none",
        )
        server.run(sockets=[listener])
    logger.info("stopped")


def _end_on_signals(server: uvicorn.Server) -> None:
    """Uvicorn raises a caught signal once more, after its shutdown, under the handler from before.

    With the default handlers that would end the process as killed; with its own, nothing is lost
    before it listens to signals itself, and the exit code is 0.
    """
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, server.handle_exit)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()
    try:
        listener = socket.create_server(
            (host, port), family=family, backlog=_BACKLOG, dualstack_ipv6=both
        )
    except (OSError, OverflowError) as error:
        raise CannotListen(host, port, getattr(error, "strerror", None) or str(error)) from error
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # Inherited by connections: the kernel ends one whose client takes nothing for so long.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_MILLISECONDS)
    return listener


def _certificate(settings: ExporterSettings) -> Reloaded[ssl.SSLContext] | None:
    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate and key:
        return read_certificate(certificate, key)
    if certificate or key:
        given, missing = ("--tls-cert", "--tls-key") if certificate else ("--tls-key", "--tls-cert")
        fault = Fault("command line", given, str(certificate or key), f"needs {missing} as well")
        raise BadConfiguration((fault,))
    return None


def _credentials(settings: ExporterSettings) -> list[Credentials]:
    found = []
    if settings.bearer_token_file:
        found.append(read_bearer_tokens(settings.bearer_token_file))
    if settings.basic_auth_file:
        found.append(read_basic_auth(settings.basic_auth_file))
    return found


def _poll_interval(settings: ExporterSettings) -> float:
    if settings.poll_interval is not None:
        return settings.poll_interval
    in_bucket = settings.storage.startswith("s3://")
    return _POLL_BUCKET_SECONDS if in_bucket else _POLL_FOLDER_SECONDS
