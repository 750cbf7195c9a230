"""The ten contract metrics. Dashboards and alerts depend on their names, labels and meaning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from tag_compliance.domain.metrics.table import (
    Metric,
    Samples,
    ScanResult,
    samples_of_frame,
)
from tag_compliance.domain.rules.required_tag import PREFIX
from tag_compliance.domain.summary import Summary, percentages

_REGION = ("account_name", "account_id", "region")


@dataclass(frozen=True)
class _Breakdown:
    """A frame of the summary with a sample in each row: its label columns, and the columns whose
    ratio is the compliance of a row.
    """

    labels: tuple[str, ...]
    frame: Callable[[Summary], pd.DataFrame]
    compliant: str
    counted: str

    def count(self, name: str, help_: str, column: str) -> Metric:
        def samples(scan: ScanResult) -> Samples:
            rows = self.frame(scan.summary)
            return samples_of_frame(rows, self.labels, rows[column])

        return Metric(name, help_, self.labels, samples)

    def percentage(self, name: str, help_: str) -> Metric:
        """A percentage of zero resources is not published: an empty region is not 0 % compliant."""

        def samples(scan: ScanResult) -> Samples:
            rows = self.frame(scan.summary)
            rows = rows[rows[self.counted] > 0]
            values = percentages(rows, self.compliant, self.counted)
            return samples_of_frame(rows, self.labels, values)

        return Metric(name, help_, self.labels, samples)


def _by_type(summary: Summary) -> pd.DataFrame:
    return summary.by_type[summary.by_type["counted"] > 0]


def _required(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of required tags, with `tag` and `tagged`: resources that have the tag."""
    rows = frame[frame["rule"].str.startswith(PREFIX)] if len(frame) else frame
    return rows.assign(
        tag=rows["rule"].str.removeprefix(PREFIX) if len(rows) else rows["rule"],
        tagged=rows["evaluated"] - rows["violations"],
    )


_BY_REGION = _Breakdown(_REGION, lambda summary: summary.by_region, "compliant", "counted")
_BY_TYPE = _Breakdown(("resource_type", *_REGION), _by_type, "compliant", "counted")
_BY_TAG = _Breakdown(
    ("tag", *_REGION), lambda summary: _required(summary.by_region_and_rule), "tagged", "evaluated"
)
_BY_TAG_AND_TYPE = _Breakdown(
    ("tag", "resource_type", *_REGION),
    lambda summary: _required(summary.by_type_and_rule),
    "tagged",
    "evaluated",
)

CONTRACT_METRICS = (
    _BY_TAG.count("tag_compliant_total", "Resources that carry the tag.", "tagged"),
    _BY_TAG.count("tag_non_compliant_total", "Resources that lack the tag.", "violations"),
    Metric(
        "tag_missing_detail",
        "1 for each resource and required tag that it lacks.",
        ("tag", *_REGION, "resource_type", "resource_arn"),
        lambda scan: scan.detail.samples,
    ),
    _BY_REGION.count(
        "resources_scanned_total", "Resources counted, the excluded ones aside.", "counted"
    ),
    _BY_REGION.percentage(
        "compliance_percentage", "Share of resources that carry every required tag."
    ),
    _BY_TAG.percentage("tag_compliance_percentage", "Share of resources that carry the tag."),
    _BY_TAG_AND_TYPE.percentage(
        "tag_resource_type_compliance_percentage",
        "Share of resources of the type that carry the tag.",
    ),
    _BY_REGION.count(
        "resources_fully_compliant_total", "Resources that carry every required tag.", "compliant"
    ),
    _BY_TYPE.count(
        "resources_fully_compliant_by_type_total",
        "Resources of the type that carry every required tag.",
        "compliant",
    ),
    _BY_TYPE.percentage(
        "resources_fully_compliant_by_type_percentage",
        "Share of resources of the type that carry every required tag.",
    ),
)
