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

    `returned` counts what it returned in the latest scan; None if it was not read to its last page.
    `added` counts the ARNs that no source before it returned, in the numbers that are published:
    those of an earlier reading, if they are kept. `result_at` is when AWS returned the latest
    complete result, `last_success_at` the end of the latest scan that read or reused it. Without
    `counts` its resources are only reported. `seconds` is wall time.
    """

    account_id: AccountId
    account_name: AccountName
    ou_path: str
    region: RegionName
    source: Source
    counts: bool
    reason: Reason
    message: str
    requested: str
    returned: int | None
    added: int
    seconds: float
    last_success_at: datetime | None
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
    accounts = {account.account_id: account for account in results.summary.accounts}
    for status, region, reading in _readings(results.statuses):
        account = accounts[status.account_id]
        added = account.summary.additions.get(region.region, {})
        request = f", {reading.request}" if reading.request else ""
        yield CoverageRow(
            account_id=status.account_id,
            account_name=status.account_name,
            ou_path=account.ou_path,
            region=region.region,
            source=reading.source,
            counts=reading.counts,
            reason=reading.reason,
            message=reading.message,
            requested=REQUESTED[reading.source] + request,
            returned=reading.returned if reading.succeeded else None,
            added=added.get(reading.source, 0),
            seconds=reading.seconds,
            last_success_at=reading.last_success_at,
            result_at=reading.result_returned_at,
            not_covered=NOT_COVERED[reading.source],
        )


def coverage_by_source(results: ComplianceResults) -> list[SourceCoverage]:
    """The rows of `coverage_rows`, added up by source, in the order of the sources."""
    found: dict[Source, SourceCoverage] = {}
    for row in coverage_rows(results):
        total = found.setdefault(row.source, SourceCoverage(row.source, row.counts))
        total.account_regions += 1
        total.returned += row.returned or 0
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
