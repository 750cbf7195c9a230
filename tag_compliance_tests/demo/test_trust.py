"""The middleware that refuses roles: which requests it lets pass, and unharmed."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from tag_compliance.demo.trust import TrustPolicies

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_FORM = "application/x-www-form-urlencoded; charset=utf-8"


def _echo(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [])
    return [environ["wsgi.input"].read()]


def _ask(body: bytes, content_type: str = _FORM) -> tuple[str, bytes]:
    statuses: list[str] = []

    def start_response(status: str, *_: Any) -> Any:
        statuses.append(status)

    caller = "arn:aws:iam::123456789012:user/tag-compliance"
    application = TrustPolicies(_echo, caller, frozenset({"555555555555"}))
    environ = {
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
    }
    answer = b"".join(application(environ, start_response))
    return statuses[0], answer


def _assume(role_arn: str) -> bytes:
    return urlencode({"Action": "AssumeRole", "RoleArn": role_arn}).encode()


@pytest.mark.parametrize(
    "body",
    [
        _assume("arn:aws:iam::111111111111:role/terraform"),
        _assume("no ARN at all"),
        b"Action=GetCallerIdentity&Version=2011-06-15",
        b"",
    ],
)
def test_any_other_request_reaches_aws_with_its_body(body: bytes) -> None:
    assert _ask(body) == ("200 OK", body)


def test_a_body_that_is_no_form_is_not_even_read() -> None:
    body = _assume("arn:aws:iam::555555555555:role/terraform")

    assert _ask(body, content_type="application/x-amz-json-1.1") == ("200 OK", body)


def test_every_role_of_an_untrusting_account_is_refused() -> None:
    for role in ("terraform", "a/path/to/another"):
        status, answer = _ask(_assume(f"arn:aws:iam::555555555555:role/{role}"))

        assert status == "403 Forbidden"
        assert f"on resource: arn:aws:iam::555555555555:role/{role}<".encode() in answer


def test_what_the_caller_sent_is_escaped_in_the_refusal() -> None:
    _, answer = _ask(_assume("arn:aws:iam::555555555555:role/<b>&"))

    assert b"role/&lt;b&gt;&amp;" in answer
