"""The status of a scan, for the exporter and its pages, in addition to the samples."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pydantic import AwareDatetime


class Outcome(StrEnum):
    """The outcome of a scan: all regions were read, some, or none."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class RegionStatus:
    """The state of a region; `compliance_percentage` is None if no resource is counted."""

    region: str
    reason: str
    message: str
    resources: int
    seconds: float
    last_success_at: AwareDatetime | None
    compliance_percentage: float | None


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """The state of an account and of its regions, in the configured order."""

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
    """A scan in numbers; a snapshot older than `stale_after_seconds` is too old."""

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
    """The newest scan that ended, with or without a snapshot."""

    started_at: AwareDatetime
    ended_at: AwareDatetime
    outcome: Outcome
    failures: tuple[str, ...]
