"""Which resources count, and the results for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pytest

from tag_compliance.domain.evaluation import evaluate
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.results import RESULT_SCHEMA, ComplianceResults, ExcludedCount
from tag_compliance.domain.scan import AccountScan, Reason, RegionScan, ScannedAccount
from tag_compliance_tests.domain.organizations import NOON, table_of

_Rows = Sequence[tuple[str, str, dict[str, str]]]
_POLICY = Policy(("Owner", "Env"))


def _account(
    *rows: tuple[str, str, dict[str, str]],
    regions: tuple[RegionScan, ...] | None = None,
    type_: str = "ec2:vpc",
) -> ScannedAccount:
    """An account with rows of region, ARN and tags; regions are in the order of their first row."""
    read = regions or tuple(
        RegionScan(name, Reason.OK) for name in dict.fromkeys(r for r, *_ in rows)
    )
    scan = AccountScan("111122223333", "shop", NOON, 1.0, read)
    made = [(r, {"arn": arn, "resource_type": type_, "tags": tags}) for r, arn, tags in rows]
    return ScannedAccount(scan, table_of(made))


def _arn(region: str, name: str = "a") -> str:
    return f"arn:aws:ec2:{region}:111122223333:vpc/{name}"


def _counted(results: ComplianceResults) -> list[tuple[str, str]]:
    columns = (results.table[name].to_pylist() for name in ("region", "arn"))
    return list(zip(*columns, strict=True))


def test_an_arn_that_is_returned_twice_counts_once() -> None:
    row = ("eu-west-1", _arn("eu-west-1"), {"Owner": "me"})
    assert _counted(evaluate([_account(row, row)], _POLICY)) == [row[:2]]


def test_the_first_of_two_rows_for_an_arn_in_one_region_counts() -> None:
    arn = _arn("eu-west-1")
    results = evaluate(
        [_account(("eu-west-1", arn, {"Owner": ""}), ("eu-west-1", arn, {}))], _POLICY
    )
    assert results.table["present_tags"].to_pylist() == [["Owner"]]


def test_an_arn_counts_in_the_region_that_it_names() -> None:
    arn = _arn("eu-west-1")
    results = evaluate([_account(("us-east-1", arn, {}), ("eu-west-1", arn, {}))], _POLICY)
    assert _counted(results) == [("eu-west-1", arn)]


def test_a_global_resource_counts_in_the_first_configured_region() -> None:
    arn = "arn:aws:cloudfront::111122223333:distribution/E1"
    regions = (RegionScan("us-east-1", Reason.OK), RegionScan("eu-west-1", Reason.OK))
    rows: _Rows = (
        ("eu-west-1", arn, {}),
        ("us-east-1", arn, {}),
        ("eu-west-1", _arn("eu-west-1"), {}),
    )
    results = evaluate([_account(*rows, regions=regions)], _POLICY)
    assert _counted(results) == [("us-east-1", arn), ("eu-west-1", _arn("eu-west-1"))]


def test_pages_of_two_regions_can_be_interleaved() -> None:
    arn = "arn:aws:cloudfront::111122223333:distribution/E1"
    rows: _Rows = (
        ("us-east-1", _arn("us-east-1"), {}),
        ("eu-west-1", arn, {}),
        ("us-east-1", arn, {}),
    )
    results = evaluate([_account(*rows)], _POLICY)
    assert _counted(results) == [("us-east-1", _arn("us-east-1")), ("us-east-1", arn)]


def test_a_failed_region_does_not_hide_a_resource_that_another_region_returned() -> None:
    arn = _arn("eu-west-1")
    regions = (RegionScan("eu-west-1", Reason.TIMEOUT), RegionScan("us-east-1", Reason.OK))
    rows: _Rows = (("eu-west-1", arn, {}), ("us-east-1", arn, {}))
    assert _counted(evaluate([_account(*rows, regions=regions)], _POLICY)) == [("us-east-1", arn)]


def test_the_same_arn_counts_in_each_account_that_returned_it() -> None:
    one = _account(("eu-west-1", _arn("eu-west-1"), {}))
    other = ScannedAccount(replace(one.scan, account_id="444455556666"), one.table)
    assert len(evaluate([one, other], _POLICY).table) == 2


def test_rows_of_a_region_that_is_not_configured_are_left_out() -> None:
    regions = (RegionScan("eu-west-1", Reason.OK),)
    rows: _Rows = (("eu-west-1", _arn("eu-west-1"), {}), ("us-east-1", _arn("us-east-1"), {}))
    results = evaluate([_account(*rows, regions=regions)], _POLICY)
    assert _counted(results) == [("eu-west-1", _arn("eu-west-1"))]


@pytest.mark.parametrize(
    ("tags", "present", "missing", "compliant"),
    [
        ({"Env": "x", "Owner": ""}, ["Owner", "Env"], [], True),
        ({"Env": "x", "Other": "x"}, ["Env"], ["Owner"], False),
        ({"owner": "x", "ENV": "x"}, [], ["Owner", "Env"], False),
        ({}, [], ["Owner", "Env"], False),
    ],
)
def test_keys_are_compared_exactly_and_listed_in_the_configured_order(
    tags: dict[str, str], present: list[str], missing: list[str], compliant: bool
) -> None:
    [row] = evaluate([_account(("eu-west-1", _arn("eu-west-1"), tags))], _POLICY).table.to_pylist()
    assert (row["present_tags"], row["missing_tags"], row["compliant"]) == (
        present,
        missing,
        compliant,
    )


def test_a_row_has_all_columns_of_its_resource() -> None:
    arn = _arn("eu-west-1")
    results = evaluate([_account(("eu-west-1", arn, {"Other": "x"}))], _POLICY)
    [row] = results.table.to_pylist()
    assert row == {
        "account_id": "111122223333",
        "account_name": "shop",
        "region": "eu-west-1",
        "arn": arn,
        "service": "ec2",
        "resource_type": "ec2:vpc",
        "tags": [("Other", "x")],
        "present_tags": [],
        "missing_tags": ["Owner", "Env"],
        "compliant": False,
    }


def test_excluded_resources_are_counted_by_region_and_type() -> None:
    policy = Policy(("Owner",), ("EC2:*",))
    rows: _Rows = [("eu-west-1", _arn("eu-west-1", name), {}) for name in "aab"]
    results = evaluate([_account(*rows)], policy)
    assert len(results.table) == 0
    count = ExcludedCount("111122223333", "shop", "eu-west-1", "ec2:vpc", 2)
    assert results.excluded == (count,)
    assert [key.region for key in results.counted] == ["eu-west-1"]


def test_a_resource_with_a_malformed_arn_counts_and_is_reported() -> None:
    account = _account(("eu-west-1", "what?", {}), type_="unknown:unknown")
    results = evaluate([account], _POLICY)
    assert results.unparsable == (("111122223333", 1),)
    assert results.table["service"].to_pylist() == ["unknown"]


@pytest.mark.parametrize(("hours", "counts"), [(1, True), (2, True), (3, False)])
def test_the_last_good_data_of_a_failed_region_count_until_they_are_too_old(
    hours: int, counts: bool
) -> None:
    read_at = NOON - timedelta(hours=hours)
    regions = (RegionScan("eu-west-1", Reason.TIMEOUT, last_success_at=read_at),)
    account = _account(("eu-west-1", _arn("eu-west-1"), {}), regions=regions)
    since = NOON - timedelta(hours=2)
    assert len(evaluate([account], _POLICY, keep_since=since).table) == int(counts)
    assert len(evaluate([account], _POLICY).table) == 0


def test_a_failed_region_that_was_never_read_does_not_count() -> None:
    regions = (RegionScan("eu-west-1", Reason.TIMEOUT),)
    account = _account(("eu-west-1", _arn("eu-west-1"), {}), regions=regions)
    results = evaluate([account], _POLICY, keep_since=NOON - timedelta(days=9))
    assert (len(results.table), results.counted) == (0, ())


@pytest.mark.parametrize("accounts", [[], [_account(regions=(RegionScan("r", Reason.OK),))]])
def test_results_without_rows_have_the_schema(
    accounts: list[ScannedAccount],
) -> None:
    table: pa.Table = evaluate(accounts, _POLICY).table
    assert table.schema.equals(RESULT_SCHEMA)


def test_the_frame_has_categories_for_labels_and_bools_for_compliance() -> None:
    frame = evaluate([_account(("eu-west-1", _arn("eu-west-1"), {}))], _POLICY).frame
    assert str(frame["region"].dtype) == "category"
    assert str(frame["compliant"].dtype) == "bool"
    assert list(frame.columns) == RESULT_SCHEMA.names
