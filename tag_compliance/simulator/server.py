"""The simulated AWS: an HTTP server on loopback, in a thread of this process."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from ssl import SSLContext
from typing import Self

from tag_compliance.domain.clock import utc_now
from tag_compliance.simulator.autoscaling import AutoScalingService
from tag_compliance.simulator.connection import Connection
from tag_compliance.simulator.credentials import (
    BASE_ACCESS_KEY_ID,
    BASE_ACCOUNT_ID,
    BASE_SECRET_ACCESS_KEY,
    CredentialStore,
)
from tag_compliance.simulator.ec2 import Ec2Service
from tag_compliance.simulator.endpoint import Endpoint, Interceptor
from tag_compliance.simulator.iam import IamService
from tag_compliance.simulator.organization import Organization
from tag_compliance.simulator.organizations import OrganizationsService
from tag_compliance.simulator.resource_explorer import ExplorerService
from tag_compliance.simulator.sts import StsService
from tag_compliance.simulator.tagging import TaggingService

_REGION = "us-east-1"
# Benchmarks open thousands of connections at once; with the usual 100, some of them would wait for
# a retransmission.
_BACKLOG = 4096


@dataclass(eq=False)
class SimulatedAws:
    """Serves an organization while its context is entered.

    Nothing survives the context: it closes all connections, also those whose client still waits.
    """

    organization: Organization
    _: KW_ONLY
    base_account_id: str = BASE_ACCOUNT_ID
    """The account of the user whose credentials `environment` returns."""
    base_user_name: str = "base"
    session_seconds: float | None = None
    """Lifetime of the credentials of an assumed role; by default as long as AssumeRole asks for."""
    now: Callable[[], datetime] = utc_now
    """The clock by which credentials expire."""
    latency: float = 0.0
    """Seconds that each response takes; may be changed at any time."""
    calls_per_second: float | None = None
    """Rate of GetResources calls above which an account and region is throttled."""
    explorer_calls_per_second: float | None = None
    """The same for the calls of Resource Explorer."""
    interceptor: Interceptor | None = None
    tls_context: SSLContext | None = None

    def __post_init__(self) -> None:
        self.credentials = CredentialStore(
            self.base_account_id, self.base_user_name, self.session_seconds, self.now
        )
        self.connections = 0
        """Number of TCP connections that were accepted."""
        services = (
            StsService(self.organization, self.credentials),
            TaggingService(self.organization, self.calls_per_second),
            IamService(self.organization),
            AutoScalingService(self.organization),
            ExplorerService(self.organization, self.explorer_calls_per_second),
            OrganizationsService(self.organization),
            Ec2Service(self.organization),
        )
        self._endpoint = Endpoint(self.organization, self.credentials, services, self.interceptor)
        self._open_connections: set[Connection] = set()
        self.url: str
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
        scheme = "https" if self.tls_context else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
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
        """`inherited`, changed so that boto3 calls this AWS whatever the user's settings are.

        Variables such as AWS_PROFILE, AWS_SESSION_TOKEN or AWS_ENDPOINT_URL_STS would take
        precedence.
        """
        kept = {name: value for name, value in inherited.items() if not name.startswith("AWS_")}
        return {
            **kept,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            # A proxy cannot reach the loopback address. Programs read either spelling; urllib,
            # which botocore uses, prefers the lower case.
            "NO_PROXY": "*",
            "no_proxy": "*",
            **self.environment(),
        }

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(
            self._connect, "127.0.0.1", 0, ssl=self.tls_context, backlog=_BACKLOG
        )

    def _connect(self) -> Connection:
        self.connections += 1
        return Connection(self._endpoint.respond, lambda: self.latency, self._open_connections)

    async def _stop(self) -> None:
        self._server.close()
        for connection in list(self._open_connections):
            connection.abort()
        await self._server.wait_closed()
