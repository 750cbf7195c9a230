"""The metrics of sources: which was read where, and what only Resource Explorer returned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

from tag_compliance.domain.account import AccountId, AccountName, RegionName
from tag_compliance.domain.metrics.breakdown import REGION_LABELS, Breakdown
from tag_compliance.domain.metrics.table import Metric, Samples, ScanResult, samples_of_rows
from tag_compliance.domain.read_status import ReadStatus, Reason, Source


class _Reading(NamedTuple):
    account_name: AccountName
    account_id: AccountId
    region: RegionName
    source: Source


class _Failure(NamedTuple):
    account_name: AccountName
    account_id: AccountId
    region: RegionName
    source: Source
    reason: Reason


def _readings(scan: ScanResult) -> Iterator[tuple[_Reading, ReadStatus]]:
    for account in scan.statuses:
        for region in account.regions:
            for reading in region.sources:
                labels = (account.account_name, account.account_id, region.region, reading.source)
                yield _Reading(*labels), reading


def _by_reading(name: str, help_: str, value: Callable[[ReadStatus], float | None]) -> Metric:
    labels = _Reading._fields

    def samples(scan: ScanResult) -> Samples:
        return samples_of_rows(labels, ((where, value(r)) for where, r in _readings(scan)))

    return Metric(name, help_, labels, samples)


def _result_at(reading: ReadStatus) -> float | None:
    at = reading.result_returned_at
    return None if at is None else at.timestamp()


def _failures(scan: ScanResult) -> Samples:
    rows = ((_Failure(*where, r.reason), 1.0) for where, r in _readings(scan) if not r.succeeded)
    return samples_of_rows(_Failure._fields, rows)


_NEVER_TAGGED = Breakdown(
    (*REGION_LABELS, "resource_type"),
    lambda summary: summary.never_tagged,
    "resources",
    "resources",
).count(
    "tag_compliance_never_tagged_resources",
    "Resources of the type that only Resource Explorer returned: they never had a tag.",
    "resources",
)


def _never_tagged(scan: ScanResult) -> Samples:
    """Without the source, the family has no series and no limit."""
    samples = _NEVER_TAGGED.samples_of(scan)
    is_on = any(where.source is Source.RESOURCE_EXPLORER for where, _ in _readings(scan))
    return samples if is_on else replace(samples, omitted=None)


SOURCE_METRICS = (
    _by_reading(
        "tag_compliance_source_read",
        "1 if the source was read to its last page in the region, else 0.",
        lambda reading: float(reading.succeeded),
    ),
    Metric(
        "tag_compliance_source_failure",
        "1 for each source that was not read in a region, with the reason.",
        _Failure._fields,
        _failures,
    ),
    _by_reading(
        "tag_compliance_source_result_timestamp_seconds",
        "Unix time at which AWS returned the newest complete result of the source; "
        "absent before the first.",
        _result_at,
    ),
    replace(_NEVER_TAGGED, samples_of=_never_tagged),
)
