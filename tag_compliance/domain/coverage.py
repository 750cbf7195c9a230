"""What the numbers of a scan cover: what each source was asked for, returned, and cannot see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tag_compliance.domain.account import AccountId, AccountName, RegionName
from tag_compliance.domain.counts import COVERAGE, format_percentage
from tag_compliance.domain.read_status import (
    AccountReadStatus,
    ReadStatus,
    Reason,
    RegionReadStatus,
    Source,
)
from tag_compliance.domain.summary import ComplianceResults

REQUESTED = {
    Source.TAGGING: "resources that have or once had a tag",
    Source.IAM: "IAM roles and users",
    Source.AUTOSCALING: "Auto Scaling groups",
    Source.RESOURCE_EXPLORER: "resources without a tag",
}
NOT_COVERED = {
    Source.TAGGING: "resources that never had a tag; types that the tagging API does not support",
    Source.IAM: "other types of IAM",
    Source.AUTOSCALING: "other types of Auto Scaling",
    Source.RESOURCE_EXPLORER: "types that Resource Explorer does not index, or whose tags it does "
    "not know; resources that are new; IAM; Auto Scaling groups, unless their source is on",
}
_NATIVE = {Source.IAM: "IAM users and roles", Source.AUTOSCALING: "Auto Scaling groups"}
_WITHOUT_RESULT = {
    Reason.NO_INDEX: ("has no Resource Explorer index", "have no Resource Explorer index"),
    Reason.INDEX_BUILDING: (
        "has an index that is being built",
        "have an index that is being built",
    ),
    Reason.NO_VIEW: ("has no usable view", "have no usable view"),
    Reason.VIEW_WITHOUT_TAGS: ("has a view without tags", "have a view without tags"),
    Reason.VIEW_FILTERED: ("has a filtered view", "have a filtered view"),
    Reason.UNSUPPORTED_REGION: (
        "is in a region without Resource Explorer",
        "are in regions without Resource Explorer",
    ),
}
"""Why Resource Explorer returned nothing, of one account-region and of several."""


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """What one source covers in one region of one account.

    `returned` counts what it returned in the latest scan, `added` the ARNs that no source before it
    returned, or those of its last good reading; `result_at` is when AWS returned the latest
    complete result.
    """

    account_id: AccountId
    account_name: AccountName
    region: RegionName
    source: Source
    reason: Reason
    counts: bool
    requested: str
    returned: int
    added: int
    result_at: datetime | None
    not_covered: str


@dataclass(slots=True)
class SourceCoverage:
    """What one source covers in all account-regions; `failures` counts them by reason."""

    source: Source
    counts: bool
    account_regions: int = 0
    read: int = 0
    returned: int = 0
    added: int = 0
    oldest_result_at: datetime | None = None
    failures: Counter[Reason] = field(default_factory=Counter)


def coverage_rows(results: ComplianceResults) -> Iterator[CoverageRow]:
    """A row for each account, region and source that is on, in the configured order."""
    additions = {a.account_id: a.summary.additions for a in results.summary.accounts}
    for status, region, reading in _readings(results.statuses):
        added = additions.get(status.account_id, {}).get(region.region, {})
        request = f", {reading.request}" if reading.request else ""
        yield CoverageRow(
            status.account_id,
            status.account_name,
            region.region,
            reading.source,
            reading.reason,
            reading.counts,
            REQUESTED[reading.source] + request,
            reading.returned,
            added.get(reading.source, 0),
            reading.result_returned_at,
            NOT_COVERED[reading.source],
        )


def coverage_by_source(results: ComplianceResults) -> list[SourceCoverage]:
    """The rows of `coverage_rows`, added up by source, in the order of the sources."""
    found: dict[Source, SourceCoverage] = {}
    for row in coverage_rows(results):
        total = found.setdefault(row.source, SourceCoverage(row.source, row.counts))
        total.account_regions += 1
        total.returned += row.returned
        total.added += row.added
        if row.reason is Reason.OK:
            total.read += 1
        else:
            total.failures[row.reason] += 1
        if row.result_at is not None:
            total.oldest_result_at = min(total.oldest_result_at or row.result_at, row.result_at)
    return [found[source] for source in Source if source in found]


def coverage_sentence(results: ComplianceResults) -> str:
    """What the percentages cover, for people, wherever they see a percentage of the whole scan."""
    on = {reading.source for _, _, reading in _readings(results.statuses)}
    if on <= {Source.TAGGING}:
        return COVERAGE
    missing = [name for source, name in _NATIVE.items() if source not in on]
    without = f" {' and '.join(missing)} are not included." if missing else ""
    if Source.RESOURCE_EXPLORER not in on:
        names = [name for source, name in _NATIVE.items() if source in on]
        return (
            "The percentages cover the resources that AWS's tagging API returns, those that have "
            f"or once had a tag, and {' and '.join(names)}.{without} "
            "Deleted ones can be included for some hours."
        )
    share = results.summary.total.compliance_percentage
    shown = (
        "" if share is None else f"{format_percentage(share)} of the resources read are compliant. "
    )
    return f"{shown}{_never_tagged(results)}{without}"


def _never_tagged(results: ComplianceResults) -> str:
    explored = [
        (region, reading)
        for _, region, reading in _readings(results.statuses)
        if reading.source is Source.RESOURCE_EXPLORER
    ]
    causes = Counter(reading.reason for _, reading in explored if not reading.succeeded)
    unread = sum(reading.succeeded and not region.succeeded for region, reading in explored)
    parts = [_cause(reason, number) for reason, number in causes.items()]
    if unread:
        parts.append(f"{unread} {'was' if unread == 1 else 'were'} not read by another source")
    covered = len(explored) - causes.total() - unread
    total = f"{covered} of {len(explored)} account-regions"
    because = f"; {', '.join(parts)}" if parts else ""
    if explored[0][1].counts:
        return f"Never-tagged resources are included for {total}{because}."
    found = int(results.summary.never_tagged["resources"].sum())
    return f"Never-tagged resources are not included: {found:,} were found in {total}{because}."


def _cause(reason: Reason, number: int) -> str:
    """For example `2 have no Resource Explorer index`."""
    one, several = _WITHOUT_RESULT.get(
        reason, (f"could not be read ({reason})", f"could not be read ({reason})")
    )
    return f"{number} {one if number == 1 else several}"


def _readings(
    statuses: Sequence[AccountReadStatus],
) -> Iterator[tuple[AccountReadStatus, RegionReadStatus, ReadStatus]]:
    for status in statuses:
        for region in status.regions:
            for reading in region.sources:
                yield status, region, reading
