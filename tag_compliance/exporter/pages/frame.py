"""What all pages of findings show around their content: which snapshot, and what it lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tag_compliance.domain.counts import COVERAGE
from tag_compliance.exporter.formatting import format_duration
from tag_compliance.exporter.health import Health, evaluate_health
from tag_compliance.exporter.snapshot_watcher import State
from tag_compliance.exporter.status_page import StatusPage
from tag_compliance.snapshot.status import AccountStatus

_SHOWN_UNREAD = 5


@dataclass(frozen=True, slots=True)
class Frame:
    """`meta` is that of the findings database; empty if there is none."""

    path: str
    state: State
    now: datetime
    meta: Mapping[str, str]

    @property
    def health(self) -> Health:
        return evaluate_health(self.state, self.now)

    @property
    def coverage(self) -> str:
        """One sentence about which resources can have findings."""
        return self.state.snapshot.status.coverage if self.state.snapshot else COVERAGE

    @property
    def snapshot_id(self) -> str:
        return self.meta.get("snapshot_id", "")

    @property
    def snapshot_time(self) -> datetime:
        return datetime.fromisoformat(self.meta["snapshot_time"])

    @property
    def age(self) -> str:
        return format_duration(self.now - self.snapshot_time)

    @property
    def omitted(self) -> int:
        """How many findings `max_findings_rows` leaves out."""
        return int(self.meta.get("findings_omitted", 0))

    @property
    def shows_values(self) -> bool:
        return self.meta.get("report_values") == "1"

    @property
    def accounts(self) -> dict[str, AccountStatus]:
        status = self.state.snapshot.status if self.state.snapshot else None
        return {str(a.account_id): a for a in status.accounts} if status else {}

    def unread(self) -> str:
        """The accounts that were not fully read, as text; empty if there is none."""
        found = [account for account in self.accounts.values() if not account.succeeded]
        if not found:
            return ""
        names = [f"{a.account_name} ({', '.join(unread_reasons(a))})" for a in found]
        more = len(names) - _SHOWN_UNREAD
        listed = ", ".join(names[:_SHOWN_UNREAD]) + (f" and {more} more" if more > 0 else "")
        if len(found) == 1:
            return f"1 account was not fully read, so its findings can be missing or old: {listed}"
        return (
            f"{len(found)} accounts were not fully read, so their findings can be missing or old: "
            f"{listed}"
        )


def unread_reasons(account: AccountStatus) -> list[str]:
    """Why regions of the account were not read."""
    return StatusPage.reasons(account) or ["no region"]
