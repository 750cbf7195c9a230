"""Each call is signed with the credentials that are set around it."""

from __future__ import annotations

import pytest
from botocore.credentials import ReadOnlyCredentials

from tag_compliance.aws.botocore_hooks import signing_as
from tag_compliance.aws.clients import Clients
from tag_compliance.domain.account import RegionName
from tag_compliance_tests.fake_aws import BASE_ACCOUNT_ID, FakeAws, Organization
from tag_compliance_tests.support.aws import Enter

REGION = RegionName("us-east-1")


def test_a_call_without_credentials_around_it_fails_and_is_not_sent(enter: Enter) -> None:
    with FakeAws(Organization()) as fake:
        enter(fake)
        with pytest.raises(LookupError):
            Clients(1).sts(REGION).get_caller_identity()

        assert len(fake.calls) == 0


def test_each_call_is_signed_with_the_credentials_of_its_innermost_block(enter: Enter) -> None:
    organization = Organization()
    organization.add_account("111111111111")
    with FakeAws(organization) as fake:
        enter(fake)
        clients = Clients(1)
        sts = clients.sts(REGION)
        with signing_as(clients.base_credentials):
            role = "arn:aws:iam::111111111111:role/terraform"
            issued = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
            assumed = ReadOnlyCredentials(
                issued["AccessKeyId"], issued["SecretAccessKey"], issued["SessionToken"]
            )
            with signing_as(lambda: assumed):
                inner = sts.get_caller_identity()["Account"]
            outer = sts.get_caller_identity()["Account"]
        with pytest.raises(LookupError):
            sts.get_caller_identity()

    assert (inner, outer) == ("111111111111", BASE_ACCOUNT_ID)
