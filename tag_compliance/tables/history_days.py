"""The history by day: `tables/history_closed/<day>.parquet`, `tables/history_daily/<day>.parquet`.

Both follow from the histories of the accounts: each row has the number of the account's reading
that it describes, so that rows that are written twice are stored once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
from pydantic import TypeAdapter

from tag_compliance.domain.history.daily import DAILY_SCHEMA, daily_rows
from tag_compliance.domain.history.rows import joined
from tag_compliance.domain.history.state import CLOSED_SCHEMA, AccountHistory
from tag_compliance.domain.resources import has_text, text_numbers
from tag_compliance.errors import StoredValueUnreadable
from tag_compliance.storage.base import Storage
from tag_compliance.tables.parquet import Warn, decode, encode

_nothing = TypeAdapter(dict[str, str])
_DAY = re.compile(r"tables/history_[a-z]+/([0-9]{4}-[0-9]{2}-[0-9]{2})\.parquet")


@dataclass(frozen=True, slots=True)
class _Kind:
    """One of the two tables: `rows_of` are an account's rows of its last change. The rows of a
    further change replace those before it, or are added to them.
    """

    folder: str
    schema: pa.Schema
    rows_of: Callable[[AccountHistory], pa.Table]
    replaces: bool

    def name(self, day: date) -> str:
        return f"{self.folder}{day:%Y-%m-%d}.parquet"


_Added = Sequence[tuple[AccountHistory, pa.Table]]
"""The rows of each account's last change."""

CLOSED = _Kind("tables/history_closed/", CLOSED_SCHEMA, lambda history: history.closed, False)
DAILY = _Kind("tables/history_daily/", DAILY_SCHEMA, daily_rows, True)
KINDS = (CLOSED, DAILY)


class HistoryDays:
    """A file that cannot be read is reported and stays as it is, without further rows."""

    def __init__(self, storage: Storage, warn: Warn) -> None:
        self._storage = storage
        self._warn = warn
        self._known: dict[str, pa.Table | None] = {}

    def add_missing(self, history: AccountHistory) -> None:
        """Adds the rows of the last change, if the process that made it was killed before."""
        for kind in KINDS:
            rows = kind.rows_of(history)
            name = kind.name(history.day.day)
            if len(rows) and name not in self._known:
                self._known[name] = self._load(kind, name)
            table = self._known.get(name)
            if len(rows) and table is not None and not _contains(table, history):
                self._add(kind, [history])

    def add(self, histories: Sequence[AccountHistory]) -> None:
        """Adds the rows of the last change of each account."""
        for kind in KINDS:
            for day in sorted({history.day.day for history in histories}):
                self._add(kind, [history for history in histories if history.day.day == day])

    def daily(self, last: date, days: int) -> pa.Table:
        """The daily roll-up of the last days, as far as it is stored and can be read."""
        names = {DAILY.name(last - timedelta(days=n)) for n in range(days)}
        found = [
            self._load(DAILY, name) for name in sorted(names & {*self._storage.names(DAILY.folder)})
        ]
        return pa.concat_tables([DAILY_SCHEMA.empty_table(), *(t for t in found if t is not None)])

    def delete_before(self, day: date) -> None:
        for kind in KINDS:
            for match in filter(None, map(_DAY.fullmatch, self._storage.names(kind.folder))):
                if match[1] < f"{day:%Y-%m-%d}":
                    self._storage.delete(match[0])

    def _add(self, kind: _Kind, histories: Iterable[AccountHistory]) -> None:
        added = [(h, rows) for h in histories if len(rows := kind.rows_of(h))]
        if not added:
            return
        name = kind.name(added[0][0].day.day)

        def with_rows(data: bytes | None) -> bytes | None:
            table = self._decode(kind, name, data)
            if table is None:
                return None
            self._known[name] = merged = _merged(kind, table, added)
            return encode(merged, b"{}")

        self._storage.update(name, with_rows)

    def _load(self, kind: _Kind, name: str) -> pa.Table | None:
        stored = self._storage.read(name)
        return self._decode(kind, name, stored.data if stored else None)

    def _decode(self, kind: _Kind, name: str, data: bytes | None) -> pa.Table | None:
        if data is None:
            return kind.schema.empty_table()
        try:
            return decode(f"history of a day in {name}", data, kind.schema, _nothing)[0]
        except StoredValueUnreadable as error:
            self._warn(f"{name} cannot be read ({error.cause}); nothing is added to it: delete it")
            return None


def _merged(kind: _Kind, table: pa.Table, added: _Added) -> pa.Table:
    """Without rows of the same changes, and of earlier ones if they are replaced.

    All accounts at once: a filter for each account would take quadratic time.
    """
    account = text_numbers(table["account_id"], [history.account_id for history, _ in added])
    stored = table["sequence"].to_numpy()
    latest = np.zeros(len(added), dtype=np.int64)
    known = account >= 0
    np.maximum.at(latest, account[known], stored[known])
    sequence = np.array([history.sequence for history, _ in added])
    # Another process can have stored a later change of the account.
    is_added = ~((latest > sequence) & kind.replaces)
    replaced = (stored == sequence[account]) | kind.replaces
    dropped = known & is_added[account] & replaced
    rows = [rows for n, (_, rows) in enumerate(added) if is_added[n]]
    return joined([table.filter(pa.array(~dropped)), *rows])


def _contains(table: pa.Table, history: AccountHistory) -> bool:
    own = has_text(table["account_id"], history.account_id)
    return bool((table["sequence"].to_numpy()[own] >= history.sequence).any())
