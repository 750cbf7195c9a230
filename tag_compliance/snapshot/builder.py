"""From the results of a scan to the content of a snapshot: its exposition and its status."""

from __future__ import annotations

from dataclasses import dataclass

from tag_compliance.domain.account import RegionName
from tag_compliance.domain.counts import Counts, Thresholds
from tag_compliance.domain.history.figures import HistoryFigures
from tag_compliance.domain.history.limit import limit_figures
from tag_compliance.domain.metrics import build_families
from tag_compliance.domain.metrics.detail import DETAIL, LoadFindings, detail_of
from tag_compliance.domain.metrics.operational import DETAIL_OMITTED
from tag_compliance.domain.metrics.table import ScanResult, SnapshotInfo
from tag_compliance.domain.read_status import AccountReadStatus
from tag_compliance.domain.rules.required_tag import PREFIX
from tag_compliance.domain.summary import ComplianceResults
from tag_compliance.domain.type_patterns import TypePattern
from tag_compliance.snapshot.exposition import render
from tag_compliance.snapshot.status import AccountStatus, RegionStatus, ScanStatus, TagStatus

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

    max_history_series: int | None = None
    """None: all of them."""


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
    scan = ScanResult(
        *(results.summary, results.statuses, detail, info, settings.thresholds, settings.types),
        history=limit_figures(history, settings.max_history_series) if history else None,
    )
    families = build_families(scan, disabled)
    counts = {a.account_id: a.summary.by_region for a in results.summary.accounts}
    lacking = results.summary.violations_by_rule
    seconds = max(0.0, (info.made_at - info.scan_started_at).total_seconds())
    status = ScanStatus(
        scan_started_at=info.scan_started_at,
        made_at=info.made_at,
        outcome=results.outcome,
        stale_after_seconds=_MISSED_SCANS_BEFORE_STALE
        * (settings.refresh_interval_seconds + seconds),
        counts=results.summary.total,
        accounts=tuple(_account(s, counts.get(s.account_id, {})) for s in results.statuses),
        tags=tuple(TagStatus(tag, lacking.get(PREFIX + tag, 0)) for tag in settings.required_tags),
        failures=results.failures,
        version=info.version,
        thresholds=settings.thresholds,
        samples=sum(len(family) for family in families),
        unmatched_exclusions=results.unmatched_exclusions,
    )
    return SnapshotContents(
        exposition=render(families),
        status=status,
        detail_series=len(detail.samples),
        detail_series_omitted=int(detail.omitted["omitted"].sum()),
    )


def _disabled(settings: SnapshotSettings) -> frozenset[str]:
    """With the detail series, the metric about their limit is switched off as well."""
    disabled = settings.disabled_metrics
    if settings.max_detail_series == 0 or DETAIL in disabled:
        return disabled | {DETAIL, DETAIL_OMITTED}
    return disabled


def _account(status: AccountReadStatus, counts: dict[RegionName, Counts]) -> AccountStatus:
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
    )
