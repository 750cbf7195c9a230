"""The faults of the fake AWS, as the real boto3 client sees them, and its process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError

from tag_compliance.simulator.credentials import Caller
from tag_compliance_tests.fake_aws import Call, FakeAws, Fault, FaultPlan, FaultRule
from tag_compliance_tests.simulator.clients import (
    ACCOUNT_ID,
    REGION,
    assume,
    connect_tagging,
    five_queues,
)

TAGGING, STS = "GetResources", "AssumeRole"


@pytest.fixture
def fake() -> Iterator[FakeAws]:
    with FakeAws(five_queues()) as fake:
        yield fake


def test_the_fake_lists_every_secret_that_it_issued(fake: FakeAws) -> None:
    credentials = assume(fake.url)

    assert {credentials["SecretAccessKey"], credentials["SessionToken"]} < fake.issued_secrets()


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


def test_a_rate_of_faults_affects_the_same_calls_for_the_same_seed() -> None:
    def outcomes() -> list[bool]:
        rule = FaultRule(Fault.HTTP_503, rate=0.5)
        caller = Caller(ACCOUNT_ID, "arn", "id")
        call = Call("tagging", "GetResources", ACCOUNT_ID, REGION, caller, {})
        plan = FaultPlan(rule, seed=7)
        return [plan.rule_for(call) is rule for _ in range(20)]

    assert set(outcomes()) == {True, False}
    assert outcomes() == outcomes()


@pytest.mark.parametrize("fault", [Fault.NOT_JSON, Fault.TRUNCATED_BODY])
def test_botocore_reads_a_damaged_body_as_an_empty_page(fake: FakeAws, fault: Fault) -> None:
    fake.faults.add(fault, operation="GetResources", times=1)
    client = connect_tagging(fake)

    # botocore neither checks the Content-Length nor reports a body that is not JSON.
    assert client.get_resources().keys() == {"ResponseMetadata"}

    assert client.get_resources()["ResourceTagMappingList"]


def test_a_call_that_hangs_ends_with_the_server() -> None:
    with ThreadPoolExecutor(1) as pool:
        with FakeAws(five_queues()) as fake:
            fake.faults.add(Fault.HANG, operation="GetResources")
            hanging = pool.submit(connect_tagging(fake).get_resources)
            assert fake.calls.wait_for("GetResources")
            assert not hanging.done()

        with pytest.raises((ConnectionClosedError, EndpointConnectionError)):
            hanging.result()


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
