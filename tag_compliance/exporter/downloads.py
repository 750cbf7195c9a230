"""`GET /findings.csv` and `/findings.jsonl`: all findings that the filters choose, as a report.

A part is made when the client has taken the previous one, so that memory does not grow with the
report, and no thread waits for a slow client.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Generator, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tag_compliance.domain.report_row import ReportRow
from tag_compliance.errors import QueriesBusy
from tag_compliance.exporter.findings_parameters import FILTERS, parse_findings
from tag_compliance.exporter.findings_queries import FindingsQueries
from tag_compliance.exporter.findings_service import (
    FINDINGS_ERRORS,
    RETRY_SECONDS,
    FindingsService,
    findings_error,
)
from tag_compliance.reports.context import ReportContext
from tag_compliance.reports.formats import ReportFormat

DOWNLOADS = {
    "/findings.csv": (ReportFormat.CSV, "text/csv; charset=utf-8"),
    "/findings.jsonl": (ReportFormat.JSONL, "application/jsonl"),
}
"""The formats that are a head and a line for each row: parts of them can be joined."""

_ROWS_AT_ONCE = 250
_MAX_DOWNLOADS = 8
"""At the same time: each takes 4 MB, of which SQLite takes 2."""


def routes(service: FindingsService) -> list[Route]:
    """GET and HEAD of each download."""
    downloads = _Downloads(service)
    return [
        Route(path, partial(downloads.serve, format_, media_type), methods=["GET"])
        for path, (format_, media_type) in DOWNLOADS.items()
    ]


class _Downloads:
    def __init__(self, service: FindingsService) -> None:
        self._service = service
        self._count = 0

    async def serve(self, format_: ReportFormat, media_type: str, request: Request) -> Response:
        try:
            queries = self._service.queries(request)
            asked = parse_findings(
                request.query_params.multi_items(),
                shows_values=queries.shows_values,
                names=FILTERS,
            )
            with ExitStack() as slot:
                slot.enter_context(self._running())
                report = _Report(queries, format_, queries.rows(asked.chosen, asked.search))
                first = await self._service.run(report.first_part)
                until_sent = slot.pop_all()
        except FINDINGS_ERRORS as error:
            return findings_error(request, error)
        name = f"findings-{queries.snapshot_id}.{format_.extension}"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff",
        }
        parts = self._parts(report, first, is_head=request.method == "HEAD")
        return _Download(until_sent, parts, headers=headers, media_type=media_type)

    @contextmanager
    def _running(self) -> Iterator[None]:
        """Counts a download from its begin, so that many at once are not all accepted."""
        if self._count >= _MAX_DOWNLOADS:
            raise QueriesBusy
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1

    async def _parts(self, report: _Report, first: bytes, *, is_head: bool) -> AsyncIterator[bytes]:
        with closing(report.rows):
            part = b"" if is_head else first
            while part:
                yield part
                part = await self._next(report)

    async def _next(self, report: _Report) -> bytes:
        """A download that has begun waits, because its status cannot be changed any more."""
        while True:
            try:
                return await self._service.run(report.next_part)
            except QueriesBusy:
                await asyncio.sleep(RETRY_SECONDS)


class _Download(StreamingResponse):
    """Closes `until_sent` at its end, even if its client has gone before the first part."""

    def __init__(self, until_sent: ExitStack, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._until_sent = until_sent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._until_sent:
            await super().__call__(scope, receive, send)


class _Report:
    """A report in parts; any thread may make the next one."""

    def __init__(
        self, queries: FindingsQueries, format_: ReportFormat, rows: Generator[ReportRow]
    ) -> None:
        self.rows = rows
        self._write = format_.writer()
        self._context = ReportContext(
            snapshot_id=queries.snapshot_id,
            snapshot_time=datetime.fromisoformat(queries.meta["snapshot_time"]),
            version=queries.meta["version"],
            scope="",
            accounts=(),
            rules=(),
        )
        self._head = self._written(())

    def first_part(self) -> bytes:
        """The head and the first rows."""
        return self._head + self.next_part()

    def next_part(self) -> bytes:
        """The next rows; empty after the last one."""
        return self._written(islice(self.rows, _ROWS_AT_ONCE)).removeprefix(self._head)

    def _written(self, rows: Iterable[ReportRow]) -> bytes:
        sink = io.BytesIO()
        self._write(rows, self._context, sink)
        return sink.getvalue()
