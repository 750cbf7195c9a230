"""The metric table: every family of a snapshot, in the order in which they are rendered."""

from collections.abc import Collection
from dataclasses import replace

from tag_compliance.domain.metrics import operational
from tag_compliance.domain.metrics.contract import CONTRACT_METRICS
from tag_compliance.domain.metrics.history import HISTORY_METRICS
from tag_compliance.domain.metrics.operational import DISCOVERY_METRICS, SERIES_OMITTED
from tag_compliance.domain.metrics.owners import OWNER_METRICS
from tag_compliance.domain.metrics.rules import RULE_METRICS
from tag_compliance.domain.metrics.sources import SOURCE_METRICS
from tag_compliance.domain.metrics.table import Family, ScanResult

OPERATIONAL_METRICS = (
    *operational.OPERATIONAL_METRICS,
    *SOURCE_METRICS,
    *OWNER_METRICS,
    *HISTORY_METRICS,
    SERIES_OMITTED,
)
METRICS = CONTRACT_METRICS + RULE_METRICS + OPERATIONAL_METRICS


def build_families(scan: ScanResult, disabled: Collection[str] = ()) -> list[Family]:
    """A family for each metric that is not disabled; a metric without samples has an empty one."""
    if scan.discovery is None:
        disabled = {*disabled, *(metric.name for metric in DISCOVERY_METRICS)}
    families = [
        Family(metric, metric.samples_of(scan))
        for metric in METRICS
        if metric is not SERIES_OMITTED and metric.name not in disabled
        if (scan.owners is not None or metric not in OWNER_METRICS)
        and (scan.history is not None or metric not in HISTORY_METRICS)
    ]
    if SERIES_OMITTED.name not in disabled:
        omitted = {
            family.metric.name: family.samples.omitted
            for family in families
            if family.samples.omitted is not None
        }
        samples = SERIES_OMITTED.samples_of(replace(scan, omitted=omitted))
        families.append(Family(SERIES_OMITTED, samples))
    return families


__all__ = [
    "CONTRACT_METRICS",
    "HISTORY_METRICS",
    "METRICS",
    "OPERATIONAL_METRICS",
    "RULE_METRICS",
    "build_families",
]
