"""Errors of a bucket, prefixes and long listings."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler

import boto3
import pytest

from tag_compliance.errors import StorageRefused
from tag_compliance.storage.base import Storage
from tag_compliance.storage.open import open_storage
from tag_compliance.storage.s3 import S3Storage
from tag_compliance_tests.fake_aws import Fault
from tag_compliance_tests.storage.conftest import BUCKET
from tag_compliance_tests.support.loopback import serving
from tag_compliance_tests.support.unfinished import UNFINISHED, unfinished_responses

_OPERATIONS: dict[str, Callable[[Storage], object]] = {
    "read": lambda storage: storage.read("a"),
    "write": lambda storage: storage.write("a", b"x"),
    "list": lambda storage: storage.names(""),
    "delete": lambda storage: storage.delete("a"),
}


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize("operation", _OPERATIONS)
def test_a_missing_bucket_is_an_error(operation: str) -> None:
    storage = open_storage("s3://no-such-bucket/prefix")
    with pytest.raises(StorageRefused, match="NoSuchBucket") as caught:
        _OPERATIONS[operation](storage)
    assert caught.value.operation == operation
    assert caught.value.place.startswith("s3://no-such-bucket/prefix/")


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize("operation", _OPERATIONS)
def test_an_endpoint_that_refuses_connections_is_an_error(
    operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:  # bound but not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        with pytest.raises(StorageRefused, match=f"cannot {operation} s3://"):
            _OPERATIONS[operation](open_storage(f"s3://{BUCKET}"))


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize(
    ("uri", "key", "shown"),
    [
        (f"s3://{BUCKET}", "a/b", f"s3://{BUCKET}"),
        (f"s3://{BUCKET}/", "a/b", f"s3://{BUCKET}"),
        (f"s3://{BUCKET}/x/y", "x/y/a/b", f"s3://{BUCKET}/x/y"),
        (f"s3://{BUCKET}/x/y/", "x/y/a/b", f"s3://{BUCKET}/x/y"),
    ],
)
def test_objects_are_stored_below_the_prefix(uri: str, key: str, shown: str) -> None:
    storage = open_storage(uri)
    storage.write("a/b", b"x")
    listed = boto3.client("s3").list_objects_v2(Bucket=BUCKET)
    assert [item["Key"] for item in listed["Contents"]] == [key]
    assert storage.names("a/") == ["a/b"]
    assert storage.uri == shown


@pytest.mark.usefixtures("s3")
def test_a_listing_of_several_pages_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "2")
    storage = open_storage(f"s3://{BUCKET}/p")
    for n in range(5):
        storage.write(f"{n}", b"")
    assert storage.names("") == ["0", "1", "2", "3", "4"]


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize(
    ("operation", "fault"),
    [*(("read", fault) for fault in UNFINISHED), ("write", Fault.HANG), ("list", Fault.DRIP_BODY)],
)
def test_an_operation_without_a_complete_response_is_given_up(
    operation: str, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    with unfinished_responses(fault) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        storage = S3Storage(f"s3://{BUCKET}", seconds=1)
        with pytest.raises(StorageRefused, match=f"cannot {operation} s3://"):
            _OPERATIONS[operation](storage)


@contextlib.contextmanager
def s3_that_always_returns(status: int, headers: Mapping[str, str]) -> Iterator[list[str]]:
    """An S3 with one object; every write has this response. Yields the methods of the requests."""
    methods: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            methods.append("GET")
            self._respond(200 if status in (409, 412) else status)

        do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

        def do_PUT(self) -> None:
            methods.append("PUT")
            self.rfile.read(int(self.headers["Content-Length"]))
            self._respond(status)

        def _respond(self, status: int) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value.format(path=self.path, number=len(methods)))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """Nothing goes to stderr."""

    with serving(Handler) as url:
        os.environ["AWS_ENDPOINT_URL"] = url
        yield methods


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize("etag", ['W/"x"', '"{number}"'])
@pytest.mark.parametrize("status", [409, 412])
def test_an_s3_that_always_refuses_conditions_is_an_error_that_names_the_likely_cause(
    status: int, etag: str
) -> None:
    with (
        s3_that_always_returns(status, {"ETag": etag}) as methods,
        pytest.raises(StorageRefused, match="the likely cause is a proxy") as caught,
    ):
        S3Storage(f"s3://{BUCKET}").update("a", lambda _: b"x")
    assert "although no one else has changed the object" in str(caught.value)
    assert methods.count("PUT") <= 8 * 4


@pytest.mark.usefixtures("s3")
def test_a_response_without_etag_is_an_error() -> None:
    with (
        s3_that_always_returns(200, {}),
        pytest.raises(StorageRefused, match="the response has no ETag"),
    ):
        S3Storage(f"s3://{BUCKET}").read("a")


@pytest.mark.usefixtures("s3")
def test_a_redirect_to_itself_is_an_error() -> None:
    with (
        s3_that_always_returns(307, {"Location": "{path}"}),
        pytest.raises(StorageRefused, match="without end; check AWS_REGION and AWS_ENDPOINT_URL"),
    ):
        S3Storage(f"s3://{BUCKET}").read("a")


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize(
    ("variable", "value"), [("AWS_PROFILE", "absent"), ("AWS_ENDPOINT_URL", "garbage")]
)
def test_wrong_settings_of_aws_are_an_error_that_names_them(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(
        StorageRefused, match=f"cannot use s3://{BUCKET}: .*check {variable}|{value}"
    ):
        open_storage(f"s3://{BUCKET}")
