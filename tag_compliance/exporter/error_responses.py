"""Error responses: plain text for people, problem documents (RFC 9457) for the API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

API_PREFIX = "/api/"
PROBLEM_TYPE = "application/problem+json"

_DETAILS = {
    HTTPStatus.NOT_FOUND: "there is nothing at this path; /api/v1/openapi.json lists the paths",
    HTTPStatus.METHOD_NOT_ALLOWED: "the API only reads: GET and HEAD are allowed",
}


def error_response(
    path: str,
    status: HTTPStatus,
    detail: str = "",
    headers: Mapping[str, str] | None = None,
    faults: tuple[dict[str, str], ...] = (),
) -> Response:
    """A problem document below `API_PREFIX`, otherwise plain text."""
    if not path.startswith(API_PREFIX):
        text = f"{status.value} {status.phrase}{f': {detail}' if detail else ''}\n"
        return PlainTextResponse(text, status, headers)
    document = problem(status, detail or _DETAILS.get(status, status.description))
    if faults:
        document["errors"] = faults
    return Response(json.dumps(document), status, headers, PROBLEM_TYPE)


def problem(status: HTTPStatus, detail: str) -> dict[str, object]:
    """The problem document of an error."""
    return {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
    }


async def http_error(request: Request, error: Exception) -> Response:
    """The handler of Starlette's errors: no such path, no such method."""
    if not isinstance(error, HTTPException):  # Starlette passes no other type
        raise error
    status = HTTPStatus(error.status_code)
    return error_response(request.url.path, status, headers=error.headers)


async def unexpected_error(request: Request, _: Exception) -> Response:
    """The handler of errors that should not happen; uvicorn logs them."""
    return error_response(request.url.path, HTTPStatus.INTERNAL_SERVER_ERROR)
