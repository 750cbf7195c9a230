"""What an inventory carries forward from the previous one when regions fail."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from tag_compliance.domain.read_status import Reason
from tag_compliance.domain.resources import RESOURCE_SCHEMA, AccountInventory
from tag_compliance_tests.domain.organizations import NOON, inventory, region_read

_BEFORE = NOON - timedelta(hours=1)


def _read(account: AccountInventory, **changes: Any) -> AccountInventory:
    return replace(account, status=replace(account.status, **changes))


_GOOD = _read(
    inventory(
        ("eu-west-1", "old-eu", {}),
        ("us-east-1", "old-us", {}),
        regions=[region_read(name, last_success_at=_BEFORE) for name in ("eu-west-1", "us-east-1")],
    ),
    started_at=_BEFORE,
    last_success_at=_BEFORE,
)
_HALF = _read(
    inventory(
        ("eu-west-1", "new-eu", {}),
        regions=[
            region_read("eu-west-1", last_success_at=NOON),
            region_read("us-east-1", Reason.THROTTLED),
        ],
    ),
    last_success_at=None,
)


def _rows(account: AccountInventory) -> dict[str, str]:
    columns = (account.resources[name].to_pylist() for name in ("region", "arn"))
    return dict(zip(*columns, strict=True))


def test_a_failed_region_keeps_its_last_good_rows_and_their_time() -> None:
    kept = _HALF.carry_forward(_GOOD)
    assert _rows(kept) == {"eu-west-1": "new-eu", "us-east-1": "old-us"}
    assert [r.last_success_at for r in kept.status.regions] == [NOON, _BEFORE]
    assert [r.reason for r in kept.status.regions] == [Reason.OK, Reason.THROTTLED]
    assert kept.status.last_success_at == _BEFORE
    assert kept.resources.schema.equals(RESOURCE_SCHEMA)


def test_the_last_good_rows_survive_any_number_of_failures() -> None:
    kept = _GOOD
    for _ in range(3):
        kept = _HALF.carry_forward(kept)
    assert _rows(kept) == {"eu-west-1": "new-eu", "us-east-1": "old-us"}
    assert kept.status.regions[1].last_success_at == _BEFORE


def test_a_region_that_is_read_again_keeps_no_old_row() -> None:
    assert _rows(_GOOD.carry_forward(_HALF.carry_forward(_GOOD))) == _rows(_GOOD)


def test_the_first_inventory_of_an_account_is_unchanged() -> None:
    assert _HALF.carry_forward(None) is _HALF


def test_a_new_region_whose_first_reading_fails_has_no_last_success() -> None:
    only_eu = inventory(("eu-west-1", "old-eu", {}))
    kept = _HALF.carry_forward(only_eu)
    assert kept.status.regions[1].last_success_at is None
    assert _rows(kept) == {"eu-west-1": "new-eu"}
