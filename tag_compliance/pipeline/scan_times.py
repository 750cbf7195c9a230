"""The times of a scan, which all its runs share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self


@dataclass(frozen=True, slots=True)
class ScanTimes:
    """`started_at`: the start that all runs of the scan share. An account that was last read before
    `read_since` does not belong to the scan; None: everything that is stored belongs to it.
    `all_accounts`: whether this is a scan of all accounts. `scan` identifies the scan in the read
    statuses of the accounts; None if any run counts.
    """

    started_at: datetime
    read_since: datetime | None = None
    all_accounts: bool = False
    scan: str | None = None

    def not_before(self, published: Self) -> Self:
        """These times, for a publication after that of the scan with the times `published`.

        If this is no scan of all accounts, an account that the published scan did not read stays
        failed until it is read. A time in the future, of a clock that was ahead, does not count.
        """
        if self.scan is not None or self.read_since is not None:
            return self
        since = published.read_since
        counts = since is not None and since <= self.started_at
        return replace(self, read_since=since if counts else None, scan=published.scan)
