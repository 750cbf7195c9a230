"""boto3 clients for all accounts: one for each service and region, signing as whoever is asked for.

A client of its own for every account and region would cost 2.6 ms and half a megabyte each, and a
connection pool that nobody reuses. So the clients are shared, and the credentials are said around
each call. A call outside `signing_as` fails; it never falls back to other credentials.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import cached_property
from typing import TYPE_CHECKING

import boto3
import botocore.session
from botocore.config import Config as ClientConfig
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import NoCredentialsError
from botocore.utils import get_environ_proxies

from tag_compliance import __version__
from tag_compliance.aws.page import decode_early
from tag_compliance.aws.regions import known_regions
from tag_compliance.aws.trust import TrustOnceSession, create_trust, send_through

if TYPE_CHECKING:
    from types_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient
    from types_boto3_sts import STSClient

CredentialsProvider = Callable[[], ReadOnlyCredentials]
"""Answers the credentials to sign the next request with."""

CONNECT_SECONDS, READ_SECONDS = 5, 30

_signing: ContextVar[CredentialsProvider] = ContextVar("tag_compliance_signing")


@contextlib.contextmanager
def signing_as(frozen: CredentialsProvider) -> Iterator[None]:
    """Calls in this block, on this thread, are signed with these credentials."""
    before = _signing.set(frozen)
    try:
        yield
    finally:
        _signing.reset(before)


class _Current(Credentials):
    """What botocore's signer asks: it takes the frozen credentials anew for every request."""

    def __init__(self) -> None:
        super().__init__("see-signing-as", "see-signing-as", method="tag-compliance")

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return _signing.get()()


class _CurrentResolver:
    def load_credentials(self) -> Credentials:
        return _Current()


class Clients:
    """Made once, for every thread; `concurrency` is how many calls a client makes at a time.

    `patience` is for how many seconds an answer may be awaited, where that is less than usual.
    Making one reads nothing yet: a profile that does not exist is told by the first use.
    """

    def __init__(self, concurrency: int, patience: float = READ_SECONDS) -> None:
        self._concurrency = concurrency
        self._timeout = (min(CONNECT_SECONDS, patience), min(READ_SECONDS, patience))
        self._lock = threading.Lock()
        self._own: Credentials | None = None
        self._asked_for_own = False
        self._tagging_clients: dict[str, ResourceGroupsTaggingAPIClient] = {}
        self._sts: dict[str, STSClient] = {}
        self._trust = create_trust()

    @cached_property
    def _botocore(self) -> botocore.session.Session:
        session = botocore.session.Session()
        session.set_config_variable("sts_regional_endpoints", "regional")
        session.register_component("credential_provider", _CurrentResolver())
        return session

    @cached_property
    def _session(self) -> boto3.Session:
        return boto3.Session(botocore_session=self._botocore)

    @cached_property
    def _settings(self) -> ClientConfig:
        return ClientConfig(
            # The retries are `CallBudget`'s, which knows the region's deadline and counts them.
            retries={"mode": "standard", "total_max_attempts": 1},
            # Said once: botocore would put its own together twice for each request.
            user_agent=f"tag-compliance/{__version__} {self._botocore.user_agent()}",
        )

    def own_credentials(self) -> ReadOnlyCredentials:
        """The base credentials, found as in any boto3 program; raises `NoCredentialsError`."""
        with self._lock:
            if not self._asked_for_own:
                self._own = botocore.session.Session().get_credentials()
                self._asked_for_own = True
        if self._own is None:
            raise NoCredentialsError
        frozen: ReadOnlyCredentials = self._own.get_frozen_credentials()
        return frozen

    def sts_region(self, region: str) -> str:
        """Whose STS to ask for an account of this region: the session's own, in the same partition.

        Regional endpoints, never the global one:
        https://docs.aws.amazon.com/sdkref/latest/guide/feature-sts-regionalized-endpoints.html
        """
        partitions = known_regions()
        with self._lock:
            own = self._session.region_name
        return own if own and partitions.get(own) == partitions.get(region) else region

    def tagging_client(self, region: str) -> ResourceGroupsTaggingAPIClient:
        with self._lock:
            if region not in self._tagging_clients:
                client = self._session.client(
                    "resourcegroupstaggingapi", region_name=region, config=self._settings
                )
                send_through(client, self._http(client.meta.endpoint_url))
                decode_early(client)
                self._tagging_clients[region] = client
            return self._tagging_clients[region]

    def sts(self, region: str) -> STSClient:
        with self._lock:
            if region not in self._sts:
                client = self._session.client("sts", region_name=region, config=self._settings)
                send_through(client, self._http(client.meta.endpoint_url))
                self._sts[region] = client
            return self._sts[region]

    def _http(self, endpoint_url: str) -> TrustOnceSession:
        """As botocore makes it for a client: same bundle, same proxies."""
        bundle = self._botocore.get_config_variable("ca_bundle")
        return TrustOnceSession(
            self._trust,
            verify=bundle or os.environ.get("REQUESTS_CA_BUNDLE") or True,
            proxies=get_environ_proxies(endpoint_url),
            timeout=self._timeout,
            max_pool_connections=self._concurrency,
            # Without it the body of each request waits for the delayed acknowledgement of its head.
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        )
