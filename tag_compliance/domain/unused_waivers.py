"""Which waivers match no finding."""

from __future__ import annotations

from collections.abc import Sequence

from tag_compliance.domain.policy import Policy
from tag_compliance.domain.read_status import AccountReadStatus
from tag_compliance.domain.summary import Summary
from tag_compliance.domain.waivers import Waiver


def unused_waivers(
    policy: Policy, summary: Summary, statuses: Sequence[AccountReadStatus]
) -> tuple[Waiver, ...] | None:
    """None: something that a waiver could match was not read.

    Organizational units and types do not count here: a region that was not read may contain
    anything.
    """
    unread = [
        (str(status.account_id), str(region.region))
        for status in statuses
        for region in status.regions
        if not region.succeeded
    ]
    if any(_could_match(waiver, *place) for waiver in policy.waivers for place in unread):
        return None
    uses = summary.waiver_uses
    return tuple(waiver for waiver in policy.waivers if not uses[waiver.waiver_id].matched)


def _could_match(waiver: Waiver, account_id: str, region: str) -> bool:
    accounts, regions = waiver.match.accounts, waiver.match.regions
    in_account = accounts is None or accounts.matches(account_id)
    return in_account and (regions is None or regions.matches(region))
