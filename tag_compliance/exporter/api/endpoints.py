"""The endpoints of the API: access, parameters, conditional requests, and the JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tag_compliance import __version__
from tag_compliance.exporter.api.documents import (
    Document,
    Pairs,
    coverage,
    findings,
    resources,
    summary,
)
from tag_compliance.exporter.api.openapi import openapi
from tag_compliance.exporter.api.paths import OPENAPI_PATH, PATHS
from tag_compliance.exporter.etag import matches
from tag_compliance.exporter.findings_queries import FindingsQueries
from tag_compliance.exporter.findings_service import (
    FINDINGS_ERRORS,
    FindingsService,
    findings_error,
)

Prepare = Callable[[FindingsQueries, Pairs], Document]
"""Checks the parameters and returns what makes the JSON of them, which is run on a query thread."""

_PREPARES: dict[str, Prepare] = {
    "findings": findings,
    "resources": resources,
    "summary": summary,
    "coverage": coverage,
}


def routes(service: FindingsService) -> list[Route]:
    """GET and HEAD of every path of the API."""
    paths = [
        Route(path, partial(_serve, service, _PREPARES[name]), methods=["GET"])
        for name, path in PATHS.items()
    ]
    return [*paths, Route(OPENAPI_PATH, _serve_openapi, methods=["GET"])]


async def _serve(service: FindingsService, prepare: Prepare, request: Request) -> Response:
    try:
        queries = service.queries(request)
        document = prepare(queries, request.query_params.multi_items())
        etag = _etag(queries.snapshot_id, request.url.path, request.url.query)
        # A cursor leads to one place of one snapshot, but a new snapshot can change everything.
        headers = {"ETag": etag, "Cache-Control": "private, no-cache", **_NO_SNIFF}
        if matches(request.headers.getlist("if-none-match"), etag):
            return Response(status_code=304, headers=headers)
        content = await service.run(document)
    except FINDINGS_ERRORS as error:
        return findings_error(request, error)
    return Response(content, headers=headers, media_type="application/json")


async def _serve_openapi(_: Request) -> Response:
    """It contains no findings, so it is for everyone who may use the exporter."""
    return JSONResponse(openapi(), headers={"Cache-Control": "private, max-age=3600", **_NO_SNIFF})


_NO_SNIFF = {"X-Content-Type-Options": "nosniff"}


def _etag(*known: str) -> str:
    digest = hashlib.sha256("\n".join((__version__, *known)).encode()).hexdigest()
    return f'"{digest[:24]}"'
