"""The source `tagging`: GetResources of the Resource Groups Tagging API.

It returns resources that have or once had a tag:
https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pyarrow as pa
from botocore.exceptions import ClientError

from tag_compliance.aws.account_session import AccountSession
from tag_compliance.aws.botocore_hooks import signing_as
from tag_compliance.aws.clients import Clients
from tag_compliance.aws.errors import AwsError, PageTokenExpired, aws_error_of
from tag_compliance.aws.retry import CallBudget
from tag_compliance.aws.sources.columns import ResourceColumns
from tag_compliance.aws.sources.page import Page, decode_pages, get_page
from tag_compliance.domain.account import RegionName
from tag_compliance.domain.read_status import Reason, Source

_OPERATION = "GetResources"
_MAX_RESTARTS = 3
"""How often a region is read again from its first page, because a pagination token, which is valid
for 15 minutes, expired."""


class TaggingApi:
    """Reads all pages of a region; at most `max_pages` to test whether the region can be read.

    Calls `page_read` for each page that another one follows.
    """

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
        columns = ResourceColumns(region, self.name)
        token, seen, pages = "", set[str](), 0
        while True:
            page = budget.call(_OPERATION, partial(self._get, session, region, token))
            pages += 1
            columns.add(page.arns, page.tags)
            token = page.PaginationToken or ""
            if not token or pages == self._max_pages:
                return columns.table()
            if token in seen:
                cause = f"page {pages} carries a pagination token that has been used before"
                raise AwsError(_OPERATION, Reason.MALFORMED_RESPONSE, cause)
            seen.add(token)
            self._page_read()

    def _get(self, session: AccountSession, region: RegionName, token: str) -> Page:
        used = session.credentials()
        try:
            client = self._clients.get("resourcegroupstaggingapi", region, decode_pages)
            with signing_as(lambda: used):
                return get_page(client, token)
        except ClientError as error:
            failure = aws_error_of(_OPERATION, error)
            if failure.reason is Reason.EXPIRED_TOKEN and not isinstance(failure, PageTokenExpired):
                session.renew(used)
            raise failure from None
