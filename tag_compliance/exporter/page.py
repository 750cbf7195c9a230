"""The status page for a person: the facts that both of its forms show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tag_compliance.exporter.health import Health
from tag_compliance.exporter.watcher import State
from tag_compliance.exporter.wording import count, duration, moment, percentage
from tag_compliance.snapshot.status import (
    AccountStatus,
    Outcome,
    RegionStatus,
    ScanStatus,
    TagStatus,
)

MOST_ACCOUNTS = 500
"""On one page; who has more sees the failed ones first, and is told how many are left out."""

LINKS = (
    ("/metrics", "what Prometheus scrapes"),
    ("/health", "whether the data can be relied on"),
    ("/ready", "whether there is data"),
    ("/livez", "whether the process answers"),
)

_OUTCOMES = {
    Outcome.COMPLETE: "every region was read",
    Outcome.PARTIAL: "some regions could not be read",
    Outcome.NOTHING: "nothing could be read",
}


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One moment's facts."""

    state: State
    health: Health
    now: datetime

    @property
    def verdict(self) -> str:
        if not self.health.healthy:
            return "failing"
        status = self.status
        return "partial" if status and status.outcome is Outcome.PARTIAL else "healthy"

    @property
    def status(self) -> ScanStatus | None:
        return self.state.served.status if self.state.served else None

    def ago(self, at: datetime | None) -> str:
        return f"{duration(self.now - at)} ago" if at else "never"

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
        limit = duration(timedelta(seconds=status.stale_after_seconds))
        yield Fact(
            "Snapshot", self.ago(status.made_at), f"{moment(status.made_at)}, good for {limit}"
        )
        overall = percentage(share(status.compliant, status.resources))
        yield Fact("Compliance", overall, "of resources carry every required tag")
        yield Fact("Resources", count(status.resources), f"{count(status.compliant)} compliant")
        good = sum(account.succeeded for account in status.accounts)
        yield Fact("Accounts", f"{count(good)} of {count(len(status.accounts))}", "read completely")
        regions = [region for account in status.accounts for region in account.regions]
        read = sum(succeeded(region) for region in regions)
        yield Fact("Regions", f"{count(read)} of {count(len(regions))}", "of accounts read")


def succeeded(region: RegionStatus) -> bool:
    """`ok` is domain.scan.Reason.OK, whose module needs pyarrow."""
    return region.reason == "ok"


def share(part: int, whole: int) -> float | None:
    """In percent; None of nothing."""
    return 100 * part / whole if whole else None


def worst_tags(status: ScanStatus) -> list[TagStatus]:
    return sorted(status.tags, key=lambda tag: (-tag.missing, tag.tag))


def chosen(accounts: Sequence[AccountStatus]) -> tuple[list[AccountStatus], str]:
    """The accounts to show, failed ones first and else as configured, and a word on the others."""
    ordered = sorted(accounts, key=lambda account: account.succeeded)
    more = len(ordered) - MOST_ACCOUNTS
    note = (
        f"{count(more)} more accounts are in the metrics, and not on this page." if more > 0 else ""
    )
    return ordered[:MOST_ACCOUNTS], note
