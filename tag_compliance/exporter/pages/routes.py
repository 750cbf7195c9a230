"""The routes of the pages of findings. Queries and rendering run on the threads for queries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Protocol

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tag_compliance.errors import BadParameters, ParameterFault
from tag_compliance.exporter.findings_parameters import FILTERS, parse_findings
from tag_compliance.exporter.findings_queries import FindingsQueries
from tag_compliance.exporter.findings_service import (
    FINDINGS_ERRORS,
    FindingsService,
    retry_after,
)
from tag_compliance.exporter.html_pages import PAGE_HEADERS, render
from tag_compliance.exporter.pages import findings, resource
from tag_compliance.exporter.pages.address import Address
from tag_compliance.exporter.pages.breakdown import SORTS, Breakdown
from tag_compliance.exporter.pages.breakdown_lines import SUBJECTS, Subject
from tag_compliance.exporter.pages.findings import FindingsPage
from tag_compliance.exporter.pages.frame import Frame
from tag_compliance.exporter.pages.problem import ProblemPage
from tag_compliance.exporter.pages.resource import ResourcePage
from tag_compliance.exporter.snapshot_watcher import SnapshotWatcher

_HEADERS = {"Cache-Control": "no-store", **PAGE_HEADERS}


class Content(Protocol):
    """What a template shows."""

    @property
    def frame(self) -> Frame: ...


Read = Callable[[FindingsQueries, Frame, Address], tuple[str, Content, HTTPStatus]]
"""Reads a page from the database: the name of its template, its content, and its status."""


def page_routes(
    service: FindingsService, watcher: SnapshotWatcher, now: Callable[[], datetime]
) -> list[Route]:
    reads: dict[str, Read] = {
        findings.PATH: _read_findings,
        resource.PATH: _read_resource,
        **{subject.path: partial(_read_breakdown, subject) for subject in SUBJECTS},
    }
    endpoints = _Pages(service, watcher, now)
    return [
        Route(path, partial(endpoints.respond, read), methods=["GET"])
        for path, read in reads.items()
    ]


@dataclass(frozen=True, slots=True)
class _Pages:
    service: FindingsService
    watcher: SnapshotWatcher
    now: Callable[[], datetime]

    async def respond(self, read: Read, request: Request) -> Response:
        # A form sends the fields that a person left empty.
        pairs = tuple(pair for pair in request.query_params.multi_items() if pair[1])
        address = Address(request.url.path, pairs)
        try:
            queries = self.service.queries(request)
            return await self.service.run(lambda: self._page(read, queries, address))
        except FINDINGS_ERRORS as error:
            problem = ProblemPage(self._frame(address, {}), address, error)
            headers = _HEADERS | retry_after(problem.status)
            return HTMLResponse(render("problem.html", problem), problem.status, headers=headers)

    def _page(self, read: Read, queries: FindingsQueries, address: Address) -> Response:
        template, content, status = read(queries, self._frame(address, queries.meta), address)
        return HTMLResponse(render(template, content), status, headers=_HEADERS)

    def _frame(self, address: Address, meta: dict[str, str]) -> Frame:
        return Frame(address.path, self.watcher.state, self.now(), meta)


def _read_findings(
    queries: FindingsQueries, frame: Frame, address: Address
) -> tuple[str, Content, HTTPStatus]:
    given = dict(address.parameters)
    defaults = [pair for pair in findings.DEFAULTS.items() if pair[0] not in given]
    pairs = (*address.parameters, *defaults)
    request = parse_findings(pairs, shows_values=queries.shows_values)
    return "findings.html", FindingsPage.read(queries, frame, address, request), HTTPStatus.OK


def _read_resource(
    queries: FindingsQueries, frame: Frame, address: Address
) -> tuple[str, Content, HTTPStatus]:
    faults = [
        ParameterFault(name, value, f"unknown; must be one of {', '.join(resource.PARAMETERS)}")
        for name, value in address.parameters
        if name not in resource.PARAMETERS
    ]
    if faults:
        raise BadParameters(tuple(faults))
    arn, account_id = ((*address.values(name), "")[0].strip() for name in resource.PARAMETERS)
    page = ResourcePage.read(queries, frame, arn, account_id)
    return "resource.html", page, HTTPStatus.NOT_FOUND if page.is_unknown else HTTPStatus.OK


def _read_breakdown(
    subject: Subject, queries: FindingsQueries, frame: Frame, address: Address
) -> tuple[str, Content, HTTPStatus]:
    for sort in address.values("sort"):
        if sort not in SORTS:
            raise BadParameters(
                (ParameterFault("sort", sort, f"must be one of {', '.join(SORTS)}"),)
            )
    pairs = [pair for pair in address.parameters if pair[0] != "sort"]
    request = parse_findings(pairs, shows_values=queries.shows_values, names=FILTERS)
    page = Breakdown.read(queries, frame, subject, address, request)
    return "breakdown.html", page, HTTPStatus.OK
