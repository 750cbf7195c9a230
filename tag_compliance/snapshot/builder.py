"""Builds the contents of a snapshot, exposition and status, from the results of a scan."""

from __future__ import annotations

from dataclasses import dataclass

from tag_compliance.domain.counts import REGION, Counts, count
from tag_compliance.domain.detail import detail_of
from tag_compliance.domain.families import Occasion, build_families
from tag_compliance.domain.results import ComplianceResults, RegionKey
from tag_compliance.domain.scan import AccountScan, RegionScan
from tag_compliance.snapshot.exposition import render
from tag_compliance.snapshot.status import (
    AccountStatus,
    Outcome,
    RegionStatus,
    ScanStatus,
    TagStatus,
)

_MISSED_SCANS_BEFORE_STALE = 3


@dataclass(frozen=True)
class SnapshotContents:
    """The parts of a snapshot, ready to be published; `samples` counts those of the exposition."""

    exposition: bytes
    status: ScanStatus
    samples: int
    detail_series: int
    detail_series_omitted: int


def build_contents(
    results: ComplianceResults, occasion: Occasion, *, max_detail_series: int, refresh_interval: int
) -> SnapshotContents:
    """The snapshot of `results`; it is stale when three scans have been missed."""
    counts = count(results)
    detail = detail_of(results, max_detail_series)
    families = build_families(results, counts, detail, occasion)
    seconds = (occasion.made_at - occasion.scan_started_at).total_seconds()
    status = ScanStatus(
        scan_started_at=occasion.scan_started_at,
        made_at=occasion.made_at,
        outcome=outcome_of(results),
        stale_after_seconds=_MISSED_SCANS_BEFORE_STALE * (refresh_interval + max(0.0, seconds)),
        resources=int(counts.by_region["resources"].sum()),
        compliant=int(counts.by_region["compliant"].sum()),
        accounts=_accounts(results, counts),
        tags=_tags(results, counts),
        failures=results.failures,
        version=occasion.version,
    )
    return SnapshotContents(
        exposition=render(families),
        status=status,
        samples=sum(len(family) for family in families),
        detail_series=len(detail.family),
        detail_series_omitted=sum(detail.omitted.values()),
    )


def outcome_of(results: ComplianceResults) -> Outcome:
    """Whether all regions were read, some, or none."""
    if results.regions_read == 0:
        return Outcome.NOTHING
    complete = results.regions_read == results.regions_configured
    return Outcome.COMPLETE if complete else Outcome.PARTIAL


def _accounts(results: ComplianceResults, counts: Counts) -> tuple[AccountStatus, ...]:
    some = counts.by_region[counts.by_region["resources"] > 0]
    shares: list[float] = (100.0 * some["compliant"] / some["resources"]).tolist()
    names = zip(*(some[name].tolist() for name in REGION), strict=True)
    keys = [RegionKey(*labels) for labels in names]
    percentages = dict(zip(keys, shares, strict=True))
    return tuple(
        AccountStatus(
            account_id=scan.account_id,
            account_name=scan.account_name,
            succeeded=scan.succeeded,
            last_success_at=scan.last_success_at,
            regions=tuple(_region(scan, region, percentages) for region in scan.regions),
        )
        for scan in results.scans
    )


def _region(
    scan: AccountScan, region: RegionScan, percentages: dict[RegionKey, float]
) -> RegionStatus:
    key = RegionKey(scan.account_id, scan.account_name, region.region)
    return RegionStatus(
        region=region.region,
        reason=region.reason,
        message=region.message,
        resources=region.resources,
        seconds=region.seconds,
        last_success_at=region.last_success_at,
        compliance_percentage=percentages.get(key),
    )


def _tags(results: ComplianceResults, counts: Counts) -> tuple[TagStatus, ...]:
    frame = counts.by_region_and_tag
    missing = (frame["resources"] - frame["tagged"]).groupby(frame["tag"], sort=False).sum()
    return tuple(TagStatus(tag, int(missing.get(tag, 0))) for tag in results.required_tags)
