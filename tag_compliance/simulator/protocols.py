"""The wire protocols of AWS: how a service reads requests and writes responses and errors."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from tag_compliance.simulator.wire import REQUEST_ID, AwsError, Request, Response

_JSON, _XML = "application/x-amz-json-1.1", "text/xml"
_REST_JSON = "application/json"
_SERVER_ERRORS = 500


class JsonProtocol:
    """AWS JSON 1.1: JSON in and out, the operation in the header `X-Amz-Target`.

    https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
    """

    invalid_credentials = (
        400,
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    )
    expired_credentials = (
        400,
        "ExpiredTokenException",
        "The security token included in the request is expired",
    )

    def parse(self, request: Request) -> tuple[str, Mapping[str, object]]:
        """The operation, with the prefix of its service's version, and its parameters."""
        try:
            parameters = json.loads(request.body)
        except ValueError:
            parameters = None
        if not isinstance(parameters, dict):
            raise AwsError(400, "SerializationException", "the body is not a JSON object")
        return request.headers.get("x-amz-target", ""), parameters

    def response(self, body: bytes) -> Response:
        """A successful response with this JSON."""
        return Response(200, _JSON, body)

    def error_response(self, error: AwsError) -> Response:
        """The error as JSON."""
        body = json.dumps({"__type": error.code, "Message": error.message}).encode()
        return Response(error.status, _JSON, body)


class RestJsonProtocol:
    """REST with JSON: the operation is the path; the header of an error names it.

    https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
    """

    invalid_credentials = (
        403,
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    )
    expired_credentials = (
        403,
        "ExpiredTokenException",
        "The security token included in the request is expired",
    )

    def parse(self, request: Request) -> tuple[str, Mapping[str, Any]]:
        """The operation and its parameters; without parameters, the body is empty."""
        try:
            parameters = json.loads(request.body or b"{}")
        except ValueError:
            parameters = None
        if not isinstance(parameters, dict):
            raise AwsError(400, "SerializationException", "the body is not a JSON object")
        return request.target.removeprefix("/"), parameters

    def response(self, body: bytes) -> Response:
        """A successful response with this JSON."""
        return Response(200, _REST_JSON, body)

    def error_response(self, error: AwsError) -> Response:
        """The error as JSON, with its code in a header."""
        body = json.dumps({"Message": error.message}).encode()
        headers = {"x-amzn-ErrorType": error.code}
        return Response(error.status, _REST_JSON, body, headers=headers)


class QueryProtocol:
    """The query protocol: a form in, XML out.

    https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
    """

    invalid_credentials = (
        403,
        "InvalidClientTokenId",
        "The security token included in the request is invalid",
    )
    expired_credentials = (
        403,
        "ExpiredToken",
        "The security token included in the request is expired",
    )

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace

    def parse(self, request: Request) -> tuple[str, dict[str, str]]:
        """The operation and its parameters."""
        parameters = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        return parameters.pop("Action", ""), parameters

    def response(self, operation: str, result: str) -> Response:
        """A successful response with this XML as its result."""
        body = (
            f'<{operation}Response xmlns="{self._namespace}">'
            f"<{operation}Result>{result}</{operation}Result>"
            f"<ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata>"
            f"</{operation}Response>"
        )
        return Response(200, _XML, body.encode())

    def error_response(self, error: AwsError) -> Response:
        """The error as XML."""
        fault = "Receiver" if error.status >= _SERVER_ERRORS else "Sender"
        body = (
            f'<ErrorResponse xmlns="{self._namespace}"><Error><Type>{fault}</Type>'
            f"<Code>{error.code}</Code><Message>{escape(error.message)}</Message>"
            f"</Error><RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
        )
        return Response(error.status, _XML, body.encode())


class Ec2Protocol(QueryProtocol):
    """The query protocol as EC2 speaks it: without an element for the result.

    https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html
    """

    invalid_credentials = (
        401,
        "AuthFailure",
        "AWS was not able to validate the provided access credentials",
    )
    expired_credentials = (400, "RequestExpired", "Request has expired.")

    def response(self, operation: str, result: str) -> Response:
        """A successful response with this XML as its result."""
        body = (
            f'<{operation}Response xmlns="{self._namespace}">'
            f"<requestId>{REQUEST_ID}</requestId>{result}</{operation}Response>"
        )
        return Response(200, _XML, body.encode())

    def error_response(self, error: AwsError) -> Response:
        """The error as XML."""
        body = (
            f"<Response><Errors><Error><Code>{error.code}</Code>"
            f"<Message>{escape(error.message)}</Message></Error></Errors>"
            f"<RequestID>{REQUEST_ID}</RequestID></Response>"
        )
        return Response(error.status, _XML, body.encode())


def xml_list(members: Iterable[str]) -> str:
    """The members of a list, each of which is XML."""
    return "".join(f"<member>{member}</member>" for member in members)


def xml_tags(tags: Mapping[str, str]) -> list[str]:
    """A member for each tag."""
    return [xml_elements({"Key": key, "Value": value}) for key, value in tags.items()]


def query_list(parameters: Mapping[str, str], name: str) -> list[str]:
    """The values of a list parameter: `Filter.member.1`, `Filter.member.2`, …"""
    prefix = f"{name}.member."
    return [value for key, value in parameters.items() if key.startswith(prefix)]


def xml_elements(values: Mapping[str, str]) -> str:
    """One element for each value."""
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items())
