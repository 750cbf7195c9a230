"""Brings the stored histories up to date with a scan, and returns the published numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import pyarrow as pa

from tag_compliance.domain.account import AccountId, AccountName
from tag_compliance.domain.history.advance import advance, remove
from tag_compliance.domain.history.changes import AccountChange, change_of
from tag_compliance.domain.history.figures import (
    AccountFigures,
    FigureBasis,
    HistoryFigures,
    combine,
    figures_of,
)
from tag_compliance.domain.history.reading import AccountReading
from tag_compliance.domain.history.state import AccountHistory
from tag_compliance.errors import StoredValueUnreadable
from tag_compliance.storage.base import Storage
from tag_compliance.tables.history import Change, HistoryTables, without_live
from tag_compliance.tables.parquet import Warn

_T = TypeVar("_T")


@dataclass(frozen=True)
class HistoryTarget:
    """An account of the scan. `started_at` and `reading_run` identify its last reading.

    `load_reading` returns that reading; None if its resources are not stored, or not any more.
    `load_snapshot` returns the findings of the account in the snapshot, of `FINDING_SCHEMA`.
    """

    account_id: AccountId
    account_name: AccountName
    started_at: datetime
    reading_run: int
    load_reading: Callable[[], AccountReading | None]
    load_snapshot: Callable[[], pa.Table]


class HistoryUpdate:
    """The update for one scan; `basis.now` is the time of the scan.

    An account whose history is damaged is reported and left out: its counters are not reset.
    """

    def __init__(self, storage: Storage, warn: Warn, basis: FigureBasis) -> None:
        self._tables = HistoryTables(storage, warn)
        self._warn = warn
        self._basis = basis
        self._unreadable: list[str] = []
        self._opened = self._closed = 0
        self._changes: list[AccountChange] = []

    def apply(self, targets: Sequence[HistoryTarget], *, all_accounts: bool) -> HistoryFigures:
        """The figures after the scan. The same scan again changes nothing.

        Unless the scan is of `all_accounts`, accounts that are not targets stay as they are.
        """
        figures = [self._reported(self._of_target, target) for target in targets]
        wanted = {target.account_id for target in targets}
        left = [a for a in self._tables.account_ids() if a not in wanted]
        of_left = self._of_removed if all_accounts else self._of_other
        figures += [self._reported(of_left, account_id) for account_id in left]
        self._tables.add_days()
        self._tables.delete_days(self._basis.now, self._basis.retention)
        retired = self._reported(self._tables.retired) or {}
        accounts = [account for account in figures if account is not None]
        known = without_live(retired, [account.history for account in accounts])
        figures_now = combine(accounts, known, self._basis, tuple(self._unreadable))
        changes = tuple(self._changes)
        return replace(figures_now, opened=self._opened, closed=self._closed, changes=changes)

    def _of_target(self, target: HistoryTarget) -> AccountFigures | None:
        """None if the account has no history yet, and its first reading is not stored."""

        def change(before: AccountHistory | None) -> AccountHistory | None:
            if before is not None and before.contains(target.started_at, target.reading_run):
                return before  # without loading the resources of the account
            reading = target.load_reading()
            if reading is None:
                return before
            account = before or AccountHistory.new(
                target.account_id, target.account_name, self._basis.now
            )
            return advance(account, reading, self._basis.now, self._basis.retention)

        history = self._update(target.account_id, change)
        if history is None:
            return None
        return figures_of(history, target.load_snapshot(), self._basis)

    def _of_removed(self, account_id: AccountId) -> AccountFigures | None:
        """An account that is not a target any more; None if only the sums have it from now on."""
        now = self._basis.now
        history = self._update(account_id, lambda known: known and remove(known, now))
        if history is None:
            return None
        if history.removed_at is not None and not self._basis.is_recent(history.removed_at):
            self._tables.retire(history)
            return None
        return figures_of(history, None, self._basis)

    def _of_other(self, account_id: AccountId) -> AccountFigures | None:
        history = self._tables.load(account_id)
        return None if history is None else figures_of(history, None, self._basis)

    def _update(self, account_id: AccountId, change: Change) -> AccountHistory | None:
        """Changes a history, and counts what that opened and closed."""
        opened = closed = 0
        changed: list[AccountChange] = []

        def counted(before: AccountHistory | None) -> AccountHistory | None:
            nonlocal opened, closed
            after = change(before)
            known, events = (_events(before), _events(after))
            opened, closed = events[0] - known[0], events[1] - known[1]
            changed[:] = [] if after is None or after is before else [change_of(before, after)]
            return after

        history = self._tables.update(account_id, counted)
        self._opened, self._closed = self._opened + opened, self._closed + closed
        self._changes += changed
        return history

    def _reported(self, function: Callable[..., _T], *arguments: object) -> _T | None:
        """What the function returns; None, after a warning, if a stored history is damaged."""
        try:
            return function(*arguments)
        except StoredValueUnreadable as error:
            self._unreadable.append(str(error))
            self._warn(str(error))
            return None


def _events(history: AccountHistory | None) -> tuple[int, int]:
    """How many findings were ever opened and closed."""
    counters = [*history.counters.values()] if history else []
    return sum(sum(c.opened) for c in counters), sum(sum(c.closed) for c in counters)
