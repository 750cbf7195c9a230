"""How many findings of each account the findings database contains."""

from __future__ import annotations

from dataclasses import dataclass

from tag_compliance.domain.account import AccountId
from tag_compliance.domain.metrics.detail import fair_shares
from tag_compliance.domain.summary import Summary


@dataclass(frozen=True, slots=True)
class FindingsLimit:
    """The share of each account with findings, and how many findings the limit leaves out."""

    shares: dict[AccountId, int]
    omitted: int

    @classmethod
    def of(cls, summary: Summary, rows: int) -> FindingsLimit:
        """At most so many rows, shared fairly among the accounts."""
        frame = summary.by_type_and_rule
        wanted = frame.groupby("account_id")["violations"].sum()
        shares = fair_shares(wanted, rows) if rows < wanted.sum() else wanted
        found = {AccountId(str(account_id)): int(share) for account_id, share in shares.items()}
        return cls(found, int((wanted - shares).sum()))
