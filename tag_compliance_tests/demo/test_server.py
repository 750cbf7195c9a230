"""The simulated AWS as a scan meets it: real boto3 over HTTP against the running server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
from botocore.exceptions import ClientError

from tag_compliance.demo.organization import (
    ACCOUNTS,
    REGIONS,
    ROLE_NAME,
    SimulatedAccount,
)
from tag_compliance.demo.resource import resources_of
from tag_compliance.demo.server import SimulatedAws, SimulationFailed
from tag_compliance.demo.tag_habit import TagHabit

Resources = Mapping[tuple[str, str], list[dict[str, Any]]]

_TRUSTING = [account for account in ACCOUNTS if account.trusts_scanner]
_UNTRUSTING = [account for account in ACCOUNTS if not account.trusts_scanner]


@pytest.fixture(scope="module")
def aws() -> Iterator[SimulatedAws]:
    with SimulatedAws() as simulated:
        yield simulated


@pytest.fixture(scope="module")
def scanned(aws: SimulatedAws) -> Resources:
    """What GetResources returns, by account and region."""
    return {
        (account.account_id, region): _resources(aws, account, region)
        for account in _TRUSTING
        for region in REGIONS
    }


def _client(aws: SimulatedAws, service: str, region: str, **credentials: Any) -> Any:
    environment = aws.environment()
    credentials = credentials or {
        "aws_access_key_id": environment["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": environment["AWS_SECRET_ACCESS_KEY"],
    }
    return boto3.Session(**credentials).client(
        service, region_name=region, endpoint_url=environment["AWS_ENDPOINT_URL"]
    )


def _assume(aws: SimulatedAws, account: SimulatedAccount) -> dict[str, str]:
    granted = _client(aws, "sts", "us-east-1").assume_role(
        RoleArn=f"arn:aws:iam::{account.account_id}:role/{ROLE_NAME}", RoleSessionName="scan"
    )["Credentials"]
    return {
        "aws_access_key_id": granted["AccessKeyId"],
        "aws_secret_access_key": granted["SecretAccessKey"],
        "aws_session_token": granted["SessionToken"],
    }


def _resources(aws: SimulatedAws, account: SimulatedAccount, region: str) -> list[dict[str, Any]]:
    tagging = _client(aws, "resourcegroupstaggingapi", region, **_assume(aws, account))
    pages = tagging.get_paginator("get_resources").paginate(ResourcesPerPage=100)
    return [mapping for page in pages for mapping in page["ResourceTagMappingList"]]


def _service_and_tags(service: str, tags: Mapping[str, str]) -> tuple[str, frozenset[Any]]:
    return service, frozenset(tags.items())


def test_every_region_returns_exactly_the_resources_described(scanned: Resources) -> None:
    for account in _TRUSTING:
        for region in REGIONS:
            described = Counter(
                _service_and_tags(resource.kind.partition(":")[0], resource.remaining_tags)
                for resource in resources_of(account)
                if resource.region == region and resource.is_returned
            )
            returned = Counter(
                _service_and_tags(
                    mapping["ResourceARN"].split(":")[2],
                    {tag["Key"]: tag["Value"] for tag in mapping["Tags"]},
                )
                for mapping in scanned[account.account_id, region]
            )
            assert returned == described, (account.name, region)


def test_at_least_a_dozen_services_come_back(scanned: Resources) -> None:
    services = {
        mapping["ResourceARN"].split(":")[2] for page in scanned.values() for mapping in page
    }

    assert len(services) >= 12


def test_resources_come_back_only_in_their_own_account(scanned: Resources) -> None:
    for (account_id, _), mappings in scanned.items():
        owners = {mapping["ResourceARN"].split(":")[4] for mapping in mappings}
        # The ARN of a bucket names no account.
        assert owners <= {account_id, ""}


def test_regional_resources_come_back_only_in_their_own_region(scanned: Resources) -> None:
    for (_, region), mappings in scanned.items():
        regions = {mapping["ResourceARN"].split(":")[3] for mapping in mappings}
        # The ARNs of buckets and of global resources name no region.
        assert regions <= {region, ""}


def test_a_bucket_comes_back_in_one_region_only(scanned: Resources) -> None:
    buckets = Counter(
        mapping["ResourceARN"]
        for mappings in scanned.values()
        for mapping in mappings
        if mapping["ResourceARN"].startswith("arn:aws:s3:::")
    )

    assert buckets
    assert set(buckets.values()) == {1}


def test_global_resources_come_back_in_us_east_1_only(scanned: Resources) -> None:
    regions = {
        region
        for (_, region), mappings in scanned.items()
        for mapping in mappings
        if mapping["ResourceARN"].startswith("arn:aws:cloudfront::")
    }

    assert regions == {"us-east-1"}


def test_once_tagged_resources_come_back_with_empty_tags(scanned: Resources) -> None:
    untagged = [
        mapping for mappings in scanned.values() for mapping in mappings if not mapping["Tags"]
    ]
    removed = [
        resource
        for account in ACCOUNTS
        for resource in resources_of(account)
        if resource.habit is TagHabit.REMOVED
    ]

    assert removed
    assert len(untagged) == len(removed)


def test_some_region_takes_several_pages(aws: SimulatedAws) -> None:
    production = ACCOUNTS[0]
    tagging = _client(aws, "resourcegroupstaggingapi", "us-east-1", **_assume(aws, production))
    first_page = tagging.get_resources(ResourcesPerPage=100)

    assert first_page["PaginationToken"]


def test_a_configured_region_may_be_empty(scanned: Resources) -> None:
    assert scanned["222222222222", "eu-central-1"] == []


def test_assumed_credentials_belong_to_the_account_of_the_role(aws: SimulatedAws) -> None:
    for account in _TRUSTING:
        sts = _client(aws, "sts", "us-east-1", **_assume(aws, account))
        assert sts.get_caller_identity()["Account"] == account.account_id


@pytest.mark.parametrize("account", _UNTRUSTING, ids=lambda account: account.name)
def test_the_broken_account_refuses_assume_role_as_aws_does(
    aws: SimulatedAws, account: SimulatedAccount
) -> None:
    caller = _client(aws, "sts", "us-east-1").get_caller_identity()["Arn"]

    with pytest.raises(ClientError) as refusal:
        _assume(aws, account)

    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert refusal.value.response["ResponseMetadata"]["RequestId"]
    assert refusal.value.response["Error"] == {
        "Type": "Sender",
        "Code": "AccessDenied",
        "Message": f"User: {caller} is not authorized to perform: sts:AssumeRole on resource: "
        f"arn:aws:iam::{account.account_id}:role/{ROLE_NAME}",
    }


def test_the_refusal_is_xml_on_the_wire(aws: SimulatedAws) -> None:
    role_arn = f"arn:aws:iam::{_UNTRUSTING[0].account_id}:role/{ROLE_NAME}"
    form = urlencode({"Action": "AssumeRole", "RoleArn": role_arn}).encode()
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    with pytest.raises(urllib.error.HTTPError) as refusal:
        direct.open(aws.url, data=form)

    with refusal.value as answer:
        assert (answer.code, answer.headers["Content-Type"]) == (403, "text/xml")
        assert answer.read().startswith(b'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/')


def test_a_second_simulation_returns_the_same_arns(scanned: Resources) -> None:
    production = ACCOUNTS[0]
    with SimulatedAws() as second:
        again = _resources(second, production, "us-east-1")

    assert again == scanned[production.account_id, "us-east-1"]


def test_the_environment_alone_leads_any_boto3_program_there(aws: SimulatedAws) -> None:
    inherited = {
        **os.environ,
        "AWS_PROFILE": "somebody",
        "AWS_SESSION_TOKEN": "stale",
        "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9",
        "AWS_CA_BUNDLE": "/nowhere.pem",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
        "MOTO_ACCOUNT_ID": "000000000000",
    }
    environment = aws.environment_over(inherited)
    program = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"

    answer = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )

    assert answer.stdout == "arn:aws:iam::123456789012:user/tag-compliance\n"
    assert environment["PATH"] == os.environ["PATH"]
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE"} & environment.keys()
    assert "MOTO_ACCOUNT_ID" not in environment


def test_leaving_the_context_ends_the_process_even_while_it_seeds() -> None:
    simulated = SimulatedAws()
    began = time.monotonic()
    with simulated:
        pass

    assert time.monotonic() - began < 2
    with pytest.raises(SimulationFailed, match="not running"):
        _ = simulated.url


def test_the_simulation_ends_when_its_parent_is_killed() -> None:
    program = """
import os, signal
from tag_compliance.demo.server import SimulatedAws
with SimulatedAws() as aws:
    print(aws.url, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    url = killed.stdout.strip()

    assert url.startswith("http://127.0.0.1:")
    assert _falls_silent(url, within_seconds=10)


def _falls_silent(url: str, within_seconds: float) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + within_seconds
    while time.monotonic() < deadline:
        try:
            direct.open(f"{url}/moto-api/data.json", timeout=1).close()
        except urllib.error.URLError:
            return True
        time.sleep(0.1)
    return False


def test_a_simulation_that_cannot_start_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with SimulatedAws(start_timeout_seconds=0.01) as slow, pytest.raises(SimulationFailed) as late:
        _ = slow.url

    assert str(late.value) == "the simulated AWS did not start within 0.01 seconds"

    monkeypatch.setattr(sys, "executable", "/bin/false")
    with SimulatedAws() as broken, pytest.raises(SimulationFailed) as ended:
        _ = broken.url

    assert str(ended.value) == "the simulated AWS ended while starting, with exit code 1"
