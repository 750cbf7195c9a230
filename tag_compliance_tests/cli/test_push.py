"""Pushing to a Pushgateway: credentials, redirects, proxies, errors in one line."""

from __future__ import annotations

import contextlib
import http.server
from collections.abc import Iterator

import pytest

from tag_compliance.cli.push import push
from tag_compliance.errors import TagComplianceError
from tag_compliance_tests.fake_aws import Fault
from tag_compliance_tests.support.loopback import free_port, serving
from tag_compliance_tests.support.unfinished import UNFINISHED, unfinished_responses


@contextlib.contextmanager
def server_that_returns(response: bytes) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """A server that records path and credentials of each PUT, and sends the bytes as response."""
    requests: list[tuple[str, str | None]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            requests.append((self.path, self.headers["Authorization"]))
            self.wfile.write(response)

        def log_message(self, *_args: object) -> None:
            """Nothing goes to stderr."""

    with serving(Handler) as url:
        yield url.removeprefix("http://"), requests


def message_of_a_failed_push(url: str) -> str:
    with pytest.raises(TagComplianceError) as raised:
        push(b"up 1\n", url)
    message = str(raised.value)
    assert "\n" not in message
    return message


def test_credentials_in_the_url_are_sent_as_a_header() -> None:
    with server_that_returns(b"HTTP/1.0 200 OK\r\n\r\n") as (address, requests):
        push(b"up 1\n", f"http://ci:p%40ss@{address}/gateway/", job="a b")
        push(b"up 1\n", f"http://ci:%C3%A9@{address}")
    assert requests == [
        ("/gateway/metrics/job/a%20b", "Basic Y2k6cEBzcw=="),
        ("/metrics/job/tag_compliance", "Basic Y2k6w6k="),
    ]


@pytest.mark.parametrize(
    "response", [b"no HTTP\r\n\r\n", b"", b"HTTP/1.0 401 Unauthorized\r\n\r\n"]
)
def test_no_error_message_contains_the_password(response: bytes) -> None:
    with server_that_returns(response) as (address, _):
        message = message_of_a_failed_push(f"http://ci:secret@{address}")
    assert message.startswith(f"cannot push to http://{address}: ")
    assert "secret" not in message


def test_a_redirect_is_reported_and_not_followed() -> None:
    with server_that_returns(b"HTTP/1.0 200 OK\r\n\r\n") as (other, other_requests):
        redirect = f"HTTP/1.0 307 Elsewhere\r\nLocation: http://{other}/\r\n\r\n".encode()
        with server_that_returns(redirect) as (address, _):
            message = message_of_a_failed_push(f"http://ci:secret@{address}")
    assert message == f"cannot push to http://{address}: it returned 307 Elsewhere"
    assert other_requests == []


def test_the_text_of_a_rejection_is_shown_in_one_short_line() -> None:
    body = b"a\r\n\tb " + 200 * b"word "
    with server_that_returns(b"HTTP/1.0 400 Bad Request\r\n\r\n" + body) as (address, _):
        message = message_of_a_failed_push(f"http://{address}")
    assert message.startswith(f"cannot push to http://{address}: it returned 400 Bad Request: a b ")
    assert message.endswith(" …")
    assert len(message) < 400


def test_a_pushgateway_that_does_not_listen_is_reported_in_one_line() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    message = message_of_a_failed_push(url)
    assert message.startswith(f"cannot push to {url}: ")
    assert message.endswith("Connection refused")


@pytest.mark.parametrize("fault", UNFINISHED)
def test_a_pushgateway_without_a_complete_response_does_not_delay_the_end(fault: Fault) -> None:
    with unfinished_responses(fault, status=500) as url, pytest.raises(TagComplianceError) as error:
        push(b"up 1\n", url, seconds=1)
    assert str(error.value).startswith(f"cannot push to {url}: ")


def test_a_status_is_reported_even_if_the_body_is_never_complete() -> None:
    with (
        unfinished_responses(Fault.DRIP_BODY, status=500) as url,
        pytest.raises(TagComplianceError, match=r"it returned 500 Internal Server Error$"),
    ):
        push(b"up 1\n", url, seconds=1)


def test_the_push_goes_through_the_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with server_that_returns(b"HTTP/1.0 200 OK\r\n\r\n") as (address, requests):
        monkeypatch.setenv("http_proxy", f"http://{address}")
        push(b"up 1\n", "http://gateway.invalid:9091")
        assert requests == [("http://gateway.invalid:9091/metrics/job/tag_compliance", None)]
        monkeypatch.setenv("no_proxy", "gateway.invalid")
        message_of_a_failed_push("http://gateway.invalid:9091")
        assert len(requests) == 1


_WITHOUT_HOST = "must begin with http:// or https:// and contain a host"


@pytest.mark.parametrize(
    ("urls", "text"),
    [
        (("", "localhost:9091", "ftp://host", "file:///etc", "http://", "x"), _WITHOUT_HOST),
        (("http://host:port", "http://[::1", "http://ci:secret@host:99999"), "is malformed"),
        (("http://ci:secret/@h",), "is malformed"),
    ],
)
def test_a_url_that_cannot_be_used_is_rejected_without_showing_it(
    urls: tuple[str, ...], text: str
) -> None:
    for url in urls:
        message = message_of_a_failed_push(url)
        assert text in message
        assert "secret" not in message
