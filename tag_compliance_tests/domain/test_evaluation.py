"""Which resources count, which rules they violate, and the counts that follow."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from tag_compliance.domain.counts import Counts
from tag_compliance.domain.evaluation import Evaluation, basis_of, counted_resources
from tag_compliance.domain.findings import FINDING_SCHEMA
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.read_status import Reason
from tag_compliance.domain.resources import AccountInventory
from tag_compliance_tests.domain.organizations import (
    NOON,
    Row,
    evaluated,
    inventory,
    region_read,
)

_POLICY = Policy(("Owner", "Env"))
_GLOBAL = "arn:aws:cloudfront::111122223333:distribution/E1"


def _arn(region: str, name: str = "a") -> str:
    return f"arn:aws:ec2:{region}:111122223333:vpc/{name}"


def _counted(account: AccountInventory, evaluation: Evaluation | None = None) -> list[list[str]]:
    """Region and ARN of each resource that counts."""
    basis = (evaluation or evaluated(account, _POLICY)).basis
    table = counted_resources(account, _POLICY, basis)
    return [[row["region"], row["arn"]] for row in table.to_pylist()]


def test_an_arn_that_comes_back_twice_counts_once() -> None:
    row = ("eu-west-1", _arn("eu-west-1"), {"Owner": "me"})
    account = inventory(row, row)
    assert _counted(account) == [list(row[:2])]
    assert evaluated(account, _POLICY).summary.total == Counts(2, 0, 1, 0)


def test_of_two_rows_in_one_region_the_first_counts() -> None:
    arn = _arn("eu-west-1")
    account = inventory(("eu-west-1", arn, {"Owner": ""}), ("eu-west-1", arn, {}))
    assert evaluated(account, _POLICY).findings["tag"].to_pylist() == ["Env"]


def test_a_resource_counts_in_the_region_that_its_arn_names() -> None:
    arn = _arn("eu-west-1")
    account = inventory(("us-east-1", arn, {}), ("eu-west-1", arn, {}))
    assert _counted(account) == [["eu-west-1", arn]]


def test_a_global_resource_counts_in_the_first_configured_region() -> None:
    rows: tuple[Row, ...] = (("eu-west-1", _GLOBAL, {}), ("us-east-1", _GLOBAL, {}))
    account = inventory(*rows, regions=("us-east-1", "eu-west-1"))
    assert _counted(account) == [["us-east-1", _GLOBAL]]


def test_the_rows_of_two_regions_may_alternate() -> None:
    here = _arn("us-east-1")
    rows: tuple[Row, ...] = (
        ("us-east-1", here, {}),
        ("eu-west-1", _GLOBAL, {}),
        ("us-east-1", _GLOBAL, {}),
    )
    assert _counted(inventory(*rows)) == [["us-east-1", here], ["us-east-1", _GLOBAL]]


def test_a_failed_region_does_not_hide_a_resource_that_another_region_returned() -> None:
    arn = _arn("eu-west-1")
    regions = (region_read("eu-west-1", Reason.TIMEOUT), region_read("us-east-1"))
    account = inventory(("eu-west-1", arn, {}), ("us-east-1", arn, {}), regions=regions)
    assert _counted(account) == [["us-east-1", arn]]


def test_rows_of_a_region_that_is_not_configured_do_not_count() -> None:
    rows: tuple[Row, ...] = (
        ("eu-west-1", _arn("eu-west-1"), {}),
        ("us-east-1", _arn("us-east-1"), {}),
    )
    account = inventory(*rows, regions=("eu-west-1",))
    assert _counted(account) == [["eu-west-1", _arn("eu-west-1")]]


@pytest.mark.parametrize(
    ("tags", "missing"),
    [
        ({"Env": "x", "Owner": ""}, []),
        ({"Env": "x", "Other": "x"}, ["Owner"]),
        ({"owner": "x", "ENV": "x"}, ["Owner", "Env"]),
        ({}, ["Owner", "Env"]),
    ],
)
def test_a_required_key_is_present_exactly_or_is_a_finding_in_the_configured_order(
    tags: Mapping[str, str], missing: list[str]
) -> None:
    evaluation = evaluated(inventory(("eu-west-1", _arn("eu-west-1"), tags)), _POLICY)
    assert evaluation.findings["tag"].to_pylist() == missing
    assert evaluation.summary.total.compliant == int(not missing)


def test_a_finding_says_which_resource_violates_which_rule_and_how() -> None:
    arn = _arn("eu-west-1")
    evaluation = evaluated(inventory(("eu-west-1", arn, {"Env": "x"})), _POLICY)
    assert evaluation.findings.schema.equals(FINDING_SCHEMA)
    assert evaluation.findings.to_pylist() == [
        {
            "account_id": "111122223333",
            "region": "eu-west-1",
            "arn": arn,
            "resource_type": "ec2:vpc",
            "rule": "required-tag-Owner",
            "severity": "medium",
            "state": "open",
            "waiver": None,
            "codes": ["missing"],
            "tag": "Owner",
        }
    ]


def test_findings_are_ordered_by_resource_and_then_by_rule() -> None:
    rows: list[Row] = [("eu-west-1", _arn("eu-west-1", name), {}) for name in "ba"]
    found = evaluated(inventory(*rows), _POLICY).findings.to_pylist()
    names = [(row["arn"][-1], row["tag"]) for row in found]
    assert names == [("b", "Owner"), ("b", "Env"), ("a", "Owner"), ("a", "Env")]


def test_excluded_resources_are_counted_as_excluded_once() -> None:
    rows: list[Row] = [("eu-west-1", _arn("eu-west-1", name), {}) for name in "aab"]
    evaluation = evaluated(inventory(*rows), Policy(("Owner",), ("EC2:*",)))
    assert evaluation.summary.by_region == {"eu-west-1": Counts(3, 2, 0, 0)}
    assert len(evaluation.findings) == 0


@pytest.mark.parametrize(("hours", "counts"), [(1, True), (2, True), (3, False)])
def test_a_failed_region_counts_while_its_last_good_reading_is_recent_enough(
    hours: int, counts: bool
) -> None:
    read_at = NOON - timedelta(hours=hours)
    regions = (region_read("eu-west-1", Reason.TIMEOUT, last_success_at=read_at),)
    account = inventory(("eu-west-1", _arn("eu-west-1"), {}), regions=regions)
    kept = evaluated(account, _POLICY, keep_since=NOON - timedelta(hours=2))
    assert kept.summary.total.counted == int(counts)
    assert evaluated(account, _POLICY).summary.by_region == {}


def test_a_region_that_was_never_read_does_not_count() -> None:
    regions = (region_read("eu-west-1", Reason.TIMEOUT),)
    account = inventory(("eu-west-1", _arn("eu-west-1"), {}), regions=regions)
    evaluation = evaluated(account, _POLICY, keep_since=NOON - timedelta(days=9))
    assert evaluation.basis.regions == ()


@pytest.mark.parametrize("regions", [(), ("eu-west-1",)])
def test_an_account_without_resources_has_empty_findings_and_zero_counts(
    regions: tuple[str, ...],
) -> None:
    evaluation = evaluated(inventory(regions=regions), _POLICY)
    assert evaluation.findings.schema.equals(FINDING_SCHEMA)
    assert evaluation.summary.by_region == dict.fromkeys(regions, Counts())


def test_another_policy_or_day_or_region_makes_another_basis() -> None:
    status = inventory(regions=("eu-west-1",)).status
    basis = basis_of(status, _POLICY, NOON)
    assert basis == basis_of(status, Policy(("Owner", "Env")), NOON + timedelta(hours=11))
    assert basis != basis_of(status, Policy(("Owner",)), NOON)
    assert basis != basis_of(status, Policy(("Owner", "Env"), ("ec2:*",)), NOON)
    assert basis != basis_of(status, _POLICY, NOON + timedelta(hours=12))
    assert basis != basis_of(inventory(regions=("us-east-1",)).status, _POLICY, NOON)
