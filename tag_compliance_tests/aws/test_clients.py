"""One client for each service and region, which signs with the credentials of the moment."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import NoCredentialsError, ProfileNotFound, ReadTimeoutError

from tag_compliance.aws.clients import READ_SECONDS, Clients, signing_as
from tag_compliance_tests.fake_aws import BASE_ACCOUNT_ID, FakeAws, Fault, Organization
from tag_compliance_tests.support.aws import Enter


def test_a_client_is_made_once_for_each_region() -> None:
    clients = Clients(1)

    assert clients.tagging_client("eu-west-1") is clients.tagging_client("eu-west-1")
    assert clients.tagging_client("eu-west-1") is not clients.tagging_client("us-east-1")
    assert clients.sts("eu-west-1") is clients.sts("eu-west-1")


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "sts.us-east-1.amazonaws.com"),
        ("eu-west-1", "sts.eu-west-1.amazonaws.com"),
        ("cn-north-1", "sts.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"),
    ],
)
@pytest.mark.parametrize("setting", [None, "legacy"])
def test_sts_is_asked_in_the_region_and_never_globally(
    monkeypatch: pytest.MonkeyPatch, region: str, host: str, setting: str | None
) -> None:
    if setting:
        monkeypatch.setenv("AWS_STS_REGIONAL_ENDPOINTS", setting)

    assert Clients(1).sts(region).meta.endpoint_url == f"https://{host}"


@pytest.mark.parametrize(
    ("own", "region", "asked"),
    [
        ("eu-west-1", "ap-east-1", "eu-west-1"),
        ("eu-west-1", "cn-north-1", "cn-north-1"),
        ("us-gov-east-1", "us-gov-west-1", "us-gov-east-1"),
        (None, "ap-east-1", "ap-east-1"),
    ],
)
def test_sts_of_the_own_region_is_called_if_the_partition_is_the_same(
    monkeypatch: pytest.MonkeyPatch, own: str | None, region: str, asked: str
) -> None:
    if own:
        monkeypatch.setenv("AWS_DEFAULT_REGION", own)

    assert Clients(1).sts_region(region) == asked


def test_a_call_outside_of_signing_as_fails(enter: Enter) -> None:
    with FakeAws(Organization()) as fake:
        enter(fake)
        with pytest.raises(LookupError):
            Clients(1).sts("us-east-1").get_caller_identity()

        assert len(fake.calls) == 0


def test_the_base_credentials_are_found_as_in_any_boto3_program(enter: Enter) -> None:
    with FakeAws(Organization()) as fake:
        enter(fake)
        clients = Clients(1)
        with signing_as(clients.own_credentials):
            identity = clients.sts("us-east-1").get_caller_identity()

    assert identity["Account"] == BASE_ACCOUNT_ID


def test_each_call_is_signed_with_the_credentials_of_its_innermost_block(enter: Enter) -> None:
    organization = Organization()
    organization.add_account("111111111111")
    with FakeAws(organization) as fake:
        enter(fake)
        clients = Clients(1)
        sts = clients.sts("us-east-1")
        with signing_as(clients.own_credentials):
            role = "arn:aws:iam::111111111111:role/terraform"
            given = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
            assumed = ReadOnlyCredentials(
                given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
            )
            with signing_as(lambda: assumed):
                inner = sts.get_caller_identity()["Account"]
            outer = sts.get_caller_identity()["Account"]
        with pytest.raises(LookupError):
            sts.get_caller_identity()

    assert (inner, outer) == ("111111111111", BASE_ACCOUNT_ID)


def test_a_profile_gives_credentials_and_region(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "aws-config").write_text(
        "[profile audit]\nregion = eu-north-1\n"
        "aws_access_key_id = AKIAPROFILE\naws_secret_access_key = s\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "audit")
    clients = Clients(1)

    assert clients.own_credentials().access_key == "AKIAPROFILE"
    assert clients.sts_region("us-east-1") == "eu-north-1"


def test_a_missing_profile_is_an_error_at_the_first_use_and_not_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nix")
    clients = Clients(1)

    for use in (clients.own_credentials, lambda: clients.tagging_client("us-east-1")):
        with pytest.raises(ProfileNotFound):
            use()


def test_no_credentials_at_all_are_an_error_of_their_own() -> None:
    with pytest.raises(NoCredentialsError):
        Clients(1).own_credentials()


@pytest.mark.timeout(READ_SECONDS)
@pytest.mark.parametrize(("usual", "patience"), [(600, 0.2), (0.2, 600)])
def test_a_response_is_awaited_for_the_shorter_of_the_usual_time_and_the_patience(
    enter: Enter, monkeypatch: pytest.MonkeyPatch, usual: float, patience: float
) -> None:
    monkeypatch.setattr("tag_compliance.aws.clients.READ_SECONDS", usual)
    with FakeAws(Organization()) as fake:
        enter(fake)
        fake.faults.add(Fault.HANG, operation="GetCallerIdentity")
        clients = Clients(1, patience)
        with signing_as(clients.own_credentials), pytest.raises(ReadTimeoutError):
            clients.sts("us-east-1").get_caller_identity()
