"""The result of a scan: what was read of each account and region, and why the rest was not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc

RESOURCE_SCHEMA = pa.schema(
    [
        pa.field("region", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("arn", pa.string(), nullable=False),
        pa.field("resource_type", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("tags", pa.map_(pa.string(), pa.string()), nullable=False),
    ]
)
"""One row for each resource that AWS returned, before exclusion and deduplication.

`region` is the region that returned it, which is not the ARN's for global resources;
`resource_type` is `service:type`.
"""


class Reason(StrEnum):
    """Why an account or a region was read or not; the values of the metrics' label `reason`."""

    OK = "ok"
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
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class RegionScan:
    """The result of reading one region of one account.

    `resources` counts what AWS returned, `seconds` is wall time, `last_success_at` the end of the
    newest scan that read the region to its last page: this one or an earlier one.
    """

    region: str
    reason: Reason
    message: str = ""
    resources: int = 0
    calls: int = 0
    retries: int = 0
    throttled_calls: int = 0
    seconds: float = 0.0
    last_success_at: datetime | None = None

    @property
    def succeeded(self) -> bool:
        return self.reason is Reason.OK


@dataclass(frozen=True, slots=True)
class AccountScan:
    """The result of reading one account: a state for each configured region, in that order."""

    account_id: str
    account_name: str
    started_at: datetime
    seconds: float
    regions: tuple[RegionScan, ...]
    calls: int = 0
    retries: int = 0
    throttled_calls: int = 0
    last_success_at: datetime | None = None

    @property
    def succeeded(self) -> bool:
        """Whether every region was read to its last page."""
        return all(region.succeeded for region in self.regions)

    @property
    def reason(self) -> Reason:
        """The reason of the first region that failed, or `ok`."""
        return next((region.reason for region in self.regions if not region.succeeded), Reason.OK)

    @property
    def failures(self) -> tuple[str, ...]:
        """A line for each failed region; one line if all regions failed for the same cause."""
        failed = [region for region in self.regions if not region.succeeded]
        messages = {(region.reason, region.message) for region in failed}
        if len(messages) == 1 and len(failed) == len(self.regions):
            return (f"{self.label}: {failed[0].reason}: {failed[0].message}",)
        return tuple(f"{self.label} {r.region}: {r.reason}: {r.message}" for r in failed)

    @property
    def label(self) -> str:
        """The account as it is shown to a person: id and name."""
        return f"{self.account_id} ({self.account_name})"


def failures_of(scans: Sequence[AccountScan]) -> tuple[str, ...]:
    """A line for each account or region that failed; one line if all failed for the same cause.

    That happens without credentials, or if AWS cannot be reached.
    """
    alike = {(region.reason, region.message) for scan in scans for region in scan.regions}
    if len(scans) > 1 and len(alike) == 1 and not scans[0].succeeded:
        reason, message = alike.pop()
        return (f"all {len(scans)} accounts: {reason}: {message}",)
    return tuple(line for scan in scans for line in scan.failures)


@dataclass(frozen=True, slots=True)
class ScannedAccount:
    """The state of an account, and the resources that were read: `table` has `RESOURCE_SCHEMA`."""

    scan: AccountScan
    table: pa.Table

    def keeping(self, previous: ScannedAccount | None) -> ScannedAccount:
        """This scan, with the last good data from `previous` for regions that it could not read.

        A region that failed keeps the rows and the `last_success_at` of its last success. Its state
        stays failed: the evaluation decides whether such rows count.
        """
        if previous is None:
            return self
        before = {region.region: region for region in previous.scan.regions}
        regions = tuple(
            region
            if region.succeeded or region.region not in before
            else replace(region, last_success_at=before[region.region].last_success_at)
            for region in self.scan.regions
        )
        kept = [r.region for r in regions if not r.succeeded and r.last_success_at is not None]
        scan = replace(
            self.scan,
            regions=regions,
            last_success_at=self.scan.last_success_at or previous.scan.last_success_at,
        )
        return ScannedAccount(scan, _with_rows_of(self.table, previous.table, kept))


def _with_rows_of(table: pa.Table, other: pa.Table, regions: list[str]) -> pa.Table:
    if not regions:
        return table
    wanted = pc.is_in(other["region"].cast(pa.string()), value_set=pa.array(regions))
    return pa.concat_tables([table, other.filter(wanted)]).unify_dictionaries()
