"""What this program changes in botocore: credentials of a call, the TLS context, the parser.

https://docs.aws.amazon.com/boto3/latest/guide/events.html
"""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import msgspec
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.httpsession import create_urllib3_context

if TYPE_CHECKING:
    from botocore.client import BaseClient

CredentialsProvider = Callable[[], ReadOnlyCredentials]
"""Returns the credentials to sign the next request with; raises `AwsError` if there are none."""

DECODED = "tag_compliance.decoded"
"""The key of a response under which the result of `decode_responses` is."""

_OK, _REDIRECT = 200, 300
_SHOWN_BYTES = 200
_signing: ContextVar[CredentialsProvider] = ContextVar("tag_compliance_signing")


class _JsonError(msgspec.Struct):
    """https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html, "Operation error"."""

    type: str | None = msgspec.field(name="__type", default=None)
    message: str | None = None


_error_decoder = msgspec.json.Decoder(_JsonError)


@contextlib.contextmanager
def signing_as(provider: CredentialsProvider) -> Iterator[None]:
    """Calls in this block, on this thread, are signed with these credentials."""
    before = _signing.set(provider)
    try:
        yield
    finally:
        _signing.reset(before)


class SigningCredentials(Credentials):
    """The credentials of the innermost `signing_as`, as botocore's signer reads them.

    Outside such a block a call raises `LookupError`: it never uses other credentials.
    """

    def __init__(self) -> None:
        super().__init__("see-signing-as", "see-signing-as", method="tag-compliance")

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return _signing.get()()


class SigningCredentialsResolver:
    """botocore's component `credential_provider`, with `SigningCredentials` as the only result."""

    def load_credentials(self) -> Credentials:
        return SigningCredentials()


def create_tls_context() -> ssl.SSLContext:
    """The context that botocore creates, except that it loads each CA bundle only once.

    urllib3 loads the bundle for every connection, which takes 25 to 35 ms of CPU time.
    """
    context: ssl.SSLContext = create_urllib3_context()
    context.load_verify_locations = _once_each(  # type: ignore[method-assign]
        context.load_verify_locations
    )
    return context


def _once_each(load: Callable[..., None]) -> Callable[..., None]:
    lock = threading.Lock()
    loaded: set[tuple[object, ...]] = set()

    def load_unless_loaded(*args: Any, **kwargs: Any) -> None:
        key = (*args, *sorted(kwargs.items()))
        with lock:
            if key not in loaded:
                load(*args, **kwargs)
                loaded.add(key)

    return load_unless_loaded


def decode_responses(
    client: BaseClient,
    operation: str,
    decode: Callable[[bytes], object],
    empty: bytes = b"{}",
) -> None:
    """Decodes successful responses of an operation with `decode`, not with botocore's parser.

    The parser walks the service model in Python, which takes more than half of the time of a page.
    It receives the `empty` document instead. botocore still signs, sends and handles errors.
    """

    def decode_body(
        response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object
    ) -> None:
        if response_dict["status_code"] == _OK:
            customized_response_dict[DECODED] = decode(response_dict["body"])
            response_dict["body"] = empty

    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register(f"before-parse.{service}.{operation}", decode_body)


class UnexpectedResponse(Exception):
    """A response with this HTTP status that is neither a success nor an error of AWS.

    It comes from a proxy, a firewall or another server. `text` is the beginning of its body.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text)
        self.status = status
        self.text = text


def reject_foreign_responses(client: BaseClient) -> None:
    """Makes the calls of this client raise `UnexpectedResponse`.

    botocore parses such responses as if they came from AWS, fails, and loses the status.
    """

    def reject(response_dict: dict[str, Any], **_: object) -> None:
        status, body = response_dict["status_code"], response_dict["body"]
        # A REST service names the error in a header, which nothing but AWS sends.
        is_aws_error = "x-amzn-errortype" in response_dict["headers"] or _is_aws_error(body)
        if status != _OK and (status < _REDIRECT or not is_aws_error):
            raise UnexpectedResponse(status, body[:_SHOWN_BYTES].decode(errors="replace"))

    client.meta.events.register("before-parse", reject)


def _is_aws_error(body: bytes) -> bool:
    """Whether it is an error in JSON, as of the tagging API, or in XML, as of STS."""
    try:
        if body.lstrip().startswith(b"<"):
            elements = ET.fromstring(body).iter()  # noqa: S314 - botocore parses it, too
            return any(e.tag.rpartition("}")[2] == "Code" and e.text for e in elements)
        return _error_decoder.decode(body).type is not None
    except (ET.ParseError, msgspec.MsgspecError, LookupError, ValueError, RecursionError):
        return False
