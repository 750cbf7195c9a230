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
    """An AWS API from which resources are read."""

    TAGGING = "tagging"


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
    NOT_SCANNED = "not_scanned"
    NO_ORGANIZATION = "no_organization"
    LIST_REJECTED = "list_rejected"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class ReadStatus:
    """The result of reading one source in one region of one account.

    `returned` counts the resources that AWS returned, `seconds` is wall time, `last_success_at` is
    the end of the latest scan that read the source to its last page: this one, or an earlier one.
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

    @property
    def succeeded(self) -> bool:
        return self.reason is Reason.OK


@dataclass(frozen=True, slots=True)
class RegionReadStatus:
    """The result of reading one region of one account: a status for each source, at least one."""

    region: RegionName
    sources: tuple[ReadStatus, ...]

    @property
    def succeeded(self) -> bool:
        """Whether every source was read to its last page."""
        return all(status.succeeded for status in self.sources)

    @property
    def deciding(self) -> ReadStatus:
        """The status of the first source that failed, or of the first source."""
        return next((s for s in self.sources if not s.succeeded), self.sources[0])

    @property
    def reason(self) -> Reason:
        return self.deciding.reason

    @property
    def message(self) -> str:
        return self.deciding.message

    @property
    def returned(self) -> int:
        return sum(status.returned for status in self.sources)

    @property
    def seconds(self) -> float:
        return sum(status.seconds for status in self.sources)

    @property
    def last_success_at(self) -> datetime | None:
        """When the latest complete reading of the region ended; None before the first."""
        ends = [s.last_success_at for s in self.sources if s.last_success_at is not None]
        return min(ends) if len(ends) == len(self.sources) else None

    def with_last_success_of(self, previous: RegionReadStatus) -> RegionReadStatus:
        """This status, where each failed source keeps the `last_success_at` of `previous`."""
        before = {status.source: status.last_success_at for status in previous.sources}
        return replace(
            self,
            sources=tuple(
                s if s.succeeded else replace(s, last_success_at=before.get(s.source))
                for s in self.sources
            ),
        )


@dataclass(frozen=True, slots=True)
class AccountReadStatus:
    """The result of reading one account: a status for each configured region, in that order.

    `calls`, `retries` and `throttled_calls` include the calls that assumed the account's role. The
    reading runs of a storage are numbered: `reading_run` is the run that read the account,
    `latest_run` the one that had begun last when the account was stored.
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
