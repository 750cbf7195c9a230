"""What a row of the metric table is: a metric, and the function that computes its samples.

Naming: https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tag_compliance.domain.counts import Thresholds
from tag_compliance.domain.history.limit import LimitedFigures
from tag_compliance.domain.organization import DiscoveryStatus
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.read_status import AccountReadStatus
from tag_compliance.domain.rules.base import Rule
from tag_compliance.domain.summary import Summary
from tag_compliance.domain.type_patterns import TypePattern
from tag_compliance.domain.waivers import Waiver

_MAX_TEXT_LABEL = 120
"""Characters of a label with free text."""

_HASH_DIGITS = 16
_CUT_FORM = re.compile(rf"~[0-9a-f]{{{_HASH_DIGITS}}}\Z")


def cut_label(text: str, most: int) -> str:
    """The text in at most `most` characters; no two texts have the same label.

    A longer text keeps its beginning and ends in `~` and a hash of the full text. A text that
    itself looks like a cut one is cut as well, because it could equal the label of another one.
    """
    if len(text) < most or (len(text) == most and not _CUT_FORM.search(text)):
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]
    return f"{text[: most - _HASH_DIGITS - 1]}~{digest}"


def text_label(text: str) -> str:
    """A text that people wrote, as the value of a label, which is never empty."""
    return cut_label(text, _MAX_TEXT_LABEL) or "(none)"


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


@dataclass(frozen=True)
class RuleSeries:
    """The policy, the day of its evaluation, and the series about it that the limit keeps.

    `rows` has a row for each counted region and rule, with the label columns, evaluated, open,
    waived, exempted and kept; `rows_about_tags` are those of rules whose scope depends on tags.
    `regions` has a row for each counted region, with counted, without_open_findings,
    without_findings and kept. `rules` and `waivers` are kept. `series` counts all that are kept.
    """

    policy: Policy
    day: date
    rows: pd.DataFrame
    rows_about_tags: pd.DataFrame
    regions: pd.DataFrame
    rules: Sequence[Rule]
    waivers: Sequence[Waiver]
    series: int


@dataclass(frozen=True)
class OwnerTable:
    """The owners that have series, with their counts, and how many owners have none of their own.

    `counts` has the columns of `domain.owners.OWNER_COUNTS` (int64) and the labels as its index:
    the largest owners, then `(other)` and `(none)` where they exist. `shown` are the owners.
    """

    counts: pd.DataFrame
    shown: tuple[str, ...]
    hidden: int


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
    `omitted` counts what was left out of each limited family, by name. `findings_omitted` counts
    the findings that the findings database leaves out; None without a database. `owners` is None
    if there are no metrics by owner, `history` if there are none of the history.
    """

    summary: Summary
    statuses: tuple[AccountReadStatus, ...]
    detail: Detail
    info: SnapshotInfo
    thresholds: Thresholds
    rules: RuleSeries
    types: tuple[TypePattern, ...] = ()
    omitted: Mapping[str, int] = field(default_factory=dict)
    discovery: DiscoveryStatus | None = None
    findings_omitted: int | None = None
    owners: OwnerTable | None = None
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
