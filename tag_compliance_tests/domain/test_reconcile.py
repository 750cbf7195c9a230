"""The stored scans, adapted to the current configuration."""

from __future__ import annotations

from tag_compliance.domain.evaluation import evaluate
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.reconcile import ExpectedAccount, reconcile
from tag_compliance.domain.scan import AccountScan, Reason, RegionScan, ScannedAccount
from tag_compliance_tests.domain.organizations import NOON, table_of


def _stored(account_id: str, *regions: str) -> ScannedAccount:
    scans = tuple(RegionScan(region, Reason.OK, last_success_at=NOON) for region in regions)
    rows = [
        (region, {"arn": f"arn:{region}", "resource_type": "ec2:vpc", "tags": {}})
        for region in regions
    ]
    return ScannedAccount(AccountScan(account_id, "old", NOON, 1.0, scans), table_of(rows))


def test_accounts_have_the_configured_order_and_names() -> None:
    stored = {"1": _stored("1", "eu-west-1"), "2": _stored("2", "eu-west-1")}
    expected = [ExpectedAccount(i, f"new-{i}", ("eu-west-1",)) for i in ("2", "1")]
    accounts = reconcile(expected, stored)
    assert [account.scan.label for account in accounts] == ["2 (new-2)", "1 (new-1)"]


def test_an_account_that_was_never_scanned_has_the_reason_not_scanned() -> None:
    [account] = reconcile([ExpectedAccount("1", "shop", ("eu-west-1", "us-east-1"))], {})
    assert [r.reason for r in account.scan.regions] == [Reason.NOT_SCANNED] * 2
    assert (len(account.table), account.scan.succeeded) == (0, False)
    assert account.scan.last_success_at is None


def test_a_region_that_was_added_to_the_configuration_has_the_reason_not_scanned() -> None:
    expected = [ExpectedAccount("1", "shop", ("us-east-1", "eu-west-1"))]
    [account] = reconcile(expected, {"1": _stored("1", "eu-west-1")})
    reasons = [(r.region, r.reason) for r in account.scan.regions]
    assert reasons == [("us-east-1", Reason.NOT_SCANNED), ("eu-west-1", Reason.OK)]


def test_a_region_that_was_removed_from_the_configuration_does_not_count() -> None:
    expected = [ExpectedAccount("1", "shop", ("eu-west-1",))]
    accounts = reconcile(expected, {"1": _stored("1", "eu-west-1", "us-east-1")})
    results = evaluate(accounts, Policy(("Owner",)))
    assert results.table["arn"].to_pylist() == ["arn:eu-west-1"]


def test_an_account_that_was_removed_from_the_configuration_is_left_out() -> None:
    assert reconcile([], {"1": _stored("1", "eu-west-1")}) == []
