"""Stored read statuses, as today's targets require them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from tag_compliance.domain.account import RegionName, Target
from tag_compliance.domain.read_status import (
    AccountReadStatus,
    Reason,
    RegionReadStatus,
    failed_region,
)


def reconcile(
    target: Target,
    stored: AccountReadStatus | None,
    *,
    now: datetime,
    read_since: datetime | None = None,
) -> AccountReadStatus:
    """The stored status under the target's name and with the target's regions, in their order.

    A region that was never read has the reason `not_scanned`; a region that is no longer a target
    is left out. If the last reading of the account ended before `read_since`, all its regions have
    failed, because the run that was to read it ended without a result.
    """
    if stored is None:
        regions = tuple(_not_scanned(region) for region in target.regions)
        return AccountReadStatus(target.account_id, target.account_name, now, 0.0, regions)
    known = {region.region: region for region in stored.regions}
    status = replace(
        stored,
        account_name=target.account_name,
        regions=tuple(known.get(region) or _not_scanned(region) for region in target.regions),
    )
    ended_at = status.started_at + timedelta(seconds=status.seconds)
    if read_since is not None and ended_at < read_since:
        return replace(
            status,
            regions=tuple(_unread(region) for region in status.regions),
            seconds=0.0,
            calls=0,
            retries=0,
            throttled_calls=0,
        )
    return status


def _not_scanned(region: RegionName) -> RegionReadStatus:
    return failed_region(region, Reason.NOT_SCANNED, "it has not been scanned yet")


def _unread(region: RegionReadStatus) -> RegionReadStatus:
    message = "the run that was to read it ended without a result"
    return failed_region(region.region, Reason.INTERNAL, message, region.last_success_at)
