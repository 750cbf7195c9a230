"""Measures scrapes of a large snapshot, and compares the exporter with nginx on the same file."""

from __future__ import annotations

import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.process import MB, module, read_json
from benchmarks.report import Report, Table
from benchmarks.servers import Server, nginx_program, run_exporter, run_nginx

_BUFFER_BYTES = 1 << 20
_CLIENTS = 50
_FIXED_MB, _FACTOR = 60, 1.2
_MOST_RATIO = 1.3
_SAMPLE_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of request; each server is scraped `rounds` times, in turn."""

    name: str
    method: str
    headers: str
    rounds: int


_PLAIN = Kind("plain", "GET", "", 40)
_GZIP = Kind("gzip", "GET", "Accept-Encoding: gzip\r\n", 400)
_HEAD = Kind("HEAD", "HEAD", "", 400)


class Scraper:
    """One kept-alive connection, as Prometheus uses it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=60)

    def scrape(self, method: str, headers: str) -> tuple[int, str]:
        """Reads a complete response; returns the length of its body and its ETag."""
        head = f"{method} {self._server.path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"
        self._socket.sendall(head.encode())
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._socket.recv(4096)
        response_head, _, rest = received.partition(b"\r\n\r\n")
        named = dict(line.split(b": ", 1) for line in response_head.lower().split(b"\r\n")[1:])
        length = int(named.get(b"content-length", 0))
        has_body = method == "GET" and b" 304 " not in response_head.split(b"\r\n")[0]
        left = length - len(rest) if has_body else 0
        while left:
            got = self._socket.recv_into(self._buffer, min(left, _BUFFER_BYTES))
            if not got:
                raise RuntimeError(
                    f"{self._server.name} closed the connection before the end of the response"
                )
            left -= got
        return length, named.get(b"etag", b"").decode().replace("w/", "W/")

    def close(self) -> None:
        self._socket.close()


def scrape(series: int) -> Report:
    """Publishes a snapshot in another process and scrapes both servers, which run in parallel."""
    report = Report("scrape")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        storage = folder / "state"
        made = read_json(
            module("organization_snapshot", "--series", str(series), "--storage", str(storage))
        )
        exporter = stack.enter_context(run_exporter(storage))
        servers = [exporter]
        if nginx_program():
            path = f"/{made['files']['metrics.txt']}"
            servers.append(stack.enter_context(run_nginx(storage, path, folder)))
        else:
            report.skipped = "nginx is not installed, so only the exporter was measured"
        found = {kind.name: _compare(kind, servers) for kind in (_PLAIN, _GZIP, _HEAD)}
        found["304"] = _compare(_unchanged(exporter), [exporter])
        memory = _memory(exporter)
    report.records = {"snapshot": made, "kinds": found, "memory": memory}
    report.tables.append(_table(made, found))
    _add_targets(report, found)
    _add_memory(report, made, memory)
    return report


def _unchanged(server: Server) -> Kind:
    scraper = Scraper(server)
    _, etag = scraper.scrape("HEAD", "")
    scraper.close()
    return Kind("304", "GET", f"If-None-Match: {etag}\r\n", 400)


def _compare(kind: Kind, servers: Sequence[Server]) -> dict[str, dict[str, float]]:
    scrapers = {server.name: Scraper(server) for server in servers}
    seconds: dict[str, list[float]] = {server.name: [] for server in servers}
    cpu = dict.fromkeys(scrapers, 0.0)
    length = 0
    for scraper in scrapers.values():
        scraper.scrape(kind.method, kind.headers)
    for _ in range(kind.rounds):
        for server in servers:
            used, started = server.cpu_seconds(), time.perf_counter()
            length, _ = scrapers[server.name].scrape(kind.method, kind.headers)
            seconds[server.name].append(time.perf_counter() - started)
            cpu[server.name] += server.cpu_seconds() - used
    for scraper in scrapers.values():
        scraper.close()
    return {
        name: {
            "median_seconds": statistics.median(taken),
            "p95_seconds": statistics.quantiles(taken, n=20)[-1],
            "cpu_seconds": cpu[name] / kind.rounds,
            "bytes": float(length),
        }
        for name, taken in seconds.items()
    }


def _memory(server: Server) -> dict[str, int]:
    """The resident set before, its peak while 50 clients scrape three times each, and after."""
    before = server.resident_bytes()
    peak, ended = before, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(_SAMPLE_SECONDS):
            peak = max(peak, server.resident_bytes())

    def client(kind: Kind) -> None:
        scraper = Scraper(server)
        for _ in range(3):
            scraper.scrape(kind.method, kind.headers)
        scraper.close()

    watcher = threading.Thread(target=watch)
    watcher.start()
    kinds = [_PLAIN if number % 5 else _GZIP for number in range(_CLIENTS)]
    clients = [threading.Thread(target=client, args=(kind,)) for kind in kinds]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    ended.set()
    watcher.join()
    return {"before_bytes": before, "peak_bytes": peak, "after_bytes": server.resident_bytes()}


def _table(made: dict[str, Any], found: dict[str, dict[str, dict[str, float]]]) -> Table:
    rows = []
    for kind, servers in found.items():
        for server, numbers in servers.items():
            rows.append(
                [
                    f"{kind}, {server}",
                    f"{1000 * numbers['median_seconds']:.2f} ms",
                    f"{1000 * numbers['p95_seconds']:.2f} ms",
                    f"{1000 * numbers['cpu_seconds']:.2f} ms",
                ]
            )
    size = f"{made['plain_bytes'] / MB:,.0f} MB, {made['gzip_bytes'] / MB:.1f} MB compressed"
    title = f"Scrape: {made['detail_series']:,} detail series, {size}"
    return Table(title, ("", "median", "95th percentile", "server's CPU"), rows)


def _add_targets(report: Report, found: dict[str, dict[str, dict[str, float]]]) -> None:
    for kind in (_PLAIN, _GZIP):
        servers = found[kind.name]
        if "nginx" not in servers:
            continue
        for key, what in (("median_seconds", "median latency"), ("cpu_seconds", "CPU")):
            ratio = servers["exporter"][key] / servers["nginx"][key]
            report.at_most(f"scrape, {kind.name}: {what} relative to nginx", ratio, _MOST_RATIO)


def _add_memory(report: Report, made: dict[str, Any], memory: dict[str, int]) -> None:
    held = made["plain_bytes"] + made["gzip_bytes"]
    bound = _FIXED_MB + _FACTOR * held / MB
    rows = [
        ["snapshot, plain and compressed", f"{held / MB:,.0f} MB"],
        ["resident before", f"{memory['before_bytes'] / MB:,.0f} MB"],
        [
            f"resident, peak with {_CLIENTS} concurrent scrapers",
            f"{memory['peak_bytes'] / MB:,.0f} MB",
        ],
        ["resident after", f"{memory['after_bytes'] / MB:,.0f} MB"],
    ]
    report.tables.append(Table("Memory of the exporter", ("", ""), rows))
    what = f"exporter's memory with {_CLIENTS} scrapers"
    report.at_most(what, memory["peak_bytes"] / MB, bound, " MB")
