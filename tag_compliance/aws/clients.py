"""boto3 clients for all accounts: one for each service and region.

A client for each account and region would cost 2.6 ms and half a megabyte, with a connection pool
that is never reused. So accounts share clients, and `signing_as` sets the credentials of each call.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config as ClientConfig
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import NoCredentialsError
from botocore.utils import get_environ_proxies

from tag_compliance import __version__
from tag_compliance.aws.botocore_hooks import (
    HttpSession,
    SigningCredentialsResolver,
    create_tls_context,
)
from tag_compliance.aws.regions import always_enabled, known_regions
from tag_compliance.domain.account import RegionName

if TYPE_CHECKING:
    from types_boto3_sts import STSClient

CONNECT_SECONDS, READ_SECONDS = 5, 30


class Clients:
    """Created once, for all threads; each client makes up to `concurrency` calls at a time.

    `timeout_seconds` limits the wait for a connection or a response below the default.
    The constructor reads no AWS configuration: the first use raises `ProfileNotFound`.
    """

    def __init__(self, concurrency: int, timeout_seconds: float = READ_SECONDS) -> None:
        self._concurrency = concurrency
        self._timeout = (min(CONNECT_SECONDS, timeout_seconds), min(READ_SECONDS, timeout_seconds))
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, RegionName], Any] = {}
        self._tls_context = create_tls_context()

    @cached_property
    def _botocore(self) -> botocore.session.Session:
        session = botocore.session.Session()
        session.set_config_variable("sts_regional_endpoints", "regional")
        session.register_component("credential_provider", SigningCredentialsResolver())
        return session

    @cached_property
    def _session(self) -> boto3.Session:
        return boto3.Session(botocore_session=self._botocore)

    @cached_property
    def _settings(self) -> ClientConfig:
        return ClientConfig(
            # `CallBudget` makes the retries, because it knows the deadline and counts them.
            retries={"mode": "standard", "total_max_attempts": 1},
            # botocore would otherwise build its own user agent twice for each request.
            user_agent=f"tag-compliance/{__version__} {self._botocore.user_agent()}",
        )

    @cached_property
    def _base(self) -> Credentials | None:
        return botocore.session.Session().get_credentials()

    def base_credentials(self) -> ReadOnlyCredentials:
        """The base credentials, found as in any boto3 program.

        Raises `NoCredentialsError` if there are none, and another `BotoCoreError` if they cannot be
        loaded.
        """
        with self._lock:
            base = self._base
        if base is None:
            raise NoCredentialsError
        frozen: ReadOnlyCredentials = base.get_frozen_credentials()
        return frozen

    def sts(self, region: RegionName) -> STSClient:
        """The client of STS for an account with this region.

        It calls the region of the AWS configuration if that is in the same partition, else this one
        if it is enabled in every account: the account of the base credentials may not have enabled
        an opt-in region. Regional endpoints are used, never the global one:
        https://docs.aws.amazon.com/sdkref/latest/guide/feature-sts-regionalized-endpoints.html
        """
        partitions = known_regions()
        with self._lock:
            configured = self._session.region_name
        if configured and partitions.get(configured) == partitions.get(region):
            region = RegionName(configured)
        else:
            region = RegionName(always_enabled(region))
        client: STSClient = self.get("sts", region)
        return client

    def get(
        self,
        service: str,
        region: RegionName,
        prepare: Callable[[Any], None] = lambda _client: None,
    ) -> Any:
        """The client of a service, as boto3 names it, in this region.

        A new client is passed to `prepare` before its first use, for example to register hooks.
        """
        with self._lock:
            if (service, region) not in self._clients:
                session: Any = self._session  # its type knows only the services that have stubs
                client = session.client(service, region_name=region, config=self._settings)
                http = self._http_session(client.meta.endpoint_url)
                client.meta.events.register("before-send", lambda request, **_: http.send(request))
                prepare(client)
                self._clients[service, region] = client
            return self._clients[service, region]

    def _http_session(self, endpoint_url: str) -> HttpSession:
        """With the CA bundle and the proxies that botocore would use for a client."""
        bundle = self._botocore.get_config_variable("ca_bundle")
        return HttpSession(
            self._tls_context,
            verify=bundle or os.environ.get("REQUESTS_CA_BUNDLE") or True,
            proxies=get_environ_proxies(endpoint_url),
            timeout=self._timeout,
            max_pool_connections=self._concurrency,
            # Otherwise the body of each request waits for the delayed acknowledgement of its head.
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        )
