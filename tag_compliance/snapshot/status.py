"""What a person and the exporter want to know of a scan, beside its samples."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pydantic import AwareDatetime


class Outcome(StrEnum):
    """Of one scan: every region read, some, or none."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class RegionStatus:
    """A region's state; `compliance_percentage` is None where nothing is counted."""

    region: str
    reason: str
    message: str
    resources: int
    seconds: float
    last_success_at: AwareDatetime | None
    compliance_percentage: float | None


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """An account's state, and that of its regions in the configured order."""

    account_id: str
    account_name: str
    succeeded: bool
    last_success_at: AwareDatetime | None
    regions: tuple[RegionStatus, ...]


@dataclass(frozen=True, slots=True)
class TagStatus:
    """How many of the counted resources lack a required tag."""

    tag: str
    missing: int


@dataclass(frozen=True, slots=True)
class ScanStatus:
    """One scan in numbers: `stale_after_seconds` is the age from which its snapshot is too old."""

    scan_started_at: AwareDatetime
    made_at: AwareDatetime
    outcome: Outcome
    stale_after_seconds: float
    resources: int
    compliant: int
    accounts: tuple[AccountStatus, ...]
    tags: tuple[TagStatus, ...]
    failures: tuple[str, ...]
    version: str


@dataclass(frozen=True, slots=True)
class LastScan:
    """The newest scan that ended, whether or not it led to a snapshot."""

    started_at: AwareDatetime
    ended_at: AwareDatetime
    outcome: Outcome
    failures: tuple[str, ...]
