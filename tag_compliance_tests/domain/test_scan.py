"""The state of a scan, and what it takes over from the previous one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from tag_compliance.domain.scan import (
    RESOURCE_SCHEMA,
    AccountScan,
    Reason,
    RegionScan,
    ScannedAccount,
)
from tag_compliance_tests.domain.organizations import NOON, table_of

_BEFORE = NOON - timedelta(hours=1)


def _scanned(
    at: datetime, *regions: tuple[str, Reason, datetime | None], rows: dict[str, str]
) -> ScannedAccount:
    """An account with its regions, and one ARN in each region of `rows`."""
    scans = tuple(
        RegionScan(name, reason, "", last_success_at=last) for name, reason, last in regions
    )
    last = at if all(reason is Reason.OK for _, reason, _ in regions) else None
    scan = AccountScan("111122223333", "shop", at, 1.0, scans, last_success_at=last)
    table = table_of(
        (region, {"arn": arn, "resource_type": "ec2:vpc", "tags": {}})
        for region, arn in rows.items()
    )
    return ScannedAccount(scan, table)


def _rows(account: ScannedAccount) -> dict[str, str]:
    columns = (account.table[name].to_pylist() for name in ("region", "arn"))
    return dict(zip(*columns, strict=True))


_GOOD = _scanned(
    _BEFORE,
    ("eu-west-1", Reason.OK, _BEFORE),
    ("us-east-1", Reason.OK, _BEFORE),
    rows={"eu-west-1": "old-eu", "us-east-1": "old-us"},
)
_HALF = _scanned(
    NOON,
    ("eu-west-1", Reason.OK, NOON),
    ("us-east-1", Reason.THROTTLED, None),
    rows={"eu-west-1": "new-eu"},
)


def test_a_failed_region_keeps_the_rows_and_the_time_of_its_last_success() -> None:
    kept = _HALF.keeping(_GOOD)
    assert _rows(kept) == {"eu-west-1": "new-eu", "us-east-1": "old-us"}
    assert [r.last_success_at for r in kept.scan.regions] == [NOON, _BEFORE]
    assert [r.reason for r in kept.scan.regions] == [Reason.OK, Reason.THROTTLED]
    assert kept.scan.last_success_at == _BEFORE
    assert kept.table.schema.equals(RESOURCE_SCHEMA)


def test_the_last_good_rows_stay_after_several_failed_scans() -> None:
    kept = _GOOD
    for _ in range(3):
        kept = _HALF.keeping(kept)
    assert _rows(kept) == {"eu-west-1": "new-eu", "us-east-1": "old-us"}
    assert kept.scan.regions[1].last_success_at == _BEFORE


def test_a_region_that_is_read_again_keeps_no_old_rows() -> None:
    assert _rows(_GOOD.keeping(_HALF.keeping(_GOOD))) == _rows(_GOOD)


def test_a_first_scan_is_unchanged() -> None:
    assert _HALF.keeping(None) is _HALF


def test_a_region_that_fails_in_its_first_scan_has_no_last_success() -> None:
    only_eu = _scanned(_BEFORE, ("eu-west-1", Reason.OK, _BEFORE), rows={"eu-west-1": "old-eu"})
    kept = _HALF.keeping(only_eu)
    assert kept.scan.regions[1].last_success_at is None
    assert _rows(kept) == {"eu-west-1": "new-eu"}


def test_an_account_succeeds_if_all_its_regions_do() -> None:
    assert (_GOOD.scan.succeeded, _GOOD.scan.reason) == (True, Reason.OK)
    assert (_HALF.scan.succeeded, _HALF.scan.reason) == (False, Reason.THROTTLED)


def test_a_failure_names_account_region_reason_and_message() -> None:
    regions = (
        RegionScan("eu-west-1", Reason.OK),
        RegionScan("us-east-1", Reason.TIMEOUT, "no answer in 600 s"),
    )
    scan = replace(_GOOD.scan, regions=regions)
    assert scan.failures == ("111122223333 (shop) us-east-1: timeout: no answer in 600 s",)


def test_an_account_whose_regions_fail_for_the_same_cause_has_one_failure() -> None:
    regions = tuple(
        RegionScan(name, Reason.ASSUME_ROLE_DENIED, "not trusted") for name in ("a", "b")
    )
    scan = replace(_GOOD.scan, regions=regions)
    assert scan.failures == ("111122223333 (shop): assume_role_denied: not trusted",)


def test_an_account_that_succeeded_has_no_failures() -> None:
    assert _GOOD.scan.failures == ()


def test_the_reasons_are_exactly_these() -> None:
    assert set(Reason) == {
        "ok",
        "access_denied",
        "assume_role_denied",
        "region_disabled",
        "scp_denied",
        "throttled",
        "expired_token",
        "timeout",
        "unreachable",
        "malformed_response",
        "not_scanned",
        "internal",
    }
