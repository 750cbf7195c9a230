"""The result of reading: per source, per region and per account.

Everything here is data of the standard library, so that the exporter can use it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from tag_compliance.domain.account import AccountId, AccountName, RegionName, display_name
from tag_compliance.domain.clock import is_ahead


class Source(StrEnum):
    """An AWS API from which resources are read.

    The order is that in which sources are read and reported, and their precedence: if several
    sources return a resource, the row of the first one is used, with its tags.
    """

    TAGGING = "tagging"
    IAM = "iam"
    AUTOSCALING = "autoscaling"
    RESOURCE_EXPLORER = "resource_explorer"

    @property
    def is_global(self) -> bool:
        """Whether its resources belong to no region.

        Such a source is read once for an account: in the global region of the partition, if that
        region is configured.
        """
        return self is Source.IAM


class Outcome(StrEnum):
    """The result of one scan: every region was read, some were, or none."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    NOTHING = "nothing"


class Reason(StrEnum):
    """Why a reading has its result: the bounded set of values of the metrics' label `reason`."""

    OK = "ok"
    NO_CREDENTIALS = "no_credentials"
    ACCESS_DENIED = "access_denied"
    ASSUME_ROLE_DENIED = "assume_role_denied"
    REGION_DISABLED = "region_disabled"
    SCP_DENIED = "scp_denied"
    THROTTLED = "throttled"
    EXPIRED_TOKEN = "expired_token"  # noqa: S105 - the name of a failure
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    MALFORMED_RESPONSE = "malformed_response"
    NO_INDEX = "no_index"
    INDEX_BUILDING = "index_building"
    NO_VIEW = "no_view"
    VIEW_WITHOUT_TAGS = "view_without_tags"
    VIEW_FILTERED = "view_filtered"
    UNSUPPORTED_REGION = "unsupported_region"
    NOT_SCANNED = "not_scanned"
    NO_ORGANIZATION = "no_organization"
    LIST_REJECTED = "list_rejected"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class PlannedSource:
    """A source that is to be read in a region; `counts` as in `ReadStatus`."""

    source: Source
    counts: bool = True


@dataclass(frozen=True, slots=True)
class ReadStatus:
    """The result of reading one source in one region of one account.

    `returned` counts the resources that AWS returned, `seconds` is wall time, `last_success_at` is
    the end of the latest scan that read the source to its last page: this one, or an earlier one.
    `result_at` is the time at which AWS returned the result of that scan, if it was reused.
    `request` says what the source was asked for, if the configuration decides that.
    Without `counts` the resources of the source are only reported, and its failure does not make
    the region incomplete.
    """

    source: Source
    reason: Reason
    message: str = ""
    returned: int = 0
    calls: int = 0
    retries: int = 0
    throttled_calls: int = 0
    seconds: float = 0.0
    last_success_at: datetime | None = None
    result_at: datetime | None = None
    request: str = ""
    counts: bool = True

    @property
    def succeeded(self) -> bool:
        return self.reason is Reason.OK

    @property
    def result_returned_at(self) -> datetime | None:
        """When AWS returned the latest complete result; None before the first."""
        return self.result_at or self.last_success_at


@dataclass(frozen=True, slots=True)
class RegionReadStatus:
    """The result of reading one region of one account.

    A status for each source; at least one of them counts. Sources that do not count have no effect
    on the properties.
    """

    region: RegionName
    sources: tuple[ReadStatus, ...]

    @property
    def counting(self) -> tuple[ReadStatus, ...]:
        """The statuses of the sources that count."""
        return tuple(status for status in self.sources if status.counts)

    @property
    def succeeded(self) -> bool:
        """Whether every source was read to its last page."""
        return all(status.succeeded for status in self.counting)

    @property
    def deciding(self) -> ReadStatus:
        """The status of the first source that failed, or of the first source."""
        return next((s for s in self.counting if not s.succeeded), self.counting[0])

    @property
    def reason(self) -> Reason:
        return self.deciding.reason

    @property
    def message(self) -> str:
        return self.deciding.message

    @property
    def returned(self) -> int:
        return sum(status.returned for status in self.counting)

    @property
    def seconds(self) -> float:
        """The time of the slowest source, because sources are read concurrently."""
        return max(status.seconds for status in self.sources)

    @property
    def last_success_at(self) -> datetime | None:
        """When the latest complete reading of the region ended; None before the first."""
        ends = [s.last_success_at for s in self.counting if s.last_success_at is not None]
        return min(ends) if len(ends) == len(self.counting) else None

    def with_last_success_of(self, previous: RegionReadStatus) -> RegionReadStatus:
        """This status, where each failed source keeps the times of its last success."""
        before = {status.source: status for status in previous.sources}

        def with_times(status: ReadStatus) -> ReadStatus:
            last = before.get(status.source)
            if status.succeeded or last is None:
                return status
            return replace(status, last_success_at=last.last_success_at, result_at=last.result_at)

        return replace(self, sources=tuple(map(with_times, self.sources)))


@dataclass(frozen=True, slots=True)
class AccountReadStatus:
    """The result of reading one account: a status for each configured region, in that order.

    `calls`, `retries` and `throttled_calls` include the calls that assumed the account's role. The
    reading runs of a storage are numbered: `reading_run` is the run that read the account,
    `latest_run` the one that had begun last when the account was stored. `scan` identifies the scan
    of that run; None if the run belongs to none.
    """

    account_id: AccountId
    account_name: AccountName
    started_at: datetime
    seconds: float
    regions: tuple[RegionReadStatus, ...]
    calls: int = 0
    retries: int = 0
    throttled_calls: int = 0
    last_success_at: datetime | None = None
    reading_run: int = 0
    latest_run: int = 0
    scan: str | None = None

    def replaces(self, stored: AccountReadStatus) -> bool:
        """Whether this reading of the account takes the place of the stored one.

        It does if the stored one had ended before the run of this one began, whatever the clocks
        of their hosts. Of two that overlap, the one that succeeded counts, or the one that began
        later; a failure never replaces a success that began later.
        """
        if stored.latest_run < self.reading_run or is_ahead(stored.started_at):
            return True
        if self.succeeded and not stored.succeeded:
            return True
        return self.started_at >= stored.started_at

    @property
    def succeeded(self) -> bool:
        """Whether every region was read to its last page."""
        return all(region.succeeded for region in self.regions)

    @property
    def every_source_succeeded(self) -> bool:
        """Whether every source was read, also those that do not count."""
        return all(source.succeeded for region in self.regions for source in region.sources)

    @property
    def read_something(self) -> bool:
        """Whether any region was read to its last page."""
        return any(region.succeeded for region in self.regions)

    @property
    def was_read(self) -> bool:
        """Whether a scan has read the account, successfully or not."""
        return any(region.reason is not Reason.NOT_SCANNED for region in self.regions)

    @property
    def returned(self) -> int:
        """Resources that AWS returned, in all regions."""
        return sum(region.returned for region in self.regions)

    @property
    def reason(self) -> Reason:
        """The reason of the first region that failed, or `ok`."""
        return next((region.reason for region in self.regions if not region.succeeded), Reason.OK)

    @property
    def failures(self) -> tuple[str, ...]:
        """One line for each failed region; one for the account if all failed for one cause."""
        failed = [region for region in self.regions if not region.succeeded]
        causes = {(region.reason, region.message) for region in failed}
        if len(causes) == 1 and len(failed) == len(self.regions):
            return (f"{self.display_name}: {failed[0].reason}: {failed[0].message}",)
        return tuple(f"{self.display_name} {r.region}: {r.reason}: {r.message}" for r in failed)

    @property
    def display_name(self) -> str:
        return display_name(self.account_id, self.account_name)


def failures_of(statuses: Sequence[AccountReadStatus]) -> tuple[str, ...]:
    """One line for each account or region that failed; one in total if all failed for one cause.

    That happens without credentials, and when AWS cannot be reached.
    """
    causes = {(region.reason, region.message) for s in statuses for region in s.regions}
    if len(statuses) > 1 and len(causes) == 1 and not statuses[0].succeeded:
        reason, message = causes.pop()
        return (f"all {len(statuses)} accounts: {reason}: {message}",)
    return tuple(line for status in statuses for line in status.failures)
