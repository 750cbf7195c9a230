"""The operational metrics: how the latest scan went."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

from tag_compliance.domain.account import AccountId, AccountName, RegionName
from tag_compliance.domain.arn import UNKNOWN_TYPE
from tag_compliance.domain.counts import Exclusion
from tag_compliance.domain.metrics.breakdown import Breakdown, by_type
from tag_compliance.domain.metrics.table import (
    Metric,
    Samples,
    ScanResult,
    samples_of_frame,
    samples_of_rows,
    text_label,
)
from tag_compliance.domain.organization import AccountState
from tag_compliance.domain.read_status import AccountReadStatus, Reason, RegionReadStatus

# The label sets: a swapped name and id is a type error.


class _Account(NamedTuple):
    account_name: AccountName
    account_id: AccountId


class _AccountReason(NamedTuple):
    account_name: AccountName
    account_id: AccountId
    reason: Reason


class _AccountInfo(NamedTuple):
    account_name: AccountName
    account_id: AccountId
    ou_path: str
    owner: str


class _Discovered(NamedTuple):
    state: AccountState
    scanned: str


class _Discovery(NamedTuple):
    reason: Reason


class _Region(NamedTuple):
    account_name: AccountName
    account_id: AccountId
    region: RegionName


class _RegionReason(NamedTuple):
    account_name: AccountName
    account_id: AccountId
    region: RegionName
    reason: Reason


class _RegionType(NamedTuple):
    account_name: AccountName
    account_id: AccountId
    region: RegionName
    resource_type: str


class _Excluded(NamedTuple):
    account_name: AccountName
    account_id: AccountId
    region: RegionName
    resource_type: str
    reason: Exclusion


class _FamilyName(NamedTuple):
    family: str


class _Level(NamedTuple):
    level: str


class _Version(NamedTuple):
    version: str


Labels = TypeVar("Labels", bound=NamedTuple)
Rows = Iterable[tuple[Labels, float | None]]
"""A row whose value is None has no sample."""


def _metric(
    name: str, help_: str, labels: type[Labels], rows: Callable[[ScanResult], Rows[Labels]]
) -> Metric:
    names = labels._fields
    return Metric(name, help_, names, lambda scan: samples_of_rows(names, rows(scan)))


def _by_account(
    name: str, help_: str, value: Callable[[AccountReadStatus], float | None]
) -> Metric:
    return _metric(name, help_, _Account, lambda scan: ((x, value(s)) for x, s in _accounts(scan)))


def _by_region(name: str, help_: str, value: Callable[[RegionReadStatus], float | None]) -> Metric:
    return _metric(name, help_, _Region, lambda scan: ((x, value(s)) for x, s in _regions(scan)))


def _of_scan(name: str, help_: str, value: Callable[[ScanResult], float | None]) -> Metric:
    """A metric of the whole scan without labels."""
    return Metric(name, help_, (), lambda scan: samples_of_rows([], [((), value(scan))]))


def _accounts(scan: ScanResult) -> Iterable[tuple[_Account, AccountReadStatus]]:
    for status in scan.statuses:
        yield _Account(status.account_name, status.account_id), status


def _regions(scan: ScanResult) -> Iterable[tuple[_Region, RegionReadStatus]]:
    for status in scan.statuses:
        for region in status.regions:
            yield _Region(status.account_name, status.account_id, region.region), region


def _numbers_read_at(scan: ScanResult) -> Rows[_Region]:
    published = {a.account_id: a.summary.regions for a in scan.summary.accounts}
    return (
        (labels, _last_success(region))
        for labels, region in _regions(scan)
        if region.region in published.get(labels.account_id, ())
    )


def _last_success(status: AccountReadStatus | RegionReadStatus) -> float | None:
    return None if status.last_success_at is None else status.last_success_at.timestamp()


def _account_infos(scan: ScanResult) -> Rows[_AccountInfo]:
    for a in scan.summary.accounts:
        texts = text_label(a.ou_path), text_label(a.owner)
        yield _AccountInfo(a.account_name, a.account_id, *texts), 1


def _discovered(scan: ScanResult) -> Rows[_Discovered]:
    counts = scan.discovery.accounts if scan.discovery else {}
    for state, scanned in sorted(counts):
        yield _Discovered(state, "true" if scanned else "false"), counts[state, scanned]


def _discovery(scan: ScanResult) -> Rows[_Discovery]:
    if scan.discovery:
        yield _Discovery(scan.discovery.attempt.reason), scan.discovery.attempt.succeeded


def _listed_at(scan: ScanResult) -> float | None:
    listed_at = scan.discovery.listed_at if scan.discovery else None
    return listed_at.timestamp() if listed_at else None


def _excluded(scan: ScanResult) -> Rows[_Excluded]:
    for account in scan.summary.accounts:
        for row in account.summary.exclusions.to_pylist():
            labels = (account.account_name, account.account_id, RegionName(row["region"]))
            reason = Exclusion(row["reason"])
            yield _Excluded(*labels, row["resource_type"], reason), row["resources"]


def _unparsable(scan: ScanResult) -> Rows[_Account]:
    frame = scan.summary.by_type
    unknown = frame[frame["resource_type"] == UNKNOWN_TYPE]
    found = unknown.groupby("account_id")["counted"].sum().to_dict()
    return ((labels, found.get(labels.account_id, 0)) for labels, _ in _accounts(scan))


def _omitted(scan: ScanResult) -> Samples:
    omitted = scan.detail.omitted
    return samples_of_frame(omitted, _Region._fields, omitted["omitted"].astype("float64"))


def _completeness(scan: ScanResult) -> float | None:
    regions = [region.succeeded for status in scan.statuses for region in status.regions]
    return sum(regions) / len(regions) if regions else None


DETAIL_OMITTED = "tag_compliance_detail_series_omitted"
FINDINGS_OMITTED = "tag_compliance_findings_database_rows_omitted"

DISCOVERY_METRICS = (
    _metric(
        "tag_compliance_discovered_accounts",
        "Accounts that AWS Organizations lists, by state and by whether they are scanned.",
        _Discovered,
        _discovered,
    ),
    _metric(
        "tag_compliance_discovery_success",
        "1 if the latest attempt read the accounts of AWS Organizations, else 0 with the reason.",
        _Discovery,
        _discovery,
    ),
    _of_scan(
        "tag_compliance_discovery_list_timestamp_seconds",
        "Unix time at which the list of accounts in use was read from AWS Organizations.",
        _listed_at,
    ),
)
"""Published only if accounts come from AWS Organizations."""

OPERATIONAL_METRICS = (
    _metric(
        "tag_compliance_account_scan_success",
        "1 if every region of the account was read to its last page, else 0 with the reason.",
        _AccountReason,
        lambda scan: ((_AccountReason(*x, s.reason), s.succeeded) for x, s in _accounts(scan)),
    ),
    _metric(
        "tag_compliance_region_scan_success",
        "1 if the region was read to its last page, else 0 with the reason.",
        _RegionReason,
        lambda scan: ((_RegionReason(*x, s.reason), s.succeeded) for x, s in _regions(scan)),
    ),
    _metric(
        "tag_compliance_account_info",
        "Always 1; the account's path of organizational units and its owner, (none) if unknown.",
        _AccountInfo,
        _account_infos,
    ),
    *DISCOVERY_METRICS,
    _by_account(
        "tag_compliance_account_last_success_timestamp_seconds",
        "Unix time of the newest scan that read every region of the account; "
        "absent before the first.",
        _last_success,
    ),
    _by_region(
        "tag_compliance_region_last_success_timestamp_seconds",
        "Unix time of the newest scan that read the region; absent before the first.",
        _last_success,
    ),
    _metric(
        "tag_compliance_region_numbers_timestamp_seconds",
        "Unix time of the reading that the published numbers of the region come from.",
        _Region,
        _numbers_read_at,
    ),
    _by_account(
        "tag_compliance_account_scan_duration_seconds",
        "Wall time of the account's scan.",
        lambda status: status.seconds,
    ),
    _by_account(
        "tag_compliance_account_scan_api_calls",
        "AWS API calls that the account's scan made, retries included.",
        lambda status: status.calls,
    ),
    _by_account(
        "tag_compliance_account_scan_api_retries",
        "AWS API calls of the account's scan that repeated a failed one.",
        lambda status: status.retries,
    ),
    _by_account(
        "tag_compliance_account_scan_api_throttled_calls",
        "AWS API calls of the account's scan that AWS throttled.",
        lambda status: status.throttled_calls,
    ),
    _by_region(
        "tag_compliance_region_resources_returned",
        "Resources that AWS returned for the region, before exclusion and counting once; "
        "absent if the region was not read.",
        lambda region: region.returned if region.succeeded else None,
    ),
    Breakdown(_RegionType._fields, by_type, "compliant", "counted").count(
        "tag_compliance_resources_by_type",
        "Resources of the type that are counted.",
        "counted",
    ),
    _metric(
        "tag_compliance_excluded_resources",
        "Resources that do not count: a pattern matches their type, or AWS owns them.",
        _Excluded,
        _excluded,
    ),
    _metric(
        "tag_compliance_unparsable_arn_resources",
        "Resources whose ARN has no known form; counted as type unknown:unknown.",
        _Account,
        _unparsable,
    ),
    Metric(
        DETAIL_OMITTED,
        "Series of tag_missing_detail that max_detail_series left out.",
        _Region._fields,
        _omitted,
    ),
    _of_scan(
        "tag_compliance_scan_completeness_ratio",
        "Regions of accounts read, of those configured.",
        _completeness,
    ),
    _metric(
        "tag_compliance_threshold_percentage",
        "Compliance in per cent: at least good is graded as good, less than poor as poor.",
        _Level,
        lambda scan: [
            (_Level("good"), scan.thresholds.good),
            (_Level("poor"), scan.thresholds.poor),
        ],
    ),
    _of_scan(
        "tag_compliance_scan_timestamp_seconds",
        "Unix time at which the scan started.",
        lambda scan: scan.info.scan_started_at.timestamp(),
    ),
    _of_scan(
        "tag_compliance_scan_duration_seconds",
        "Wall time from the start of the scan to its snapshot.",
        lambda scan: (scan.info.made_at - scan.info.scan_started_at).total_seconds(),
    ),
    _of_scan(
        "tag_compliance_snapshot_timestamp_seconds",
        "Unix time at which the snapshot was made.",
        lambda scan: scan.info.made_at.timestamp(),
    ),
    _of_scan(
        FINDINGS_OMITTED,
        "Findings that the limit leaves out of the findings database.",
        lambda scan: scan.findings_omitted,
    ),
    _metric(
        "tag_compliance_build_info",
        "Always 1; the version of the program that scanned.",
        _Version,
        lambda scan: [(_Version(scan.info.version), 1)],
    ),
)

SERIES_OMITTED = _metric(
    "tag_compliance_series_omitted",
    "Series that a limit left out of the family.",
    _FamilyName,
    lambda scan: ((_FamilyName(name), omitted) for name, omitted in scan.omitted.items()),
)
"""Computed last, because it counts what is missing in the other families."""
