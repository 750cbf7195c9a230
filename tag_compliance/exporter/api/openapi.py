"""The OpenAPI document of the API (3.1), made of the tables that the code uses.

https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import Any

from tag_compliance import __version__
from tag_compliance.exporter.api import examples, schemas
from tag_compliance.exporter.api.documents import DEFAULT_LIMIT
from tag_compliance.exporter.api.paths import PATHS
from tag_compliance.exporter.error_responses import PROBLEM_TYPE, problem
from tag_compliance.exporter.findings_parameters import (
    FILTERS,
    MAX_VALUES,
    ONCE,
    PAGING,
    SEVERITIES,
    SORTS,
    STATE_CHOICES,
)
from tag_compliance.exporter.findings_queries import MAX_PAGE
from tag_compliance.exporter.findings_sql import MAX_PATTERN, MAX_STARS

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string", "minLength": 1, "pattern": r"^[^\u0000]*$"}
_GLOB = _TEXT | {
    "maxLength": MAX_PATTERN,
    "pattern": rf"^([^*\u0000]*\*){{0,{MAX_STARS}}}[^*\u0000]*$",
}
_PARAMETERS: dict[str, tuple[Schema, str]] = {
    "account": ({"type": "string", "pattern": "^[0-9]{12}$"}, "The id of an account."),
    "ou": (_TEXT, "The path of an organizational unit; it includes everything below."),
    "region": (_TEXT, "The region that was read."),
    "type": (
        _GLOB,
        "A pattern of service:type; `*` matches any characters, a word matches anywhere.",
    ),
    "rule": (
        _GLOB,
        "The id of a rule; `*` matches any characters.",
    ),
    "severity": ({"type": "string", "enum": [*SEVERITIES]}, "A severity."),
    "owner": (_TEXT, "An owner; `(none)`: without an owner."),
    "tag": (
        {"type": "string", "pattern": r"^[^=\u0000]+=[^\u0000]*$"},
        "KEY=VALUE; a fault if report_values is false.",
    ),
    "state": ({"type": "string", "enum": [*STATE_CHOICES], "default": "open"}, "The state."),
    "q": (
        _TEXT | {"maxLength": MAX_PATTERN},
        "A text in ARN, type, owner, rule, account name or the value of a tag.",
    ),
    "sort": (
        {"type": "string", "enum": [*SORTS], "default": "report"},
        "The order; a minus sign reverses it.",
    ),
    "limit": (
        {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": DEFAULT_LIMIT},
        "The number of rows of a page.",
    ),
    "cursor": (_TEXT, "`next_cursor` of the previous page."),
    "arn": (_TEXT, "The ARN of a resource."),
}

_OPERATIONS: dict[str, tuple[str, tuple[str, ...], tuple[int, ...]]] = {
    "findings": ("Findings, page by page.", (*FILTERS, *PAGING), (410,)),
    "resources": ("A resource with all its findings.", ("arn", "account"), (404,)),
    "summary": ("The numbers of the snapshot.", (), ()),
    "coverage": (
        "How each source was read in each account and region.",
        ("account", "region", "limit", "cursor"),
        (410,),
    ),
}
"""The summary of each path, its parameters, and the status codes that not all paths have."""

_ERRORS = {
    401: "Valid credentials are required.",
    403: "The exporter has no credentials, and the client is not on its machine.",
    404: "No finding of this resource is in the snapshot.",
    405: "The API only reads.",
    410: "The cursor is of an earlier snapshot; begin again without a cursor.",
    422: "Parameters are faulty; `errors` lists them. Or the query takes too long.",
    503: "No findings database is loaded, or too many queries are waiting.",
}
_ALWAYS = (401, 403, 405, 422, 503)


@cache
def openapi() -> Schema:
    """The document; it depends on the version of the program only."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tag-compliance",
            "version": __version__,
            "summary": "Findings of the latest scan: resources that break tagging rules.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"basic": []}, {}],
        "paths": {path: _path(name) for name, path in PATHS.items()},
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic"},
            },
            "schemas": schemas.SCHEMAS,
            "responses": {str(status): _error(status) for status in _ERRORS},
        },
    }


def _path(name: str) -> Schema:
    return {"get": _operation(name, "get"), "head": _operation(name, "head")}


def _operation(name: str, method: str) -> Schema:
    text, parameters, more = _OPERATIONS[name]
    is_get = method == "get"
    success: Schema = {
        "description": text,
        "headers": {"ETag": {"schema": {"type": "string"}}},
    }
    # A response to HEAD has no content, also if it is an error.
    if is_get:
        example = examples.EXAMPLES[name]
        reference = {"$ref": f"#/components/schemas/{schemas.DOCUMENTS[name]}"}
        success["content"] = {"application/json": {"schema": reference, "example": example}}
    responses: Schema = {
        "200": success,
        "304": {"description": "The client has the current document (If-None-Match)."},
    }
    for status in sorted({*_ALWAYS, *more}):
        reference = {"$ref": f"#/components/responses/{status}"}
        responses[str(status)] = reference if is_get else {"description": _ERRORS[status]}
    return {
        "operationId": f"{method}_{name}",
        "summary": text,
        "tags": ["findings"],
        "parameters": [_parameter(parameter) for parameter in parameters],
        "responses": responses,
    }


def _parameter(name: str) -> Schema:
    schema, text = _PARAMETERS[name]
    is_repeatable = name not in ONCE
    if is_repeatable:
        schema = {"type": "array", "items": schema, "minItems": 1, "maxItems": MAX_VALUES}
        text = f"{text} Can be repeated, and then matches any of the values."
    return {
        "name": name,
        "in": "query",
        "description": text,
        "required": name == "arn",
        "schema": schema,
        **({"style": "form", "explode": True} if is_repeatable else {}),
    }


def _error(status: int) -> Schema:
    response: Schema = {
        "description": _ERRORS[status],
        "content": {
            PROBLEM_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": problem(HTTPStatus(status), _ERRORS[status]),
            }
        },
    }
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return response
