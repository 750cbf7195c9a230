"""Clients that are slow, rude, many, or all of it."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import gc
import itertools
import socket
import threading
from pathlib import Path

import pytest

from tag_compliance.exporter import protocol, streaming
from tag_compliance.exporter.served import Served
from tag_compliance_tests.exporter.running import Exporter, eventually
from tag_compliance_tests.exporter.snapshots import publish

BIG = b"".join(b'a{b="%020d"} 1\n' % i for i in range(500_000))
SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


def _closed(client: socket.socket) -> bool:
    """Whether the server has ended the connection; what it still sends is read and dropped."""
    try:
        while client.recv(1 << 16):
            pass
    except ConnectionError:
        return True
    return True


def _serves(exporter: Exporter, wanted: bytes) -> bool:
    return wanted in exporter.get("/metrics").body


def _held() -> int:
    gc.collect()
    return sum(isinstance(thing, Served) for thing in gc.get_objects())


def test_200_scrapes_at_once_while_snapshots_are_replaced_never_see_a_mix(
    exporter: Exporter, tmp_path: Path
) -> None:
    def exposition(number: int) -> bytes:
        return b"".join(b'a{i="%d"} %d\n' % (i, number) for i in range(20_000))

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
            answers = list(pool.map(lambda _: exporter.get("/metrics"), range(600)))
    finally:
        stop.set()
        replacing.join()
    seen = set()
    for answer in answers:
        assert answer.status == 200
        values = {line.rpartition(b" ")[2] for line in answer.body.splitlines()[:20_000]}
        assert len(values) == 1
        assert answer.body.startswith(exposition(int(next(iter(values)))))
        seen |= values
    assert len(seen) > 1


def test_a_client_that_stops_reading_is_cut_off_and_counted(
    exporter: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "STALL_SECONDS", 0.2)
    publish(tmp_path, BIG)
    eventually(lambda: exporter.get("/ready").status == 200)
    with exporter.connect() as client:
        client.sendall(SCRAPE)
        dropped = "tag_compliance_exporter_scrapes_dropped_total"
        eventually(lambda: exporter.get("/metrics").sample(dropped) == 1)
        assert _closed(client)


def test_slow_clients_do_not_hold_superseded_snapshots(
    exporter: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "GRACE_SECONDS", 0.1)
    monkeypatch.setattr(streaming, "STALL_SECONDS", 0.5)
    before = _held()
    with contextlib.ExitStack() as stack:
        for number in range(5):
            publish(tmp_path, BIG + b"# %d\n" % number)
            ending = b"# %d\n# HELP tag_compliance_exporter_build_info" % number
            eventually(functools.partial(_serves, exporter, ending))
            client = stack.enter_context(exporter.connect())
            client.sendall(SCRAPE)
        eventually(lambda: _held() <= before + 1)
    assert exporter.get("/livez").status == 200


def test_clients_that_leave_in_the_middle_cost_nothing(
    exporter: Exporter, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publish(tmp_path, BIG)
    eventually(lambda: exporter.get("/ready").status == 200)
    for _ in range(50):
        with exporter.connect() as client:
            client.sendall(SCRAPE)
            client.recv(100)
    assert exporter.get("/metrics").body.startswith(BIG)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize(
    "endless",
    [
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Long: ",
        b"GET /",
        b"GET /metrics HTTP/1.1\r\nHost: x\r\n",
    ],
)
def test_a_request_head_without_end_is_refused(exporter: Exporter, endless: bytes) -> None:
    answer = b""
    filler = b"X-Many: headers\r\n" if endless.endswith(b"\n") else b"x"
    with exporter.connect() as client:
        client.sendall(endless)
        with contextlib.suppress(ConnectionError):
            for _ in range(400):
                client.sendall(filler * (10_000 // len(filler)))
        with contextlib.suppress(ConnectionError):
            answer = client.recv(1000)
    # The refusal itself may be lost, since the client is still sending when it comes.
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")
    assert exporter.get("/livez").status == 200


def test_a_body_without_end_is_cut_off(exporter: Exporter) -> None:
    with exporter.connect() as client, contextlib.suppress(ConnectionError):
        client.sendall(b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n")
        for _ in range(2000):
            client.sendall(b"x" * 50_000)
        pytest.fail("100 MB were taken")
    assert exporter.get("/livez").status == 200


def test_a_connection_that_says_nothing_or_never_ends_its_request_is_closed(
    exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    for said in (b"", b"GET /livez HTT"):
        with exporter.connect() as client:
            client.sendall(said)
            assert _closed(client)
    with exporter.connect() as client:
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
        client.sendall(b"\r\n")
        assert _closed(client)


def test_endless_pipelining_is_cut_off(exporter: Exporter) -> None:
    with exporter.connect() as client:
        with contextlib.suppress(ConnectionError):
            client.sendall(SCRAPE * 5000)
        assert _closed(client)
    assert exporter.get("/livez").status == 200


def test_garbage_is_answered_400(exporter: Exporter) -> None:
    with exporter.connect() as client:
        client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        assert client.recv(1000).startswith(b"HTTP/1.1 400 ")
