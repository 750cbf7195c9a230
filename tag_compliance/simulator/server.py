"""The simulated AWS: an HTTP server on loopback, in a thread of this process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from ssl import SSLContext
from types import TracebackType
from typing import Self, TypedDict, Unpack

from tag_compliance.simulator.connection import Connection
from tag_compliance.simulator.credentials import (
    BASE_ACCESS_KEY_ID,
    BASE_ACCOUNT_ID,
    BASE_SECRET_ACCESS_KEY,
    CredentialStore,
    utc_now,
)
from tag_compliance.simulator.endpoint import Endpoint, Interceptor
from tag_compliance.simulator.environment import isolated
from tag_compliance.simulator.organization import Organization
from tag_compliance.simulator.rate_limit import RateLimit
from tag_compliance.simulator.sts import StsService
from tag_compliance.simulator.tagging import TaggingService

_REGION = "us-east-1"
# Benchmarks open thousands of connections at once; with the usual 100, some of them would wait for
# a retransmission.
_BACKLOG = 4096


class Settings(TypedDict, total=False):
    """The settings of a simulated AWS; all have a default."""

    base_account_id: str
    """The account of the user whose credentials `environment` returns."""
    base_user_name: str
    session_seconds: float | None
    """Lifetime of the credentials of an assumed role; by default as long as AssumeRole asks for."""
    now: Callable[[], datetime]
    """The clock by which credentials expire."""
    latency: float
    """Seconds that each response takes."""
    calls_per_second: float | None
    """Rate of GetResources calls above which an account and region is throttled."""
    port: int
    """Port on loopback; by default any free one."""


class SimulatedAws:
    """Serves an organization while its context is entered.

    Nothing survives the context: it closes all connections, also those whose client still waits.
    """

    def __init__(
        self,
        organization: Organization,
        *,
        interceptor: Interceptor | None = None,
        tls: SSLContext | None = None,
        **settings: Unpack[Settings],
    ) -> None:
        self.organization = organization
        self.credentials = CredentialStore(
            settings.get("base_account_id", BASE_ACCOUNT_ID),
            settings.get("base_user_name", "base"),
            session_seconds=settings.get("session_seconds"),
            now=settings.get("now", utc_now),
        )
        self.latency = settings.get("latency", 0.0)
        """Seconds that each response takes; may be changed at any time."""
        self.connections = 0
        """Number of TCP connections that were accepted."""
        self.url = ""
        rate = settings.get("calls_per_second")
        services = (
            StsService(organization, self.credentials),
            TaggingService(organization, RateLimit(rate) if rate else None),
        )
        self._endpoint = Endpoint(organization, self.credentials, services, interceptor)
        self._tls = tls
        self._port = settings.get("port", 0)
        self._open_connections: set[Connection] = set()
        self._loop: asyncio.AbstractEventLoop
        self._thread: threading.Thread
        self._server: asyncio.Server

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="simulated-aws", daemon=True
        )
        self._thread.start()
        listening = asyncio.run_coroutine_threadsafe(self._listen(), self._loop)
        self._server = listening.result()
        scheme = "https" if self._tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def environment(self) -> dict[str, str]:
        """The variables with which a boto3 program calls this AWS, with the base credentials."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": BASE_ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": BASE_SECRET_ACCESS_KEY,
            "AWS_DEFAULT_REGION": _REGION,
        }

    def isolated_environment(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """`inherited`, changed so that boto3 calls this AWS whatever the user's settings are."""
        return isolated(inherited, self.environment())

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(
            self._connect, "127.0.0.1", self._port, ssl=self._tls, backlog=_BACKLOG
        )

    def _connect(self) -> Connection:
        self.connections += 1
        return Connection(self._endpoint.respond, lambda: self.latency, self._open_connections)

    async def _stop(self) -> None:
        self._server.close()
        for connection in list(self._open_connections):
            connection.abort()
        await self._server.wait_closed()
