"""Readings of accounts that read nothing: `tables/failed_readings/<account id>.json`.

Such a reading does not replace the tables of its account until the scan is published: a scan that
read nothing at all replaces no table, so that everything known before it is known after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pydantic import TypeAdapter, ValidationError

from tag_compliance.domain.account import AccountId
from tag_compliance.domain.read_status import AccountReadStatus
from tag_compliance.errors import StoredValueUnreadable
from tag_compliance.storage.base import Storage
from tag_compliance.tables.parquet import Warn
from tag_compliance.tables.stored_status import StoredStatus, require_account

_FOLDER = "tables/failed_readings/"
_NAME = re.compile(rf"{_FOLDER}([0-9]{{12}})\.json")
_status = TypeAdapter[AccountReadStatus](StoredStatus)


class FailedReadings:
    """The latest failed reading of each account that is not published yet."""

    def __init__(self, storage: Storage, warn: Warn) -> None:
        self._storage = storage
        self._warn = warn

    def store(self, status: AccountReadStatus) -> None:
        """Stores a reading in which every region failed."""
        self._storage.write(_name(status.account_id), _status.dump_json(status))

    def load(self) -> dict[AccountId, AccountReadStatus]:
        """Those that can be read, of all accounts."""
        found: dict[AccountId, AccountReadStatus] = {}
        for match in filter(None, map(_NAME.fullmatch, self._storage.names(_FOLDER))):
            name, stored = match[0], self._storage.read(match[0])
            try:
                status = _status.validate_json(stored.data if stored else b"")
                require_account("failed reading", status, AccountId(match[1]))
            except (ValidationError, StoredValueUnreadable):
                self._warn(f"{name} is damaged; the failed reading counts as missing")
            else:
                found[status.account_id] = status
        return found

    def delete(self, account_ids: Iterable[AccountId]) -> None:
        for account_id in account_ids:
            self._storage.delete(_name(account_id))


def _name(account_id: AccountId) -> str:
    return f"{_FOLDER}{account_id}.json"
