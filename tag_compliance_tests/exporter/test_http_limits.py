"""Slow, hostile and many clients."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import gc
import itertools
import logging
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from tag_compliance.exporter import http_limits, scrape
from tag_compliance.exporter.auth import read_bearer_tokens
from tag_compliance.exporter.http_limits import RepetitionFilter
from tag_compliance.snapshot.store import Snapshot
from tag_compliance_tests.exporter.certificates import write_certificate
from tag_compliance_tests.exporter.conftest import Start
from tag_compliance_tests.exporter.running import Exporter, run_in_thread
from tag_compliance_tests.support.snapshots import publish
from tag_compliance_tests.support.waiting import eventually

BIG = b"".join(b'a{b="%020d"} 1\n' % i for i in range(500_000))
LINES = 5_000
SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


def _read_until_closed(client: socket.socket) -> bytes:
    """What the server still sends. Raises TimeoutError if the server keeps the connection open."""
    received = bytearray()
    with contextlib.suppress(ConnectionError):
        while data := client.recv(1 << 16):
            received += data
    return bytes(received)


def _serves(exporter: Exporter, wanted: bytes) -> bool:
    return wanted in exporter.get("/metrics").body


def _snapshots_in_memory() -> int:
    gc.collect()
    return sum(isinstance(thing, Snapshot) for thing in gc.get_objects())


def test_each_of_200_parallel_scrapes_returns_a_single_snapshot_while_snapshots_are_replaced(
    exporter: Exporter, tmp_path: Path
) -> None:
    def exposition(number: int) -> bytes:
        return b"".join(b'a{i="%d"} %d\n' % (i, number) for i in range(LINES))

    publish(tmp_path, exposition(0))
    eventually(lambda: exporter.get("/ready").status == 200)
    stop = threading.Event()

    def replace() -> None:
        for number in itertools.count(1):
            if stop.is_set():
                return
            publish(tmp_path, exposition(number))

    replacing = threading.Thread(target=replace)
    replacing.start()
    try:
        with concurrent.futures.ThreadPoolExecutor(200) as pool:
            responses = list(pool.map(lambda _: exporter.get("/metrics"), range(600)))
    finally:
        stop.set()
        replacing.join()
    seen = set()
    for response in responses:
        assert response.status == 200
        values = {line.rpartition(b" ")[2] for line in response.body.splitlines()[:LINES]}
        assert len(values) == 1
        assert response.body.startswith(exposition(int(next(iter(values)))))
        seen |= values
    assert len(seen) > 1


def test_a_client_that_stops_reading_is_disconnected_and_counted(
    exporter: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrape, "CHUNK_TIMEOUT_SECONDS", 0.2)
    publish(tmp_path, BIG)
    eventually(lambda: exporter.get("/ready").status == 200)
    with exporter.connect() as client:
        client.sendall(SCRAPE)
        dropped = "tag_compliance_exporter_scrapes_dropped_total"
        eventually(lambda: exporter.get("/metrics").sample(dropped) == 1)
        assert len(_read_until_closed(client)) < len(BIG)


def test_slow_clients_do_not_keep_superseded_snapshots_in_memory(
    exporter: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrape, "SUPERSEDED_TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(scrape, "CHUNK_TIMEOUT_SECONDS", 0.5)
    before = _snapshots_in_memory()
    with contextlib.ExitStack() as stack:
        for number in range(5):
            publish(tmp_path, BIG + b"number %d\n" % number)
            ending = b"number %d\n# HELP tag_compliance_exporter_build_info" % number
            eventually(functools.partial(_serves, exporter, ending))
            client = stack.enter_context(exporter.connect())
            client.sendall(SCRAPE)
        eventually(lambda: _snapshots_in_memory() <= before + 1)
    assert exporter.get("/livez").status == 200


def _send_separately(exporter: Exporter, client: socket.socket, *parts: bytes) -> None:
    """The server has read each part before the next one is sent: it reads connections in turn."""
    for part in parts:
        client.sendall(part)
        assert exporter.get("/livez").status == 200


@pytest.mark.parametrize(
    ("start", "filler"),
    [
        (b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Long: ", b"x"),
        (b"GET /", b"x"),
        (b"GET /metrics HTTP/1.1\r\nHost: x\r\n", b"X-Many: headers\r\n"),
    ],
)
def test_a_request_head_above_the_limit_gets_431_and_the_connection_is_closed(
    exporter: Exporter, start: bytes, filler: bytes
) -> None:
    limit = http_limits.MAX_REQUEST_BYTES
    with exporter.connect() as client:
        # One byte too many. After more, the reset of the connection could discard the response.
        _send_separately(exporter, client, start, (filler * (limit + 1))[: limit + 1])
        assert _read_until_closed(client).startswith(b"HTTP/1.1 431 ")


def test_a_request_head_of_the_maximum_size_is_accepted(exporter: Exporter) -> None:
    start, end = b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: ", b"\r\n\r\n"
    filler = b"x" * (http_limits.MAX_REQUEST_BYTES - len(end))
    with exporter.connect() as client:
        _send_separately(exporter, client, start, filler + end)
        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "start", [b"GET /", b"POST /metrics HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n"]
)
def test_a_client_that_never_stops_sending_is_disconnected(
    exporter: Exporter, start: bytes
) -> None:
    with exporter.connect() as client:
        client.sendall(start)
        with pytest.raises(ConnectionError):
            client.sendall(b"x" * 100_000_000)
    assert exporter.get("/livez").status == 200


def test_a_connection_without_a_complete_request_is_closed_after_a_timeout(
    exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_limits, "HEAD_TIMEOUT_SECONDS", 0.2)
    for sent in (b"", b"GET /livez HTT"):
        with exporter.connect() as client:
            client.sendall(sent)
            assert _read_until_closed(client) == b""
    with exporter.connect() as client:
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
        client.sendall(b"\r\n")
        assert _read_until_closed(client) == b""


def test_a_client_that_pipelines_too_many_requests_is_disconnected(exporter: Exporter) -> None:
    requests = 5000
    with exporter.connect() as client:
        with contextlib.suppress(ConnectionError):
            client.sendall(SCRAPE * requests)
        assert _read_until_closed(client).count(b"HTTP/1.1 200 ") < requests
    assert exporter.get("/livez").status == 200


def test_bytes_that_are_not_http_get_400(exporter: Exporter) -> None:
    with exporter.connect() as client:
        client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        assert client.recv(1000).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("hosts", [0, 2])
def test_an_http_1_1_request_without_exactly_one_host_gets_400(
    exporter: Exporter, hosts: int
) -> None:
    with exporter.connect() as client:
        client.sendall(b"GET /livez HTTP/1.1\r\n" + b"Host: x\r\n" * hosts + b"\r\n")
        assert _read_until_closed(client).startswith(b"HTTP/1.1 400 ")
    with exporter.connect() as client:
        client.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
        assert _read_until_closed(client).startswith(b"HTTP/1.1 200 ")


def test_credentials_in_a_trailer_are_not_accepted(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("open-sesame\n")
    head = b"GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    credentials = (read_bearer_tokens(tmp_path / "token"),)
    with run_in_thread(tmp_path, credentials) as exporter, exporter.connect() as client:
        client.sendall(head + b"0\r\nAuthorization: Bearer open-sesame\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 401 ")


def test_a_connection_without_credentials_is_closed_after_401(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("open-sesame\n")
    credentials = (read_bearer_tokens(tmp_path / "token"),)
    with run_in_thread(tmp_path, credentials) as exporter, exporter.connect() as client:
        client.sendall(SCRAPE)
        response = _read_until_closed(client)
    assert response.startswith(b"HTTP/1.1 401 ")
    assert b"\r\nconnection: close\r\n" in response.lower()


def _hold(exporter: Exporter, stack: contextlib.ExitStack, number: int) -> list[socket.socket]:
    """Idle connections that have had a response, so that only the keep-alive timeout ends them."""
    clients = []
    for _ in range(number):
        client = stack.enter_context(exporter.connect())
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
        clients.append(client)
    return clients


def test_idle_connections_make_room_for_new_ones(tmp_path: Path) -> None:
    with run_in_thread(tmp_path, limit_concurrency=8) as exporter, contextlib.ExitStack() as stack:
        clients = _hold(exporter, stack, 20)
        assert exporter.get("/metrics").status == 200
        assert _read_until_closed(clients[0]) == b""


def test_one_address_cannot_use_all_connections(
    exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_limits, "MAX_CONNECTIONS_PER_CLIENT", 4)
    with contextlib.ExitStack() as stack:
        clients = _hold(exporter, stack, 6)
        for closed in clients[:2]:
            assert _read_until_closed(closed) == b""
        clients[-1].sendall(SCRAPE)
        assert clients[-1].recv(1000).startswith(b"HTTP/1.1 200 ")


def test_probes_are_served_while_all_connections_are_busy(tmp_path: Path) -> None:
    publish(tmp_path, BIG)
    with run_in_thread(tmp_path, limit_concurrency=4) as exporter, contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(exporter.connect()).sendall(SCRAPE)
        eventually(lambda: exporter.get("/metrics").status == 503)
        assert (exporter.get("/livez").status, exporter.get("/ready").status) == (200, 200)


def test_a_repeated_log_line_is_written_once_a_minute_with_the_number_of_those_left_out() -> None:
    now = 0.0
    messages = RepetitionFilter(lambda: now)
    passed = []
    for now, text in ((0, "a"), (1, "a"), (2, "b"), (59, "a"), (60, "a"), (61, "a")):  # noqa: B007 - the filter's clock shows it
        record = logging.LogRecord("x", logging.WARNING, "x", 1, text, None, None)
        if messages.filter(record):
            passed.append(record.getMessage())
    assert passed == ["a", "b", "a (2 more since the last of these lines)"]


def test_malformed_requests_do_not_fill_the_log(start_process: Start, tmp_path: Path) -> None:
    exporter = start_process(tmp_path)
    for _ in range(20):
        with exporter.connect() as client:
            client.sendall(b"nonsense\r\n\r\n")
            assert _read_until_closed(client).startswith(b"HTTP/1.1 400 ")
    assert exporter.process is not None
    exporter.process.terminate()
    eventually(lambda: exporter.log[-1]["event"] == "stopped")
    invalid = [line for line in exporter.log if "Invalid HTTP" in line["event"]]
    assert len(invalid) == 1


def test_a_tls_connection_without_a_handshake_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_limits, "HANDSHAKE_TIMEOUT_SECONDS", 0.2)
    certificate, key = write_certificate(tmp_path)
    settings: dict[str, Any] = {"ssl_certfile": str(certificate), "ssl_keyfile": str(key)}
    loop = "tag_compliance.exporter.http_limits:LimitedLoop"
    with run_in_thread(tmp_path, loop=loop, **settings) as exporter, exporter.connect() as client:
        assert _read_until_closed(client) == b""
