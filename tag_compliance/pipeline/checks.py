"""The asset checks: what a team would want to be paged for.

They are part of their asset's own step: a step of their own would read every row again. A failed
one is told and stops nothing.
"""

from collections.abc import Iterator

import dagster as dg

from tag_compliance.config import CheckSeverity, Config
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.counts import Counts
from tag_compliance.domain.results import ComplianceResults
from tag_compliance.pipeline.metadata import Cell, Metadata, table_of, table_of_failures
from tag_compliance.snapshot.contents import SnapshotContents
from tag_compliance.snapshot.lint import faults_of
from tag_compliance.snapshot.status import ScanStatus

_RESULTS, _SNAPSHOT = "compliance_results", "metric_snapshot"

_WHAT = {
    "every_account_read": "Every configured account was read in all of its regions.",
    "every_region_read": "Every configured region of every account was read to its last page.",
    "compliance_above_minimum": "Of all resources, at least minimum_compliance per cent comply.",
    "account_compliance_above_minimum": "Of each account's resources, at least "
    "minimum_account_compliance per cent comply.",
    "no_sudden_drop": "No account has lost more than largest_drop per cent of its resources since "
    "the last snapshot: a permission or a filter may have broken.",
}
_WHAT_OF_SNAPSHOT = {
    "exposition_parses": "Every line of the exposition has the format's form, no series twice.",
    "snapshot_fresh": "The snapshot is younger than what the exporter calls stale.",
}

RESULT_CHECKS = [dg.AssetCheckSpec(n, asset=_RESULTS, description=d) for n, d in _WHAT.items()]
SNAPSHOT_CHECKS = [
    dg.AssetCheckSpec(n, asset=_SNAPSHOT, description=d) for n, d in _WHAT_OF_SNAPSHOT.items()
]


def check_results(
    results: ComplianceResults, counts: Counts, config: Config, before: ScanStatus | None
) -> list[dg.AssetCheckResult]:
    """One for each of `RESULT_CHECKS`; `before` is the snapshot that is current so far."""
    failed = [scan for scan in results.scans if not scan.succeeded]
    unread = results.regions_configured - results.regions_read
    regions = counts.by_region
    overall = _percentage(int(regions["compliant"].sum()), int(regions["resources"].sum()))
    per_account = regions.groupby("account_id", sort=False)[["resources", "compliant"]].sum()
    low: list[dict[str, Cell]] = [
        {"account_id": str(account_id), "compliance_percentage": round(share, 2)}
        for account_id, resources, compliant in per_account.itertuples()
        if (share := _percentage(compliant, resources)) < config.minimum_account_compliance
    ]
    drops = list(_drops(results, before, config.largest_drop))
    severity = _severity(config)

    def result(name: str, why: str, metadata: Metadata, *, passed: bool) -> _Result:
        return dg.AssetCheckResult(
            check_name=name,
            passed=passed,
            severity=severity,
            description=why,
            metadata=metadata,
        )

    return [
        result(
            "every_account_read",
            f"{len(failed)} of {len(results.scans)} accounts were not read whole.",
            {"failed_accounts": len(failed), "failures": table_of_failures(results)},
            passed=not failed,
        ),
        result(
            "every_region_read",
            f"{unread} of {results.regions_configured} regions were not read.",
            {"failed_regions": unread},
            passed=unread == 0,
        ),
        result(
            "compliance_above_minimum",
            f"{overall:.1f} % comply, {config.minimum_compliance:g} % are asked for.",
            {"compliance_percentage": overall, "minimum": config.minimum_compliance},
            passed=overall >= config.minimum_compliance,
        ),
        result(
            "account_compliance_above_minimum",
            f"{len(low)} accounts are below {config.minimum_account_compliance:g} %.",
            {"accounts_below": len(low), "accounts": table_of(low)},
            passed=not low,
        ),
        result(
            "no_sudden_drop",
            f"{len(drops)} accounts lost more than {config.largest_drop:g} % of their resources.",
            {"accounts_dropped": len(drops), "accounts": table_of(drops)},
            passed=not drops,
        ),
    ]


def check_snapshot(contents: SnapshotContents, config: Config) -> list[dg.AssetCheckResult]:
    """One for each of `SNAPSHOT_CHECKS`."""
    faults = faults_of(contents.exposition)
    age = (utc_now() - contents.status.scan_started_at).total_seconds()
    limit = contents.status.stale_after_seconds
    return [
        dg.AssetCheckResult(
            check_name="exposition_parses",
            passed=not faults,
            severity=_severity(config),
            description=faults[0] if faults else f"{contents.samples} samples.",
            metadata={"faults": len(faults)},
        ),
        dg.AssetCheckResult(
            check_name="snapshot_fresh",
            passed=age <= limit,
            severity=_severity(config),
            description=f"The scan began {age:.0f} s ago; older than {limit:.0f} s is stale.",
            metadata={"age_seconds": age, "stale_after_seconds": limit},
        ),
    ]


_Result = dg.AssetCheckResult


def _severity(config: Config) -> dg.AssetCheckSeverity:
    warn = config.check_severity is CheckSeverity.WARN
    return dg.AssetCheckSeverity.WARN if warn else dg.AssetCheckSeverity.ERROR


def _percentage(part: int, whole: int) -> float:
    """Of nothing, all comply: an empty account is below no minimum."""
    return 100.0 * part / whole if whole else 100.0


def _drops(
    results: ComplianceResults, before: ScanStatus | None, largest: float
) -> Iterator[dict[str, str | int]]:
    """Accounts that were read now and then; one that failed has a check of its own."""
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
