"""What a row of the metric table is: a metric, and the function that computes its samples.

Naming: https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tag_compliance.domain.counts import Thresholds
from tag_compliance.domain.metrics.columns import Samples
from tag_compliance.domain.metrics.detail import Detail
from tag_compliance.domain.read_status import AccountReadStatus
from tag_compliance.domain.summary import Summary


@dataclass(frozen=True, slots=True)
class SnapshotInfo:
    """When a snapshot was made, and by which version of the program."""

    scan_started_at: datetime
    made_at: datetime
    version: str


@dataclass(frozen=True)
class ScanResult:
    """Everything that the metrics are computed from. Accounts are in the configured order."""

    summary: Summary
    statuses: tuple[AccountReadStatus, ...]
    detail: Detail
    info: SnapshotInfo
    thresholds: Thresholds


@dataclass(frozen=True, slots=True)
class Metric:
    """A gauge: name, help text, labels in the order in which they are rendered, and samples."""

    name: str
    help: str
    labels: tuple[str, ...]
    samples_of: Callable[[ScanResult], Samples]


@dataclass(frozen=True, slots=True)
class Family:
    """A metric and its samples in one snapshot."""

    metric: Metric
    samples: Samples

    def __len__(self) -> int:
        return len(self.samples)
