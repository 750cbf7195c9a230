"""What the exporter tells of itself, behind every snapshot.

The table stands apart from that of the snapshot's metrics, which needs numpy.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from tag_compliance import __version__
from tag_compliance.exporter.reloaded import Reloaded
from tag_compliance.exporter.watcher import State
from tag_compliance.snapshot.status import Outcome

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_PROCESS_SECONDS = 1.0
"""Of a reading of the process's own numbers, which costs more than all the rest of a scrape."""


@dataclass(frozen=True, slots=True)
class OwnMetric:
    """A metric of the exporter, as `docs/metrics.md` shows it."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    type: Literal["gauge", "counter"] = "gauge"


def _own(
    name: str,
    help_text: str,
    labels: tuple[str, ...] = (),
    kind: Literal["gauge", "counter"] = "gauge",
) -> OwnMetric:
    return OwnMetric(f"tag_compliance_exporter_{name}", help_text, labels, kind)


BUILD_INFO = _own("build_info", "Always 1; the version of the exporter.", ("version",))
SNAPSHOT_LOADED = _own("snapshot_loaded", "1 if a snapshot is served, 0 before the first.")
SNAPSHOT_READABLE = _own(
    "snapshot_readable",
    "1 if the newest snapshot could be read, 0 if it could not and an older one is served.",
)
SNAPSHOT_LOAD_FAILURES = _own(
    "snapshot_load_failures_total",
    "Polls that could not read the newest snapshot.",
    kind="counter",
)
SNAPSHOT_AGE = _own("snapshot_age_seconds", "Age of the snapshot served; absent before the first.")
SNAPSHOT_STALE_AFTER = _own(
    "snapshot_stale_after_seconds",
    "Age from which the snapshot served is too old; absent before the first.",
)
SNAPSHOT_BYTES = _own(
    "snapshot_bytes", "Size of the snapshot served, uncompressed; absent before the first."
)
STORAGE_UP = _own("storage_up", "1 if the newest poll could read the storage.")
LAST_SCAN_SUCCESS = _own(
    "last_scan_success",
    "1 if the newest scan read at least one region, 0 if it read nothing; absent before any.",
)
LAST_SCAN_TIMESTAMP = _own(
    "last_scan_timestamp_seconds", "Unix time at which the newest scan ended; absent before any."
)
ACCESS_FILES_READABLE = _own(
    "access_files_readable",
    "1 if certificate and credential files could be read as they are now; absent without any.",
)
SCRAPES = _own("scrapes_total", "Answers to GET /metrics, this one included.", kind="counter")
SCRAPES_DROPPED = _own(
    "scrapes_dropped_total", "Scrapes cut off because the client read too slowly.", kind="counter"
)

EXPORTER_METRICS = (
    BUILD_INFO,
    SNAPSHOT_LOADED,
    SNAPSHOT_READABLE,
    SNAPSHOT_LOAD_FAILURES,
    SNAPSHOT_AGE,
    SNAPSHOT_STALE_AFTER,
    SNAPSHOT_BYTES,
    STORAGE_UP,
    LAST_SCAN_SUCCESS,
    LAST_SCAN_TIMESTAMP,
    ACCESS_FILES_READABLE,
    SCRAPES,
    SCRAPES_DROPPED,
)


def _head(metric: OwnMetric) -> str:
    """All that stands before the value; the one label that there is has one value."""
    name = metric.name
    labels = "".join(f'{{{label}="{__version__}"}}' for label in metric.labels)
    return f"# HELP {name} {metric.help}\n# TYPE {name} {metric.type}\n{name}{labels} "


_HEADS = {metric.name: _head(metric) for metric in EXPORTER_METRICS}


class OwnMetrics:
    """Renders the table for a moment's state, and counts what only the exporter can count."""

    def __init__(
        self,
        now: Callable[[], datetime],
        files: Sequence[Reloaded[object]] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._files = files
        self._clock = clock
        self.scrapes = 0
        self.scrapes_dropped = 0
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)
        self._process_text = ""
        self._process_read_at = -_PROCESS_SECONDS

    def render(self, state: State) -> bytes:
        """The text, in the format of the snapshots."""
        lines = [
            f"{_HEADS[metric.name]}{float(value)!r}\n" for metric, value in self._values(state)
        ]
        return "".join((*lines, self._process_now())).encode()

    def _process_now(self) -> str:
        at = self._clock()
        if at - self._process_read_at >= _PROCESS_SECONDS:
            self._process_text = generate_latest(self._process).decode()
            self._process_read_at = at
        return self._process_text

    def _values(self, state: State) -> Iterator[tuple[OwnMetric, float]]:
        yield BUILD_INFO, 1
        yield SNAPSHOT_LOADED, state.served is not None
        yield SNAPSHOT_READABLE, state.served is not None and state.fault is None
        yield SNAPSHOT_LOAD_FAILURES, state.load_failures
        if state.served:
            status = state.served.status
            # As `/health` counts it: the alert on it and the probe must not disagree.
            yield SNAPSHOT_AGE, max((self._now() - status.scan_started_at).total_seconds(), 0.0)
            yield SNAPSHOT_STALE_AFTER, status.stale_after_seconds
            yield SNAPSHOT_BYTES, len(state.served.exposition.plain)
        yield STORAGE_UP, state.fault is None or state.fault.storage_answered
        if state.last_scan:
            yield LAST_SCAN_SUCCESS, state.last_scan.outcome is not Outcome.NOTHING
            yield LAST_SCAN_TIMESTAMP, state.last_scan.ended_at.timestamp()
        if self._files:
            yield ACCESS_FILES_READABLE, all(file.fault is None for file in self._files)
        yield SCRAPES, self.scrapes
        yield SCRAPES_DROPPED, self.scrapes_dropped
