"""The metric table: name, labels and meaning of every family that a snapshot contains.

Dashboards and alerts depend on `CONTRACT_METRICS`, which never change; the others change with a
major version only. A test compares `docs/metrics.md` with this table.
Naming: https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Metric:
    """A gauge's name, its help text and its labels, in the order in which they are rendered."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelColumn:
    """A label's values in few words: `values[codes[i]]` is the value of sample i."""

    codes: NDArray[np.integer]
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class Family:
    """The samples of one metric: a column for each of its labels, all as long as `values`."""

    metric: Metric
    labels: tuple[LabelColumn, ...]
    values: NDArray[np.number]

    def __len__(self) -> int:
        return len(self.values)


_ACCOUNT = ("account_name", "account_id")
_REGION = (*_ACCOUNT, "region")

TAG_COMPLIANT = Metric("tag_compliant_total", "Resources that carry the tag.", ("tag", *_REGION))
TAG_NON_COMPLIANT = Metric(
    "tag_non_compliant_total", "Resources that lack the tag.", ("tag", *_REGION)
)
TAG_MISSING_DETAIL = Metric(
    "tag_missing_detail",
    "1 for each resource and required tag that it lacks.",
    ("tag", *_REGION, "resource_type", "resource_arn"),
)
RESOURCES_SCANNED = Metric(
    "resources_scanned_total", "Resources counted, the excluded ones aside.", _REGION
)
COMPLIANCE_PERCENTAGE = Metric(
    "compliance_percentage", "Share of resources that carry every required tag.", _REGION
)
TAG_COMPLIANCE_PERCENTAGE = Metric(
    "tag_compliance_percentage", "Share of resources that carry the tag.", ("tag", *_REGION)
)
TAG_RESOURCE_TYPE_PERCENTAGE = Metric(
    "tag_resource_type_compliance_percentage",
    "Share of resources of the type that carry the tag.",
    ("tag", "resource_type", *_REGION),
)
FULLY_COMPLIANT = Metric(
    "resources_fully_compliant_total", "Resources that carry every required tag.", _REGION
)
FULLY_COMPLIANT_BY_TYPE = Metric(
    "resources_fully_compliant_by_type_total",
    "Resources of the type that carry every required tag.",
    ("resource_type", *_REGION),
)
FULLY_COMPLIANT_BY_TYPE_PERCENTAGE = Metric(
    "resources_fully_compliant_by_type_percentage",
    "Share of resources of the type that carry every required tag.",
    ("resource_type", *_REGION),
)

ACCOUNT_SUCCESS = Metric(
    "tag_compliance_account_scan_success",
    "1 if every region of the account was read to its last page, else 0 with the reason.",
    (*_ACCOUNT, "reason"),
)
REGION_SUCCESS = Metric(
    "tag_compliance_region_scan_success",
    "1 if the region was read to its last page, else 0 with the reason.",
    (*_REGION, "reason"),
)
ACCOUNT_LAST_SUCCESS = Metric(
    "tag_compliance_account_last_success_timestamp_seconds",
    "Unix time of the newest scan that read every region of the account; absent before the first.",
    _ACCOUNT,
)
REGION_LAST_SUCCESS = Metric(
    "tag_compliance_region_last_success_timestamp_seconds",
    "Unix time of the newest scan that read the region; absent before the first.",
    _REGION,
)
ACCOUNT_DURATION = Metric(
    "tag_compliance_account_scan_duration_seconds", "Wall time of the account's scan.", _ACCOUNT
)
ACCOUNT_CALLS = Metric(
    "tag_compliance_account_scan_api_calls",
    "AWS API calls that the account's scan made, retries included.",
    _ACCOUNT,
)
ACCOUNT_RETRIES = Metric(
    "tag_compliance_account_scan_api_retries",
    "AWS API calls of the account's scan that repeated a failed one.",
    _ACCOUNT,
)
ACCOUNT_THROTTLED = Metric(
    "tag_compliance_account_scan_api_throttled_calls",
    "AWS API calls of the account's scan that AWS throttled.",
    _ACCOUNT,
)
REGION_RESOURCES = Metric(
    "tag_compliance_region_resources_returned",
    "Resources that AWS returned for the region, before exclusion and counting once.",
    _REGION,
)
EXCLUDED = Metric(
    "tag_compliance_excluded_resources",
    "Resources left out of account by excluded_resource_types.",
    (*_REGION, "resource_type"),
)
UNPARSABLE = Metric(
    "tag_compliance_unparsable_arn_resources",
    "Resources whose ARN has no known form; counted as type unknown:unknown.",
    _ACCOUNT,
)
DETAIL_OMITTED = Metric(
    "tag_compliance_detail_series_omitted",
    "Series of tag_missing_detail that max_detail_series left out.",
    _REGION,
)
COMPLETENESS = Metric(
    "tag_compliance_scan_completeness_ratio", "Regions of accounts read, of those configured."
)
SCAN_TIMESTAMP = Metric(
    "tag_compliance_scan_timestamp_seconds", "Unix time at which the scan started."
)
SCAN_DURATION = Metric(
    "tag_compliance_scan_duration_seconds", "Wall time from the start of the scan to its snapshot."
)
SNAPSHOT_TIMESTAMP = Metric(
    "tag_compliance_snapshot_timestamp_seconds", "Unix time at which the snapshot was made."
)
BUILD_INFO = Metric(
    "tag_compliance_build_info", "Always 1; the version of the program that scanned.", ("version",)
)

CONTRACT_METRICS = (
    TAG_COMPLIANT,
    TAG_NON_COMPLIANT,
    TAG_MISSING_DETAIL,
    RESOURCES_SCANNED,
    COMPLIANCE_PERCENTAGE,
    TAG_COMPLIANCE_PERCENTAGE,
    TAG_RESOURCE_TYPE_PERCENTAGE,
    FULLY_COMPLIANT,
    FULLY_COMPLIANT_BY_TYPE,
    FULLY_COMPLIANT_BY_TYPE_PERCENTAGE,
)

OPERATIONAL_METRICS = (
    ACCOUNT_SUCCESS,
    REGION_SUCCESS,
    ACCOUNT_LAST_SUCCESS,
    REGION_LAST_SUCCESS,
    ACCOUNT_DURATION,
    ACCOUNT_CALLS,
    ACCOUNT_RETRIES,
    ACCOUNT_THROTTLED,
    REGION_RESOURCES,
    EXCLUDED,
    UNPARSABLE,
    DETAIL_OMITTED,
    COMPLETENESS,
    SCAN_TIMESTAMP,
    SCAN_DURATION,
    SNAPSHOT_TIMESTAMP,
    BUILD_INFO,
)

METRICS = CONTRACT_METRICS + OPERATIONAL_METRICS
