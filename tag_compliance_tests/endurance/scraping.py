"""A scraper that compares every scrape with the results that are known to be right."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from tag_compliance_tests.support.exposition import Exposition

_SCAN_START = "tag_compliance_scan_timestamp_seconds"
_LOAD_FAILURES = "tag_compliance_exporter_snapshot_load_failures_total"

Result = frozenset[str]
"""The samples of the ten contract metrics, as lines."""


@dataclass
class Scraper:
    """What was scraped from one exporter; `faults` are what was wrong.

    Nothing counts before the first snapshot. After it every scrape must return one of the `right`
    results completely, and none may show an older scan than the scrape before.
    """

    port: int
    right: Collection[Result]
    scrapes: int = 0
    last: Result = frozenset()
    newest: float = 0.0
    faults: set[str] = field(default_factory=set)
    snapshots: set[float] = field(default_factory=set)

    def scrape_until(self, stop: threading.Event, pause: float) -> None:
        while not stop.wait(pause):
            try:
                self._scrape()
            except Exception as error:  # noqa: BLE001 - every error is a bad scrape
                if self.scrapes:
                    self.faults.add(f"{type(error).__name__}: {error}")

    def _scrape(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", "/metrics")
            response = connection.getresponse()
            scraped = Exposition(response.read().decode())
        if not self.scrapes and not scraped.contract_lines:
            return  # before the first snapshot
        self.scrapes += 1
        if response.status != http.HTTPStatus.OK:
            self.faults.add(f"status {response.status}")
        started_at, failures = scraped.plain(_SCAN_START), scraped.plain(_LOAD_FAILURES)
        assert started_at is not None
        if started_at < self.newest:
            self.faults.add(f"the scan of {started_at} after the one of {self.newest}")
        if failures != 0:
            self.faults.add(f"{failures} polls could not read the snapshot")
        self.newest = started_at
        self.snapshots.add(started_at)
        self.last = scraped.contract_lines
        if self.last not in self.right:
            apart = min(len(self.last ^ result) for result in self.right)
            self.faults.add(f"no published result, {apart} samples off the nearest")


@contextlib.contextmanager
def scraping(port: int, right: Collection[Result], pause: float = 0.02) -> Iterator[Scraper]:
    """Scrapes until the block is left."""
    scraper, stop = Scraper(port, right), threading.Event()
    thread = threading.Thread(target=scraper.scrape_until, args=(stop, pause), name="scraper")
    thread.start()
    try:
        yield scraper
    finally:
        stop.set()
        thread.join()
