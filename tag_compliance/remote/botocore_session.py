"""botocore sessions in which no call, no response and no credential process is without limit."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
from functools import partial
from typing import IO, Any

import botocore.session
from botocore.credentials import ProcessProvider
from botocore.exceptions import CredentialRetrievalError, HTTPClientError, ReadTimeoutError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from tag_compliance.remote.limited_socket import ResponseTooLarge, limited_pools
from tag_compliance.remote.time_limit import (
    TimeLimitExceeded,
    remaining_seconds,
    run_within,
    start,
)

CREDENTIAL_SECONDS = 120.0
"""Long enough for a person whom a `credential_process` asks for a code."""

_MAX_OUTPUT_BYTES = 1_000_000
"""Far more than credentials need."""


def new_session() -> botocore.session.Session:
    """A session that finds credentials and settings as any boto3 program does."""
    session = botocore.session.Session()
    profile = session.get_config_variable("profile") or "default"
    process = ProcessProvider(profile, lambda: session.full_config, popen=_CredentialProcess)
    # It precedes botocore's own, which would wait for the process for ever.
    session.get_component("credential_provider").insert_before(ProcessProvider.METHOD, process)
    return session


class _CredentialProcess(subprocess.Popen[bytes]):
    """A process that is ended, with those that it started, if it takes or prints too much."""

    def __init__(self, command: list[str], **settings: Any) -> None:
        # At a terminal it stays in the session, because it may ask the person there for a code.
        self._leads_session = not sys.stdin.isatty()
        super().__init__(command, start_new_session=self._leads_session, **settings)

    def communicate(  # type: ignore[override]  # botocore passes no parameters
        self,
    ) -> tuple[bytes, bytes]:
        try:
            return run_within(CREDENTIAL_SECONDS, self._read_output)
        except TimeLimitExceeded:
            cause = "credential_process did not end in time and was killed"
        except ResponseTooLarge as error:
            cause = f"credential_process was killed: {error}"
        if self._leads_session:
            os.killpg(self.pid, signal.SIGKILL)
        self.kill()
        self.wait()
        raise CredentialRetrievalError(provider=ProcessProvider.METHOD, error_msg=cause)

    def _read_output(self) -> tuple[bytes, bytes]:
        assert self.stdout is not None  # noqa: S101 - botocore asks for both
        assert self.stderr is not None  # noqa: S101
        errors = start(partial(_read, self.stderr), "credential-process")
        out = _read(self.stdout)
        printed = out, errors.result()
        if max(map(len, printed)) > _MAX_OUTPUT_BYTES:
            raise ResponseTooLarge(f"it printed more than {_MAX_OUTPUT_BYTES:,} bytes")
        self.wait()
        return printed


def _read(stream: IO[bytes]) -> bytes:
    """Closes the stream: another thread could not while this one reads."""
    with stream:
        return stream.read(_MAX_OUTPUT_BYTES + 1)


_Base: Any = URLLib3Session
"""Its stubs lack what a subclass needs."""


class HttpSession(_Base):  # type: ignore[misc]
    """botocore's HTTP session with limited responses; botocore manages pools and proxies.

    A response is limited to the read timeout, to what `run_within` leaves, and to `max_bytes`.
    """

    def __init__(
        self,
        session: botocore.session.Session,
        endpoint_url: str,
        tls_context: ssl.SSLContext | None = None,
        *,
        max_bytes: int,
        **settings: Any,
    ) -> None:
        """With the CA bundle and the proxies that botocore would use for a client."""
        self._tls_context = tls_context
        super().__init__(
            verify=session.get_config_variable("ca_bundle")
            or os.environ.get("REQUESTS_CA_BUNDLE")
            or True,
            proxies=get_environ_proxies(endpoint_url),
            # Otherwise the body of each request waits for the delayed acknowledgement of its head.
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
            **settings,
        )
        pools = limited_pools(self._manager.pool_classes_by_scheme, max_bytes)
        self._manager.pool_classes_by_scheme = self._pool_classes_by_scheme = pools

    def use_for(self, client: Any) -> None:
        """Makes the client of a service send its requests through this session."""
        client.meta.events.register("before-send", lambda request, **_: self.send(request))

    def send(self, request: Any) -> Any:
        if remaining_seconds() <= 0:
            raise ReadTimeoutError(endpoint_url=request.url)
        try:
            return super().send(request)
        except HTTPClientError as error:
            # botocore would hide it behind an error that is retried like a lost connection.
            if isinstance(error.__context__, ResponseTooLarge):
                raise error.__context__ from None
            raise

    def _get_ssl_context(self) -> ssl.SSLContext:
        return self._tls_context or super()._get_ssl_context()
