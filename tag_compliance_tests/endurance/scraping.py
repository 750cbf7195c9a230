"""A scraper that scrapes all the time and compares every scrape with the expected results."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tag_compliance_tests.support.exposition import Exposition

_SCAN_START = "tag_compliance_scan_timestamp_seconds"
_LOAD_FAILURES = "tag_compliance_exporter_snapshot_load_failures_total"

Result = frozenset[str]
"""The samples of the ten contract metrics, as lines."""


@dataclass
class Scraper:
    """Scrapes one exporter while the block runs; every wrong scrape is in `faults`.

    Scrapes before the first snapshot do not count. Each later one must return one of the `right`
    results completely, and never a snapshot that is older than that of the scrape before.
    """

    port: int
    right: Collection[Result]
    pause: float = 0.0
    scrapes: int = 0
    last: Result = frozenset()
    faults: list[str] = field(default_factory=list)
    snapshots: set[float] = field(default_factory=set)

    def __enter__(self) -> Self:
        self._newest = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._scrape_on, name="scraper")
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _scrape_on(self) -> None:
        while not self._stop.wait(self.pause):
            try:
                self._scrape()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a bad scrape
                if self.scrapes:
                    self.faults.append(f"{type(error).__name__}: {error}")

    def _scrape(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/metrics")
            response = connection.getresponse()
            scraped = Exposition(response.read().decode())
        finally:
            connection.close()
        if not self.scrapes and not scraped.contract_lines:
            return  # before the first snapshot
        self.scrapes += 1
        if response.status != http.HTTPStatus.OK:
            self.faults.append(f"status {response.status}")
        started_at, failures = scraped.plain(_SCAN_START), scraped.plain(_LOAD_FAILURES)
        assert started_at is not None
        if started_at < self._newest:
            self.faults.append(f"the scan of {started_at} after the one of {self._newest}")
        if failures != 0:
            self.faults.append(f"{failures} polls could not read the snapshot")
        self._newest = started_at
        self.snapshots.add(started_at)
        self.last = scraped.contract_lines
        if self.last not in self.right:
            apart = min(len(self.last ^ result) for result in self.right)
            self.faults.append(f"no published result, {apart} samples off the nearest")
