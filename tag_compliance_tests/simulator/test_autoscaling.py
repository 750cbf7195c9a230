"""DescribeAutoScalingGroups, as the real boto3 client sees it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tag_compliance.simulator.server import SimulatedAws
from tag_compliance_tests.simulator.clients import ACCOUNT_ID, REGION, assume, connect


@pytest.fixture
def client(aws: SimulatedAws) -> Any:
    """A client of a region with five groups."""
    for number in range(5):
        aws.organization[ACCOUNT_ID].put_auto_scaling_group(REGION, f"g{number}", {"Owner": "a"})
    return connect(aws.url, "autoscaling", credentials=assume(aws.url))


def test_all_pages_together_have_every_group_once(client: Any) -> None:
    pages = list(
        client.get_paginator("describe_auto_scaling_groups").paginate(
            PaginationConfig={"PageSize": 2}
        )
    )

    assert [len(page["AutoScalingGroups"]) for page in pages] == [2, 2, 1]
    assert "NextToken" not in pages[-1]
    groups = [group for page in pages for group in page["AutoScalingGroups"]]
    assert [group["AutoScalingGroupName"] for group in groups] == [f"g{n}" for n in range(5)]
    assert groups[0]["AutoScalingGroupARN"].startswith(
        f"arn:aws:autoscaling:{REGION}:{ACCOUNT_ID}:autoScalingGroup:"
    )
    assert groups[0]["Tags"][0]["Key"] == "Owner"
    assert groups[0]["Instances"]


def test_instances_are_left_out_on_request(client: Any) -> None:
    (group, *_) = client.describe_auto_scaling_groups(IncludeInstances=False)["AutoScalingGroups"]

    assert group["Instances"] == []


def test_each_region_has_its_own_groups(client: Any, aws: SimulatedAws) -> None:
    ireland = connect(aws.url, "autoscaling", "eu-west-1", assume(aws.url))

    assert ireland.describe_auto_scaling_groups()["AutoScalingGroups"] == []


def test_a_disabled_region_refuses_all_credentials(aws: SimulatedAws) -> None:
    aws.organization[ACCOUNT_ID].disable_region("ap-east-1")

    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        connect(aws.url, "autoscaling", "ap-east-1", assume(aws.url)).describe_auto_scaling_groups()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"MaxRecords": 101}, "ValidationError.*between 1 and 100, not 101"),
        ({"NextToken": "nonsense"}, "InvalidNextToken.*not valid"),
        # A filter without effect would let a wrong client pass.
        (
            {"AutoScalingGroupNames": ["g1"]},
            "ValidationError.*not simulated: AutoScalingGroupNames",
        ),
    ],
)
def test_invalid_parameters_are_refused(
    client: Any, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        client.describe_auto_scaling_groups(**parameters)


def test_a_token_of_another_region_is_refused(client: Any, aws: SimulatedAws) -> None:
    token = client.describe_auto_scaling_groups(MaxRecords=1)["NextToken"]
    ireland = connect(aws.url, "autoscaling", "eu-west-1", assume(aws.url))

    with pytest.raises(ClientError, match=r"InvalidNextToken.*another list"):
        ireland.describe_auto_scaling_groups(NextToken=token)
