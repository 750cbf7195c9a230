"""Hooks replace botocore's parser for the successful responses of one operation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tag_compliance.aws.botocore_hooks import DECODED, decode_responses, signing_as
from tag_compliance.aws.clients import Clients
from tag_compliance.domain.account import RegionName
from tag_compliance_tests.fake_aws import BASE_ACCOUNT_ID, FakeAws, Fault, Organization
from tag_compliance_tests.support.aws import Enter

REGION, ARN = RegionName("us-east-1"), "arn:aws:s3:::bucket"


@pytest.fixture
def fake(enter: Enter) -> Iterator[FakeAws]:
    organization = Organization()
    organization.add_account(BASE_ACCOUNT_ID).put(REGION, ARN)
    with FakeAws(organization) as fake:
        enter(fake)
        yield fake


def response_with_hook(operation: str) -> Any:
    """The response to GetResources of a client with a decoder for this operation."""
    clients = Clients(1)
    client = clients.get("resourcegroupstaggingapi", REGION)
    decode_responses(client, operation, lambda body: ARN.encode() in body)
    with signing_as(clients.base_credentials):
        return client.get_resources()


def test_a_successful_response_is_decoded_by_the_given_function(fake: FakeAws) -> None:
    response = response_with_hook("GetResources")

    assert response[DECODED] is True
    assert "ResourceTagMappingList" not in response


def test_other_operations_are_parsed_by_botocore(fake: FakeAws) -> None:
    response = response_with_hook("GetTagKeys")

    assert DECODED not in response
    assert response["ResourceTagMappingList"] == [{"ResourceARN": ARN, "Tags": []}]


def test_an_error_response_is_raised_by_botocore(fake: FakeAws) -> None:
    fake.faults.add(Fault.ACCESS_DENIED)

    with pytest.raises(ClientError, match="AccessDenied"):
        response_with_hook("GetResources")
