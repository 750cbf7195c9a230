"""Large responses to many clients, on both event loops: complete, in order, without copies."""

from __future__ import annotations

import contextlib
import gc
import http.client
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tag_compliance_tests.exporter.certificates import trusting, write_certificate
from tag_compliance_tests.exporter.conftest import Start
from tag_compliance_tests.exporter.running import BASE_BYTES, Exporter, run_in_thread
from tag_compliance_tests.support.snapshots import publish
from tag_compliance_tests.support.waiting import eventually

BIG = b"".join(b'a{b="%020d"} 1\n' % i for i in range(400_000))
SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
CLOSING = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture(params=["uvloop", "asyncio"])
def big(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Exporter]:
    """Serves the big snapshot on each event loop."""
    publish(tmp_path, BIG)
    with run_in_thread(tmp_path, loop=request.param) as exporter:
        eventually(lambda: exporter.get("/ready").status == 200)
        yield exporter


def _read_all(client: socket.socket, most: int = 1 << 20, pause: float = 0.0) -> bytes:
    received = bytearray()
    while piece := client.recv(most):
        received += piece
        time.sleep(pause)
    return bytes(received)


def _body(response: bytes) -> bytes:
    """The body of a response, whose length must be that of its Content-Length header."""
    head, _, body = response.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"content-length: %d" % len(body) in head.splitlines()
    return body


def test_a_connection_is_reused_for_several_requests(big: Exporter) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", big.port, timeout=20)
    with contextlib.closing(connection):
        connection.connect()
        kept = connection.sock
        for path, encoding in (("/metrics", "identity"), ("/metrics", "gzip"), ("/livez", "")) * 3:
            connection.request("GET", path, headers={"Accept-Encoding": encoding})
            response = connection.getresponse()
            assert response.status == 200
            assert len(response.read()) == int(response.headers["content-length"])
            assert connection.sock is kept


def test_pipelined_requests_get_complete_responses_in_order(big: Exporter) -> None:
    with big.connect() as client:
        client.sendall(SCRAPE + b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" + SCRAPE + CLOSING)
        first, alive, second, third = _read_all(client).split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert alive.endswith(b"\r\n\r\nalive\n")
    for response in (first, second, third):
        assert _body(b"HTTP/1.1 200 OK\r\n" + response).startswith(BIG)


def test_a_slow_client_gets_the_complete_snapshot(big: Exporter) -> None:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
        client.connect(("127.0.0.1", big.port))
        client.sendall(CLOSING)
        assert _body(_read_all(client, 64 * 1024, 0.001)).startswith(BIG)


def test_a_response_that_has_started_is_completed_from_the_same_snapshot(
    big: Exporter, tmp_path: Path
) -> None:
    with big.connect() as client:
        client.sendall(CLOSING)
        begun = client.recv(1000)
        publish(tmp_path, b"newer 1\n")
        eventually(lambda: big.get("/metrics").body.startswith(b"newer 1\n"))
        assert _body(begun + _read_all(client)).startswith(BIG + b"# HELP ")


@pytest.mark.parametrize("requests", [SCRAPE, SCRAPE * 3])
def test_clients_that_disconnect_during_a_scrape_leave_no_open_file(
    big: Exporter, requests: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    before = _open_files()
    for _ in range(20):
        with big.connect() as client:
            client.sendall(requests)
            client.recv(100)
    eventually(lambda: _open_files() <= before)
    assert big.get("/metrics").body.startswith(BIG)
    assert not [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]


def _open_files() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def test_a_large_scrape_over_tls_is_complete(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    publish(tmp_path / "storage", BIG)
    with run_in_thread(
        tmp_path / "storage",
        tls=trusting(certificate),
        ssl_certfile=certificate,
        ssl_keyfile=key,
    ) as exporter:
        eventually(lambda: exporter.get("/ready").status == 200)
        assert exporter.get("/metrics").body.startswith(BIG + b"# HELP ")


def test_50_slow_scrapers_do_not_increase_memory_beyond_the_bound(
    start_process: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The bound is the exporter's: the measurement of coverage would take 10 MB of it.
    for name in [name for name in os.environ if name.startswith("COVERAGE_PROCESS_")]:
        monkeypatch.delenv(name)
    publish(tmp_path, BIG)
    exporter = start_process(tmp_path)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(exporter.connect()) for _ in range(50)]
        for client in clients:
            client.sendall(CLOSING)
        for client in clients:
            client.recv(1000)
        assert exporter.resident_bytes() <= BASE_BYTES + 1.2 * len(BIG)
        for client in clients:
            assert _read_all(client).endswith(b"\n")
    assert exporter.resident_bytes() <= BASE_BYTES + 1.2 * len(BIG)
