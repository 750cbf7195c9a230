"""The source `tagging`: GetResources of the Resource Groups Tagging API.

It returns resources that have or once had a tag:
https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pyarrow as pa

from tag_compliance.aws.account_session import AccountSession
from tag_compliance.aws.clients import Clients
from tag_compliance.aws.errors import AwsError, PageTokenExpired
from tag_compliance.aws.retry import CallBudget
from tag_compliance.aws.sources.columns import ResourceColumns
from tag_compliance.aws.sources.page import decode_pages, get_page
from tag_compliance.aws.sources.paging import Caller
from tag_compliance.domain.account import RegionName
from tag_compliance.domain.read_status import Reason, Source

_OPERATION = "GetResources"
_MAX_RESTARTS = 3
"""How often a region is read again from its first page, because a pagination token, which is valid
for 15 minutes, expired."""


class TaggingApi:
    """Reads all pages of a region. `max_pages` and `page_read` are as in `Caller`."""

    name = Source.TAGGING
    operation = _OPERATION

    def __init__(
        self,
        clients: Clients,
        calls_per_second: float,
        max_pages: int | None = None,
        page_read: Callable[[], None] = lambda: None,
    ) -> None:
        self._clients = clients
        self.calls_per_second = calls_per_second
        self._max_pages = max_pages
        self._page_read = page_read

    def read(self, session: AccountSession, region: RegionName, budget: CallBudget) -> pa.Table:
        for restart in range(_MAX_RESTARTS + 1):
            try:
                return self._read_all_pages(session, region, budget)
            except PageTokenExpired as error:
                if restart == _MAX_RESTARTS:
                    cause = f"{error.cause} (the region was started over {restart} times)"
                    raise AwsError(_OPERATION, Reason.EXPIRED_TOKEN, cause) from error
        raise AssertionError("the last attempt returns or raises")

    def _read_all_pages(
        self, session: AccountSession, region: RegionName, budget: CallBudget
    ) -> pa.Table:
        client = partial(self._clients.get, "resourcegroupstaggingapi", region, decode_pages)
        caller = Caller(session, budget, client, self._max_pages, self._page_read)
        columns = ResourceColumns(region, self.name)
        for page in caller.pages(_OPERATION, get_page):
            columns.add(page.arns, page.tags)
        return columns.table()
