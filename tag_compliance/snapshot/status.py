"""The status of a scan: what a snapshot contains in addition to the samples."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import AwareDatetime, Field

from tag_compliance.domain.account import AccountId, AccountName, RegionName
from tag_compliance.domain.counts import Counts, Thresholds
from tag_compliance.domain.read_status import Outcome

Seconds = Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]
"""A duration that a `timedelta` can hold, also in a manifest that somebody has altered."""


@dataclass(frozen=True, slots=True)
class RegionStatus:
    """One region of one account; `counts` is None if its resources do not count, or if a snapshot
    of an older format does not have the numbers of each region.
    """

    region: RegionName
    reason: str
    message: str
    seconds: Seconds
    last_success_at: AwareDatetime | None
    counts: Counts | None


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """One account, with its regions in the configured order."""

    account_id: AccountId
    account_name: AccountName
    succeeded: bool
    last_success_at: AwareDatetime | None
    regions: tuple[RegionStatus, ...]

    @property
    def counts(self) -> Counts:
        """The sum of its regions that count."""
        return sum((region.counts for region in self.regions if region.counts), Counts())


@dataclass(frozen=True, slots=True)
class TagStatus:
    """How many of the counted resources lack a required tag."""

    tag: str
    missing: int


@dataclass(frozen=True, slots=True)
class ScanStatus:
    """One scan in numbers: `stale_after_seconds` is the age from which its snapshot is too old.

    `samples` counts the exposition's samples; None in a snapshot that has no such number.
    `unmatched_exclusions` are patterns of `excluded_resource_types` without effect.
    """

    scan_started_at: AwareDatetime
    made_at: AwareDatetime
    outcome: Outcome
    stale_after_seconds: Seconds
    counts: Counts
    accounts: tuple[AccountStatus, ...]
    tags: tuple[TagStatus, ...]
    failures: tuple[str, ...]
    version: str
    thresholds: Thresholds = field(default_factory=Thresholds)
    samples: int | None = None
    unmatched_exclusions: tuple[str, ...] = ()
    shown_owners: tuple[str, ...] = ()
    """The owners that have series in the metrics by owner."""

    @property
    def has_region_counts(self) -> bool:
        """Whether the numbers of regions and accounts are known; not in an older format."""
        return any(region.counts for account in self.accounts for region in account.regions)


@dataclass(frozen=True, slots=True)
class LastScan:
    """The latest scan that ended, whether or not it led to a snapshot."""

    started_at: AwareDatetime
    ended_at: AwareDatetime
    outcome: Outcome
    failures: tuple[str, ...]
