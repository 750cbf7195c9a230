"""From the results of a scan to the content of a snapshot: its exposition and its status."""

from __future__ import annotations

from dataclasses import dataclass

from tag_compliance.domain.counts import Thresholds
from tag_compliance.domain.coverage import (
    SourceCoverage,
    coverage_by_source,
    coverage_sentence,
)
from tag_compliance.domain.history.figures import HistoryFigures
from tag_compliance.domain.history.limit import LimitedFigures, limit_figures
from tag_compliance.domain.metrics import HISTORY_METRICS, RULE_METRICS, build_families
from tag_compliance.domain.metrics.detail import DETAIL, LoadFindings, detail_of
from tag_compliance.domain.metrics.operational import DETAIL_OMITTED, FINDINGS_OMITTED
from tag_compliance.domain.metrics.owners import owner_table
from tag_compliance.domain.metrics.rule_series import choose_series
from tag_compliance.domain.metrics.table import Detail, RuleSeries, ScanResult, SnapshotInfo
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.read_status import AccountReadStatus, Source
from tag_compliance.domain.rules.required_tag import PREFIX
from tag_compliance.domain.summary import ComplianceResults, SummarizedAccount
from tag_compliance.domain.type_patterns import TypePattern
from tag_compliance.snapshot.exposition import render
from tag_compliance.snapshot.findings_limit import FindingsLimit
from tag_compliance.snapshot.policy_status import policy_status
from tag_compliance.snapshot.status import (
    AccountStatus,
    RegionStatus,
    ScanStatus,
    SourceStatus,
    TagStatus,
)

_MISSED_SCANS_BEFORE_STALE = 3


@dataclass(frozen=True, slots=True)
class SnapshotSettings:
    """The settings of the configuration that a snapshot depends on."""

    required_tags: tuple[str, ...]
    max_detail_series: int | None
    """None: all of them; 0: the family is switched off."""

    refresh_interval_seconds: int
    thresholds: Thresholds
    disabled_metrics: frozenset[str] = frozenset()
    types: tuple[TypePattern, ...] = ()
    """Of the metrics by type; without patterns they have series for all types."""

    policy: Policy | None = None
    """None: the required tags are the whole policy."""

    max_rule_series: int | None = None
    """None: all of them; 0: the families are switched off."""
    max_findings_rows: int | None = None
    """None: there is no findings database."""

    max_owner_series: int | None = 0
    """None: all owners; 0: there are no metrics by owner."""

    owners_before: tuple[str, ...] = ()
    """The owners that have series in the last snapshot."""


@dataclass(frozen=True)
class SnapshotContents:
    """Ready to be published."""

    exposition: bytes
    status: ScanStatus
    detail_series: int
    detail_series_omitted: int


def build_contents(
    results: ComplianceResults,
    load_findings: LoadFindings,
    info: SnapshotInfo,
    settings: SnapshotSettings,
    history: HistoryFigures | None = None,
) -> SnapshotContents:
    """Renders the exposition; the snapshot is stale when three scans have been missed.

    Without `history` the exposition has no families of the history.
    """
    required = [PREFIX + tag for tag in settings.required_tags]
    disabled = _disabled(settings)
    limit = 0 if DETAIL in disabled else settings.max_detail_series
    detail = detail_of(results.summary, required, load_findings, limit)
    scan = _scan_result(results, detail, info, settings, history)
    families = build_families(scan, disabled)
    return SnapshotContents(
        exposition=render(families),
        status=_status(scan, results, settings, sum(map(len, families))),
        detail_series=len(detail.samples),
        detail_series_omitted=int(detail.omitted["omitted"].sum()),
    )


def _status(
    scan: ScanResult, results: ComplianceResults, settings: SnapshotSettings, samples: int
) -> ScanStatus:
    info = scan.info
    summarized = {account.account_id: account for account in results.summary.accounts}
    seconds = max(0.0, (info.made_at - info.scan_started_at).total_seconds())
    return ScanStatus(
        scan_started_at=info.scan_started_at,
        made_at=info.made_at,
        outcome=results.outcome,
        stale_after_seconds=_MISSED_SCANS_BEFORE_STALE
        * (settings.refresh_interval_seconds + seconds),
        counts=results.summary.total,
        accounts=tuple(_account(s, summarized.get(s.account_id)) for s in results.statuses),
        tags=_tags(results, settings),
        failures=results.failures,
        version=info.version,
        thresholds=settings.thresholds,
        samples=samples,
        unmatched_exclusions=results.unmatched_exclusions,
        coverage=coverage_sentence(results),
        never_tagged=_never_tagged(results),
        sources=tuple(map(_source, coverage_by_source(results))),
        discovery_failure=results.discovery.failure if results.discovery else "",
        policy=policy_status(results, scan.rules.policy, scan.rules.day),
        shown_owners=scan.owners.shown if scan.owners else (),
    )


def _policy(settings: SnapshotSettings) -> Policy:
    return settings.policy or Policy(settings.required_tags)


def _tags(results: ComplianceResults, settings: SnapshotSettings) -> tuple[TagStatus, ...]:
    lacking = results.summary.violations_by_rule
    return tuple(TagStatus(tag, lacking.get(PREFIX + tag, 0)) for tag in settings.required_tags)


def _never_tagged(results: ComplianceResults) -> int | None:
    explored = any(
        reading.source is Source.RESOURCE_EXPLORER
        for status in results.statuses
        for region in status.regions
        for reading in region.sources
    )
    return int(results.summary.never_tagged["resources"].sum()) if explored else None


def _source(coverage: SourceCoverage) -> SourceStatus:
    return SourceStatus(
        coverage.source,
        coverage.counts,
        coverage.account_regions,
        coverage.read,
        coverage.returned,
        coverage.added,
        coverage.oldest_result_at,
        {str(reason): number for reason, number in coverage.failures.items()},
    )


def _scan_result(
    results: ComplianceResults,
    detail: Detail,
    info: SnapshotInfo,
    settings: SnapshotSettings,
    history: HistoryFigures | None,
) -> ScanResult:
    rows, limit = settings.max_findings_rows, settings.max_owner_series
    before = settings.owners_before
    day = results.day or info.scan_started_at.date()
    rules = choose_series(results.summary, _policy(settings), day, settings.max_rule_series)
    return ScanResult(
        results.summary,
        results.statuses,
        detail,
        info,
        settings.thresholds,
        rules,
        settings.types,
        discovery=results.discovery,
        owners=None if limit == 0 else owner_table(results.summary, limit, before),
        findings_omitted=None if rows is None else FindingsLimit.of(results.summary, rows).omitted,
        history=_limited(history, rules, settings.max_rule_series) if history else None,
    )


def _limited(history: HistoryFigures, rules: RuleSeries, limit: int | None) -> LimitedFigures:
    """The series of the history get what those of the rules leave of the limit."""
    return limit_figures(history, None if limit is None else max(0, limit - rules.series))


def _disabled(settings: SnapshotSettings) -> frozenset[str]:
    """With the detail series or the database, the metric about its limit is off as well."""
    disabled = settings.disabled_metrics
    if settings.max_rule_series == 0:
        disabled |= {metric.name for metric in (*RULE_METRICS, *HISTORY_METRICS)}
    if settings.max_detail_series == 0 or DETAIL in disabled:
        disabled |= {DETAIL, DETAIL_OMITTED}
    if settings.max_findings_rows is None:
        disabled |= {FINDINGS_OMITTED}
    return disabled


def _account(status: AccountReadStatus, summarized: SummarizedAccount | None) -> AccountStatus:
    counts = summarized.summary.by_region if summarized else {}
    regions = [
        RegionStatus(
            region=region.region,
            reason=region.reason,
            message=region.message,
            seconds=region.seconds,
            last_success_at=region.last_success_at,
            counts=counts.get(region.region),
        )
        for region in status.regions
    ]
    return AccountStatus(
        status.account_id,
        status.account_name,
        status.succeeded,
        status.last_success_at,
        tuple(regions),
        ou_path=summarized.ou_path if summarized else "",
        owner=summarized.owner if summarized else "",
    )
