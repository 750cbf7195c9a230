"""Readings of accounts of which no region was read: `tables/failed_readings/<account id>.parquet`.

Such a reading does not replace the tables of its account until the scan is published: a scan that
read nothing at all replaces no table, so that everything known before it is known after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tag_compliance.domain.account import AccountId
from tag_compliance.domain.resources import AccountInventory
from tag_compliance.errors import StoredValueUnreadable
from tag_compliance.storage.base import Storage
from tag_compliance.tables.parquet import Warn
from tag_compliance.tables.raw_resources import decode_inventory, encode_inventory

_FOLDER = "tables/failed_readings/"
_NAME = re.compile(rf"{_FOLDER}([0-9]{{12}})\.parquet")


class FailedReadings:
    """The latest failed reading of each account that is not published yet."""

    def __init__(self, storage: Storage, warn: Warn) -> None:
        self._storage = storage
        self._warn = warn

    def store(self, inventory: AccountInventory) -> None:
        """Stores a reading in which every region failed; some of its sources may have been read."""
        self._storage.write(_name(inventory.status.account_id), encode_inventory(inventory))

    def load(self) -> dict[AccountId, AccountInventory]:
        """Those that can be read, of all accounts."""
        found: dict[AccountId, AccountInventory] = {}
        for match in filter(None, map(_NAME.fullmatch, self._storage.names(_FOLDER))):
            name, stored, account_id = match[0], self._storage.read(match[0]), AccountId(match[1])
            try:
                found[account_id] = decode_inventory(stored.data if stored else b"", account_id)
            except StoredValueUnreadable:
                self._warn(f"{name} is damaged; the failed reading counts as missing")
        return found

    def delete(self, account_ids: Iterable[AccountId]) -> None:
        for account_id in account_ids:
            self._storage.delete(_name(account_id))


def _name(account_id: AccountId) -> str:
    return f"{_FOLDER}{account_id}.parquet"
