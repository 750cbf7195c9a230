"""What goes over the wire: signed requests in, JSON 1.1 and XML answers out.

STS speaks the AWS query protocol (form in, XML out), the tagging API JSON 1.1, which botocore
prefers to the CBOR that its service model names first.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from xml.sax.saxutils import escape

STS_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
REQUEST_ID = "5eed5eed-0000-4000-8000-5eed5eed5eed"

_JSON = "application/x-amz-json-1.1"
_XML = "text/xml"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 "
    r"Credential=(?P<access_key_id>\w+)/\d{8}/(?P<region>[\w-]+)/(?P<service>\w+)/aws4_request, ?"
    r"SignedHeaders=[\w;-]+, ?"
    r"Signature=[0-9a-f]{64}"
)


@dataclass(eq=False)
class AwsError(Exception):
    status: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Scope:
    """Who signed a request, and for which region and service."""

    access_key_id: str
    region: str
    service: str


@dataclass(frozen=True, slots=True)
class Request:
    headers: Mapping[str, str]
    body: bytes

    @property
    def scope(self) -> Scope:
        """The credential scope; the signature itself is not verified."""
        authorization = self.headers.get("authorization")
        if authorization is None:
            raise AwsError(403, "MissingAuthenticationToken", "Missing Authentication Token")
        match = _AUTHORIZATION.fullmatch(authorization)
        if match is None:
            raise AwsError(400, "IncompleteSignature", "Authorization header is not well formed")
        return Scope(**match.groupdict())


class Delivery(Enum):
    WHOLE = auto()
    TRUNCATED = auto()
    CUT = auto()
    NEVER = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    content_type: str
    body: bytes
    delivery: Delivery = Delivery.WHOLE
    delay_seconds: float = 0.0

    def head(self) -> bytes:
        return (
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}\r\n"
            f"x-amzn-RequestId: {REQUEST_ID}\r\n"
            f"Content-Type: {self.content_type}\r\n"
            f"Content-Length: {len(self.body)}\r\n\r\n"
        ).encode()


def json_answer(body: bytes) -> Answer:
    return Answer(200, _JSON, body)


def json_error(error: AwsError) -> Answer:
    body = json.dumps({"__type": error.code, "Message": error.message}).encode()
    return Answer(error.status, _JSON, body)


def xml_answer(operation: str, result: str) -> Answer:
    body = (
        f'<{operation}Response xmlns="{STS_NAMESPACE}">'
        f"<{operation}Result>{result}</{operation}Result>"
        f"<ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata>"
        f"</{operation}Response>"
    )
    return Answer(200, _XML, body.encode())


def xml_error(error: AwsError) -> Answer:
    blame = "Sender" if error.status < 500 else "Receiver"
    body = (
        f'<ErrorResponse xmlns="{STS_NAMESPACE}"><Error>'
        f"<Type>{blame}</Type><Code>{error.code}</Code><Message>{escape(error.message)}</Message>"
        f"</Error><RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
    )
    return Answer(error.status, _XML, body.encode())


def xml_elements(values: Mapping[str, str]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items())
