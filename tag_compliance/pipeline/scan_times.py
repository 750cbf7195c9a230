"""The times of a scan, which all its runs share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self


@dataclass(frozen=True, slots=True)
class ScanTimes:
    """`started_at`: the start that all runs of the scan share. An account that was last read before
    `read_since` does not belong to the scan; None: everything that is stored belongs to it.
    `all_accounts`: whether this is a scan of all accounts.
    """

    started_at: datetime
    read_since: datetime | None = None
    all_accounts: bool = False

    def not_before(self, published: Self) -> Self:
        """These times, for a publication after that of the scan with the times `published`.

        If this is no scan of all accounts, an account that the published scan did not read stays
        failed until it is read. A time in the future, of a clock that was ahead, does not count.
        """
        since = published.read_since
        if self.read_since is not None or since is None or since > self.started_at:
            return self
        return replace(self, read_since=since)
