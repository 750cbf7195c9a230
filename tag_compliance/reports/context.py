"""What a report says in addition to its rows: snapshot, accounts, rules, what was not read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tag_compliance.domain.counts import Counts
from tag_compliance.domain.severity import Severity

SEVERITIES = tuple(str(severity) for severity in reversed(Severity))
"""From the most to the least serious."""


@dataclass(frozen=True, slots=True)
class AccountSection:
    """An account of the report; `counts` are of its counted regions, whatever the filters.

    `unread` has a line for each of its regions that was not read.
    """

    account_id: str
    account_name: str
    counts: Counts
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleSection:
    """A rule whose findings the report contains."""

    rule: str
    severity: str
    title: str


@dataclass(frozen=True, slots=True)
class ReportContext:
    """`scope` says in one line for whom or of what the report is, and how it is filtered."""

    snapshot_id: str
    snapshot_time: datetime
    version: str
    scope: str
    accounts: tuple[AccountSection, ...]
    rules: tuple[RuleSection, ...]

    @property
    def unread(self) -> tuple[str, ...]:
        """What the report cannot contain, because it was not read; one line each."""
        return tuple(line for account in self.accounts for line in account.unread)
