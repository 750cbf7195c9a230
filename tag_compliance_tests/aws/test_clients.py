"""There is one client for each service and region, configured as in any boto3 program."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import NoCredentialsError, ProfileNotFound, ReadTimeoutError

from tag_compliance.aws.botocore_hooks import signing_as
from tag_compliance.aws.clients import READ_SECONDS, Clients
from tag_compliance.domain.account import RegionName
from tag_compliance_tests.fake_aws import Fault, Organization
from tag_compliance_tests.support.aws import Start

IRELAND, VIRGINIA = RegionName("eu-west-1"), RegionName("us-east-1")
TAGGING = "resourcegroupstaggingapi"


def test_a_client_is_created_and_prepared_once_for_each_service_and_region() -> None:
    clients, prepared = Clients(1), list[object]()

    first = clients.get(TAGGING, IRELAND, prepared.append)

    assert clients.get(TAGGING, IRELAND, prepared.append) is first
    assert clients.get(TAGGING, VIRGINIA) is not first
    assert clients.sts(IRELAND) is clients.sts(IRELAND)
    assert prepared == [first]


@pytest.mark.parametrize(
    ("configured", "region", "host"),
    [
        (None, "us-east-1", "sts.us-east-1.amazonaws.com"),
        (None, "eu-west-1", "sts.eu-west-1.amazonaws.com"),
        (None, "cn-north-1", "sts.cn-north-1.amazonaws.com.cn"),
        (None, "us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"),
        (None, "af-south-1", "sts.us-east-1.amazonaws.com"),
        (None, "eu-central-2", "sts.us-east-1.amazonaws.com"),
        (None, "us-gov-east-1", "sts.us-gov-east-1.amazonaws.com"),
        ("af-south-1", "eu-west-1", "sts.af-south-1.amazonaws.com"),
        ("eu-west-1", "ap-east-1", "sts.eu-west-1.amazonaws.com"),
        ("eu-west-1", "cn-north-1", "sts.cn-north-1.amazonaws.com.cn"),
        ("us-gov-east-1", "us-gov-west-1", "sts.us-gov-east-1.amazonaws.com"),
    ],
)
@pytest.mark.parametrize("setting", ["", "legacy"])
def test_sts_is_called_in_the_configured_or_a_region_that_is_always_enabled_and_never_globally(
    monkeypatch: pytest.MonkeyPatch, configured: str | None, region: str, host: str, setting: str
) -> None:
    if configured:
        monkeypatch.setenv("AWS_DEFAULT_REGION", configured)
    if setting:
        monkeypatch.setenv("AWS_STS_REGIONAL_ENDPOINTS", setting)

    assert Clients(1).sts(RegionName(region)).meta.endpoint_url == f"https://{host}"


def test_a_profile_gives_credentials_and_region(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "aws-config").write_text(
        "[profile audit]\nregion = eu-north-1\n"
        "aws_access_key_id = AKIAPROFILE\naws_secret_access_key = s\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "audit")
    clients = Clients(1)

    assert clients.base_credentials().access_key == "AKIAPROFILE"
    assert clients.sts(VIRGINIA).meta.region_name == "eu-north-1"


def test_a_missing_profile_is_an_error_at_the_first_use_and_not_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "absent")
    clients = Clients(1)

    for use in (clients.base_credentials, lambda: clients.get(TAGGING, VIRGINIA)):
        with pytest.raises(ProfileNotFound):
            use()


def test_missing_base_credentials_are_reported() -> None:
    with pytest.raises(NoCredentialsError):
        Clients(1).base_credentials()


@pytest.mark.timeout(READ_SECONDS)
@pytest.mark.parametrize("fault", [Fault.HANG, Fault.DRIP_HEAD, Fault.DRIP_BODY])
@pytest.mark.parametrize(
    ("default", "timeout", "tls"), [(600, 0.2, False), (0.2, 600, False), (0.2, 600, True)]
)
def test_the_wait_for_a_response_ends_after_the_shorter_of_the_default_and_the_given_timeout(
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
    default: float,
    timeout: float,
    tls: bool,
    fault: Fault,
) -> None:
    monkeypatch.setattr("tag_compliance.aws.clients.READ_SECONDS", default)
    monkeypatch.setattr("tag_compliance.aws.clients.CONNECT_SECONDS", 20)
    fake = start(Organization(), tls=tls)
    fake.faults.add(fault, operation="GetCallerIdentity")
    clients = Clients(1, timeout)
    with signing_as(clients.base_credentials), pytest.raises(ReadTimeoutError):
        clients.sts(VIRGINIA).get_caller_identity()
