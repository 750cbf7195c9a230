"""The numbers of a scan by account, region, type and rule agree; its outcome."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.domain.counts import Counts
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.read_status import Outcome, Reason
from tag_compliance.domain.summary import ComplianceResults, Summary
from tag_compliance_tests.domain.organizations import (
    accounts,
    evaluated,
    inventory,
    inventory_of,
    patterns,
    region_read,
    required_tags,
    summary_of,
)

NUMBERS = ["returned", "excluded", "counted", "compliant"]


def total_of(frame: pd.DataFrame) -> Counts:
    return Counts(*(int(frame[name].sum()) for name in NUMBERS))


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_the_parts_add_up_to_the_total(data: st.DataObject) -> None:
    required = data.draw(required_tags())
    policy = Policy(tuple(required), tuple(data.draw(patterns)))
    organization = [inventory_of(account) for account in data.draw(accounts(required))]
    summary = summary_of([evaluated(account, policy) for account in organization], policy)

    assert total_of(summary.by_region) == summary.total
    assert total_of(summary.by_type) == summary.total
    for frame in (summary.by_region_and_rule, summary.by_type_and_rule):
        assert frame["evaluated"].sum() == summary.total.counted * len(required)
        assert frame["violations"].sum() == sum(summary.violations_by_rule.values())


def example(policy: Policy) -> Summary:
    first = inventory(
        ("eu-west-1", "arn:aws:ec2:eu-west-1:1:vpc/a", {"Owner": "x"}),
        ("eu-west-1", "arn:aws:ec2:eu-west-1:1:vpc/b", {}),
        regions=("us-east-1", "eu-west-1"),
        account_id="222233334444",
    )
    second = inventory(regions=("eu-west-1",), account_id="111122223333")
    return summary_of([evaluated(account, policy) for account in (first, second)], policy)


def test_a_region_without_resources_has_zeros_and_regions_are_in_the_configured_order() -> None:
    frame = example(Policy(("Owner",))).by_region

    assert frame[["account_id", "region", *NUMBERS]].to_numpy().tolist() == [
        ["222233334444", "us-east-1", 0, 0, 0, 0],
        ["222233334444", "eu-west-1", 2, 0, 2, 1],
        ["111122223333", "eu-west-1", 0, 0, 0, 0],
    ]


def test_every_rule_has_a_row_for_every_region_in_the_order_of_the_policy() -> None:
    frame = example(Policy(("Stage", "Owner"))).by_region_and_rule
    columns = ["region", "rule", "evaluated", "violations"]

    assert frame[columns].to_numpy().tolist() == [
        ["us-east-1", "required-tag-Stage", 0, 0],
        ["us-east-1", "required-tag-Owner", 0, 0],
        ["eu-west-1", "required-tag-Stage", 2, 2],
        ["eu-west-1", "required-tag-Owner", 2, 1],
        ["eu-west-1", "required-tag-Stage", 0, 0],
        ["eu-west-1", "required-tag-Owner", 0, 0],
    ]


def test_a_scan_without_accounts_has_empty_frames_with_their_columns() -> None:
    summary = Summary((), ("required-tag-Owner",))

    assert summary.total == Counts()
    assert list(summary.by_region.columns[3:]) == list(summary.by_type.columns[4:8]) == NUMBERS
    assert len(summary.by_region_and_rule) == len(summary.by_type_and_rule) == 0
    assert summary.violations_by_rule == {}


@pytest.mark.parametrize(
    ("reasons", "outcome"),
    [
        ([Reason.OK, Reason.OK], Outcome.COMPLETE),
        ([Reason.OK, Reason.TIMEOUT], Outcome.PARTIAL),
        ([Reason.TIMEOUT, Reason.NOT_SCANNED], Outcome.NOTHING),
        ([], Outcome.NOTHING),
    ],
)
def test_a_scan_is_complete_partial_or_has_read_nothing(
    reasons: list[Reason], outcome: Outcome
) -> None:
    regions = [region_read(f"region-{number}", reason) for number, reason in enumerate(reasons)]
    results = ComplianceResults((inventory(regions=regions).status,), Summary((), ()))

    assert results.outcome is outcome
    assert results.regions_configured == len(reasons)
    assert results.regions_read == reasons.count(Reason.OK)


@pytest.mark.parametrize(
    ("of_all_accounts", "last", "unmatched"),
    [
        (True, Reason.OK, ("rds:*", "pod")),
        (True, Reason.TIMEOUT, ()),
        (False, Reason.OK, ()),
    ],
    ids=["everything was read", "a region was not read", "a scan of one account"],
)
def test_exclusions_that_match_nothing_in_any_account_are_known_when_everything_was_read(
    of_all_accounts: bool, last: Reason, unmatched: tuple[str, ...]
) -> None:
    policy = Policy(("Owner",), ("rds:*", "ec2:vpc", "sqs:*", "pod"))
    types = {"111122223333": "ec2:vpc", "222233334444": "sqs:queue"}
    read = [
        evaluated(
            inventory(
                ("eu-west-1", f"arn:aws:x:eu-west-1:{account_id}:a", {}),
                regions=[region_read("eu-west-1"), region_read("us-east-1", last)],
                account_id=account_id,
                resource_type=type_,
            ),
            policy,
        )
        for account_id, type_ in types.items()
    ]
    statuses = tuple(evaluation.status for evaluation in read)
    results = ComplianceResults(statuses, summary_of(read, policy), of_all_accounts)
    assert results.unmatched_exclusions == unmatched
