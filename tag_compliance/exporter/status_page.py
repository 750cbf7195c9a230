"""What the status page shows, in HTML and in text."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tag_compliance.domain.counts import COVERAGE, Counts, Grade, format_percentage, percentage
from tag_compliance.domain.read_status import Outcome, Reason, Source
from tag_compliance.exporter.formatting import format_count, format_duration, format_time
from tag_compliance.exporter.health import Health
from tag_compliance.exporter.snapshot_watcher import State
from tag_compliance.snapshot.status import (
    AccountStatus,
    RegionStatus,
    RuleStatus,
    ScanStatus,
    TagStatus,
)

MAX_ACCOUNTS = 500
"""Accounts on one page; the page says how many are left out."""

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


STARTING_FOR = timedelta(minutes=30)
"""After its start, the exporter expects the first snapshot within this time."""


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why some regions of an account were not read."""

    reason: str
    message: str
    last_success_at: datetime | None
    regions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StatusPage:
    """The facts of one moment; `started_at` is when the exporter started."""

    state: State
    health: Health
    now: datetime
    started_at: datetime
    links = LINKS
    path = "/"

    @property
    def is_starting(self) -> bool:
        """Whether the first snapshot is still to be expected: no scan has ended, nothing failed."""
        state = self.state
        nothing_known = state.snapshot is None and state.last_scan is None
        is_young = self.now - self.started_at < STARTING_FOR
        return nothing_known and state.failure is None and is_young

    @property
    def verdict(self) -> str:
        if self.is_starting:
            return "starting"
        if not self.health.healthy:
            return "failing"
        status = self.status
        return "partial" if status and status.outcome is Outcome.PARTIAL else "healthy"

    @property
    def status(self) -> ScanStatus | None:
        return self.state.snapshot.status if self.state.snapshot else None

    @property
    def coverage(self) -> str:
        """One sentence about what the percentages cover."""
        return self.status.coverage if self.status else COVERAGE

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
        if status.tags or status.policy is None:  # without required tags, it means nothing
            yield Fact("Compliance", overall, compliant)
        if status.has_region_counts:
            returned, excluded = format_count(counts.returned), format_count(counts.excluded)
            others = f"{returned} returned, {excluded} excluded"
            yield Fact("Resources counted", format_count(counts.counted), others)
        if status.never_tagged is not None:
            yield Fact("Never tagged", format_count(status.never_tagged), _never_tagged(status))
        yield Fact("Accounts", _count_of([a.succeeded for a in status.accounts]), "fully read")
        regions = [region for account in status.accounts for region in account.regions]
        yield Fact("Regions", _count_of([is_read(region) for region in regions]), "read")
        yield from self.policy_facts()
        if unmatched := status.unmatched_exclusions:
            note = f"no resource matches {', '.join(unmatched)}"
            yield Fact("Exclusions without effect", format_count(len(unmatched)), note)

    def tags(self) -> list[TagStatus]:
        """The required tags, those missing most often first."""
        tags = self.status.tags if self.status else ()
        return sorted(tags, key=lambda tag: (-tag.missing, tag.tag))

    def rules(self) -> list[RuleStatus]:
        """The rules with findings, the most serious ones first, and then those with most."""
        policy = self.status.policy if self.status else None
        if policy is None:
            return []
        return [*policy.worst_rules, *(r for r in policy.rules if r.waived and not r.violations)]

    def policy_facts(self) -> Iterator[Fact]:
        """The compliance with the whole policy; nothing without rules and waivers of its own."""
        policy = self.status.policy if self.status else None
        if policy is None:
            return
        honoured = percentage(policy.without_open_findings, policy.counted)
        ignored = percentage(policy.without_findings, policy.counted)
        note = f"{format_percentage(ignored)} if waivers are ignored"
        yield Fact("Policy", format_percentage(honoured), note)
        waivers = policy.active_waivers + policy.expired_waivers
        if waivers:
            note = f"{format_count(policy.expired_waivers)} expired"
            if policy.unused_waivers is not None:
                note += f", {format_count(policy.unused_waivers)} match no finding"
            yield Fact("Waivers", format_count(waivers), note)

    def missing_share(self, tag: TagStatus) -> float | None:
        return percentage(tag.missing, self.status.counts.counted) if self.status else None

    def accounts(self) -> list[AccountStatus]:
        """The accounts to show, from the worst percentage to the best; without one, failed accounts
        come first and the others last. Failed accounts are never left out for others.
        """
        accounts = self.status.accounts if self.status else ()
        shown = sorted(accounts, key=lambda account: account.succeeded)[:MAX_ACCOUNTS]
        return sorted(shown, key=_worst_first)

    def accounts_note(self) -> str:
        """How many accounts are left out; empty if none."""
        more = len(self.status.accounts) - MAX_ACCOUNTS if self.status else 0
        if more <= 0:
            return ""
        return f"{format_count(more)} more accounts are in the metrics but not on this page."

    @staticmethod
    def account_state(account: AccountStatus) -> str:
        """How much of the account was read: `read`, `partial` or `failed`."""
        unread = StatusPage.unread(account)
        if unread == 0:
            return "read"
        return "failed" if unread == len(account.regions) else "partial"

    @staticmethod
    def unread(account: AccountStatus) -> int:
        """How many regions were not read."""
        return sum(not is_read(region) for region in account.regions)

    def regions_read(self, account: AccountStatus) -> str:
        number, unread = len(account.regions), self.unread(account)
        noun = "region" if number == 1 else "regions"
        return f"{number - unread} of {number} {noun} read" if unread else f"{number} {noun}"

    @staticmethod
    def reasons(account: AccountStatus) -> list[str]:
        """Why regions of the account were not read, each reason once."""
        return sorted({region.reason for region in account.regions if not is_read(region)})

    def region_mark(self, region: RegionStatus) -> str:
        """The CSS class of a region that needs attention; empty for most regions."""
        if not is_read(region):
            return "unread"
        return "poor" if self.grade(region.counts) == Grade.POOR else ""

    @staticmethod
    def failures(account: AccountStatus) -> list[Failure]:
        """Why regions were not read; regions with the same cause are one failure."""
        found: dict[Failure, list[str]] = {}
        for region in account.regions:
            if not is_read(region):
                cause = Failure(region.reason, region.message, region.last_success_at)
                found.setdefault(cause, []).append(region.region)
        return [replace(cause, regions=tuple(names)) for cause, names in found.items()]

    def grade(self, counts: Counts | None) -> str:
        """The CSS class of a percentage, also of numbers that are kept."""
        compliance = counts.compliance_percentage if counts else None
        if compliance is None or self.status is None:
            return "empty"
        return str(self.status.thresholds.grade(compliance))


def _never_tagged(status: ScanStatus) -> str:
    explored = [source for source in status.sources if source.source is Source.RESOURCE_EXPLORER]
    counted = any(source.counts for source in explored)
    return "resources, among those counted" if counted else "resources, not counted"


def _worst_first(account: AccountStatus) -> float:
    share = account.counts.compliance_percentage
    if share is None:
        return math.inf if account.succeeded else -math.inf
    return share


def is_read(region: RegionStatus) -> bool:
    return region.reason == Reason.OK


def _count_of(flags: list[bool]) -> str:
    return f"{format_count(sum(flags))} of {format_count(len(flags))}"
