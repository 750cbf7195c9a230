"""The source `resource_explorer`: resources that never had a tag.

https://docs.aws.amazon.com/resource-explorer/latest/apireference/API_ListResources.html
Deleted resources may still be returned for up to two weeks:
https://docs.aws.amazon.com/resource-explorer/latest/userguide/troubleshooting_search.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import pyarrow as pa
from botocore import exceptions as boto

from tag_compliance.aws.account_session import AccountSession
from tag_compliance.aws.clients import Clients
from tag_compliance.aws.errors import AwsError, ResourceNotFound, aws_error_of
from tag_compliance.aws.regions import global_region
from tag_compliance.aws.retry import CallBudget
from tag_compliance.aws.sources.columns import ResourceColumns
from tag_compliance.aws.sources.explorer_responses import (
    ExplorerResource,
    ResourceList,
    decode_explorer,
    list_resources,
)
from tag_compliance.aws.sources.explorer_views import require_index, usable_view
from tag_compliance.aws.sources.paging import Caller
from tag_compliance.domain.account import AccountId, RegionName
from tag_compliance.domain.arn import type_of
from tag_compliance.domain.read_status import Reason, Source

T = TypeVar("T")

SERVICE = "resource-explorer-2"
_OPERATION = "ListResources"
_FILTER = "resourcetype.supports:tags tag:none -service:iam region:{regions}"

_CALLS_PER_SECOND = 2.0
"""AWS allows 5 searches and 3 other calls; it does not say to which of them ListResources belongs:
https://docs.aws.amazon.com/resource-explorer/latest/userguide/quotas.html"""

_WITHOUT_TAG_FILTER = frozenset(
    {
        *(f"cloudfront:{kind}" for kind in ("cache-policy", "function", "origin-request-policy")),
        *("cloudfront:origin-access-identity", "cloudfront:realtime-log-config"),
        *("cloudfront:response-headers-policy", "cloudwatch:dashboard", "docdb:globalcluster"),
        *("elasticache:globalreplicationgroup", "lambda:code-signing-config"),
        *("lambda:event-source-mapping", "rds:auto-backup", "rds:global-cluster"),
        *("s3:accesspoint", "ssm:windowtarget", "ssm:windowtask"),
    }
)
"""Types whose tags Resource Explorer cannot filter by, so that tagged ones may be returned, too:
https://docs.aws.amazon.com/resource-explorer/latest/userguide/troubleshooting_search.html"""


class ResourceExplorer:
    """Reads all pages of a region, through the view of this name, or through any usable one.

    `max_pages` and `page_read` are as in `Caller`. Rows of `unused_types` are left out, and those
    of IAM, because Resource Explorer does not index the tags of IAM.
    """

    name = Source.RESOURCE_EXPLORER
    operation = _OPERATION
    calls_per_second = _CALLS_PER_SECOND

    def __init__(
        self,
        clients: Clients,
        view_name: str | None = None,
        unused_types: frozenset[str] = frozenset(),
        max_pages: int | None = None,
        page_read: Callable[[], None] = lambda: None,
    ) -> None:
        self._clients = clients
        self._view_name = view_name
        self._unused_types = unused_types
        self._max_pages = max_pages
        self._page_read = page_read

    def read(self, session: AccountSession, region: RegionName, budget: CallBudget) -> pa.Table:
        if region not in self._clients.regions_of(SERVICE):
            cause = f"Resource Explorer does not exist in {region}"
            raise AwsError("GetIndex", Reason.UNSUPPORTED_REGION, cause)
        client = partial(self._clients.get, SERVICE, region, decode_explorer)
        caller = _Caller(session, budget, client, self._max_pages, self._page_read)
        account_id = session.target.account_id
        require_index(caller, account_id, region)
        view = usable_view(caller, account_id, region, self._view_name)
        regions = [region, "global"] if region == global_region(region) else [region]
        columns = ResourceColumns(region, self.name)
        get_page = partial(list_resources, view, _FILTER.format(regions=",".join(regions)))
        try:
            for page in caller.pages(_OPERATION, get_page):
                _require_own(page, account_id, regions)
                arns = [resource.Arn for resource in page.Resources if self._is_used(resource)]
                columns.add(arns, [{}] * len(arns))
        except ResourceNotFound as error:
            raise AwsError(_OPERATION, Reason.NO_VIEW, error.cause) from None
        # While the index is being deleted, pages are incomplete without any error.
        require_index(caller, account_id, region)
        return columns.table()

    def _is_used(self, resource: ExplorerResource) -> bool:
        resource_type = type_of(resource.Arn)
        return (
            resource_type not in self._unused_types
            and resource_type.lower() not in _WITHOUT_TAG_FILTER
            and not resource_type.startswith("iam:")
        )


class _Caller(Caller):
    """Does not repeat a call whose connection cannot be opened.

    In a region that an account has not enabled, the connection may never be opened.
    """

    def call(self, operation: str, request: Callable[[Any], T]) -> T:
        def once(client: Any) -> T:
            try:
                return request(client)
            except (boto.ConnectTimeoutError, boto.EndpointConnectionError) as error:
                failure = aws_error_of(operation, error)
                raise AwsError(operation, failure.reason, failure.cause) from None

        return super().call(operation, once)


def _require_own(page: ResourceList, account_id: AccountId, regions: Sequence[str]) -> None:
    for resource in page.Resources:
        if resource.OwningAccountId != account_id or resource.Region not in regions:
            cause = (
                f"{resource.Arn} belongs to account {resource.OwningAccountId} and region "
                f"{resource.Region}, which were not asked for"
            )
            raise AwsError(_OPERATION, Reason.MALFORMED_RESPONSE, cause)
