"""Which resources count, which rules they violate, and the counts that follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest

from tag_compliance.domain.counts import Counts, Exclusion
from tag_compliance.domain.evaluation import basis_of, counted_resources
from tag_compliance.domain.findings import FINDING_SCHEMA
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.read_status import Reason, RegionReadStatus
from tag_compliance_tests.domain.organizations import (
    NOON,
    Row,
    evaluated,
    inventory,
    region_read,
)

_POLICY = Policy(("Owner", "Env"))
_EU, _US = "eu-west-1", "us-east-1"
_GLOBAL = "arn:aws:cloudfront::111122223333:distribution/E1"


def _arn(region: str, name: str = "a") -> str:
    return f"arn:aws:ec2:{region}:111122223333:vpc/{name}"


_OWN = (_EU, _arn(_EU))
_OTHER = (_US, _arn(_US))
_OWN_FROM_US = (_US, _arn(_EU))
_GLOBAL_FROM_EU, _GLOBAL_FROM_US = (_EU, _GLOBAL), (_US, _GLOBAL)
_FAILED = region_read(_EU, Reason.TIMEOUT)
_CASES = {
    "twice in one region": ([_OWN, _OWN], (_EU,), [_OWN]),
    "the region that the ARN names": ([_OWN_FROM_US, _OWN], (_US, _EU), [_OWN]),
    "the first configured region": (
        [_GLOBAL_FROM_EU, _GLOBAL_FROM_US],
        (_US, _EU),
        [_GLOBAL_FROM_US],
    ),
    "regions alternate": (
        [_OTHER, _GLOBAL_FROM_EU, _GLOBAL_FROM_US],
        (_US, _EU),
        [_OTHER, _GLOBAL_FROM_US],
    ),
    "a failed region hides nothing": ([_OWN, _OWN_FROM_US], (_FAILED, _US), [_OWN_FROM_US]),
    "a region that is not configured": ([_OWN, _OTHER], (_EU,), [_OWN]),
}


@pytest.mark.parametrize(("returned", "regions", "counted"), _CASES.values(), ids=_CASES)
def test_each_arn_counts_once_in_one_region_that_was_read(
    returned: Sequence[tuple[str, str]],
    regions: Sequence[str | RegionReadStatus],
    counted: Sequence[tuple[str, str]],
) -> None:
    account = inventory(*((region, arn, {}) for region, arn in returned), regions=regions)
    evaluation = evaluated(account, _POLICY)
    rows = counted_resources(account, _POLICY, evaluation.basis).to_pylist()
    assert [(row["region"], row["arn"]) for row in rows] == counted
    assert evaluation.summary.total.counted == len(counted)


def test_an_arn_that_comes_back_twice_is_returned_twice_and_the_first_row_counts() -> None:
    account = inventory((_EU, _arn(_EU), {"Owner": ""}), (_EU, _arn(_EU), {}))
    evaluation = evaluated(account, _POLICY)
    assert evaluation.findings["tag"].to_pylist() == ["Env"]
    assert evaluation.summary.total == Counts(2, 0, 1, 0)


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
    evaluation = evaluated(inventory((_EU, _arn(_EU), tags)), _POLICY)
    assert evaluation.findings["tag"].to_pylist() == missing
    assert evaluation.summary.total.compliant == int(not missing)


def test_a_finding_says_which_resource_violates_which_rule_and_how() -> None:
    arn = _arn(_EU)
    evaluation = evaluated(inventory((_EU, arn, {"Env": "x"})), _POLICY)
    assert evaluation.findings.schema.equals(FINDING_SCHEMA)
    assert evaluation.findings.to_pylist() == [
        {
            "account_id": "111122223333",
            "region": _EU,
            "arn": arn,
            "resource_type": "ec2:vpc",
            "rule": "required-tag-Owner",
            "severity": "medium",
            "state": "open",
            "waiver": None,
            "codes": ["missing"],
            "tag": "Owner",
            "source": "tagging",
        }
    ]


def test_excluded_resources_are_counted_once_by_reason() -> None:
    rows: list[Row] = [(_EU, _arn(_EU, name), {}) for name in "aab"]
    evaluation = evaluated(inventory(*rows), Policy(("Owner",), ("EC2:*",)))
    assert evaluation.summary.types["excluded"].to_pylist() == [
        {Exclusion.PATTERN: 2, Exclusion.AWS_OWNED: 0}
    ]
    assert evaluation.summary.by_region == {_EU: Counts(3, 2, 0, 0)}
    assert len(evaluation.findings) == 0


_OWNED: Row = (_US, "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/X", {})
_NOT_OWNED: Row = (_US, "arn:aws:iam::111122223333:role/x", {})


@pytest.mark.parametrize(
    ("patterns", "excludes_aws_owned", "excluded"),
    [
        ((), True, {Exclusion.PATTERN: 0, Exclusion.AWS_OWNED: 1}),
        ((), False, {Exclusion.PATTERN: 0, Exclusion.AWS_OWNED: 0}),
        # A resource has one reason: a pattern takes precedence.
        (("iam:*",), True, {Exclusion.PATTERN: 2, Exclusion.AWS_OWNED: 0}),
    ],
)
def test_what_aws_owns_is_excluded_unless_a_pattern_matches_or_it_is_switched_off(
    patterns: tuple[str, ...], excludes_aws_owned: bool, excluded: Mapping[Exclusion, int]
) -> None:
    policy = Policy(("Owner",), patterns, excludes_aws_owned=excludes_aws_owned)
    account = inventory(_OWNED, _OWNED, _NOT_OWNED, resource_type="iam:role")
    evaluation = evaluated(account, policy)

    assert evaluation.summary.types["excluded"].to_pylist() == [excluded]
    assert evaluation.summary.total.counted == 2 - sum(excluded.values())
    assert len(evaluation.findings) == evaluation.summary.total.counted


@pytest.mark.parametrize(("hours", "counts"), [(1, True), (2, True), (3, False), (None, False)])
def test_a_failed_region_counts_while_its_last_good_reading_is_recent_enough(
    hours: int | None, counts: bool
) -> None:
    read_at = None if hours is None else NOON - timedelta(hours=hours)
    regions = (region_read(_EU, Reason.TIMEOUT, last_success_at=read_at),)
    account = inventory((_EU, _arn(_EU), {}), regions=regions)
    kept = evaluated(account, _POLICY, keep_since=NOON - timedelta(hours=2))
    assert kept.summary.total.counted == int(counts)
    assert evaluated(account, _POLICY).summary.by_region == {}


@pytest.mark.parametrize("regions", [(), (_EU,)])
def test_an_account_without_resources_has_empty_findings_and_zero_counts(
    regions: tuple[str, ...],
) -> None:
    evaluation = evaluated(inventory(regions=regions), _POLICY)
    assert evaluation.findings.schema.equals(FINDING_SCHEMA)
    assert evaluation.summary.by_region == dict.fromkeys(regions, Counts())


def test_another_policy_or_day_or_region_makes_another_basis() -> None:
    status = inventory(regions=(_EU,)).status
    basis = basis_of(status, _POLICY, NOON)
    assert basis == basis_of(status, Policy(("Owner", "Env")), NOON + timedelta(hours=11))
    assert basis != basis_of(status, Policy(("Owner",)), NOON)
    assert basis != basis_of(status, Policy(("Owner", "Env"), ("ec2:*",)), NOON)
    owned_counts = Policy(("Owner", "Env"), excludes_aws_owned=False)
    assert basis != basis_of(status, owned_counts, NOON)
    assert basis != basis_of(status, _POLICY, NOON + timedelta(hours=12))
    assert basis != basis_of(inventory(regions=(_US,)).status, _POLICY, NOON)
