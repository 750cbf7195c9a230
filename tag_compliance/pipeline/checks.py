"""The asset checks: conditions about which a team may want an alert.

They are part of the step of their asset. A failed check is reported and stops nothing.
"""

from collections.abc import Iterator

import dagster as dg

from tag_compliance.config import CheckSeverity, Config
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.counts import floor_percentage, format_percentage, percentage
from tag_compliance.domain.coverage import coverage_sentence
from tag_compliance.domain.severity import Severity
from tag_compliance.domain.summary import ComplianceResults
from tag_compliance.domain.unused_waivers import unused_waivers
from tag_compliance.pipeline.merge import policy_of
from tag_compliance.pipeline.metadata import Cell, Metadata, table_of, table_of_failures
from tag_compliance.snapshot.builder import SnapshotContents
from tag_compliance.snapshot.status import ScanStatus

_DESCRIPTIONS = {
    "every_account_read": "Every configured account was read in all of its regions.",
    "every_region_read": "Every configured region of every account was read to its last page.",
    "compliance_above_minimum": "At least minimum_compliance per cent of all counted resources "
    "are compliant.",
    "account_compliance_above_minimum": "At least minimum_account_compliance per cent of each "
    "account's counted resources are compliant.",
    "no_critical_findings": "No resource violates a rule of severity critical without a waiver.",
    "waivers_valid": "No waiver has expired, expires within 14 days, or matches no finding.",
    "no_sudden_drop": "No account has lost more than largest_drop per cent of its resources since "
    "the last snapshot; a missing permission can be the cause.",
}
RESULT_CHECKS = [
    dg.AssetCheckSpec(name, asset="compliance_results", description=description)
    for name, description in _DESCRIPTIONS.items()
]
SNAPSHOT_CHECKS = [
    dg.AssetCheckSpec(
        "snapshot_fresh",
        asset="metric_snapshot",
        description="The snapshot is not stale yet, as the exporter defines it.",
    )
]


_WARNINGS = {"waivers_valid"}
"""The checks whose failure is a warning, whatever `check_severity` is."""

_SOON_DAYS = 14

_Check = tuple[str, bool, str, Metadata]
"""Name, whether it passed, description, metadata."""


def check_results(
    results: ComplianceResults, config: Config, before: ScanStatus | None
) -> list[dg.AssetCheckResult]:
    """One for each of `RESULT_CHECKS`; `before` is the status of the current snapshot."""
    checks = (
        *_readings(results),
        *_minimums(results, config),
        *_of_policy(results, config),
        _no_sudden_drop(results, config.largest_drop, before),
    )
    return [_result(check, config) for check in checks]


def check_snapshot(contents: SnapshotContents, config: Config) -> list[dg.AssetCheckResult]:
    """One for each of `SNAPSHOT_CHECKS`."""
    age = (utc_now() - contents.status.scan_started_at).total_seconds()
    limit = contents.status.stale_after_seconds
    text = f"The scan started {age:.0f} s ago; older than {limit:.0f} s is stale."
    numbers = {"age_seconds": age, "stale_after_seconds": limit}
    return [_result(("snapshot_fresh", age <= limit, text, numbers), config)]


def _result(check: _Check, config: Config) -> dg.AssetCheckResult:
    name, passed, description, metadata = check
    warns = config.check_severity is CheckSeverity.WARN or name in _WARNINGS
    return dg.AssetCheckResult(
        check_name=name,
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN if warns else dg.AssetCheckSeverity.ERROR,
        description=description,
        metadata=metadata,
    )


def _readings(results: ComplianceResults) -> Iterator[_Check]:
    failed = sum(not status.succeeded for status in results.statuses)
    text = f"{failed} of {len(results.statuses)} accounts were not fully read."
    failures = table_of_failures(results)
    yield "every_account_read", not failed, text, {"failed_accounts": failed, "failures": failures}

    regions = results.regions_configured
    unread = regions - results.regions_read
    text = f"{unread} of {regions} regions were not read."
    yield "every_region_read", not unread, text, {"failed_regions": unread}


def _minimums(results: ComplianceResults, config: Config) -> Iterator[_Check]:
    """Both pass where there is no percentage to compare, and say so."""
    share, minimum = results.summary.total.compliance_percentage, config.minimum_compliance
    text = (
        f"{format_percentage(share)} of the counted resources comply; {minimum:g} % are required."
    )
    numbers: Metadata = {"minimum": minimum}
    if share is None:
        text = _nothing_to_check(results)
    else:
        numbers = {"compliance_percentage": floor_percentage(share), **numbers}
    text = f"{text} {coverage_sentence(results)}"
    yield "compliance_above_minimum", share is None or share >= minimum, text, numbers

    minimum = config.minimum_account_compliance
    low: list[dict[str, Cell]] = [
        {"account_id": str(account_id), "compliance_percentage": floor_percentage(percent)}
        for account_id, counts in results.summary.by_account.items()
        if (percent := counts.compliance_percentage) is not None and percent < minimum
    ]
    text = f"{len(low)} accounts are below {minimum:g} %."
    if share is None:
        text = _nothing_to_check(results)
    found: Metadata = {"accounts_below": len(low), "accounts": table_of(low)}
    yield "account_compliance_above_minimum", not low, text, found


def _nothing_to_check(results: ComplianceResults) -> str:
    why = "No resource is counted" if results.summary.has_required_tags else "No tag is required"
    return f"{why}: there is no compliance to check."


def _of_policy(results: ComplianceResults, config: Config) -> Iterator[_Check]:
    policy, day = policy_of(config), results.day or utc_now().date()
    critical = [str(r.rule_id) for r in policy.rules if r.severity is Severity.CRITICAL]
    frame = results.summary.by_region_and_rule
    violated = frame[frame["rule"].isin(critical)]
    findings = int((violated["violations"] - violated["waived"]).sum())
    text = f"{findings} open findings of {len(critical)} rules of severity critical."
    yield "no_critical_findings", not findings, text, {"critical_findings": findings}

    unused = unused_waivers(policy, results.summary, results.statuses) or ()
    rows: list[dict[str, Cell]] = []
    for waiver in policy.waivers:
        left = (waiver.expires - day).days
        state = "expired" if left < 0 else "expires" if left <= _SOON_DAYS else ""
        state = state or ("unused" if waiver in unused else "")
        if state:
            last = waiver.expires.isoformat()
            rows.append({"waiver": waiver.waiver_id, "state": state, "last_day": last})
    text = f"{len(rows)} of {len(policy.waivers)} waivers expired, expire soon or are unused."
    yield "waivers_valid", not rows, text, {"waivers": table_of(rows)}


def _no_sudden_drop(
    results: ComplianceResults, largest: float, before: ScanStatus | None
) -> _Check:
    drops = list(_drops(results, before, largest))
    text = f"{len(drops)} accounts lost more than {largest:g} % of the resources that AWS returns."
    found: Metadata = {"accounts_dropped": len(drops), "accounts": table_of(drops)}
    return "no_sudden_drop", not drops, text, found


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
