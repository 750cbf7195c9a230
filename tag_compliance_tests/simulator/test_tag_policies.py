"""DescribeEffectivePolicy and ListRequiredTags on the wire, with the real client."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from tag_compliance.simulator.organization import Organization
from tag_compliance.simulator.server import SimulatedAws
from tag_compliance_tests.simulator.clients import ACCOUNT_ID, assume, connect

_POLICY = {"tags": {"Owner": {"tag_key": "Owner"}}}


@pytest.fixture(scope="module")
def aws() -> Iterator[SimulatedAws]:
    organization = Organization()
    account = organization.add_account(ACCOUNT_ID)
    account.tag_policy = _POLICY
    account.required_tags = {"ec2:instance": ["Owner"], "s3:bucket": ["Owner", "Team"]}
    organization.add_account("000000000001")
    with SimulatedAws(organization) as simulated:
        yield simulated


def _refused(call: object, **parameters: object) -> str:
    with pytest.raises(ClientError) as raised:
        call(**parameters)  # type: ignore[operator]  # a method of a boto3 client
    return str(raised.value.response["Error"]["Code"])


def test_an_account_and_the_management_account_read_the_effective_policy(
    aws: SimulatedAws,
) -> None:
    own = connect(aws.url, "organizations", credentials=assume(aws.url))
    management = connect(aws.url, "organizations")
    for response in (
        own.describe_effective_policy(PolicyType="TAG_POLICY"),
        management.describe_effective_policy(PolicyType="TAG_POLICY", TargetId=ACCOUNT_ID),
    ):
        policy = response["EffectivePolicy"]
        assert (policy["TargetId"], policy["PolicyType"]) == (ACCOUNT_ID, "TAG_POLICY")
        assert json.loads(policy["PolicyContent"]) == _POLICY


def test_another_account_is_refused_and_a_missing_policy_is_not_found(aws: SimulatedAws) -> None:
    own = connect(aws.url, "organizations", credentials=assume(aws.url))
    management, call = connect(aws.url, "organizations"), "describe_effective_policy"
    parameters = {"PolicyType": "TAG_POLICY", "TargetId": "000000000001"}
    assert _refused(getattr(own, call), **parameters) == "AccessDeniedException"
    found = _refused(getattr(management, call), **parameters)
    assert found == "EffectivePolicyNotFoundException"
    other = _refused(getattr(own, call), PolicyType="BACKUP_POLICY")
    assert other == "InvalidInputException"


def test_required_tags_come_in_pages(aws: SimulatedAws) -> None:
    client = connect(aws.url, "resourcegroupstaggingapi", credentials=assume(aws.url))
    first = client.list_required_tags(MaxResults=1)
    assert first["RequiredTags"] == [
        {"ResourceType": "ec2:instance", "ReportingTagKeys": ["Owner"]}
    ]
    second = client.list_required_tags(MaxResults=1, NextToken=first["NextToken"])
    assert [entry["ResourceType"] for entry in second["RequiredTags"]] == ["s3:bucket"]
    assert "NextToken" not in second
    for wrong in ({"MaxResults": 1, "NextToken": "x"}, {"NextToken": "3"}):
        assert _refused(client.list_required_tags, **wrong) == "InvalidParameterException"
