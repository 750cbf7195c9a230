"""The stored inventories: `tables/raw_resources/<account id>.parquet`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from pydantic import TypeAdapter

from tag_compliance.domain.account import AccountId
from tag_compliance.domain.clock import is_ahead
from tag_compliance.domain.read_status import AccountReadStatus
from tag_compliance.domain.resources import RESOURCE_SCHEMA, AccountInventory
from tag_compliance.storage.base import Storage
from tag_compliance.tables.parquet import Warn, decode, decode_description, encode, read_or_warn
from tag_compliance.tables.stored_status import StoredStatus, require_account

_WHAT = "inventory of an account"
_status = TypeAdapter[AccountReadStatus](StoredStatus)

BeforeWriting = Callable[[AccountInventory], None]


class RawResources:
    """One inventory for each account. An inventory that cannot be read counts as missing."""

    def __init__(self, storage: Storage, warn: Warn) -> None:
        self._storage = storage
        self._warn = warn

    def store(
        self, inventory: AccountInventory, before_writing: BeforeWriting = lambda _: None
    ) -> AccountInventory | None:
        """Stores an account's inventory with what is carried forward from the previous one.

        Returns the inventory that is stored now; None if a later one is stored already.
        `before_writing` is called with this inventory first, and again if another process changes
        the stored one at the same time. What it stores is never older than the inventory, even if
        the process is killed.
        """
        stored: AccountInventory | None = None

        def merged(data: bytes | None) -> bytes | None:
            nonlocal stored
            stored = self._merged(inventory, data)
            if stored is None:
                return None
            before_writing(stored)
            return encode_inventory(stored)

        self._storage.update(_name(inventory.status.account_id), merged)
        return stored

    def _merged(self, inventory: AccountInventory, data: bytes | None) -> AccountInventory | None:
        who, account_id = inventory.status.display_name, inventory.status.account_id
        decode_status = partial(_decode_status, account_id=account_id)
        status = read_or_warn(who, data, decode_status, self._warn)
        if status is None or data is None:
            return inventory
        if not inventory.status.replaces(status):
            return None
        if is_ahead(status.started_at):
            at = f"{status.started_at:%Y-%m-%d %H:%M:%S} UTC"
            self._warn(f"{who}: the stored reading is of {at}, which a wrong clock must have set")
        if inventory.status.every_source_succeeded:
            return inventory
        previous = read_or_warn(who, data, decode_inventory, self._warn)
        return inventory if previous is None else inventory.carry_forward(previous)

    def load(self, account_id: AccountId) -> AccountInventory | None:
        """The stored inventory; None if there is none that can be read."""
        found = self._storage.read(_name(account_id))
        data = None if found is None else found.data
        decode_own = partial(decode_inventory, account_id=account_id)
        return read_or_warn(account_id, data, decode_own, self._warn)


def encode_inventory(inventory: AccountInventory) -> bytes:
    return encode(inventory.resources, _status.dump_json(inventory.status))


def decode_inventory(data: bytes, account_id: AccountId | None = None) -> AccountInventory:
    """Raises `StoredValueUnreadable`, also for the inventory of another account."""
    resources, status = decode(_WHAT, data, RESOURCE_SCHEMA, _status)
    require_account(_WHAT, status, account_id)
    return AccountInventory(status, resources)


def _decode_status(data: bytes, account_id: AccountId) -> AccountReadStatus:
    status = decode_description(_WHAT, data, _status)
    require_account(_WHAT, status, account_id)
    return status


def _name(account_id: AccountId) -> str:
    return f"tables/raw_resources/{account_id}.parquet"
