"""The faults, the call log and TLS of the fake AWS, as the real boto3 client sees them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from tag_compliance.simulator.credentials import Caller
from tag_compliance_tests.fake_aws import (
    BASE_ACCOUNT_ID,
    Call,
    FakeAws,
    Fault,
    FaultPlan,
    FaultRule,
)
from tag_compliance_tests.simulator.clients import (
    ACCOUNT_ID,
    REGION,
    arns,
    assume,
    connect,
    connect_tagging,
    five_queues,
    read_pages,
)


@pytest.fixture
def fake() -> Iterator[FakeAws]:
    with FakeAws(five_queues()) as fake:
        yield fake


def test_the_fake_lists_every_secret_that_it_issued(fake: FakeAws) -> None:
    credentials = assume(fake.url)

    assert {credentials["SecretAccessKey"], credentials["SessionToken"]} < fake.issued_secrets()


def test_the_call_log_has_the_caller_and_the_parameters(fake: FakeAws) -> None:
    assume(fake.url, ExternalId="blue", DurationSeconds=900)

    (call,) = fake.calls.matching("AssumeRole", ACCOUNT_ID)
    assert call.caller.account_id == BASE_ACCOUNT_ID
    assert call.parameters["RoleSessionName"] == "scan"
    assert call.parameters["ExternalId"] == "blue"
    assert call.parameters["DurationSeconds"] == "900"


TAGGING, STS = "GetResources", "AssumeRole"


@pytest.mark.parametrize(
    ("operation", "fault", "status", "code", "message"),
    [
        (TAGGING, Fault.THROTTLED, 400, "ThrottledException", "Rate exceeded"),
        (TAGGING, Fault.THROTTLING_EXCEPTION, 400, "ThrottlingException", "Rate exceeded"),
        (TAGGING, Fault.ACCESS_DENIED, 400, "AccessDeniedException", "no identity-based policy"),
        (TAGGING, Fault.SCP_DENIED, 400, "AccessDeniedException", "service control policy"),
        (TAGGING, Fault.REGION_DISABLED, 400, "UnrecognizedClientException", "is invalid."),
        (TAGGING, Fault.EXPIRED_TOKEN, 400, "ExpiredTokenException", "is expired"),
        (TAGGING, Fault.PAGINATION_TOKEN_EXPIRED, 400, "PaginationTokenExpiredException", "token"),
        (TAGGING, Fault.INTERNAL, 500, "InternalServiceException", "Internal"),
        (STS, Fault.THROTTLED, 400, "Throttling", "Rate exceeded"),
        (STS, Fault.THROTTLING_EXCEPTION, 400, "ThrottlingException", "Rate exceeded"),
        (STS, Fault.ACCESS_DENIED, 403, "AccessDenied", "is not authorized to perform"),
        (STS, Fault.SCP_DENIED, 403, "AccessDenied", "service control policy"),
        (STS, Fault.REGION_DISABLED, 403, "InvalidClientTokenId", "is invalid"),
        (STS, Fault.EXPIRED_TOKEN, 403, "ExpiredToken", "is expired"),
        (STS, Fault.INTERNAL, 500, "InternalFailure", "internal"),
    ],
)
def test_a_refusal_reads_as_that_of_aws(
    fake: FakeAws, operation: str, fault: Fault, status: int, code: str, message: str
) -> None:
    fake.faults.add(fault, operation=operation)

    with pytest.raises(ClientError) as caught:
        connect_tagging(fake).get_resources()

    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert response["Error"]["Code"] == code
    assert message in response["Error"]["Message"]


def test_a_fault_affects_no_more_calls_than_its_times(fake: FakeAws) -> None:
    rule = fake.faults.add(Fault.THROTTLED, operation="GetResources", times=2)
    client = connect_tagging(fake)

    for _ in range(2):
        with pytest.raises(ClientError, match="ThrottledException"):
            client.get_resources()

    assert client.get_resources()
    assert fake.faults.injections(rule) == 2


@pytest.mark.parametrize(("page", "pages_before"), [(0, 0), (1, 1), ("last", 2)])
def test_a_fault_can_be_limited_to_one_page(fake: FakeAws, page: Any, pages_before: int) -> None:
    fake.faults.add(Fault.INTERNAL, page=page)

    with pytest.raises(ClientError, match="InternalServiceException"):
        read_pages(connect_tagging(fake))

    assert fake.calls.count("GetResources") == pages_before + 1


def test_a_fault_can_be_limited_to_one_region(fake: FakeAws) -> None:
    fake.faults.add(Fault.ACCESS_DENIED, account_id=ACCOUNT_ID, region="eu-west-1")

    assert read_pages(connect_tagging(fake))
    with pytest.raises(ClientError, match="AccessDeniedException"):
        read_pages(connect_tagging(fake, "eu-west-1"))


def test_a_rate_of_faults_affects_the_same_calls_for_the_same_seed() -> None:
    def outcomes() -> list[bool]:
        rule = FaultRule(Fault.HTTP_503, rate=0.5)
        caller = Caller(ACCOUNT_ID, "arn", "id")
        call = Call("tagging", "GetResources", ACCOUNT_ID, REGION, caller, {})
        plan = FaultPlan(rule, seed=7)
        return [plan.rule_for(call) is rule for _ in range(20)]

    assert set(outcomes()) == {True, False}
    assert outcomes() == outcomes()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.HTTP_503, ClientError),
        (Fault.HTTP_503_HTML, ClientError),
        (Fault.CUT_CONNECTION, ConnectionClosedError),
    ],
)
def test_a_fault_of_the_transport_reaches_the_client(
    fake: FakeAws, fault: Fault, error: type[Exception]
) -> None:
    fake.faults.add(fault, operation="GetResources", times=1)
    client = connect_tagging(fake)

    with pytest.raises(error):
        client.get_resources()

    assert client.get_resources()["ResourceTagMappingList"]


@pytest.mark.parametrize("fault", [Fault.NOT_JSON, Fault.TRUNCATED_BODY])
def test_botocore_reads_a_damaged_body_as_an_empty_page(fake: FakeAws, fault: Fault) -> None:
    fake.faults.add(fault, operation="GetResources", times=1)
    client = connect_tagging(fake)

    # botocore neither checks the Content-Length nor reports a body that is not JSON.
    assert client.get_resources().keys() == {"ResponseMetadata"}

    assert client.get_resources()["ResourceTagMappingList"]


def test_a_slow_response_is_late_and_complete(fake: FakeAws) -> None:
    fake.faults.add(Fault.SLOW, operation="GetResources", seconds=0.2, times=1)
    client = connect_tagging(fake, read_timeout=0.1)

    with pytest.raises(ReadTimeoutError):
        client.get_resources()

    assert len(arns(read_pages(client))) == 5


def test_a_call_that_hangs_ends_with_the_server() -> None:
    with ThreadPoolExecutor(1) as pool:
        with FakeAws(five_queues()) as fake:
            fake.faults.add(Fault.HANG, operation="GetResources")
            hanging = pool.submit(connect_tagging(fake).get_resources)
            assert fake.calls.wait_for("GetResources")
            assert not hanging.done()

        with pytest.raises((ConnectionClosedError, EndpointConnectionError)):
            hanging.result()


def test_endless_pages_all_have_a_new_token(fake: FakeAws) -> None:
    fake.faults.add(Fault.ENDLESS)
    client = connect_tagging(fake)
    tokens = [""]

    for _ in range(10):
        page = client.get_resources(ResourcesPerPage=2, PaginationToken=tokens[-1])
        tokens.append(page["PaginationToken"])

    assert len(set(tokens)) == 11


def test_an_empty_page_loses_no_resources(fake: FakeAws) -> None:
    fake.faults.add(Fault.EMPTY_PAGE, page=1)

    pages = read_pages(connect_tagging(fake))

    assert [len(page["ResourceTagMappingList"]) for page in pages] == [2, 0, 2, 1]
    assert len(set(arns(pages))) == 5


QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:queue-4"
TAG = {"Key": "Owner", "Value": "a"}


@pytest.mark.parametrize(
    ("fault", "mappings", "token"),
    [
        (Fault.MISSING_TOKEN, [{"ResourceARN": QUEUE, "Tags": [TAG]}], None),
        (Fault.MISSING_ARN, [{"Tags": [TAG]}], ""),
        (Fault.MISSING_TAGS, [{"ResourceARN": QUEUE}], ""),
        (Fault.WRONG_ARN_TYPE, [{"ResourceARN": 12, "Tags": [TAG]}], ""),
        (Fault.EXTRA_FIELDS, [{"ResourceARN": QUEUE, "Tags": [TAG]}], ""),
        (Fault.MISSING_LIST, None, ""),
    ],
)
def test_a_damaged_last_page_reaches_the_client(
    fake: FakeAws, fault: Fault, mappings: object, token: str | None
) -> None:
    fake.faults.add(fault, page="last")

    page = read_pages(connect_tagging(fake))[-1]

    assert (page.get("ResourceTagMappingList"), page.get("PaginationToken")) == (mappings, token)


def test_a_repeated_token_is_the_one_that_was_sent(fake: FakeAws) -> None:
    fake.faults.add(Fault.REPEAT_TOKEN, page=1)
    client = connect_tagging(fake)
    token = client.get_resources(ResourcesPerPage=2)["PaginationToken"]

    page = client.get_resources(ResourcesPerPage=2, PaginationToken=token)

    assert page["PaginationToken"] == token


@pytest.mark.parametrize("fault", [Fault.WRONG_LIST_TYPE, Fault.WRONG_TAGS_TYPE])
def test_botocore_fails_on_a_string_in_place_of_a_list(fake: FakeAws, fault: Fault) -> None:
    fake.faults.add(fault)

    with pytest.raises(AttributeError):
        connect_tagging(fake).get_resources()


def test_a_client_with_the_ca_bundle_trusts_the_fake() -> None:
    with FakeAws(five_queues(), tls=True) as fake:
        assert fake.url.startswith("https://")
        ca_bundle = fake.environment()["AWS_CA_BUNDLE"]
        identity = connect(fake.url, "sts", ca_bundle=ca_bundle).get_caller_identity()

    assert identity["Account"] == BASE_ACCOUNT_ID


def test_the_process_prints_its_address_and_ends_when_stdin_closes(tmp_path: Path) -> None:
    command = [
        *(sys.executable, "-m", "tag_compliance_tests.fake_aws", "--until-stdin-closes"),
        *("--accounts", "2", "--tls", "--ca-bundle", str(tmp_path / "ca.pem")),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready["url"].startswith("https://127.0.0.1:")
        assert ready["environment"]["AWS_CA_BUNDLE"] == str(tmp_path / "ca.pem")

        process.communicate(timeout=10)

    assert process.returncode == 0
