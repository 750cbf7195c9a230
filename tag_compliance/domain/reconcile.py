"""Stored read statuses, as today's targets require them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from tag_compliance.domain.account import RegionName, Target
from tag_compliance.domain.read_status import (
    AccountReadStatus,
    ReadStatus,
    Reason,
    RegionReadStatus,
    Source,
)

_NO_RESULT = "the run that was to read it ended without a result"


def reconcile(
    target: Target,
    stored: AccountReadStatus | None,
    *,
    now: datetime,
    read_since: datetime | None = None,
    first_run: int | None = None,
) -> AccountReadStatus:
    """The stored status under the target's name and with the target's regions, in their order.

    A region that was never read has the reason `not_scanned`; a region that is no longer a target
    is left out. If the scan did not read the account, all its regions have failed, because the run
    that was to read it ended without a result. The number of the scan's first reading run decides,
    because the clocks of the hosts of a scan differ; only if it is not known, the scan's start.
    """
    name, known = target.account_name, {}
    if stored is not None:
        known = {region.region: region for region in stored.regions}
    regions = tuple(
        known.get(region) or _failed(region, Reason.NOT_SCANNED, "it has not been scanned yet")
        for region in target.regions
    )
    if stored is None:
        return AccountReadStatus(target.account_id, name, now, 0.0, regions)
    if not _was_read_since(stored, read_since, first_run):
        failed = tuple(
            _failed(r.region, Reason.INTERNAL, _NO_RESULT, r.last_success_at) for r in regions
        )
        latest = stored.last_success_at
        return AccountReadStatus(
            target.account_id, name, stored.started_at, 0.0, failed, last_success_at=latest
        )
    return replace(stored, account_name=name, regions=regions)


def _was_read_since(
    stored: AccountReadStatus, read_since: datetime | None, first_run: int | None
) -> bool:
    if first_run is not None:
        return stored.latest_run >= first_run
    if read_since is None:
        return True
    return stored.started_at + timedelta(seconds=stored.seconds) >= read_since


def _failed(
    region: RegionName, reason: Reason, message: str, last_success_at: datetime | None = None
) -> RegionReadStatus:
    """A region of which nothing was read, for a cause that does not depend on the source."""
    status = ReadStatus(Source.TAGGING, reason, message, last_success_at=last_success_at)
    return RegionReadStatus(region, (status,))
