"""The asset checks: conditions about which a team may want an alert.

They are part of the step of their asset. A failed check is reported and stops nothing.
"""

from collections.abc import Iterator

import dagster as dg

from tag_compliance.config import CheckSeverity, Config
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.counts import (
    Counts,
    floor_percentage,
    format_percentage,
    percentage,
)
from tag_compliance.domain.summary import ComplianceResults
from tag_compliance.pipeline.metadata import Cell, table_of, table_of_failures
from tag_compliance.snapshot.builder import SnapshotContents
from tag_compliance.snapshot.status import ScanStatus

_Result = dg.AssetCheckResult

_RESULTS, _SNAPSHOT = "compliance_results", "metric_snapshot"

_RESULT_DESCRIPTIONS = {
    "every_account_read": "Every configured account was read in all of its regions.",
    "every_region_read": "Every configured region of every account was read to its last page.",
    "compliance_above_minimum": "At least minimum_compliance per cent of all counted resources "
    "are compliant.",
    "account_compliance_above_minimum": "At least minimum_account_compliance per cent of each "
    "account's counted resources are compliant.",
    "no_sudden_drop": "No account has lost more than largest_drop per cent of its resources since "
    "the last snapshot; a missing permission can be the cause.",
}
_SNAPSHOT_DESCRIPTIONS = {
    "snapshot_fresh": "The snapshot is not stale yet, as the exporter defines it."
}

RESULT_CHECKS = [
    dg.AssetCheckSpec(n, asset=_RESULTS, description=d) for n, d in _RESULT_DESCRIPTIONS.items()
]
SNAPSHOT_CHECKS = [
    dg.AssetCheckSpec(n, asset=_SNAPSHOT, description=d) for n, d in _SNAPSHOT_DESCRIPTIONS.items()
]


def check_results(
    results: ComplianceResults, config: Config, before: ScanStatus | None
) -> list[dg.AssetCheckResult]:
    """One for each of `RESULT_CHECKS`; `before` is the status of the current snapshot."""
    return [
        _every_account_read(results, config),
        _every_region_read(results, config),
        _compliance_above_minimum(results, config),
        _account_compliance_above_minimum(results, config),
        _no_sudden_drop(results, config, before),
    ]


def _every_account_read(results: ComplianceResults, config: Config) -> _Result:
    failed = sum(not status.succeeded for status in results.statuses)
    return dg.AssetCheckResult(
        check_name="every_account_read",
        passed=not failed,
        severity=_severity(config),
        description=f"{failed} of {len(results.statuses)} accounts were not fully read.",
        metadata={"failed_accounts": failed, "failures": table_of_failures(results)},
    )


def _every_region_read(results: ComplianceResults, config: Config) -> _Result:
    unread = results.regions_configured - results.regions_read
    return dg.AssetCheckResult(
        check_name="every_region_read",
        passed=not unread,
        severity=_severity(config),
        description=f"{unread} of {results.regions_configured} regions were not read.",
        metadata={"failed_regions": unread},
    )


def _compliance_above_minimum(results: ComplianceResults, config: Config) -> _Result:
    overall = _compliance(results.summary.total)
    shown = format_percentage(results.summary.total.compliance_percentage)
    return dg.AssetCheckResult(
        check_name="compliance_above_minimum",
        passed=overall >= config.minimum_compliance,
        severity=_severity(config),
        description=f"{shown} of the counted resources comply; "
        f"{config.minimum_compliance:g} % are required.",
        metadata={
            "compliance_percentage": floor_percentage(overall),
            "minimum": config.minimum_compliance,
        },
    )


def _account_compliance_above_minimum(results: ComplianceResults, config: Config) -> _Result:
    low: list[dict[str, Cell]] = [
        {"account_id": str(account_id), "compliance_percentage": floor_percentage(share)}
        for account_id, counts in results.summary.by_account.items()
        if (share := _compliance(counts)) < config.minimum_account_compliance
    ]
    return dg.AssetCheckResult(
        check_name="account_compliance_above_minimum",
        passed=not low,
        severity=_severity(config),
        description=f"{len(low)} accounts are below {config.minimum_account_compliance:g} %.",
        metadata={"accounts_below": len(low), "accounts": table_of(low)},
    )


def _no_sudden_drop(
    results: ComplianceResults, config: Config, before: ScanStatus | None
) -> _Result:
    drops = list(_drops(results, before, config.largest_drop))
    return dg.AssetCheckResult(
        check_name="no_sudden_drop",
        passed=not drops,
        severity=_severity(config),
        description=f"{len(drops)} accounts lost more than {config.largest_drop:g} % "
        "of the resources that AWS returns.",
        metadata={"accounts_dropped": len(drops), "accounts": table_of(drops)},
    )


def check_snapshot(contents: SnapshotContents, config: Config) -> list[dg.AssetCheckResult]:
    """One for each of `SNAPSHOT_CHECKS`."""
    age = (utc_now() - contents.status.scan_started_at).total_seconds()
    limit = contents.status.stale_after_seconds
    return [
        dg.AssetCheckResult(
            check_name="snapshot_fresh",
            passed=age <= limit,
            severity=_severity(config),
            description=f"The scan started {age:.0f} s ago; older than {limit:.0f} s is stale.",
            metadata={"age_seconds": age, "stale_after_seconds": limit},
        ),
    ]


def _severity(config: Config) -> dg.AssetCheckSeverity:
    warn = config.check_severity is CheckSeverity.WARN
    return dg.AssetCheckSeverity.WARN if warn else dg.AssetCheckSeverity.ERROR


def _compliance(counts: Counts) -> float:
    """100 for an account without counted resources, which is never below the minimum."""
    percentage = counts.compliance_percentage
    return 100.0 if percentage is None else percentage


def _drops(
    results: ComplianceResults, before: ScanStatus | None, largest: float
) -> Iterator[dict[str, Cell]]:
    """Accounts that were fully read both times; another check reports failed accounts."""
    earlier = {
        account.account_id: account.counts.returned
        for account in (before.accounts if before else ())
        if account.succeeded
    }
    for status in results.statuses:
        now, then = status.returned, earlier.get(status.account_id, 0)
        if status.succeeded and (percentage(then - now, then) or 0.0) > largest:
            yield {"account_id": str(status.account_id), "before": then, "now": now}
