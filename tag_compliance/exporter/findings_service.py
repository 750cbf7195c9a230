"""What pages, downloads and API share: access, the database that is served, and its threads."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from tag_compliance.errors import (
    BadParameters,
    BadQuery,
    CursorGone,
    FindingsForbidden,
    FindingsUnavailable,
    NoSuchResource,
    QueriesBusy,
    TagComplianceError,
)
from tag_compliance.exporter.database_loader import DatabaseLoader
from tag_compliance.exporter.error_responses import error_response
from tag_compliance.exporter.findings_access import Access, check_findings_access
from tag_compliance.exporter.findings_queries import FindingsQueries
from tag_compliance.exporter.query_pool import QueryPool

T = TypeVar("T")

_STATUSES: dict[type[TagComplianceError], HTTPStatus] = {
    BadParameters: HTTPStatus.UNPROCESSABLE_ENTITY,
    BadQuery: HTTPStatus.UNPROCESSABLE_ENTITY,
    CursorGone: HTTPStatus.GONE,
    FindingsForbidden: HTTPStatus.FORBIDDEN,
    FindingsUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    NoSuchResource: HTTPStatus.NOT_FOUND,
    QueriesBusy: HTTPStatus.SERVICE_UNAVAILABLE,
}
FINDINGS_ERRORS: tuple[type[TagComplianceError], ...] = tuple(_STATUSES)
"""What a request for findings can raise; `http_status` maps each to a status code."""

RETRY_SECONDS = 5
"""The value of Retry-After with the status 503."""


@dataclass(frozen=True, slots=True)
class FindingsService:
    """Raises only `FINDINGS_ERRORS`."""

    loader: DatabaseLoader
    access: Access
    pool: QueryPool = field(default_factory=QueryPool)

    def queries(self, request: Request) -> FindingsQueries:
        """The database for the client of this request, if it may read findings."""
        check_findings_access(request, self.access)
        return self.loader.queries

    async def run(self, work: Callable[[], T]) -> T:
        """Runs queries, and what makes a response of them, on the threads for queries."""
        try:
            return await self.pool.run(work)
        except sqlite3.Error as error:
            cause = f"the findings database cannot be read: {error}"
            raise FindingsUnavailable(cause) from error


def http_status(error: TagComplianceError) -> HTTPStatus:
    """The status code for one of `FINDINGS_ERRORS`."""
    return _STATUSES[type(error)]


def retry_after(status: HTTPStatus) -> dict[str, str]:
    """The header of responses that say when to try again."""
    is_unavailable = status is HTTPStatus.SERVICE_UNAVAILABLE
    return {"Retry-After": str(RETRY_SECONDS)} if is_unavailable else {}


def findings_error(request: Request, error: TagComplianceError) -> Response:
    """The response for one of `FINDINGS_ERRORS`."""
    status = http_status(error)
    headers = {"Cache-Control": "no-store", **retry_after(status)}
    return error_response(request.url.path, status, str(error), headers, _faults(error))


def _faults(error: TagComplianceError) -> tuple[dict[str, str], ...]:
    if isinstance(error, BadParameters):
        return tuple(
            {"parameter": fault.parameter, "value": fault.value, "rule": fault.rule}
            for fault in error.faults
        )
    if isinstance(error, BadQuery):
        return ({"parameter": error.parameter, "rule": error.rule},)
    return ()
