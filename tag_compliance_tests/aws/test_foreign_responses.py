"""Responses that AWS never sends have a precise reason, and their status is not lost."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tag_compliance.domain.read_status import Reason
from tag_compliance.simulator.server import SimulatedAws
from tag_compliance.simulator.wire import Call, Request, Response
from tag_compliance_tests.fake_aws import generate_organization
from tag_compliance_tests.support.aws import scan

Respond = Callable[[str, int, bytes], None]
STS, TAGGING = "AssumeRole", "GetResources"
HTML = b"<html><body>Blocked by example proxy</body></html>"
ISSUED = (
    b"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>%s</AccessKeyId>"
    b"<SecretAccessKey>very-secret</SecretAccessKey><SessionToken>t</SessionToken>"
    b"<Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
)


@pytest.fixture
def respond() -> Iterator[Respond]:
    """Starts an AWS in which each call of this operation has this response."""
    with ExitStack() as servers:

        def respond(operation: str, status: int, body: bytes) -> None:
            def intercept(_: Request, call: Call, proceed: Callable[[], Response]) -> Response:
                if call.operation == operation:
                    return Response(status, "text/html", body)
                return proceed()

            organization = generate_organization(1, ["us-east-1"], 1)
            aws = servers.enter_context(SimulatedAws(organization, interceptor=intercept))
            os.environ.update(aws.environment())

        yield respond


def read(deadline: int = 60) -> tuple[Reason, str, int]:
    """Reason and message of the region, and how many calls were made."""
    organization = generate_organization(1, ["us-east-1"], 1)
    (scanned,) = scan(organization, ["us-east-1"], region_deadline=deadline)
    status = scanned.status
    return status.reason, status.regions[0].message, status.calls


@pytest.mark.parametrize("operation", [STS, TAGGING])
@pytest.mark.parametrize(
    ("status", "body", "reason", "attempts"),
    [
        (201, b"{}", Reason.MALFORMED_RESPONSE, 3),
        (204, b"", Reason.MALFORMED_RESPONSE, 3),
        (206, b"{}", Reason.MALFORMED_RESPONSE, 3),
        (302, HTML, Reason.MALFORMED_RESPONSE, 1),
        (403, HTML, Reason.ACCESS_DENIED, 1),
        (403, b"<Error><Message>no code</Message></Error>", Reason.ACCESS_DENIED, 1),
        (403, b'{"__type": 5}', Reason.ACCESS_DENIED, 1),
        (403, b"\xff", Reason.ACCESS_DENIED, 1),
        (404, b"<ErrorResponse><Error><Code>", Reason.MALFORMED_RESPONSE, 1),
        (407, HTML, Reason.UNREACHABLE, 1),
    ],
)
def test_a_response_that_is_not_from_aws_is_reported_with_its_status(
    respond: Respond, operation: str, status: int, body: bytes, reason: Reason, attempts: int
) -> None:
    respond(operation, status, body)
    actual, message, calls = read()

    assert actual is reason
    assert f"{operation}: HTTP status {status}" in message
    assert calls == attempts + (operation == TAGGING)


@pytest.mark.parametrize("operation", [STS, TAGGING])
def test_too_many_requests_are_throttling_whatever_the_body_is(
    respond: Respond, operation: str
) -> None:
    respond(operation, 429, HTML)
    reason, message, calls = read(deadline=6)

    assert reason is Reason.THROTTLED
    assert "HTTP status 429 Too Many Requests" in message
    assert "Blocked by example proxy" in message
    assert calls >= 1 + (operation == TAGGING)


@pytest.mark.parametrize(
    "body",
    [
        b'{"ResourceTagMappingList": [{"ResourceARN": "\xff"}], "PaginationToken": ""}',
        b'{"ResourceTagMappingList": ' + 100_000 * b"[",
        b'{"Unknown": ' + 100_000 * b"[" + 100_000 * b"]" + b"}",
    ],
    ids=["bad UTF-8", "deep", "deep and unknown"],
)
def test_a_page_that_cannot_be_decoded_is_retried_and_malformed(
    respond: Respond, body: bytes
) -> None:
    respond(TAGGING, 200, body)
    reason, message, calls = read()

    assert reason is Reason.MALFORMED_RESPONSE
    assert "GetResources: the response is malformed: " in message
    assert calls == 1 + 3


@pytest.mark.parametrize(
    "body",
    [
        ISSUED % (b"AKIAEXAMPLE", b"2030-01-01T00:00:00"),
        ISSUED % (b"AKIAEXAMPLE", b"tomorrow"),
        ISSUED % (b"", b"2030-01-01T00:00:00Z"),
        b"<AssumeRoleResponse/>",
        b"",
    ],
    ids=["time without zone", "no time", "empty key", "nothing inside", "empty"],
)
def test_a_malformed_session_is_retried_and_not_quoted(respond: Respond, body: bytes) -> None:
    respond(STS, 200, body)
    reason, message, calls = read()

    assert reason is Reason.MALFORMED_RESPONSE
    assert message.startswith("AssumeRole: the response is malformed")
    assert "very-secret" not in message
    assert calls == 3


@pytest.mark.parametrize("url", ["garbage", "http://", "https://host:port", "http://[::1"])
def test_an_endpoint_that_is_not_a_url_is_a_setting_to_check(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    reason, message, _ = read()

    assert reason is Reason.UNREACHABLE
    assert "check AWS_ENDPOINT_URL" in message
