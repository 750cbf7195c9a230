"""Handlers of botocore's events: how a client sends requests and decodes responses.

https://docs.aws.amazon.com/boto3/latest/guide/events.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.httpsession import URLLib3Session

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse
    from botocore.client import BaseClient

DECODED = "tag_compliance.decoded"
"""The key of a response under which the result of `decode_responses` is."""

_OK = 200


def send_through(client: BaseClient, http: URLLib3Session) -> None:
    """Makes the client send its requests through this HTTP session."""

    def send(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        return http.send(request)

    client.meta.events.register("before-send", send)  # type: ignore[arg-type]  # it may return


def decode_responses(client: BaseClient, operation: str, decode: Callable[[bytes], object]) -> None:
    """Decodes successful JSON responses of an operation with `decode`, not with botocore's parser.

    The parser walks the service model in Python, which takes more than half of the time of a page.
    It receives an empty document instead. botocore still signs, sends and handles errors.
    """

    def decode_body(
        response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object
    ) -> None:
        if response_dict["status_code"] == _OK:
            customized_response_dict[DECODED] = decode(response_dict["body"])
            response_dict["body"] = b"{}"

    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register(f"before-parse.{service}.{operation}", decode_body)
