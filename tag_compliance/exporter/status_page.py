"""What the status page shows, in HTML and in text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from tag_compliance.domain.counts import format_percentage, percentage
from tag_compliance.domain.read_status import Outcome, Reason
from tag_compliance.exporter.formatting import format_count, format_duration, format_time
from tag_compliance.exporter.health import Health
from tag_compliance.exporter.snapshot_watcher import State
from tag_compliance.snapshot.status import AccountStatus, RegionStatus, ScanStatus, TagStatus

MAX_ACCOUNTS = 500
"""Accounts on one page; failed ones come first, and the page says how many are left out."""

LINKS = (
    ("/metrics", "metrics for Prometheus"),
    ("/health", "whether the data can be relied on"),
    ("/ready", "whether a snapshot is loaded"),
    ("/livez", "whether the process responds"),
)

_OUTCOMES = {
    Outcome.COMPLETE: "every region was read",
    Outcome.PARTIAL: "some regions could not be read",
    Outcome.NOTHING: "no region could be read",
}


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class StatusPage:
    """The facts of one moment."""

    state: State
    health: Health
    now: datetime
    links = LINKS

    @property
    def verdict(self) -> str:
        if not self.health.healthy:
            return "failing"
        status = self.status
        return "partial" if status and status.outcome is Outcome.PARTIAL else "healthy"

    @property
    def status(self) -> ScanStatus | None:
        return self.state.snapshot.status if self.state.snapshot else None

    def ago(self, at: datetime | None) -> str:
        return f"{format_duration(self.now - at)} ago" if at else "never"

    def facts(self) -> Iterator[Fact]:
        scan = self.state.last_scan
        if scan:
            yield Fact("Last scan", self.ago(scan.ended_at), _OUTCOMES[scan.outcome])
        else:
            yield Fact("Last scan", "none yet")
        status = self.status
        if status is None:
            yield Fact("Snapshot", "none yet")
            return
        limit = format_duration(timedelta(seconds=status.stale_after_seconds))
        made = f"{format_time(status.made_at)}, valid for {limit}"
        yield Fact("Snapshot", self.ago(status.made_at), made)
        counts = status.counts
        overall = format_percentage(counts.compliance_percentage)
        compliant = f"{format_count(counts.compliant)} of {format_count(counts.counted)} compliant"
        yield Fact("Compliance", overall, compliant)
        if status.has_region_counts:
            returned, excluded = format_count(counts.returned), format_count(counts.excluded)
            others = f"{returned} returned, {excluded} excluded"
            yield Fact("Resources counted", format_count(counts.counted), others)
        yield Fact("Accounts", _count_of([a.succeeded for a in status.accounts]), "fully read")
        regions = [region for account in status.accounts for region in account.regions]
        yield Fact("Regions", _count_of([is_read(region) for region in regions]), "read")
        if unmatched := status.unmatched_exclusions:
            note = f"no resource matches {', '.join(unmatched)}"
            yield Fact("Exclusions without effect", format_count(len(unmatched)), note)

    def tags(self) -> list[TagStatus]:
        """The required tags, those missing most often first."""
        tags = self.status.tags if self.status else ()
        return sorted(tags, key=lambda tag: (-tag.missing, tag.tag))

    def missing_share(self, tag: TagStatus) -> float | None:
        return percentage(tag.missing, self.status.counts.counted) if self.status else None

    def accounts(self) -> list[AccountStatus]:
        """The accounts to show: failed ones first, otherwise in the configured order."""
        accounts = self.status.accounts if self.status else ()
        return sorted(accounts, key=lambda account: account.succeeded)[:MAX_ACCOUNTS]

    def accounts_note(self) -> str:
        """How many accounts are left out; empty if none."""
        more = len(self.status.accounts) - MAX_ACCOUNTS if self.status else 0
        if more <= 0:
            return ""
        return f"{format_count(more)} more accounts are in the metrics but not on this page."

    @staticmethod
    def account_grade(account: AccountStatus) -> str:
        """How much of the account was read: `good`, `partial` or `failed`."""
        read = sum(map(is_read, account.regions))
        if read == len(account.regions):
            return "good"
        return "partial" if read else "failed"

    def region_grade(self, region: RegionStatus) -> str:
        """The CSS class of a region: `bad` if it was not read, otherwise by its compliance."""
        return self.compliance_grade(region) if is_read(region) else "bad"

    def compliance_grade(self, region: RegionStatus) -> str:
        """The CSS class of a region's compliance, also of numbers that are kept."""
        compliance = region.counts.compliance_percentage if region.counts else None
        if compliance is None or self.status is None:
            return "empty"
        return str(self.status.thresholds.grade(compliance))

    @staticmethod
    def region_summary(region: RegionStatus) -> str:
        if not is_read(region):
            return region.reason
        if region.counts is None:
            return "read"
        compliance = region.counts.compliance_percentage
        return "empty" if compliance is None else format_percentage(compliance)


def is_read(region: RegionStatus) -> bool:
    return region.reason == Reason.OK


def _count_of(flags: list[bool]) -> str:
    return f"{format_count(sum(flags))} of {format_count(len(flags))}"
