"""Requests and responses as they travel over HTTP, and the calls that requests contain."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from http import HTTPStatus
from typing import Any

from tag_compliance.simulator.credentials import Caller
from tag_compliance.simulator.pages import Page

REQUEST_ID = "5eed5eed-0000-4000-8000-5eed5eed5eed"

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 "
    r"Credential=(?P<access_key_id>\w+)/\d{8}/(?P<region>[\w-]+)/"
    r"(?P<service>[\w-]+)/aws4_request, ?"
    r"SignedHeaders=[\w;-]+, ?"
    r"Signature=[0-9a-f]{64}"
)


@dataclass(eq=False)
class AwsError(Exception):
    """An error that AWS returns; each service writes it in its own wire protocol."""

    status: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Scope:
    """The access key that signed a request, and the region and service that it signed for."""

    access_key_id: str
    region: str
    service: str


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request. The names of the headers are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    def scope(self) -> Scope:
        """The credential scope. The signature itself is not verified."""
        authorization = self.headers.get("authorization")
        if authorization is None:
            raise AwsError(403, "MissingAuthenticationToken", "Missing Authentication Token")
        match = _AUTHORIZATION.fullmatch(authorization)
        if match is None:
            raise AwsError(400, "IncompleteSignature", "Authorization header is not well formed")
        return Scope(**match.groupdict())


@dataclass(frozen=True, slots=True)
class Call:
    """One parsed call of an AWS operation."""

    service: str
    operation: str
    account_id: str
    """The account that the call is about: the role's for AssumeRole, otherwise the caller's."""
    region: str
    caller: Caller
    parameters: Mapping[str, object]
    page: Page[Any] | None = None
    """The page that the call reads; None if its operation has no pages."""
    at: float = field(default_factory=time.monotonic)
    """Seconds on the monotonic clock."""


class Delivery(Enum):
    """How much of a response reaches the client; AWS itself always delivers the complete one."""

    COMPLETE = auto()
    TRUNCATED = auto()
    """The head and half of the body; then the connection is closed."""
    CLOSED = auto()
    """Nothing; the connection is closed."""
    NEVER = auto()
    """Nothing; the connection stays open."""
    PIECES = auto()
    """The `pieces` of the response, with a pause after each; then nothing."""


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response; `delay_seconds` are added to the latency of the server.

    `pieces` are sent instead of head and body if the delivery is `PIECES`.
    """

    status: int
    content_type: str
    body: bytes
    delivery: Delivery = Delivery.COMPLETE
    delay_seconds: float = 0.0
    pieces: Iterable[bytes] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def head(self) -> bytes:
        """The status line and the headers."""
        more = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        return (
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}\r\n"
            f"x-amzn-RequestId: {REQUEST_ID}\r\n"
            f"Content-Type: {self.content_type}\r\n"
            f"{more}Content-Length: {len(self.body)}\r\n\r\n"
        ).encode()
