"""The stored histories: `tables/history/<account id>.zip`, and files by day.

The history of an account changes in one step. The files by day follow from it: before an account
changes again, they have what its last change closed. So a process can be killed at any moment, and
nothing is lost or counted twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pyarrow as pa

from tag_compliance.domain.account import AccountId
from tag_compliance.domain.history.kinds import TrackedState
from tag_compliance.domain.history.state import AccountHistory
from tag_compliance.domain.resources import has_text
from tag_compliance.errors import StoredValueUnreadable
from tag_compliance.storage.base import Storage
from tag_compliance.tables.history_days import HistoryDays
from tag_compliance.tables.history_file import (
    decode_history,
    decode_retired,
    decode_tracked,
    encode_history,
    encode_retired,
)
from tag_compliance.tables.parquet import Warn

_FOLDER = "tables/history/"
_NAME = re.compile(rf"{_FOLDER}([0-9]{{12}})\.zip")
_RETIRED = "tables/history_retired.json"
_OPENING = ["arn", "rule", "opened_at"]

Change = Callable[[AccountHistory | None], AccountHistory | None]
"""Returns the next history of an account; what it gets if nothing changes."""


class HistoryTables:
    """One history for each account, and those of accounts that left long ago.

    Every method raises `StoredValueUnreadable` for a damaged history: it is never
    replaced by a new one, because its counters would step back.
    """

    def __init__(self, storage: Storage, warn: Warn) -> None:
        self._storage = storage
        self._warn = warn
        self._days = HistoryDays(storage, warn)
        self._changed: dict[AccountId, AccountHistory] = {}

    def account_ids(self) -> list[AccountId]:
        """The accounts that have a history, sorted."""
        names = map(_NAME.fullmatch, self._storage.names(_FOLDER))
        return [AccountId(match[1]) for match in names if match]

    def load(self, account_id: AccountId) -> AccountHistory | None:
        stored = self._storage.read(_name(account_id))
        return None if stored is None else decode_history(stored.data, account_id)

    def openings(self, account_id: AccountId) -> pa.Table | None:
        """The columns `arn`, `rule` and `opened_at` of the tracked findings of an account.

        `opened_at` of a waived finding is when it was first seen. None without a history, and,
        after a warning, if it is damaged: the findings are known without their age.
        """
        stored = self._storage.read(_name(account_id))
        if stored is None:
            return None
        try:
            tracked = decode_tracked(stored.data, account_id, [*_OPENING, "state"])
        except StoredValueUnreadable as error:
            self._warn(str(error))
            return None
        is_fixed = has_text(tracked["state"], TrackedState.FIXED)
        return tracked.select(_OPENING).filter(pa.array(~is_fixed))

    def update(self, account_id: AccountId, change: Change) -> AccountHistory | None:
        """Changes the history of an account in one step; returns it as it is afterwards.

        `change` is called again if another process has changed it meanwhile. `add_days` must
        follow when all accounts have been changed.
        """
        name = _name(account_id)
        while True:
            stored = self._storage.read(name)
            before = None if stored is None else decode_history(stored.data, account_id)
            if before is not None:
                self._days.add_missing(before)
            after = change(before)
            if after is None or after is before:
                return before
            known = None if stored is None else stored.data
            if self._storage.update(name, _unless_changed(known, encode_history(after))):
                self._changed[account_id] = after
                return after

    def add_days(self) -> None:
        """Adds what the updates have changed to the files by day."""
        self._days.add([*self._changed.values()])
        self._changed.clear()

    def retire(self, history: AccountHistory) -> None:
        """Keeps the counters of an account that left long ago, without its account.

        Otherwise the sums over all accounts would step back.
        """
        self._days.add_missing(history)
        key = _retired_key(history)

        def with_account(data: bytes | None) -> bytes:
            return encode_retired({**_decode_retired(data), key: history.without_tables()})

        self._storage.update(_RETIRED, with_account)
        self._storage.delete(_name(history.account_id))

    def retired(self) -> dict[str, AccountHistory]:
        """Histories without tables, by a key that `is_retired` knows."""
        stored = self._storage.read(_RETIRED)
        return _decode_retired(stored.data if stored else None)

    def delete_days(self, now: datetime, retention: timedelta) -> None:
        self._days.delete_before((now - retention).date())


def without_live(
    retired: dict[str, AccountHistory], live: list[AccountHistory]
) -> list[AccountHistory]:
    """The retired histories whose account does not have the same history still.

    It has both after a process was killed while it retired the account.
    """
    keys = {_retired_key(history) for history in live}
    return [history for key, history in retired.items() if key not in keys]


def _unless_changed(known: bytes | None, data: bytes) -> Callable[[bytes | None], bytes | None]:
    return lambda now: data if now == known else None


def _decode_retired(data: bytes | None) -> dict[str, AccountHistory]:
    return {} if data is None else decode_retired(data)


def _retired_key(history: AccountHistory) -> str:
    return f"{history.account_id} {history.started_at.isoformat()}"


def _name(account_id: AccountId) -> str:
    return f"{_FOLDER}{account_id}.zip"
