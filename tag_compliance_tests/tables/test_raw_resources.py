"""One stored inventory for each account, never worse than it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tag_compliance.domain.account import AccountId
from tag_compliance.domain.read_status import Reason
from tag_compliance.domain.resources import AccountInventory
from tag_compliance.storage.folder import FolderStorage
from tag_compliance.tables.raw_resources import RawResources
from tag_compliance_tests.domain.organizations import NOON, inventory, region_read

_ID = AccountId("111122223333")
_FILE = f"tables/raw_resources/{_ID}.parquet"


class _Stored:
    def __init__(self, folder: Path) -> None:
        self.storage = FolderStorage(folder)
        self.warnings: list[str] = []
        self.inventories = RawResources(self.storage, self.warnings.append)


@pytest.fixture
def stored(tmp_path: Path) -> _Stored:
    return _Stored(tmp_path)


def _read(*names: str, minutes: int = 0, reason: Reason = Reason.OK) -> AccountInventory:
    at = NOON + timedelta(minutes=minutes)
    last_success_at = at if reason is Reason.OK else None
    account = inventory(
        *(("eu-west-1", name, {}) for name in names),
        regions=[region_read("eu-west-1", reason, last_success_at=last_success_at)],
    )
    status = replace(account.status, started_at=at, last_success_at=last_success_at)
    return replace(account, status=status)


def test_an_account_that_fails_keeps_the_rows_of_its_last_good_reading(stored: _Stored) -> None:
    stored.inventories.store(_read("a", "b"))
    returned = stored.inventories.store(_read(minutes=5, reason=Reason.THROTTLED))
    loaded = stored.inventories.load(_ID)
    assert loaded is not None
    assert returned is not None
    assert returned.status == loaded.status
    assert loaded.resources["arn"].to_pylist() == ["a", "b"]
    assert loaded.status.reason is Reason.THROTTLED
    assert loaded.status.last_success_at == NOON


def test_an_older_reading_never_replaces_a_newer_one(stored: _Stored) -> None:
    stored.inventories.store(_read("new", minutes=5))
    before = stored.storage.read(_FILE)
    assert stored.inventories.store(_read("old")) is None
    assert stored.storage.read(_FILE) == before


def test_an_account_that_was_never_read_has_no_inventory(stored: _Stored) -> None:
    assert stored.inventories.load(_ID) is None
    assert stored.warnings == []


@pytest.mark.parametrize("damage", [b"", b"PAR1 and then something else"])
def test_a_damaged_inventory_counts_as_missing_and_is_reported(
    stored: _Stored, damage: bytes
) -> None:
    stored.storage.write(_FILE, damage)
    assert stored.inventories.load(_ID) is None
    (warning,) = stored.warnings
    assert warning.startswith(f"{_ID}: the stored inventory of an account cannot be read: ")


@pytest.mark.parametrize("reason", [Reason.OK, Reason.TIMEOUT])
def test_a_damaged_inventory_is_replaced_by_the_next_reading(
    stored: _Stored, reason: Reason
) -> None:
    stored.storage.write(_FILE, b"damaged")
    stored.inventories.store(_read(reason=reason))
    loaded = stored.inventories.load(_ID)
    assert loaded is not None
    assert loaded.status.reason is reason
    assert len(stored.warnings) == 1
