"""What a row of the metric table is: a metric, and the function that computes its samples.

Naming: https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tag_compliance.domain.counts import Thresholds
from tag_compliance.domain.history.limit import LimitedFigures
from tag_compliance.domain.read_status import AccountReadStatus
from tag_compliance.domain.summary import Summary
from tag_compliance.domain.type_patterns import TypePattern


@dataclass(frozen=True, slots=True)
class LabelColumn:
    """The values of one label: `values[codes[i]]` is the value of sample i."""

    codes: NDArray[np.integer]
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples of one metric: one column for each label, all as long as `values`.

    `omitted` counts the series that a limit left out; None if the metric has no limit.
    """

    labels: tuple[LabelColumn, ...]
    values: NDArray[np.number]
    omitted: int | None = None

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Detail:
    """The samples, and how many series the limit left out of each counted region.

    `omitted` has the columns of `REGION` and `omitted` (int64), a row for each counted region.
    """

    samples: Samples
    omitted: pd.DataFrame


@dataclass(frozen=True, slots=True)
class SnapshotInfo:
    """When a snapshot was made, and by which version of the program."""

    scan_started_at: datetime
    made_at: datetime
    version: str


@dataclass(frozen=True)
class ScanResult:
    """Everything that the metrics are computed from. Accounts are in the configured order.

    The metrics by type have series for the types that `types` match; without patterns, for all.
    `omitted` counts what was left out of each limited family, by name. Without `history` the
    families of the history are left out.
    """

    summary: Summary
    statuses: tuple[AccountReadStatus, ...]
    detail: Detail
    info: SnapshotInfo
    thresholds: Thresholds
    types: tuple[TypePattern, ...] = ()
    omitted: Mapping[str, int] = field(default_factory=dict)
    history: LimitedFigures | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """Name, help text, labels in the order in which they are rendered, and samples.

    A histogram is three metrics of one name, which follow each other, with the `suffix` of their
    samples.
    """

    name: str
    help: str
    labels: tuple[str, ...]
    samples_of: Callable[[ScanResult], Samples]
    type: Literal["gauge", "counter", "histogram"] = "gauge"
    suffix: Literal["", "_bucket", "_sum", "_count"] = ""


@dataclass(frozen=True, slots=True)
class Family:
    """A metric and its samples in one snapshot."""

    metric: Metric
    samples: Samples

    def __len__(self) -> int:
        return len(self.samples)


def samples_of_frame(frame: pd.DataFrame, labels: Sequence[str], values: pd.Series) -> Samples:
    """One sample for each row; the columns `labels` of the frame are the labels."""
    columns = tuple(_label_column(frame[name].tolist()) for name in labels)
    return Samples(columns, values.to_numpy())


def samples_of_rows(
    labels: Sequence[str], rows: Iterable[tuple[tuple[str, ...], float | None]]
) -> Samples:
    """One sample for each row whose value is known; a row has a text for each label, in order."""
    listed = [row for row in rows if row[1] is not None]
    columns = ([str(texts[place]) for texts, _ in listed] for place in range(len(labels)))
    values = np.array([value for _, value in listed], dtype=np.float64)
    return Samples(tuple(map(_label_column, columns)), values)


def _label_column(values: Sequence[str]) -> LabelColumn:
    numbers: dict[str, int] = {}
    codes = np.fromiter(
        (numbers.setdefault(value, len(numbers)) for value in values), np.int64, len(values)
    )
    return LabelColumn(codes, list(numbers))
