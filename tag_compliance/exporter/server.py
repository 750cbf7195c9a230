"""The exporter's process: serves as the settings say until it receives a signal."""

from __future__ import annotations

import logging
import signal
import socket
import ssl
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from tag_compliance.domain.findings_access import FindingsAccess
from tag_compliance.errors import BadConfiguration, CannotListen, Fault
from tag_compliance.exporter.app import create_app
from tag_compliance.exporter.auth import read_basic_auth, read_bearer_tokens
from tag_compliance.exporter.file_reloader import FileReloader
from tag_compliance.exporter.findings_access import Access
from tag_compliance.exporter.http_limits import LimitedHttpProtocol, LimitedLoop, RepetitionFilter
from tag_compliance.logs import get_logger
from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance.storage.open import open_storage
from tag_compliance.storage_uri import is_bucket

logger = get_logger(__name__)

_BACKLOG = 1024
_MAX_CONNECTIONS = 512
_KEEP_ALIVE_SECONDS = 75
"""Longer than the usual scrape interval, so that a scrape reuses the previous connection."""

_SHUTDOWN_SECONDS = 20
"""For scrapes in flight; Kubernetes kills the process after 30."""

_SWITCH_SECONDS = 0.0005
"""For which a thread may keep the interpreter while others wait. With Python's 5 ms, a scrape of
1 ms would often wait longer than it takes, because somebody searches.
"""

_UNREAD_MILLISECONDS = 60_000
_POLL_FOLDER_SECONDS, _POLL_BUCKET_SECONDS = 1.0, 15.0


@dataclass(frozen=True, slots=True)
class ExporterSettings:
    """Where the snapshots are, the address to serve on, and the files for TLS and credentials.

    `storage` is a folder or `s3://bucket/prefix`. With port 0 the system chooses a free one. With
    `poll_interval` None the interval depends on the kind of storage.
    """

    storage: str
    host: str
    port: int
    poll_interval: float | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    bearer_token_file: Path | None = None
    basic_auth_file: Path | None = None
    findings_access: FindingsAccess = FindingsAccess.CREDENTIALS


def serve(settings: ExporterSettings) -> None:
    """Serves until SIGTERM or SIGINT, then lets scrapes in flight finish.

    Before it serves, it raises `BadConfiguration` for an unusable file and `CannotListen` for an
    unavailable address.
    """
    certificate = _certificate(settings)
    tokens, users = settings.bearer_token_file, settings.basic_auth_file
    credentials = (
        *([read_bearer_tokens(tokens)] if tokens else []),
        *([read_basic_auth(users)] if users else []),
    )
    sys.setswitchinterval(_SWITCH_SECONDS)
    in_bucket = is_bucket(settings.storage)
    app = create_app(
        SnapshotStore(open_storage(settings.storage)),
        poll_interval=settings.poll_interval
        or (_POLL_BUCKET_SECONDS if in_bucket else _POLL_FOLDER_SECONDS),
        access=Access(credentials, settings.findings_access),
        files=[certificate] if certificate else [],
    )
    with _listen(settings.host, settings.port) as listener:
        server = uvicorn.Server(_uvicorn_config(app, certificate))
        logging.getLogger("uvicorn.error").addFilter(RepetitionFilter())
        _stop_on_signals(server)
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        scheme = "https" if certificate else "http"
        logger.info(
            "listening",
            url=f"{scheme}://{host}:{listener.getsockname()[1]}",
            storage=settings.storage,
            credentials=",".join(c.scheme for c in credentials) or "none",
        )
        server.run(sockets=[listener])
    logger.info("stopped")


def _uvicorn_config(
    app: FastAPI, certificate: FileReloader[ssl.SSLContext] | None
) -> uvicorn.Config:
    context = _server_context(certificate) if certificate else None
    return uvicorn.Config(
        app,
        http=LimitedHttpProtocol,
        loop=f"{LimitedLoop.__module__}:{LimitedLoop.__name__}",
        ws="none",
        interface="asgi3",
        lifespan="on",
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        limit_concurrency=_MAX_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        ssl_context_factory=(lambda _config, _default: context) if context else None,
    )


def _stop_on_signals(server: uvicorn.Server) -> None:
    """Installs uvicorn's handlers before uvicorn does.

    After its shutdown, uvicorn restores the previous handlers and raises the received signal again.
    The default handlers would then kill the process; with these the exit code is 0, and a signal
    that arrives before uvicorn has started is not lost.
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
        cause = getattr(error, "strerror", None) or str(error)
        raise CannotListen(host, port, cause, "--host or --port") from error
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # Inherited by connections: the kernel closes one whose client reads nothing for this time.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_MILLISECONDS)
    return listener


def _certificate(settings: ExporterSettings) -> FileReloader[ssl.SSLContext] | None:
    """The certificate and its key, reloaded when a file changes."""
    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate and key:
        files = {"--tls-cert": certificate, "--tls-key": key}
        return FileReloader("the TLS certificate", files, lambda: _load_pair(certificate, key))
    if certificate or key:
        given, missing = ("--tls-cert", "--tls-key") if certificate else ("--tls-key", "--tls-cert")
        fault = Fault("command line", given, str(certificate or key), f"requires {missing} as well")
        raise BadConfiguration((fault,))
    return None


def _server_context(current: FileReloader[ssl.SSLContext]) -> ssl.SSLContext:
    """A context that uses the current pair in every new handshake.

    OpenSSL calls the callback in each handshake, with or without a server name. Loading a new pair
    into the context in use would combine the new certificate with the old key if the new key file
    is faulty.
    """

    def use_current(connection: ssl.SSLObject, _name: str | None, _: ssl.SSLContext) -> None:
        connection.context = current.value

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sni_callback = use_current
    return context


def _load_pair(certificate: Path, key: Path) -> ssl.SSLContext:
    for path in (certificate, key):
        path.open("rb").close()  # ssl's own error for an unreadable file does not name it
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # With a password given, OpenSSL does not prompt for that of an encrypted key.
    context.load_cert_chain(certificate, key, password="")
    return context
