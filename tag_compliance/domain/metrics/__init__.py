"""The metric table: every family of a snapshot, in the order in which they are rendered."""

from tag_compliance.domain.metrics.contract import CONTRACT_METRICS
from tag_compliance.domain.metrics.operational import OPERATIONAL_METRICS
from tag_compliance.domain.metrics.table import Family, ScanResult

METRICS = CONTRACT_METRICS + OPERATIONAL_METRICS


def build_families(scan: ScanResult) -> list[Family]:
    """One family for each metric; a metric without samples has an empty family."""
    return [Family(metric, metric.samples_of(scan)) for metric in METRICS]


__all__ = ["CONTRACT_METRICS", "METRICS", "OPERATIONAL_METRICS", "build_families"]
