"""What is stored of the accounts, seen through the configuration of today."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.scan import (
    RESOURCE_SCHEMA,
    AccountScan,
    Reason,
    RegionScan,
    ScannedAccount,
)


@dataclass(frozen=True, slots=True)
class ExpectedAccount:
    """An account as the configuration names it."""

    account_id: str
    account_name: str
    regions: tuple[str, ...]


def reconcile(
    expected: Iterable[ExpectedAccount],
    stored: Mapping[str, ScannedAccount],
    *,
    scanned_since: datetime | None = None,
) -> list[ScannedAccount]:
    """The stored scans of the expected accounts, in their order and under their present names.

    An account or a region that is expected and was never scanned is there as `not_scanned`; what is
    stored and no longer expected is left out. An account that was last scanned before
    `scanned_since` has failed: the run that was to read it ended without a result.
    """
    seen = [_seen_as(account, stored.get(account.account_id)) for account in expected]
    if scanned_since is None:
        return seen
    return [_failed(a) if a.scan.started_at < scanned_since else a for a in seen]


def _failed(account: ScannedAccount) -> ScannedAccount:
    message = "the run that was to read it ended without a result"
    regions = tuple(
        RegionScan(r.region, Reason.INTERNAL, message, last_success_at=r.last_success_at)
        for r in account.scan.regions
    )
    return replace(account, scan=replace(account.scan, regions=regions))


def _seen_as(account: ExpectedAccount, stored: ScannedAccount | None) -> ScannedAccount:
    if stored is None:
        regions = tuple(_not_scanned(region) for region in account.regions)
        scan = AccountScan(account.account_id, account.account_name, utc_now(), 0.0, regions)
        return ScannedAccount(scan, RESOURCE_SCHEMA.empty_table())
    known = {region.region: region for region in stored.scan.regions}
    scan = replace(
        stored.scan,
        account_name=account.account_name,
        regions=tuple(known.get(region) or _not_scanned(region) for region in account.regions),
    )
    return ScannedAccount(scan, stored.table)


def _not_scanned(region: str) -> RegionScan:
    return RegionScan(region, Reason.NOT_SCANNED, "it has not been scanned yet")
