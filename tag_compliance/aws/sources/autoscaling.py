"""The source `autoscaling`: Auto Scaling groups, which the tagging API never returns.

https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pyarrow as pa

from tag_compliance.aws.account_session import AccountSession
from tag_compliance.aws.botocore_hooks import DECODED
from tag_compliance.aws.clients import Clients
from tag_compliance.aws.retry import CallBudget
from tag_compliance.aws.sources.columns import ResourceColumns
from tag_compliance.aws.sources.paging import Caller
from tag_compliance.aws.sources.query_page import (
    QueryPage,
    child_of,
    decode_xml,
    members_of,
    tags_of,
    text_of,
)
from tag_compliance.domain.account import RegionName
from tag_compliance.domain.read_status import Source

if TYPE_CHECKING:
    from botocore.client import BaseClient

_OPERATION = "DescribeAutoScalingGroups"
_GROUPS_PER_PAGE = 100

_CALLS_PER_SECOND = 5.0
"""AWS publishes no number. All calls of an account and region to this API share one limit ("API
request rate"), so a part of it must be left to the programs that scale:
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/Welcome.html
"""


class AutoScaling:
    """Reads all pages of a region. `max_pages` and `page_read` are as in `Caller`."""

    name = Source.AUTOSCALING
    operation = _OPERATION
    calls_per_second = _CALLS_PER_SECOND

    def __init__(
        self,
        clients: Clients,
        max_pages: int | None = None,
        page_read: Callable[[], None] = lambda: None,
    ) -> None:
        self._clients = clients
        self._max_pages = max_pages
        self._page_read = page_read

    def read(self, session: AccountSession, region: RegionName, budget: CallBudget) -> pa.Table:
        client = partial(self._clients.get, "autoscaling", region, _decode_pages)
        caller = Caller(session, budget, client, self._max_pages, self._page_read)
        columns = ResourceColumns(region, self.name)
        for page in caller.pages(_OPERATION, _get_page):
            own = page.of_account(_OPERATION, session.target.account_id)
            columns.add(own.arns, own.tags)
        return columns.table()


def _get_page(client: Any, token: str) -> QueryPage:
    # The instances of a group, which may be hundreds, are not needed.
    position = {"NextToken": token} if token else {}
    page: QueryPage = client.describe_auto_scaling_groups(
        MaxRecords=_GROUPS_PER_PAGE, IncludeInstances=False, **position
    )[DECODED]
    return page


def _decode_pages(client: BaseClient) -> None:
    decode_xml(client, _OPERATION, _decode)


def _decode(result: ET.Element) -> QueryPage:
    groups = members_of(result, "AutoScalingGroups")
    token = child_of(result, "NextToken")
    return QueryPage(
        [text_of(group, "AutoScalingGroupARN") for group in groups],
        [tags_of(group) for group in groups],
        (token.text or "") if token is not None else "",
    )
