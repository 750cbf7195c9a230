"""The metric table: every family of a snapshot, in the order in which they are rendered."""

from collections.abc import Collection
from dataclasses import replace

from tag_compliance.domain.metrics import operational
from tag_compliance.domain.metrics.contract import CONTRACT_METRICS
from tag_compliance.domain.metrics.history import HISTORY_METRICS
from tag_compliance.domain.metrics.operational import SERIES_OMITTED
from tag_compliance.domain.metrics.table import Family, ScanResult

OPERATIONAL_METRICS = (*operational.OPERATIONAL_METRICS, *HISTORY_METRICS, SERIES_OMITTED)
METRICS = CONTRACT_METRICS + OPERATIONAL_METRICS


def build_families(scan: ScanResult, disabled: Collection[str] = ()) -> list[Family]:
    """A family for each metric that is not disabled; a metric without samples has an empty one."""
    families = [
        Family(metric, metric.samples_of(scan))
        for metric in METRICS
        if metric is not SERIES_OMITTED and metric.name not in disabled
        if scan.history is not None or metric not in HISTORY_METRICS
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


__all__ = ["CONTRACT_METRICS", "METRICS", "OPERATIONAL_METRICS", "build_families"]
