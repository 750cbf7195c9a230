"""The ten contract metrics. Dashboards and alerts depend on their names, labels and meaning."""

from __future__ import annotations

import pandas as pd

from tag_compliance.domain.metrics.breakdown import REGION_LABELS as _REGION
from tag_compliance.domain.metrics.breakdown import Breakdown, by_type
from tag_compliance.domain.metrics.detail import DETAIL
from tag_compliance.domain.metrics.table import Metric
from tag_compliance.domain.rules.required_tag import PREFIX


def _required(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of required tags, with `tag` and `tagged`: resources that have the tag."""
    rows = frame[frame["rule"].str.startswith(PREFIX)] if len(frame) else frame
    return rows.assign(
        tag=rows["rule"].str.removeprefix(PREFIX) if len(rows) else rows["rule"],
        tagged=rows["evaluated"] - rows["violations"],
    )


_BY_REGION = Breakdown(_REGION, lambda summary: summary.by_region, "compliant", "counted", True)
_BY_TYPE = Breakdown(("resource_type", *_REGION), by_type, "compliant", "counted", True)
_BY_TAG = Breakdown(
    ("tag", *_REGION), lambda summary: _required(summary.by_region_and_rule), "tagged", "evaluated"
)
_BY_TAG_AND_TYPE = Breakdown(
    ("tag", "resource_type", *_REGION),
    lambda summary: _required(summary.by_type_and_rule),
    "tagged",
    "evaluated",
)

CONTRACT_METRICS = (
    _BY_TAG.count("tag_compliant_total", "Resources that carry the tag.", "tagged"),
    _BY_TAG.count("tag_non_compliant_total", "Resources that lack the tag.", "violations"),
    Metric(
        DETAIL,
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
