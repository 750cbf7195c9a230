"""The exporter's metrics about itself, appended to every snapshot.

They are rendered here, because `generate_latest` of prometheus_client 0.26 with a collector would
change the text (it writes numbers from 1,000,000 up with an exponent: a time as `1.777896e+09`) and
take 64 µs per scrape instead of 5 µs; a compressed scrape takes 840 µs in all. The metrics of the
process come from its `ProcessCollector`.

The table is separate from that of the snapshot's metrics, whose module needs numpy.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from tag_compliance import __version__
from tag_compliance.domain.read_status import Outcome
from tag_compliance.exporter.file_reloader import FileReloader
from tag_compliance.exporter.snapshot_watcher import State

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_PROCESS_SECONDS = 1.0
"""How long the process metrics are reused: reading them costs more than the rest of a scrape."""


@dataclass(frozen=True, slots=True)
class ExporterMetric:
    """A metric of the exporter, as `docs/metrics.md` documents it."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    type: Literal["gauge", "counter"] = "gauge"

    @property
    def head(self) -> str:
        """The text before the value. The only label is the version."""
        labels = "".join(f'{{{label}="{__version__}"}}' for label in self.labels)
        return (
            f"# HELP {self.name} {self.help}\n# TYPE {self.name} {self.type}\n{self.name}{labels} "
        )


def _gauge(name: str, help_text: str, *labels: str) -> ExporterMetric:
    return ExporterMetric(f"tag_compliance_exporter_{name}", help_text, labels)


def _counter(name: str, help_text: str) -> ExporterMetric:
    return ExporterMetric(f"tag_compliance_exporter_{name}", help_text, type="counter")


EXPORTER_METRICS = (
    _gauge("build_info", "Always 1; the version of the exporter.", "version"),
    _gauge("snapshot_loaded", "1 if a snapshot is served, 0 before the first."),
    _gauge(
        "snapshot_readable",
        "1 if the newest snapshot could be read, 0 if it could not and an older one is served.",
    ),
    _counter("snapshot_load_failures_total", "Polls that could not read the newest snapshot."),
    _gauge("snapshot_age_seconds", "Age of the snapshot served; absent before the first."),
    _gauge(
        "snapshot_stale_after_seconds",
        "Age from which the snapshot served is too old; absent before the first.",
    ),
    _gauge(
        "snapshot_ahead_seconds",
        "Time by which the snapshot served was made after now, by the clock of the exporter; 0 if "
        "it was not, absent before the first.",
    ),
    _gauge("snapshot_bytes", "Size of the snapshot served, uncompressed; absent before the first."),
    _gauge(
        "snapshot_samples",
        "Samples of the snapshot served; absent before the first, or if its version is too old.",
    ),
    _gauge("storage_up", "1 if the newest poll could read the storage."),
    _gauge(
        "last_scan_success",
        "1 if the newest scan read at least one region, 0 if it read nothing; absent before any.",
    ),
    _gauge(
        "last_scan_timestamp_seconds",
        "Unix time at which the newest scan ended; absent before any.",
    ),
    _gauge(
        "access_files_readable",
        "1 if certificate and credential files could be read as they are now; absent without any.",
    ),
    _gauge(
        "findings_database_loaded",
        "1 if the findings of the snapshot served can be queried; absent before the first.",
    ),
    _counter("scrapes_total", "Responses to GET /metrics, this one included."),
    _counter("scrapes_dropped_total", "Scrapes cut off because the client read too slowly."),
)

_HEADS = tuple(metric.head for metric in EXPORTER_METRICS)


class SelfMetrics:
    """Renders the metrics of the moment, and counts what only the exporter can count."""

    def __init__(
        self,
        now: Callable[[], datetime],
        files: Sequence[FileReloader[object]] = (),
        has_findings: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._files = files
        self._has_findings = has_findings
        self._clock = clock
        self.scrapes = 0
        self.scrapes_dropped = 0
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)
        self._process_text = b""
        self._process_read_at = -_PROCESS_SECONDS

    def render(self, state: State) -> bytes:
        """The text, in the format of the snapshots."""
        values = zip(_HEADS, self._values(state), strict=True)
        lines = [f"{head}{float(value)!r}\n" for head, value in values if value is not None]
        return "".join(lines).encode() + self._process_metrics()

    def _process_metrics(self) -> bytes:
        at = self._clock()
        if at - self._process_read_at >= _PROCESS_SECONDS:
            self._process_text = generate_latest(self._process)
            self._process_read_at = at
        return self._process_text

    def _values(self, state: State) -> Iterator[float | None]:
        """The values in the order of the table; None for a metric that is absent."""
        snapshot, scan, failure = state.snapshot, state.last_scan, state.failure
        status = snapshot.status if snapshot else None
        yield 1
        yield snapshot is not None
        yield snapshot is not None and failure is None
        yield state.load_failures
        # As in `/health`, so that the alert on the age and the endpoint agree.
        yield max((self._now() - status.scan_started_at).total_seconds(), 0) if status else None
        yield status.stale_after_seconds if status else None
        yield max((status.made_at - self._now()).total_seconds(), 0) if status else None
        yield len(snapshot.plain) if snapshot else None
        yield status.samples if status else None
        yield failure is None or failure.storage_up
        yield scan.outcome is not Outcome.NOTHING if scan else None
        yield scan.ended_at.timestamp() if scan else None
        yield all(file.fault is None for file in self._files) if self._files else None
        yield self._has_findings() if snapshot else None
        yield self.scrapes
        yield self.scrapes_dropped
