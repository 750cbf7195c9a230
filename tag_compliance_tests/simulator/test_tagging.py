"""GetResources, as the real boto3 client sees it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tag_compliance.simulator.server import SimulatedAws
from tag_compliance_tests.simulator.clients import (
    ACCOUNT_ID,
    REGION,
    arns,
    connect_tagging,
    five_queues,
    mappings,
    read_pages,
)


def test_all_pages_together_have_every_resource_once(aws: SimulatedAws) -> None:
    pages = read_pages(connect_tagging(aws), size=2)

    assert [len(page["ResourceTagMappingList"]) for page in pages] == [2, 2, 1]
    assert arns(pages) == [
        resource.arn for resource in aws.organization[ACCOUNT_ID].resources(REGION)
    ]
    assert pages[0]["ResourceTagMappingList"][0]["Tags"] == [{"Key": "Owner", "Value": "a"}]
    assert pages[-1]["PaginationToken"] == ""


def test_no_page_follows_a_full_last_page(aws: SimulatedAws) -> None:
    assert len(read_pages(connect_tagging(aws), size=5)) == 1


def test_a_resource_that_never_had_a_tag_is_not_returned(aws: SimulatedAws) -> None:
    aws.organization[ACCOUNT_ID].put_never_tagged("eu-west-1", "arn:aws:s3:::untagged")

    assert mappings(read_pages(connect_tagging(aws, "eu-west-1"))) == []


def test_a_disabled_region_refuses_all_credentials(aws: SimulatedAws) -> None:
    aws.organization[ACCOUNT_ID].disable_region("ap-east-1")

    with pytest.raises(ClientError, match=r"\(UnrecognizedClientException\).* is invalid\."):
        connect_tagging(aws, "ap-east-1").get_resources()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"ResourcesPerPage": 0}, "between 1 and 100, not 0"),
        ({"ResourcesPerPage": 101}, "between 1 and 100, not 101"),
        ({"PaginationToken": "nonsense"}, "not valid"),
        # A filter without effect would let a wrong client pass.
        ({"TagFilters": [{"Key": "Owner"}]}, "not simulated: TagFilters"),
    ],
)
def test_invalid_parameters_are_refused(
    aws: SimulatedAws, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=rf"\(InvalidParameterException\).*{message}"):
        connect_tagging(aws, parameter_validation=False).get_resources(**parameters)


def test_a_token_of_another_region_is_refused(aws: SimulatedAws) -> None:
    token = connect_tagging(aws).get_resources(ResourcesPerPage=1)["PaginationToken"]

    with pytest.raises(ClientError, match=r"\(InvalidParameterException\).*another account or"):
        connect_tagging(aws, "eu-west-1").get_resources(PaginationToken=token)


def test_each_region_has_its_own_rate_limit() -> None:
    with SimulatedAws(five_queues(), calls_per_second=1) as aws:
        client, other = connect_tagging(aws), connect_tagging(aws, "eu-west-1")
        assert client.get_resources()
        with pytest.raises(ClientError, match="ThrottledException"):
            client.get_resources()
        assert other.get_resources()
