"""STS, as the real boto3 client sees it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from tag_compliance.simulator.credentials import BASE_ACCOUNT_ID
from tag_compliance.simulator.server import SimulatedAws
from tag_compliance_tests.simulator.clients import assume, connect, five_queues


def test_issued_credentials_have_the_form_of_aws_and_differ_each_time(aws: SimulatedAws) -> None:
    first, second = assume(aws.url), assume(aws.url)

    assert first["AccessKeyId"].startswith("ASIA")
    assert len(first["AccessKeyId"]) == 20
    assert len(first["SecretAccessKey"]) == 40
    assert first["AccessKeyId"] != second["AccessKeyId"]
    remaining = first["Expiration"] - datetime.now(UTC)
    assert timedelta(minutes=59) < remaining <= timedelta(hours=1)


@pytest.mark.parametrize(
    "role_arn",
    [
        "arn:aws:iam::222222222222:role/terraform",
        "arn:aws-cn:iam::111111111111:role/terraform",
        "arn:aws:iam::333333333333:role/unknown",
        "arn:aws:iam::333333333333:role/<b>&",
        "arn:aws:iam::444444444444:role/terraform",
        "arn:aws:iam::555555555555:role/terraform",
    ],
    ids=["no account", "partition", "no role", "markup", "no external id", "untrusting account"],
)
def test_a_role_that_does_not_trust_the_caller_is_denied_as_aws_denies_it(
    aws: SimulatedAws, role_arn: str
) -> None:
    aws.organization.add_account("333333333333", roles={"terraform"})
    aws.organization.add_account("444444444444", external_id="blue")
    aws.organization.add_account("555555555555", roles=())

    with pytest.raises(ClientError) as caught:
        assume(aws.url, role_arn)

    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert caught.value.response["ResponseMetadata"]["RequestId"]
    assert caught.value.response["Error"] == {
        "Type": "Sender",
        "Code": "AccessDenied",
        "Message": (
            f"User: arn:aws:iam::{BASE_ACCOUNT_ID}:user/base is not authorized "
            f"to perform: sts:AssumeRole on resource: {role_arn}"
        ),
    }


def test_a_role_with_an_external_id_trusts_a_caller_who_sends_it(aws: SimulatedAws) -> None:
    aws.organization.add_account("444444444444", external_id="blue")

    assert assume(aws.url, "arn:aws:iam::444444444444:role/team/terraform", ExternalId="blue")


def test_a_chained_role_lasts_at_most_an_hour(aws: SimulatedAws) -> None:
    aws.organization.add_account("222222222222")
    chained = connect(aws.url, "sts", credentials=assume(aws.url))
    role = {"RoleArn": "arn:aws:iam::222222222222:role/terraform", "RoleSessionName": "chained"}

    assert chained.assume_role(**role)["AssumedRoleUser"]["Arn"].endswith("/chained")
    with pytest.raises(ClientError, match="exceeds the 1 hour session limit"):
        chained.assume_role(**role, DurationSeconds=7200)


def test_expired_credentials_are_refused() -> None:
    clock = [datetime(2026, 1, 1, tzinfo=UTC)]
    with SimulatedAws(five_queues(), now=lambda: clock[0]) as aws:
        credentials = assume(aws.url, DurationSeconds=900)
        tagging = connect(aws.url, "resourcegroupstaggingapi", credentials=credentials)
        sts = connect(aws.url, "sts", credentials=credentials)
        assert tagging.get_resources()

        clock[0] += timedelta(seconds=900)

        with pytest.raises(ClientError, match=r"\(ExpiredTokenException\).*is expired"):
            tagging.get_resources()
        with pytest.raises(ClientError, match=r"\(ExpiredToken\).*is expired"):
            sts.get_caller_identity()


def test_the_lifetime_of_credentials_can_be_a_few_seconds() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    with SimulatedAws(five_queues(), now=lambda: noon, session_seconds=5) as aws:
        assert assume(aws.url)["Expiration"] == noon + timedelta(seconds=5)


def test_a_session_token_that_was_not_issued_is_refused(aws: SimulatedAws) -> None:
    forged = assume(aws.url) | {"SessionToken": "forged"}

    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        connect(aws.url, "resourcegroupstaggingapi", credentials=forged).get_resources()
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        connect(aws.url, "sts", credentials=forged).get_caller_identity()
