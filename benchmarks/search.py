"""Measures pages of findings, and scrapes while people search."""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.findings import COUNTS, QUERIES, counting_path, path_for
from benchmarks.process import MB, call, clean_environment
from benchmarks.report import Report, Table, milliseconds
from benchmarks.scrape import Kind, Scraper
from benchmarks.servers import Server, run_exporter
from tag_compliance_tests.support.loopback import fetch
from tag_compliance_tests.support.waiting import eventually

_PEOPLE = 20
_PAUSES = {"every second": 1.0, "without a pause": 0.0}
_PAGES = 30
_MOST_RATIO = 1.3
_MOST_SECONDS = 0.1
_KINDS = (Kind("plain", "GET", "", 60), Kind("gzip", "GET", "Accept-Encoding: gzip\r\n", 200))


def search(series: int, findings: int) -> Report:
    """Publishes a snapshot in another process; people and scrapes have processes of their own."""
    report = Report("search")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        made = call("findings.publish", series, findings, str(folder / "state"))
        exporter = stack.enter_context(run_exporter(folder / "state"))
        url = f"http://127.0.0.1:{exporter.port}/api/v1/summary"
        eventually(lambda: fetch(url))
        pages = {name: _page(exporter, partial(path_for, q)) for name, q in QUERIES.items()}
        for name, query in QUERIES.items():
            of_page = partial(path_for, query, path="/findings")
            pages[f"{name}, for people"] = _page(exporter, of_page)
        for name, path in COUNTS.items():
            pages[f"{name}, for people"] = _page(exporter, partial(counting_path, path))
        scrapes = {kind.name: _while_searching(exporter, kind) for kind in _KINDS}
    report.records = {"snapshot": made, "pages": pages, "scrapes": scrapes}
    _add_pages(report, made, pages)
    _add_scrapes(report, scrapes)
    return report


def _page(exporter: Server, path: Callable[[int], str]) -> dict[str, float]:
    """The median latency of a page, and the CPU time that it takes in the server."""
    get, seconds = Kind("page", "GET", "", 0), []
    used = exporter.cpu_seconds()
    for number in range(_PAGES):
        server = Server("page", exporter.port, path(number), exporter.pid)
        with closing(Scraper(server)) as client:
            started = time.perf_counter()
            client.scrape(get)
            seconds.append(time.perf_counter() - started)
    used = exporter.cpu_seconds() - used
    return {"median_seconds": statistics.median(seconds), "cpu_seconds": used / _PAGES}


def _while_searching(exporter: Server, kind: Kind) -> dict[str, Any]:
    """Scrapes without searches before and after those with searches: load changes with time."""
    found: dict[str, Any] = {"nobody": _scrapes(exporter, kind)}
    for name, pause in _PAUSES.items():
        with _searching(exporter, pause) as searches:
            found[name] = _scrapes(exporter, kind)
        found[name] |= searches
        again = _scrapes(exporter, kind)
        found["nobody"] = {k: min(found["nobody"][k], again[k]) for k in again}
    return found


def _scrapes(exporter: Server, kind: Kind) -> dict[str, float]:
    seconds = []
    with closing(Scraper(exporter)) as scraper:
        scraper.scrape(kind)
        for _ in range(kind.rounds):
            started = time.perf_counter()
            scraper.scrape(kind)
            seconds.append(time.perf_counter() - started)
            time.sleep(0.02)
    p95 = statistics.quantiles(seconds, n=20)[-1]
    return {"median_seconds": statistics.median(seconds), "p95_seconds": p95}


@contextlib.contextmanager
def _searching(exporter: Server, pause: float) -> Iterator[dict[str, float]]:
    """People search meanwhile; the result of their searches is there at the end."""
    arguments = [str(exporter.port), str(_PEOPLE), str(pause)]
    command = [sys.executable, "-m", "benchmarks.findings", *arguments]
    found: dict[str, float] = {}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean_environment()
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        started = time.perf_counter()
        yield found
        process.stdin.close()
        searches = json.loads(process.stdout.read())
    found["pages_per_second"] = len(searches["seconds"]) / (time.perf_counter() - started)
    found["page_median_seconds"] = statistics.median(searches["seconds"])
    found["failures"] = len(searches["failures"])


def _add_pages(report: Report, made: dict[str, Any], pages: dict[str, dict[str, float]]) -> None:
    rows = [[name, *milliseconds(page.values(), 1)] for name, page in pages.items()]
    size = f"{made['findings']:,} findings, database of {made['database_bytes'] / MB:,.0f} MB"
    report.tables.append(Table(f"Pages of 50: {size}", ("", "median", "server's CPU"), rows))
    slowest = max(page["median_seconds"] for page in pages.values())
    report.at_most("slowest filtered page", 1000 * slowest, 1000 * _MOST_SECONDS, " ms")


def _add_scrapes(report: Report, scrapes: dict[str, dict[str, Any]]) -> None:
    rows = [
        [
            f"{kind}, {name}",
            *milliseconds([numbers["median_seconds"], numbers["p95_seconds"]]),
            f"{numbers.get('pages_per_second', 0):.0f}",
        ]
        for kind, found in scrapes.items()
        for name, numbers in found.items()
    ]
    columns = ("scrape, searches", "median", "95th percentile", "pages per second")
    report.tables.append(Table(f"Scrapes while {_PEOPLE} people search", columns, rows))
    for kind, found in scrapes.items():
        ratio = found["every second"]["median_seconds"] / found["nobody"]["median_seconds"]
        what = f"scrape, {kind}: median latency while {_PEOPLE} people search"
        report.at_most(what, ratio, _MOST_RATIO)
