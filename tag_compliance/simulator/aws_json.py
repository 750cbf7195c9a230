"""The AWS JSON 1.1 protocol: JSON in and out, the operation in the header `X-Amz-Target`.

https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tag_compliance.simulator.wire import AwsError, Request, Response

_CONTENT_TYPE = "application/x-amz-json-1.1"


class JsonProtocol:
    """Reads and writes the bodies of a service with JSON 1.1."""

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
        return Response(200, _CONTENT_TYPE, body)

    def error_response(self, error: AwsError) -> Response:
        """The error as JSON."""
        body = json.dumps({"__type": error.code, "Message": error.message}).encode()
        return Response(error.status, _CONTENT_TYPE, body)
