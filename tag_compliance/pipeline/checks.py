"""The asset checks: what a team wants to be alerted about.

They run in the step of their asset: steps of their own would read all rows again. A check that
fails is reported and stops nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg

from tag_compliance.config import CheckSeverity, Config
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.counts import Counts
from tag_compliance.domain.results import ComplianceResults
from tag_compliance.pipeline.metadata import Cell, Metadata, table_of, table_of_failures
from tag_compliance.snapshot.builder import SnapshotContents
from tag_compliance.snapshot.status import ScanStatus
from tag_compliance.snapshot.validate import faults_of

_RESULTS, _SNAPSHOT = "compliance_results", "metric_snapshot"

_RESULT_DESCRIPTIONS = {
    "every_account_read": "Every configured account was read in all of its regions.",
    "every_region_read": "Every configured region of every account was read to its last page.",
    "compliance_above_minimum": "At least minimum_compliance per cent of all resources are "
    "compliant.",
    "account_compliance_above_minimum": "At least minimum_account_compliance per cent of each "
    "account's resources are compliant.",
    "no_sudden_drop": "No account has lost more than largest_drop per cent of its resources since "
    "the last snapshot: a permission or a filter may be broken.",
}
_SNAPSHOT_DESCRIPTIONS = {
    "exposition_parses": "Every line of the exposition is well-formed, and each series is unique.",
    "snapshot_fresh": "The snapshot is not stale yet, as the exporter defines it.",
}

RESULT_CHECKS = [
    dg.AssetCheckSpec(n, asset=_RESULTS, description=d) for n, d in _RESULT_DESCRIPTIONS.items()
]
SNAPSHOT_CHECKS = [
    dg.AssetCheckSpec(n, asset=_SNAPSHOT, description=d) for n, d in _SNAPSHOT_DESCRIPTIONS.items()
]


@dataclass(frozen=True)
class _Outcome:
    name: str
    passed: bool
    description: str
    metadata: Metadata


def check_results(
    results: ComplianceResults, counts: Counts, config: Config, before: ScanStatus | None
) -> list[dg.AssetCheckResult]:
    """One for each of `RESULT_CHECKS`; `before` is the status of the current snapshot."""
    outcomes = (
        _every_account_read(results),
        _every_region_read(results),
        _compliance_above_minimum(counts, config),
        _account_compliance_above_minimum(counts, config),
        _no_sudden_drop(results, before, config),
    )
    return [_check_result(outcome, config) for outcome in outcomes]


def check_snapshot(contents: SnapshotContents, config: Config) -> list[dg.AssetCheckResult]:
    """One for each of `SNAPSHOT_CHECKS`."""
    outcomes = (_exposition_parses(contents), _snapshot_fresh(contents))
    return [_check_result(outcome, config) for outcome in outcomes]


def _check_result(outcome: _Outcome, config: Config) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=outcome.name,
        passed=outcome.passed,
        severity=_severity(config),
        description=outcome.description,
        metadata=outcome.metadata,
    )


def _every_account_read(results: ComplianceResults) -> _Outcome:
    failed = sum(not scan.succeeded for scan in results.scans)
    return _Outcome(
        "every_account_read",
        failed == 0,
        f"{failed} of {len(results.scans)} accounts were not fully read.",
        {"failed_accounts": failed, "failures": table_of_failures(results)},
    )


def _every_region_read(results: ComplianceResults) -> _Outcome:
    unread = results.regions_configured - results.regions_read
    return _Outcome(
        "every_region_read",
        unread == 0,
        f"{unread} of {results.regions_configured} regions were not read.",
        {"failed_regions": unread},
    )


def _compliance_above_minimum(counts: Counts, config: Config) -> _Outcome:
    regions, minimum = counts.by_region, config.minimum_compliance
    overall = _percentage(int(regions["compliant"].sum()), int(regions["resources"].sum()))
    return _Outcome(
        "compliance_above_minimum",
        overall >= minimum,
        f"{overall:.1f} % of all resources are compliant, the minimum is {minimum:g} %.",
        {"compliance_percentage": overall, "minimum": minimum},
    )


def _account_compliance_above_minimum(counts: Counts, config: Config) -> _Outcome:
    minimum = config.minimum_account_compliance
    sums = counts.by_region.groupby("account_id", sort=False)[["resources", "compliant"]].sum()
    low: list[dict[str, Cell]] = [
        {"account_id": str(account_id), "compliance_percentage": round(share, 2)}
        for account_id, resources, compliant in sums.itertuples()
        if (share := _percentage(compliant, resources)) < minimum
    ]
    return _Outcome(
        "account_compliance_above_minimum",
        not low,
        f"{len(low)} accounts are below {minimum:g} %.",
        {"accounts_below": len(low), "accounts": table_of(low)},
    )


def _no_sudden_drop(
    results: ComplianceResults, before: ScanStatus | None, config: Config
) -> _Outcome:
    drops = list(_drops(results, before, config.largest_drop))
    return _Outcome(
        "no_sudden_drop",
        not drops,
        f"{len(drops)} accounts lost more than {config.largest_drop:g} % of their resources.",
        {"accounts_dropped": len(drops), "accounts": table_of(drops)},
    )


def _exposition_parses(contents: SnapshotContents) -> _Outcome:
    faults = faults_of(contents.exposition)
    return _Outcome(
        "exposition_parses",
        not faults,
        faults[0] if faults else f"{contents.samples} samples.",
        {"faults": len(faults)},
    )


def _snapshot_fresh(contents: SnapshotContents) -> _Outcome:
    age = (utc_now() - contents.status.scan_started_at).total_seconds()
    limit = contents.status.stale_after_seconds
    return _Outcome(
        "snapshot_fresh",
        age <= limit,
        f"The scan began {age:.0f} s ago; a snapshot is stale after {limit:.0f} s.",
        {"age_seconds": age, "stale_after_seconds": limit},
    )


def _severity(config: Config) -> dg.AssetCheckSeverity:
    warn = config.check_severity is CheckSeverity.WARN
    return dg.AssetCheckSeverity.WARN if warn else dg.AssetCheckSeverity.ERROR


def _percentage(part: int, whole: int) -> float:
    """100 for no resources: an empty account is not below any minimum."""
    return 100.0 * part / whole if whole else 100.0


def _drops(
    results: ComplianceResults, before: ScanStatus | None, largest: float
) -> Iterator[dict[str, str | int]]:
    """Of the accounts that both scans read; for failed accounts there is another check."""
    earlier = {
        account.account_id: sum(region.resources for region in account.regions)
        for account in (before.accounts if before else ())
        if account.succeeded
    }
    for scan in results.scans:
        now = sum(region.resources for region in scan.regions)
        then = earlier.get(scan.account_id, 0)
        if scan.succeeded and then and 100.0 * (then - now) / then > largest:
            yield {"account_id": scan.account_id, "before": then, "now": now}
