"""A read status as it is stored: every time has a time zone, and it is of the expected account."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from tag_compliance.domain.account import AccountId
from tag_compliance.domain.read_status import AccountReadStatus
from tag_compliance.errors import StoredValueUnreadable


def require_account(what: str, status: AccountReadStatus, account_id: AccountId | None) -> None:
    """Raises `StoredValueUnreadable` if the status is not of the account; None is any account."""
    if account_id not in {None, status.account_id}:
        raise StoredValueUnreadable(what, f"it is that of account {status.account_id}")


def _with_time_zones(status: AccountReadStatus) -> AccountReadStatus:
    sources = (source for region in status.regions for source in region.sources)
    times = [status.started_at, status.last_success_at, *(s.last_success_at for s in sources)]
    if any(time is not None and time.utcoffset() is None for time in times):
        raise ValueError("a time has no time zone")
    return status


StoredStatus = Annotated[AccountReadStatus, AfterValidator(_with_time_zones)]
"""For pydantic, which reads a time without a zone as it is: comparing it raises an error later."""
