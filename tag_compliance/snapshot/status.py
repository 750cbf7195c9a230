"""The status of a scan: what a snapshot contains in addition to the samples."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import AwareDatetime, Field

from tag_compliance.domain.account import AccountId, AccountName, RegionName
from tag_compliance.domain.counts import COVERAGE, Counts, Thresholds
from tag_compliance.domain.read_status import Outcome, Source
from tag_compliance.domain.severity import Severity

_SEVERITIES: list[str] = list(Severity)

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
    ou_path: str = ""
    owner: str = ""

    @property
    def counts(self) -> Counts:
        """The sum of its regions that count."""
        return sum((region.counts for region in self.regions if region.counts), Counts())

    @property
    def has_counts(self) -> bool:
        """Whether any region counts."""
        return any(region.counts for region in self.regions)


@dataclass(frozen=True, slots=True)
class TagStatus:
    """How many of the counted resources lack a required tag."""

    tag: str
    missing: int


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """What one source covers: of how many account-regions it was read, and why not of the others.

    `added` counts the ARNs that no source before it returned. Without `counts` its resources are
    only reported.
    """

    source: Source
    counts: bool
    account_regions: int
    read: int
    returned: int
    added: int
    oldest_result_at: AwareDatetime | None
    failures: dict[str, int]


@dataclass(frozen=True, slots=True)
class RuleStatus:
    """How many counted resources a rule applies to, how many violate it without being covered by a
    waiver, and how many are covered by one.
    """

    rule: str
    title: str
    severity: str
    evaluated: int
    violations: int
    waived: int


@dataclass(frozen=True, slots=True)
class PolicyStatus:
    """The numbers of the whole policy; its rules are in their order.

    `unused_waivers` is None while something that a waiver could match was not read.
    """

    rules: tuple[RuleStatus, ...]
    counted: int
    without_open_findings: int
    without_findings: int
    active_waivers: int
    expired_waivers: int
    unused_waivers: int | None

    @property
    def worst_rules(self) -> list[RuleStatus]:
        """The rules with open findings: the most serious ones, and then most findings, first."""
        violated = [rule for rule in self.rules if rule.violations]
        return sorted(violated, key=lambda r: (-_SEVERITIES.index(r.severity), -r.violations))

    def violations_of(self, severity: str) -> int:
        return sum(rule.violations for rule in self.rules if rule.severity == severity)


@dataclass(frozen=True, slots=True)
class ScanStatus:
    """One scan in numbers: `stale_after_seconds` is the age from which its snapshot is too old.

    `samples` counts the exposition's samples; None in a snapshot that has no such number.
    `unmatched_exclusions` are patterns of `excluded_resource_types` without effect. `coverage` is a
    sentence about what the percentages cover. `never_tagged` counts the resources that only
    Resource Explorer returned; None if it is not read.
    `discovery_failure` says why the list of accounts could not be read again; empty if it was.
    Without rules other than the required tags, and without waivers, `policy` is None.
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
    coverage: str = COVERAGE
    never_tagged: int | None = None
    sources: tuple[SourceStatus, ...] = ()
    discovery_failure: str = ""
    policy: PolicyStatus | None = None
    shown_owners: tuple[str, ...] = ()
    """The owners that have series in the metrics by owner."""

    @property
    def has_region_counts(self) -> bool:
        """Whether the numbers of regions and accounts are known; not in an older format."""
        return any(account.has_counts for account in self.accounts)


@dataclass(frozen=True, slots=True)
class LastScan:
    """The latest scan that ended, whether or not it led to a snapshot."""

    started_at: AwareDatetime
    ended_at: AwareDatetime
    outcome: Outcome
    failures: tuple[str, ...]
