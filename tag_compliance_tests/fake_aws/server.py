"""The fake as tests and benchmarks hold it: a server on a thread of its own."""

import asyncio
import tempfile
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from ssl import SSLContext
from types import TracebackType
from typing import Self

from tag_compliance_tests.fake_aws.calls import CallLog
from tag_compliance_tests.fake_aws.certificates import create_server_context
from tag_compliance_tests.fake_aws.connection import Connection
from tag_compliance_tests.fake_aws.credentials import (
    BASE_ACCESS_KEY_ID,
    BASE_ACCOUNT_ID,
    BASE_SECRET_ACCESS_KEY,
    CredentialStore,
    utc_now,
)
from tag_compliance_tests.fake_aws.endpoint import Endpoint
from tag_compliance_tests.fake_aws.fault_plan import FaultPlan
from tag_compliance_tests.fake_aws.organization import Organization
from tag_compliance_tests.fake_aws.rate_limit import RateLimit

# Thousands of clients connect at once in benchmarks; the usual 100 would make them retry.
_BACKLOG = 4096


class FakeAws:
    def __init__(
        self,
        organization: Organization | None = None,
        *,
        faults: FaultPlan | None = None,
        base_account_id: str = BASE_ACCOUNT_ID,
        session_seconds: float | None = None,
        now: Callable[[], datetime] = utc_now,
        latency: float = 0.0,
        enforce_rate: float | None = None,
        record_calls: bool = True,
        tls: bool = False,
        ca_bundle: Path | None = None,
        port: int = 0,
    ) -> None:
        self.organization = organization if organization is not None else Organization()
        self.faults = faults or FaultPlan()
        self.calls = CallLog(enabled=record_calls)
        self.credentials = CredentialStore(
            base_account_id, session_seconds=session_seconds, now=now
        )
        self.latency = latency
        """Seconds that every answer takes; may be changed while the fake runs."""
        self.connections = 0
        """How many TCP connections were accepted so far."""
        self.url = ""
        self.ca_bundle = ca_bundle
        self._endpoint = Endpoint(
            self.organization,
            self.credentials,
            self.faults,
            self.calls,
            RateLimit(enforce_rate) if enforce_rate else None,
        )
        self._tls = tls
        self._port = port
        self._open_connections: set[Connection] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake-aws", daemon=True)
        self._server: asyncio.Server

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="fake-aws-")
        context = self._create_context() if self._tls else None
        self._thread.start()
        listening = asyncio.run_coroutine_threadsafe(self._listen(context), self._loop)
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
        self._folder.cleanup()

    def environment(self) -> dict[str, str]:
        """The environment that leads any boto3 program here, with the base credentials."""
        variables = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": BASE_ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": BASE_SECRET_ACCESS_KEY,
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        if self.ca_bundle:
            variables["AWS_CA_BUNDLE"] = str(self.ca_bundle)
        return variables

    def issued_secrets(self) -> frozenset[str]:
        """Every secret key and session token that a client has seen, to look for in its logs."""
        return self.credentials.secrets()

    def _create_context(self) -> SSLContext:
        self.ca_bundle = self.ca_bundle or Path(self._folder.name, "ca.pem")
        return create_server_context(self.ca_bundle)

    async def _listen(self, context: SSLContext | None) -> asyncio.Server:
        return await self._loop.create_server(
            self._connect, "127.0.0.1", self._port, ssl=context, backlog=_BACKLOG
        )

    def _connect(self) -> Connection:
        self.connections += 1
        return Connection(self._endpoint.answer, lambda: self.latency, self._open_connections)

    async def _stop(self) -> None:
        self._server.close()
        for connection in list(self._open_connections):
            connection.abort()
        await self._server.wait_closed()
