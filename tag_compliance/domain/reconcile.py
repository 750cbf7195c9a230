"""Stored read statuses, as today's targets require them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tag_compliance.domain.account import RegionName, Target
from tag_compliance.domain.read_status import (
    AccountReadStatus,
    PlannedSource,
    ReadStatus,
    Reason,
    RegionReadStatus,
)

SourcesIn = Callable[[RegionName], Sequence[PlannedSource]]
"""Returns the sources that are to be read in a region, in their order."""

_NOT_SCANNED = "it has not been scanned yet"
_NO_RESULT = "the run that was to read it ended without a result"


def reconcile(
    target: Target,
    stored: AccountReadStatus | None,
    sources_in: SourcesIn,
    *,
    now: datetime,
    read_since: datetime | None = None,
) -> AccountReadStatus:
    """The stored status under the target's name and with the target's regions, in their order.

    Each region has a status for each of its sources. A source that was never read there has the
    reason `not_scanned`; regions and sources that are no longer to be read are left out. If the
    last reading of the account ended before `read_since`, all its regions have failed, because the
    run that was to read it ended without a result.
    """
    name, known = target.account_name, {}
    if stored is not None:
        known = {region.region: region for region in stored.regions}
    regions = tuple(
        _region(region, known.get(region), sources_in(region)) for region in target.regions
    )
    if stored is None:
        return AccountReadStatus(target.account_id, name, now, 0.0, regions)
    ended_at = stored.started_at + timedelta(seconds=stored.seconds)
    if read_since is not None and ended_at < read_since:
        failed = tuple(map(_without_result, regions))
        latest = stored.last_success_at
        return AccountReadStatus(
            target.account_id, name, stored.started_at, 0.0, failed, last_success_at=latest
        )
    return replace(stored, account_name=name, regions=regions)


def _region(
    region: RegionName, stored: RegionReadStatus | None, sources: Sequence[PlannedSource]
) -> RegionReadStatus:
    known = {status.source: status for status in stored.sources} if stored else {}
    statuses = (
        replace(known[planned.source], counts=planned.counts)
        if planned.source in known
        else ReadStatus(planned.source, Reason.NOT_SCANNED, _NOT_SCANNED, counts=planned.counts)
        for planned in sources
    )
    return RegionReadStatus(region, tuple(statuses))


def _without_result(region: RegionReadStatus) -> RegionReadStatus:
    statuses = (
        ReadStatus(
            status.source,
            Reason.INTERNAL,
            _NO_RESULT,
            last_success_at=status.last_success_at,
            result_at=status.result_at,
            counts=status.counts,
        )
        for status in region.sources
    )
    return replace(region, sources=tuple(statuses))
