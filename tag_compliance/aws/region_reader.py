"""Reading one region of one account to its last page, or saying why not."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
from botocore.exceptions import ClientError

from tag_compliance.aws.account_session import AccountSession
from tag_compliance.aws.clients import Clients, signing_as
from tag_compliance.aws.columns import ResourceColumns
from tag_compliance.aws.pace import Pace
from tag_compliance.aws.page import Page, get_page
from tag_compliance.aws.refusal import AwsRefused, PageTokenExpired, refusal_of
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.scan import RESOURCE_SCHEMA, Reason, RegionScan

_OPERATION = "GetResources"
_MOST_RESTARTS = 3


@dataclass(frozen=True, slots=True)
class RegionResources:
    """A region's state and its rows: none of them, where the state is not `ok`."""

    state: RegionScan
    table: pa.Table


class RegionReader:
    """Reads one region once; `most_pages` ends it early, for a look at whether it can be read."""

    def __init__(
        self,
        clients: Clients,
        session: AccountSession,
        region: str,
        pace: Pace,
        most_pages: int | None = None,
    ) -> None:
        self._clients = clients
        self._session = session
        self._region = region
        self._pace = pace
        self._most_pages = most_pages

    def read(self) -> RegionResources:
        """Never raises: a failure is the state's reason and message."""
        try:
            self._session.frozen()
            table = self._read_from_the_start_until_whole()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this region's alone
            refusal = refusal_of(_OPERATION, error)
            state = self._state(refusal.reason, 0, f"{refusal}")
            return RegionResources(state, RESOURCE_SCHEMA.empty_table())
        return RegionResources(self._state(Reason.OK, len(table)), table)

    def _state(self, reason: Reason, resources: int, message: str = "") -> RegionScan:
        tally = self._pace.tally
        return RegionScan(
            region=self._region,
            reason=reason,
            message=" ".join(message.split()),
            resources=resources,
            calls=tally.calls,
            retries=tally.retries,
            throttled_calls=tally.throttled_calls,
            seconds=self._pace.spent,
            last_success_at=utc_now() if reason is Reason.OK else None,
        )

    def _read_from_the_start_until_whole(self) -> pa.Table:
        for restart in range(_MOST_RESTARTS + 1):
            try:
                return self._read_all_pages()
            except PageTokenExpired as refusal:
                if restart == _MOST_RESTARTS:
                    cause = f"{refusal.cause} (the region was started over {restart} times)"
                    raise AwsRefused(_OPERATION, Reason.EXPIRED_TOKEN, cause) from refusal
        raise AssertionError("the last round returns or raises")

    def _read_all_pages(self) -> pa.Table:
        columns = ResourceColumns(self._region)
        token, seen = "", set[str]()
        for number in itertools.count(1):
            page = self._pace.call(_OPERATION, partial(self._get, token))
            columns.add(page)
            token = page.PaginationToken or ""
            if not token or number == self._most_pages:
                return columns.table()
            if token in seen:
                cause = f"page {number} carries a pagination token that has been used before"
                raise AwsRefused(_OPERATION, Reason.MALFORMED_RESPONSE, cause)
            seen.add(token)
        raise AssertionError("the loop returns or raises")

    def _get(self, token: str) -> Page:
        used = self._session.frozen()
        try:
            with signing_as(lambda: used):
                return get_page(self._clients.tagger(self._region), token)
        except ClientError as error:
            refusal = refusal_of(_OPERATION, error)
            if refusal.reason is Reason.EXPIRED_TOKEN and refusal.retryable:
                self._session.renew(used)
            raise refusal from None
