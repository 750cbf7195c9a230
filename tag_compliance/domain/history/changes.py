"""What one scan changed in the history of an account, in a form that a person can read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tag_compliance.domain.account import AccountId, AccountName
from tag_compliance.domain.history.kinds import ClosedWhy, TrackedState
from tag_compliance.domain.history.state import AccountHistory
from tag_compliance.domain.resources import has_text, text_numbers
from tag_compliance.domain.severity import Severity

SHOWN = 5
"""How many findings of each kind a change has."""


@dataclass(frozen=True, slots=True)
class ChangedFinding:
    """A finding that was opened or fixed."""

    account_id: AccountId
    arn: str
    rule: str
    severity: str


@dataclass(frozen=True, slots=True)
class AccountChange:
    """`open_before` and `open_after` are the numbers of open findings.

    `new` are findings that began with this change, `fixed` those that it closed as fixed: at most
    `SHOWN` of each, the most serious ones first.
    """

    account_id: AccountId
    account_name: AccountName
    open_before: int
    open_after: int
    new: tuple[ChangedFinding, ...] = ()
    fixed: tuple[ChangedFinding, ...] = ()

    @property
    def more_open(self) -> int:
        return self.open_after - self.open_before


def change_of(before: AccountHistory | None, after: AccountHistory) -> AccountChange:
    """What led from one history of an account to the next one."""
    open_now = after.rows_in(TrackedState.OPEN)
    is_new = pc.equal(open_now["opened_at"], pa.scalar(after.updated_at))
    is_fixed = has_text(after.closed["closed_why"], ClosedWhy.FIXED)
    return AccountChange(
        after.account_id,
        after.account_name,
        0 if before is None else len(before.rows_in(TrackedState.OPEN)),
        len(open_now),
        _most_serious(after.account_id, open_now.filter(is_new)),
        _most_serious(after.account_id, after.closed.filter(pa.array(is_fixed))),
    )


def most_serious(found: Sequence[ChangedFinding]) -> list[ChangedFinding]:
    """At most `SHOWN` of them, the most serious ones first."""
    order = [str(severity) for severity in reversed(Severity)]
    return sorted(found, key=lambda finding: order.index(finding.severity))[:SHOWN]


def _most_serious(account_id: AccountId, rows: pa.Table) -> tuple[ChangedFinding, ...]:
    rank = text_numbers(rows["severity"], reversed(Severity))
    first = np.argsort(rank, kind="stable")[:SHOWN]
    return tuple(
        ChangedFinding(account_id, row["arn"], row["rule"], row["severity"])
        for row in rows.select(["arn", "rule", "severity"]).take(pa.array(first)).to_pylist()
    )
