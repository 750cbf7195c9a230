"""Measures scrapes of a large snapshot, and compares the exporter with nginx on the same file."""

from __future__ import annotations

import socket
import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.process import MB, call
from benchmarks.report import Report, Table, milliseconds
from benchmarks.servers import Server, nginx_program, run_exporter, run_nginx

_BUFFER_BYTES = 1 << 20
_CLIENTS = 50
_FIXED_MB, _FACTOR = 60, 1.2
_MOST_RATIO = 1.3

Numbers = dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of request; each server is scraped `rounds` times, in turn."""

    name: str
    method: str
    headers: str
    rounds: int


_PLAIN = Kind("plain", "GET", "", 40)
_GZIP = Kind("gzip", "GET", "Accept-Encoding: gzip\r\n", 400)
HEAD = Kind("HEAD", "HEAD", "", 400)


class Scraper:
    """One kept-alive connection, as Prometheus uses it.

    It is a bare socket, because an HTTP client would take longer than the servers.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        self.close = self._socket.close

    def scrape(self, kind: Kind) -> str:
        """Reads a complete response; returns its ETag."""
        head = f"{kind.method} {self._server.path} HTTP/1.1\r\nHost: localhost\r\n{kind.headers}"
        self._socket.sendall(f"{head}\r\n".encode())
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._buffer[: self._receive(4096)]
        response_head, _, rest = received.partition(b"\r\n\r\n")
        status, *lines = response_head.lower().split(b"\r\n")
        named = dict(line.split(b": ", 1) for line in lines)
        has_body = kind.method == "GET" and b" 304 " not in status
        left = int(named.get(b"content-length", 0)) - len(rest) if has_body else 0
        while left:
            left -= self._receive(min(left, _BUFFER_BYTES))
        return named.get(b"etag", b"").decode().replace("w/", "W/")

    def _receive(self, most: int) -> int:
        if not (got := self._socket.recv_into(self._buffer, most)):
            raise RuntimeError(f"{self._server.name} closed the connection within a response")
        return got


def scrape(series: int) -> Report:
    """Publishes a snapshot in another process and scrapes both servers, which run in parallel."""
    report = Report("scrape")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        storage = folder / "state"
        made = call("organization.publish", series, str(storage))
        exporter = stack.enter_context(run_exporter(storage))
        servers = [exporter]
        if nginx := nginx_program():
            servers.append(stack.enter_context(run_nginx(nginx, storage, made["file"])))
        else:
            report.skipped = "nginx is not installed, so only the exporter was measured"
        found = {kind.name: _compare(kind, servers) for kind in (_PLAIN, _GZIP, HEAD)}
        with closing(Scraper(exporter)) as scraper:
            etag = scraper.scrape(HEAD)
        unchanged = Kind("304", "GET", f"If-None-Match: {etag}\r\n", 400)
        found["304"] = _compare(unchanged, [exporter])
        memory = _memory(exporter)
    report.records = {"snapshot": made, "kinds": found, "memory": memory}
    _add_latencies(report, made, found)
    _add_memory(report, made, memory)
    return report


def _compare(kind: Kind, servers: Sequence[Server]) -> Numbers:
    seconds: dict[str, list[float]] = {server.name: [] for server in servers}
    cpu = dict.fromkeys(seconds, 0.0)
    with ExitStack() as stack:
        scrapers = [(s, stack.enter_context(closing(Scraper(s)))) for s in servers]
        for _, scraper in scrapers:
            scraper.scrape(kind)
        for _ in range(kind.rounds):
            for server, scraper in scrapers:
                used, started = server.cpu_seconds(), time.perf_counter()
                scraper.scrape(kind)
                seconds[server.name].append(time.perf_counter() - started)
                cpu[server.name] += server.cpu_seconds() - used
    return {
        name: {
            "median_seconds": statistics.median(taken),
            "p95_seconds": statistics.quantiles(taken, n=20)[-1],
            "cpu_seconds": cpu[name] / kind.rounds,
        }
        for name, taken in seconds.items()
    }


def _memory(server: Server) -> dict[str, int]:
    """The resident set before, its peak while 50 clients scrape three times each, and after."""

    def scrape_thrice(kind: Kind) -> None:
        with closing(Scraper(server)) as scraper:
            for _ in range(3):
                scraper.scrape(kind)

    def scrape_concurrently() -> None:
        with ThreadPoolExecutor(_CLIENTS) as clients:
            kinds = [_PLAIN if number % 5 else _GZIP for number in range(_CLIENTS)]
            list(clients.map(scrape_thrice, kinds))

    before = server.resident_bytes()
    peak = server.peak_bytes_while(scrape_concurrently)
    return {"before_bytes": before, "peak_bytes": peak, "after_bytes": server.resident_bytes()}


def _add_latencies(report: Report, made: dict[str, Any], found: dict[str, Numbers]) -> None:
    rows = [
        [f"{kind}, {server}", *milliseconds(numbers.values())]
        for kind, servers in found.items()
        for server, numbers in servers.items()
    ]
    size = f"{made['plain_bytes'] / MB:,.0f} MB, {made['gzip_bytes'] / MB:.1f} MB compressed"
    title = f"Scrape: {made['detail_series']:,} detail series, {size}"
    report.tables.append(Table(title, ("", "median", "95th percentile", "server's CPU"), rows))
    for kind in ("plain", "gzip"):
        servers = found[kind]
        if "nginx" in servers:
            for key, what in (("median_seconds", "median latency"), ("cpu_seconds", "CPU")):
                ratio = servers["exporter"][key] / servers["nginx"][key]
                report.at_most(f"scrape, {kind}: {what} relative to nginx", ratio, _MOST_RATIO)


def _add_memory(report: Report, made: dict[str, Any], memory: dict[str, int]) -> None:
    held = made["plain_bytes"] + made["gzip_bytes"]
    sizes = {
        "snapshot, plain and compressed": held,
        "resident before": memory["before_bytes"],
        f"resident, peak with {_CLIENTS} concurrent scrapers": memory["peak_bytes"],
        "resident after": memory["after_bytes"],
    }
    rows = [[name, f"{size / MB:,.0f} MB"] for name, size in sizes.items()]
    report.tables.append(Table("Memory of the exporter", ("", ""), rows))
    what = f"exporter's memory with {_CLIENTS} scrapers"
    bound = _FIXED_MB + _FACTOR * held / MB
    report.at_most(what, memory["peak_bytes"] / MB, bound, " MB")
