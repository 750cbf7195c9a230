"""The ten contract metrics. Dashboards and alerts depend on their names, labels and meaning."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from tag_compliance.domain.metrics.columns import Samples, samples_of_frame
from tag_compliance.domain.metrics.table import Metric, ScanResult, Stability
from tag_compliance.domain.rules.required_tag import PREFIX
from tag_compliance.domain.summary import percentages

_REGION = ("account_name", "account_id", "region")
_TAG = ("tag", *_REGION)
_TYPE = ("resource_type", *_REGION)

Frame = Callable[[ScanResult], pd.DataFrame]


def _by_region(scan: ScanResult) -> pd.DataFrame:
    return scan.summary.by_region


def _by_type(scan: ScanResult) -> pd.DataFrame:
    frame = scan.summary.by_type
    return frame[frame["counted"] > 0]


def _by_tag(scan: ScanResult) -> pd.DataFrame:
    return _required(scan.summary.by_region_and_rule)


def _by_type_and_tag(scan: ScanResult) -> pd.DataFrame:
    return _required(scan.summary.by_type_and_rule)


def _required(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of required tags, with `tag` and `tagged`: resources that have the tag."""
    rows = frame[frame["rule"].str.startswith(PREFIX)] if len(frame) else frame
    return rows.assign(
        tag=rows["rule"].str.removeprefix(PREFIX) if len(rows) else rows["rule"],
        tagged=rows["evaluated"] - rows["violations"],
    )


def _count(name: str, help_: str, labels: tuple[str, ...], frame: Frame, column: str) -> Metric:
    def samples(scan: ScanResult) -> Samples:
        rows = frame(scan)
        return samples_of_frame(rows, labels, rows[column])

    return Metric(name, help_, labels, samples, Stability.CONTRACT)


def _percentage(  # noqa: PLR0913, PLR0917 - a row of the table
    name: str, help_: str, labels: tuple[str, ...], frame: Frame, part: str, whole: str
) -> Metric:
    """A percentage of zero resources is not published: an empty region is not 0 % compliant."""

    def samples(scan: ScanResult) -> Samples:
        rows = frame(scan)
        rows = rows[rows[whole] > 0]
        return samples_of_frame(rows, labels, percentages(rows, part, whole))

    return Metric(name, help_, labels, samples, Stability.CONTRACT)


CONTRACT_METRICS = (
    _count("tag_compliant_total", "Resources that carry the tag.", _TAG, _by_tag, "tagged"),
    _count("tag_non_compliant_total", "Resources that lack the tag.", _TAG, _by_tag, "violations"),
    Metric(
        "tag_missing_detail",
        "1 for each resource and required tag that it lacks.",
        (*_TAG, "resource_type", "resource_arn"),
        lambda scan: scan.detail.samples,
        Stability.CONTRACT,
    ),
    _count(
        "resources_scanned_total",
        "Resources counted, the excluded ones aside.",
        _REGION,
        _by_region,
        "counted",
    ),
    _percentage(
        "compliance_percentage",
        "Share of resources that carry every required tag.",
        _REGION,
        _by_region,
        "compliant",
        "counted",
    ),
    _percentage(
        "tag_compliance_percentage",
        "Share of resources that carry the tag.",
        _TAG,
        _by_tag,
        "tagged",
        "evaluated",
    ),
    _percentage(
        "tag_resource_type_compliance_percentage",
        "Share of resources of the type that carry the tag.",
        ("tag", *_TYPE),
        _by_type_and_tag,
        "tagged",
        "evaluated",
    ),
    _count(
        "resources_fully_compliant_total",
        "Resources that carry every required tag.",
        _REGION,
        _by_region,
        "compliant",
    ),
    _count(
        "resources_fully_compliant_by_type_total",
        "Resources of the type that carry every required tag.",
        _TYPE,
        _by_type,
        "compliant",
    ),
    _percentage(
        "resources_fully_compliant_by_type_percentage",
        "Share of resources of the type that carry every required tag.",
        _TYPE,
        _by_type,
        "compliant",
        "counted",
    ),
)
