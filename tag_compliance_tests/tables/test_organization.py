"""The stored list of accounts: complete or missing, and never replaced by an older one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tag_compliance.domain.account import AccountId, AccountName, RegionName
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.organization import (
    AccountOwner,
    AccountState,
    Attempt,
    DiscoveredOrganization,
    EnabledRegions,
    OrganizationAccount,
)
from tag_compliance.domain.read_status import Reason
from tag_compliance.storage.folder import FolderStorage
from tag_compliance.tables.organization import Organizations

_AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
_ID = AccountId("111111111111")
_UNITS = ("ou-ab12-aaaaaaaa",)
_ORGANIZATION = DiscoveredOrganization(
    Attempt(_AT, Reason.OK),
    settings="{}",
    listed_at=_AT,
    accounts=(
        OrganizationAccount(
            _ID, AccountName("shöp\n"), AccountState.ACTIVE, "r-ab12", _UNITS, ("A b",)
        ),
        OrganizationAccount(AccountId("2" * 12), AccountName("x"), AccountState.UNKNOWN),
    ),
    regions={_ID: EnabledRegions((RegionName("us-east-1"),), _AT)},
    owners={_ID: AccountOwner("", _AT, "Owner")},
)


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "state")


def test_what_is_stored_is_loaded(storage: FolderStorage) -> None:
    repository = Organizations(storage, pytest.fail)
    assert repository.load() is None
    assert repository.store(_ORGANIZATION) == _ORGANIZATION
    assert repository.load() == _ORGANIZATION


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda _: b"",
        lambda _: b"\xff",
        lambda data: data.replace(b"2026-11-24T12:00:00Z", b"2026-11-24T12:00:00"),
        lambda data: data.replace(b'"active"', b'"lost"'),
    ],
)
def test_a_damaged_list_counts_as_missing_and_is_reported(
    storage: FolderStorage, damage: object
) -> None:
    warnings: list[str] = []
    repository = Organizations(storage, warnings.append)
    repository.store(_ORGANIZATION)
    stored = storage.read("tables/organization.json")
    assert stored is not None
    assert callable(damage)
    storage.write("tables/organization.json", damage(stored.data))

    assert repository.load() is None
    assert warnings == [
        "tables/organization.json is damaged; the list of accounts counts as missing"
    ]
    assert repository.store(_ORGANIZATION) == _ORGANIZATION


def test_an_older_list_does_not_replace_a_newer_one(storage: FolderStorage) -> None:
    repository = Organizations(storage, pytest.fail)
    newer = replace(_ORGANIZATION, listed_at=_AT + timedelta(hours=1))
    failed = Attempt(_AT + timedelta(hours=2), Reason.THROTTLED)
    repository.store(newer)

    assert repository.store(_ORGANIZATION) == newer
    assert repository.store(replace(_ORGANIZATION, attempt=failed)) == newer
    assert repository.store(replace(newer, attempt=failed)).attempt == failed


def test_a_list_of_a_clock_that_was_ahead_is_replaced(storage: FolderStorage) -> None:
    repository = Organizations(storage, pytest.fail)
    repository.store(replace(_ORGANIZATION, listed_at=utc_now() + timedelta(days=1)))

    assert repository.store(_ORGANIZATION) == _ORGANIZATION


def test_all_runs_of_a_scan_get_the_list_of_the_first_one(storage: FolderStorage) -> None:
    repository = Organizations(storage, pytest.fail)
    newer = replace(_ORGANIZATION, listed_at=_AT + timedelta(hours=1))

    assert repository.of_scan("a", _ORGANIZATION) == _ORGANIZATION
    assert repository.of_scan("a", newer) == _ORGANIZATION
    assert repository.of_scan("b", newer) == newer
    storage.write("tables/scan_accounts.json", b"{")
    assert repository.of_scan("b", _ORGANIZATION) == _ORGANIZATION
