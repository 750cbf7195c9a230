"""The summary of a scan, as text for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from tag_compliance.cli.terminal import Style
from tag_compliance.domain.counts import (
    Counts,
    Thresholds,
    floor_percentage,
    format_percentage,
    percentage,
)
from tag_compliance.domain.read_status import Outcome
from tag_compliance.domain.severity import Severity
from tag_compliance.logs import on_one_line, printable_json
from tag_compliance.snapshot.status import AccountStatus, PolicyStatus, ScanStatus, SourceStatus

_MOST_ROWS = 20
_MOST_FAILURES = 20
_MOST_RULES = 10
_COUNT_WIDTH, _SHARE_WIDTH = 8, 7

T = TypeVar("T")


def folded(rows: Sequence[T], is_healthy: Callable[[T], bool]) -> tuple[list[T], int]:
    """The failed rows, then at most 20 healthy ones; and how many healthy ones are left out."""
    healthy = [row for row in rows if is_healthy(row)]
    failed = [row for row in rows if not is_healthy(row)]
    return failed + healthy[:_MOST_ROWS], len(healthy[_MOST_ROWS:])


def summary_of(status: ScanStatus, style: Style) -> Iterator[str]:
    """Lines for the scan, one per tag, a table of the accounts, one line per failure."""
    regions = [region for account in status.accounts for region in account.regions]
    read = sum(region.reason == "ok" for region in regions)
    outcome = {Outcome.COMPLETE: style.good, Outcome.PARTIAL: style.fair}
    yield (
        f"{outcome.get(status.outcome, style.poor)(status.outcome)}: {read} of {len(regions)} "
        f"regions of {len(status.accounts)} accounts read in {_seconds(status):.1f} s"
    )
    if status.outcome is Outcome.NOTHING:
        earlier = "; all numbers are those of earlier scans" if status.counts.returned else ""
        yield f"nothing could be scanned{earlier}"
    counts = status.counts
    compliant = "" if counts.compliant is None else f", {counts.compliant} compliant"
    yield (
        f"{counts.returned} resources returned, {counts.excluded} excluded, "
        f"{counts.duplicates} duplicates, {counts.counted} counted{compliant}"
    )
    if counts.compliant is not None:
        yield f"{format_percentage(counts.compliance_percentage)} have every required tag"
    yield status.coverage
    for tag in status.tags:
        yield f"  {tag.missing:>8} lack {on_one_line(tag.tag)}"
    if status.policy:
        yield from _policy(status.policy)
    if status.discovery_failure:
        yield f"{style.fair('accounts not discovered:')} {on_one_line(status.discovery_failure)}"
    if status.unmatched_exclusions:
        patterns = on_one_line(", ".join(status.unmatched_exclusions))
        yield f"excluded_resource_types: no resource matches {patterns}"
    yield from _accounts(status, style)
    for failure in status.failures[:_MOST_FAILURES]:
        yield f"{style.poor('not read:')} {on_one_line(failure)}"
    if len(status.failures) > _MOST_FAILURES:
        yield f"{style.poor('not read:')} {len(status.failures) - _MOST_FAILURES} more"


def _policy(policy: PolicyStatus) -> Iterator[str]:
    """The compliance with all rules, the open findings by severity, the worst rules."""
    honoured = percentage(policy.without_open_findings, policy.counted)
    ignored = percentage(policy.without_findings, policy.counted)
    yield (
        f"{format_percentage(honoured)} violate none of {len(policy.rules)} rules, "
        f"{format_percentage(ignored)} if waivers are ignored"
    )
    numbers = ", ".join(f"{policy.violations_of(name)} {name}" for name in reversed(Severity))
    waived = sum(rule.waived for rule in policy.rules)
    yield f"open findings: {numbers}; {waived} waived"
    for rule in policy.worst_rules[:_MOST_RULES]:
        yield f"  {rule.violations:>8} violate {on_one_line(rule.rule)} ({rule.severity})"
    if policy.expired_waivers:
        yield f"{policy.expired_waivers} waivers have expired; their findings count again"


def _accounts(status: ScanStatus, style: Style) -> Iterator[str]:
    """Failed accounts first; of many healthy ones those with the lowest compliance."""
    accounts: Sequence[AccountStatus] = status.accounts
    if sum(account.succeeded for account in accounts) > _MOST_ROWS:
        accounts = sorted(accounts, key=_compliance)
    shown, omitted = folded(accounts, lambda account: account.succeeded)
    names = [on_one_line(account.account_name) for account in shown]
    width = max(map(len, names), default=0)
    for account, name in zip(shown, names, strict=True):
        numbers = _columns(account, status.thresholds, style)
        yield f"  {account.account_id}  {name:{width}}  {numbers}  {_state(account, style)}"
    if omitted:
        graded = "" if status.counts.compliant is None else " and at least as compliant"
        yield f"  … {omitted} more accounts, all fully read{graded}"


def _compliance(account: AccountStatus) -> float:
    share = account.counts.compliance_percentage
    return 101.0 if share is None else share


def _columns(account: AccountStatus, thresholds: Thresholds, style: Style) -> str:
    """How many resources are counted, and their compliance; blank if no region has numbers."""
    counts = account.counts
    if not account.has_counts:
        return " " * (_COUNT_WIDTH + 2 + _SHARE_WIDTH)
    share = counts.compliance_percentage
    text = f"{format_percentage(share):>{_SHARE_WIDTH}}"
    graded = text if share is None else style.graded(text, thresholds.grade(share))
    return f"{counts.counted:>{_COUNT_WIDTH}}  {graded}"


def _state(account: AccountStatus, style: Style) -> str:
    if account.succeeded:
        return "ok"
    read = sum(region.reason == "ok" for region in account.regions)
    return style.poor(f"{read} of {len(account.regions)} regions read")


def _seconds(status: ScanStatus) -> float:
    return (status.made_at - status.scan_started_at).total_seconds()


def json_summary(status: ScanStatus, snapshot_id: str, metrics: str | None) -> str:
    """The summary as one JSON document; `metrics` is where the exposition is, if it is kept.

    Percentages are rounded as in the text; they are null if nothing is counted. If no tag is
    required, they and `compliant` are null. `failures` has each failure once, with its message,
    although a role that cannot be assumed fails in every region.
    """
    document = {
        "outcome": status.outcome,
        "scan_started_at": status.scan_started_at.isoformat(),
        "seconds": round(_seconds(status), 3),
        "snapshot_id": snapshot_id,
        "metrics": metrics,
        **_numbers(status.counts),
        "coverage": status.coverage,
        "never_tagged": status.never_tagged,
        "sources": [_source(source) for source in status.sources],
        "missing_tags": {tag.tag: tag.missing for tag in status.tags},
        "accounts": [_account(account) for account in status.accounts],
        "policy": asdict(status.policy) if status.policy else None,
        "failures": status.failures,
        "unmatched_exclusions": status.unmatched_exclusions,
        "discovery_failure": status.discovery_failure,
        "version": status.version,
    }
    return printable_json(json.dumps(document, indent=2, ensure_ascii=False))


def _source(source: SourceStatus) -> dict[str, Any]:
    oldest = source.oldest_result_at
    return {**asdict(source), "oldest_result_at": oldest.isoformat() if oldest else None}


def _account(account: AccountStatus) -> dict[str, Any]:
    return {
        "account_id": account.account_id,
        "account_name": account.account_name,
        "ou_path": account.ou_path,
        "owner": account.owner,
        "succeeded": account.succeeded,
        **_numbers(account.counts),
        "regions": [
            {
                "region": region.region,
                "reason": region.reason,
                **(_numbers(region.counts) if region.counts else {}),
            }
            for region in account.regions
        ],
    }


def _numbers(counts: Counts) -> dict[str, Any]:
    share = counts.compliance_percentage
    shown = None if share is None else floor_percentage(share)
    return {**counts.numbers, "compliance_percentage": shown}
