"""Partitions follow the accounts of the configuration, and a single one can be read again."""

from __future__ import annotations

import pytest

from tag_compliance.domain.read_status import Outcome
from tag_compliance_tests.fake_aws import FakeAws, Organization
from tag_compliance_tests.pipeline.pipelines import Pipeline, of_account
from tag_compliance_tests.pipeline.ticks import PUBLISHED, publish
from tag_compliance_tests.support.aws import REGIONS


@pytest.fixture
def organization() -> Organization:
    """Three accounts with a queue without tags each, to which a test may add."""
    organization = Organization()
    for account_id in ("111111111111", "222222222222", "033333333333"):
        account = organization.add_account(account_id)
        account.put("eu-west-1", f"arn:aws:sqs:eu-west-1:{account_id}:first")
    return organization


def test_partitions_and_metrics_follow_the_configuration_without_a_reload(
    scanning: Pipeline, fake: FakeAws
) -> None:
    first, second, third = scanning.ids
    scanning.configure([third, second])
    scanning.scan()
    assert scanning.partitions() == [third, second]
    calls = fake.calls.count(account_id=second)
    scanning.configure([third, first])
    assert scanning.scan().success
    assert scanning.partitions() == [third, first]
    assert of_account(scanning.samples(), first)
    assert fake.calls.count(account_id=second) == calls
    assert second.encode() not in scanning.current().plain


@pytest.mark.parametrize("by", ["command line", "UI"])
def test_a_scan_of_one_account_calls_aws_only_for_it_and_keeps_the_numbers_of_the_others(
    scanning: Pipeline, fake: FakeAws, by: str
) -> None:
    first, second, third = scanning.ids
    scanning.scan()
    assert publish(scanning).reason == PUBLISHED
    before, calls = scanning.samples(), len(fake.calls)
    for account in fake.organization:
        account.put("us-east-1", f"arn:aws:sqs:us-east-1:{account.account_id}:added")
    if by == "UI":
        scanning.materialize("raw_resources", partition=second)
        assert scanning.samples() == before
        assert scanning.run(publish(scanning).request).success
    else:
        assert scanning.run_once(second).snapshot
    assert [call.account_id for call in list(fake.calls)[calls:]] == [second] * (1 + len(REGIONS))
    after = scanning.samples()
    for untouched in (first, third):
        assert of_account(after, untouched) == of_account(before, untouched)
    labels = {"account_id": second, "account_name": "name-222", "region": "us-east-1"}
    series = ("resources_scanned_total", frozenset(labels.items()))
    assert (before[series], after[series]) == (0, 1)
    outcome = scanning.current().status.outcome
    assert outcome is Outcome.COMPLETE, "the others are older, not failed"
    assert publish(scanning).reason == PUBLISHED
