"""The operational metrics: how the latest scan went."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tag_compliance.domain.arn import UNKNOWN_TYPE
from tag_compliance.domain.metrics.columns import Samples, samples_of_frame, samples_of_rows
from tag_compliance.domain.metrics.table import Metric, ScanResult
from tag_compliance.domain.read_status import AccountReadStatus, RegionReadStatus

_ACCOUNT = ("account_name", "account_id")
_REGION = (*_ACCOUNT, "region")

Row = tuple[str | float, ...]


def _of_rows(
    name: str, help_: str, labels: tuple[str, ...], rows: Callable[[ScanResult], Iterable[Row]]
) -> Metric:
    return Metric(name, help_, labels, lambda scan: samples_of_rows(len(labels), rows(scan)))


def _of_accounts(
    name: str,
    help_: str,
    row: Callable[[AccountReadStatus], Row | None],
    labels: tuple[str, ...] = (),
) -> Metric:
    """A metric by account; an account for which `row` returns None has no sample."""

    def rows(scan: ScanResult) -> Iterable[Row]:
        for status in scan.statuses:
            if (found := row(status)) is not None:
                yield status.account_name, status.account_id, *found

    return _of_rows(name, help_, (*_ACCOUNT, *labels), rows)


def _of_regions(
    name: str,
    help_: str,
    row: Callable[[RegionReadStatus], Row | None],
    labels: tuple[str, ...] = (),
) -> Metric:
    """A metric by region; a region for which `row` returns None has no sample."""

    def rows(scan: ScanResult) -> Iterable[Row]:
        for status in scan.statuses:
            for region in status.regions:
                if (found := row(region)) is not None:
                    yield status.account_name, status.account_id, region.region, *found

    return _of_rows(name, help_, (*_REGION, *labels), rows)


def _last_success(status: AccountReadStatus | RegionReadStatus) -> Row | None:
    return None if status.last_success_at is None else (status.last_success_at.timestamp(),)


def _excluded(scan: ScanResult) -> Iterable[Row]:
    for account in scan.summary.accounts:
        types = account.summary.types
        columns = (types[name].to_pylist() for name in ("region", "resource_type", "excluded"))
        for region, resource_type, excluded in zip(*columns, strict=True):
            if excluded:
                yield account.account_name, account.account_id, region, resource_type, excluded


def _unparsable(scan: ScanResult) -> Iterable[Row]:
    frame = scan.summary.by_type
    unknown = frame[frame["resource_type"] == UNKNOWN_TYPE]
    found = unknown.groupby("account_id")["counted"].sum().to_dict()
    for status in scan.statuses:
        yield status.account_name, status.account_id, found.get(status.account_id, 0)


def _omitted(scan: ScanResult) -> Samples:
    omitted = scan.detail.omitted
    return samples_of_frame(omitted, _REGION, omitted["omitted"].astype("float64"))


def _completeness(scan: ScanResult) -> Iterable[Row]:
    regions = [region.succeeded for status in scan.statuses for region in status.regions]
    return [(sum(regions) / len(regions),)] if regions else []


OPERATIONAL_METRICS = (
    _of_accounts(
        "tag_compliance_account_scan_success",
        "1 if every region of the account was read to its last page, else 0 with the reason.",
        lambda status: (status.reason, float(status.succeeded)),
        ("reason",),
    ),
    _of_regions(
        "tag_compliance_region_scan_success",
        "1 if the region was read to its last page, else 0 with the reason.",
        lambda region: (region.reason, float(region.succeeded)),
        ("reason",),
    ),
    _of_accounts(
        "tag_compliance_account_last_success_timestamp_seconds",
        "Unix time of the newest scan that read every region of the account; "
        "absent before the first.",
        _last_success,
    ),
    _of_regions(
        "tag_compliance_region_last_success_timestamp_seconds",
        "Unix time of the newest scan that read the region; absent before the first.",
        _last_success,
    ),
    _of_accounts(
        "tag_compliance_account_scan_duration_seconds",
        "Wall time of the account's scan.",
        lambda status: (status.seconds,),
    ),
    _of_accounts(
        "tag_compliance_account_scan_api_calls",
        "AWS API calls that the account's scan made, retries included.",
        lambda status: (status.calls,),
    ),
    _of_accounts(
        "tag_compliance_account_scan_api_retries",
        "AWS API calls of the account's scan that repeated a failed one.",
        lambda status: (status.retries,),
    ),
    _of_accounts(
        "tag_compliance_account_scan_api_throttled_calls",
        "AWS API calls of the account's scan that AWS throttled.",
        lambda status: (status.throttled_calls,),
    ),
    _of_regions(
        "tag_compliance_region_resources_returned",
        "Resources that AWS returned for the region, before exclusion and counting once.",
        lambda region: (region.returned,),
    ),
    _of_rows(
        "tag_compliance_excluded_resources",
        "Resources left out of account by excluded_resource_types.",
        (*_REGION, "resource_type"),
        _excluded,
    ),
    _of_rows(
        "tag_compliance_unparsable_arn_resources",
        "Resources whose ARN has no known form; counted as type unknown:unknown.",
        _ACCOUNT,
        _unparsable,
    ),
    Metric(
        "tag_compliance_detail_series_omitted",
        "Series of tag_missing_detail that max_detail_series left out.",
        _REGION,
        _omitted,
    ),
    _of_rows(
        "tag_compliance_scan_completeness_ratio",
        "Regions of accounts read, of those configured.",
        (),
        _completeness,
    ),
    _of_rows(
        "tag_compliance_threshold_percentage",
        "Compliance in per cent: at least good is graded as good, less than poor as poor.",
        ("level",),
        lambda scan: [("good", scan.thresholds.good), ("poor", scan.thresholds.poor)],
    ),
    _of_rows(
        "tag_compliance_scan_timestamp_seconds",
        "Unix time at which the scan started.",
        (),
        lambda scan: [(scan.info.scan_started_at.timestamp(),)],
    ),
    _of_rows(
        "tag_compliance_scan_duration_seconds",
        "Wall time from the start of the scan to its snapshot.",
        (),
        lambda scan: [((scan.info.made_at - scan.info.scan_started_at).total_seconds(),)],
    ),
    _of_rows(
        "tag_compliance_snapshot_timestamp_seconds",
        "Unix time at which the snapshot was made.",
        (),
        lambda scan: [(scan.info.made_at.timestamp(),)],
    ),
    _of_rows(
        "tag_compliance_build_info",
        "Always 1; the version of the program that scanned.",
        ("version",),
        lambda scan: [(scan.info.version, 1)],
    ),
)
