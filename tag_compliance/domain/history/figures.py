"""The numbers of the history that are published: of each account and of all together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tag_compliance.domain.findings import FindingState
from tag_compliance.domain.history.changes import AccountChange
from tag_compliance.domain.history.counting import total_counters
from tag_compliance.domain.history.kinds import AGE_DAYS, TrackedState
from tag_compliance.domain.history.matching import Flags, Ints
from tag_compliance.domain.history.reading import distinct_texts
from tag_compliance.domain.history.state import (
    AccountHistory,
    Counters,
    RuleCounters,
    microseconds,
    times_of,
)
from tag_compliance.domain.resources import has_text, text_numbers


@dataclass(frozen=True)
class OpenFindings:
    """The open findings of one rule in one account.

    `by_age` follows `AGE_DAYS`; `unseen` of them are not in the latest snapshot; `oldest_at` is
    when the oldest one was opened, None without one.
    """

    severity: str
    by_age: tuple[int, ...] = (0,) * len(AGE_DAYS)
    unseen: int = 0
    oldest_at: datetime | None = None


@dataclass(frozen=True)
class AccountFigures:
    """The published numbers of one account. One that is not a target any more has counters only.

    `counters` are those of the rules that are in the policy or were lately. `history` is what the
    numbers come from, without its tables.
    """

    history: AccountHistory
    open_findings: Mapping[str, OpenFindings]
    counters: Counters


@dataclass(frozen=True)
class HistoryFigures:
    """The published numbers of all accounts.

    `time_to_fix` and `started_at` are None if the history of an account is unreadable: without it
    they could be wrong. `unreadable` has a line for each such account. `opened` and `closed` count
    what the update changed that led to these figures, `changes` are the accounts that it changed.
    """

    accounts: tuple[AccountFigures, ...]
    time_to_fix: Counters | None
    started_at: datetime | None
    unreadable: tuple[str, ...] = ()
    opened: int = 0
    closed: int = 0
    changes: tuple[AccountChange, ...] = ()

    @property
    def open_findings(self) -> int:
        """All open findings of all accounts."""
        rules = (rule for account in self.accounts for rule in account.open_findings.values())
        return sum(sum(rule.by_age) for rule in rules)

    @property
    def oldest_at(self) -> datetime | None:
        """When the oldest open finding was opened."""
        rules = (rule for account in self.accounts for rule in account.open_findings.values())
        return min((rule.oldest_at for rule in rules if rule.oldest_at), default=None)


@dataclass(frozen=True, slots=True)
class FigureBasis:
    """What figures depend on in addition to the history.

    `rules` are the severities of the policy's rules, in its order; rules that were in the policy
    within `retention` before `now` are published too.
    """

    rules: Mapping[str, str]
    now: datetime
    retention: timedelta

    def is_recent(self, moment: datetime) -> bool:
        return self.now - moment <= self.retention


def figures_of(
    history: AccountHistory, snapshot: pa.Table | None, basis: FigureBasis
) -> AccountFigures:
    """The figures of an account.

    `snapshot` has the findings of the snapshot that is published with the figures, at least the
    columns `arn`, `rule` and `state`; None for an account that is not a target any more.
    """
    active = (r for r, at in history.active_at.items() if r in basis.rules or basis.is_recent(at))
    published = [*active]
    open_findings: dict[str, OpenFindings] = {}
    if snapshot is not None:
        published = [*basis.rules, *published]
        open_findings = {rule: OpenFindings(severity) for rule, severity in basis.rules.items()}
        open_findings |= _open_findings(history.rows_in(TrackedState.OPEN), snapshot, basis)
    counters = {rule: history.counters.get(rule, RuleCounters()) for rule in published}
    return AccountFigures(history.without_tables(), open_findings, counters)


def combine(
    accounts: Sequence[AccountFigures],
    retired: Sequence[AccountHistory],
    basis: FigureBasis,
    unreadable: tuple[str, ...] = (),
) -> HistoryFigures:
    """The figures of all accounts.

    `retired` are the histories of accounts that left so long ago that only the sums have them.
    """
    histories = [*(account.history for account in accounts), *retired]
    if unreadable:
        return HistoryFigures(tuple(accounts), None, None, unreadable)
    lately = {
        rule
        for history in histories
        for rule, active_at in history.active_at.items()
        if basis.is_recent(active_at)
    }
    total = total_counters(history.counters for history in histories)
    published = dict.fromkeys([*basis.rules, *sorted(lately)])
    time_to_fix = {rule: total.get(rule, RuleCounters()) for rule in published}
    started_at = min((history.started_at for history in histories), default=None)
    return HistoryFigures(tuple(accounts), time_to_fix, started_at)


def _open_findings(
    rows: pa.Table, snapshot: pa.Table, basis: FigureBasis
) -> dict[str, OpenFindings]:
    names = distinct_texts(rows["rule"])
    rule = text_numbers(rows["rule"], names)
    opened_at = times_of(rows, "opened_at")
    days = (microseconds(basis.now) - opened_at) // microseconds(timedelta(days=1))
    age = np.searchsorted(AGE_DAYS[1:], days, side="right")
    by_age = np.bincount(rule * len(AGE_DAYS) + age, minlength=len(names) * len(AGE_DAYS))
    by_age = by_age.reshape(len(names), len(AGE_DAYS))
    unseen = np.bincount(rule[_unseen(rows, rule, names, snapshot)], minlength=len(names))
    oldest = np.full(len(names), opened_at.max(initial=0))
    np.minimum.at(oldest, rule, opened_at)
    oldest_at = pa.array(oldest).cast(rows.schema.field("opened_at").type).to_pylist()
    first = np.full(len(names), 0)
    first[rule[::-1]] = np.arange(len(rule))[::-1]
    stored = rows["severity"].take(pa.array(first)).cast(pa.string()).to_pylist()
    return {
        name: OpenFindings(
            basis.rules.get(name, stored[n]),
            tuple(by_age[n].tolist()),
            int(unseen[n]),
            oldest_at[n],
        )
        for n, name in enumerate(names)
    }


def _unseen(rows: pa.Table, rule: Ints, names: Sequence[str], snapshot: pa.Table) -> Flags:
    """For each open finding whether it is not an open finding of the snapshot."""
    snapshot = snapshot.filter(pa.array(has_text(snapshot["state"], FindingState.OPEN)))
    if not len(snapshot) or not len(rows):
        return np.ones(len(rows), dtype=bool)
    arns = snapshot["arn"].combine_chunks()
    shown = pc.index_in(arns, arns).to_numpy() * len(names)
    shown_rule = text_numbers(snapshot["rule"], names)
    shown = (shown + shown_rule)[shown_rule >= 0]
    own = pc.index_in(rows["arn"], arns).fill_null(-1).to_numpy().astype(np.int64)
    unseen: Flags = (own < 0) | ~np.isin(own * len(names) + rule, shown)
    return unseen
