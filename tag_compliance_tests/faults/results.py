"""The numbers and the read status of each region in the exposition of a scan."""

from __future__ import annotations

from tag_compliance_tests.support.exposition import CONTRACT
from tag_compliance_tests.support.program import Finished

Region = tuple[str, str]
"""Account id and region."""


def numbers_of(finished: Finished) -> dict[Region, list[str]]:
    """The samples of the ten contract metrics, as lines."""
    found: dict[Region, list[str]] = {}
    for sample in finished.exposition.samples:
        if sample.name in CONTRACT:
            region = (sample.labels["account_id"], sample.labels["region"])
            found.setdefault(region, []).append(sample.line)
    return found


def regions_of(finished: Finished) -> dict[Region, tuple[str, float]]:
    """The reason, and whether the region was read (1) or not (0)."""
    return {
        (s.labels["account_id"], s.labels["region"]): (s.labels["reason"], s.value)
        for s in finished.exposition.samples
        if s.name == "tag_compliance_region_scan_success"
    }
