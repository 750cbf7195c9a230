"""boto3 clients for all accounts: one for each service and region.

A client for each account and region would cost 2.6 ms and half a megabyte, with a connection pool
that is never reused. So accounts share clients, and `signing_as` sets the credentials of each call.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config as ClientConfig

from tag_compliance import __version__
from tag_compliance.aws.base_credentials import BaseCredentials
from tag_compliance.aws.botocore_hooks import (
    SigningCredentialsResolver,
    create_tls_context,
    reject_foreign_responses,
)
from tag_compliance.aws.errors import AwsError
from tag_compliance.aws.regions import always_enabled, known_regions
from tag_compliance.domain.account import RegionName
from tag_compliance.domain.read_status import Reason
from tag_compliance.remote.botocore_session import HttpSession

if TYPE_CHECKING:
    from types_boto3_sts import STSClient

CONNECT_SECONDS, READ_SECONDS = 5, 30
_MAX_RESPONSE_BYTES = 16_000_000
"""Many times a page of resources with as many and as long tags as AWS allows."""


class Clients:
    """Created once, for all threads; each client makes up to `concurrency` calls at a time.

    `timeout_seconds` limits the time for a connection, a response and the base credentials below
    the defaults.
    The constructor reads no AWS configuration: the first use raises `ProfileNotFound`.
    """

    def __init__(self, concurrency: int, timeout_seconds: float = READ_SECONDS) -> None:
        self._concurrency = concurrency
        self._timeout = (min(CONNECT_SECONDS, timeout_seconds), min(READ_SECONDS, timeout_seconds))
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, RegionName], Any] = {}
        self._regions: dict[str, frozenset[str]] = {}
        self._tls_context = create_tls_context()
        self.base_credentials = BaseCredentials(timeout_seconds).get

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
                client = self._new_client(service, region)
                prepare(client)
                self._clients[service, region] = client
            return self._clients[service, region]

    def regions_of(self, service: str) -> frozenset[str]:
        """The regions in which the service exists, as botocore knows them."""
        with self._lock:
            if service not in self._regions:
                partitions = self._botocore.get_available_partitions()
                self._regions[service] = frozenset(
                    region
                    for partition in partitions
                    for region in self._botocore.get_available_regions(service, partition)
                )
            return self._regions[service]

    def _new_client(self, service: str, region: RegionName) -> Any:
        session: Any = self._session  # its type knows only the services that have stubs
        try:
            client = session.client(service, region_name=region, config=self._settings)
            urlsplit(client.meta.endpoint_url).port  # noqa: B018 - raises if it is malformed
        except ValueError as error:
            cause = f"{error}; check AWS_ENDPOINT_URL and endpoint_url in the AWS profile"
            raise AwsError(service, Reason.UNREACHABLE, cause) from None
        reject_foreign_responses(client)
        self._http_session(client.meta.endpoint_url).use_for(client)
        return client

    def _http_session(self, endpoint_url: str) -> HttpSession:
        return HttpSession(
            self._botocore,
            endpoint_url,
            self._tls_context,
            max_bytes=_MAX_RESPONSE_BYTES,
            timeout=self._timeout,
            max_pool_connections=self._concurrency,
        )
