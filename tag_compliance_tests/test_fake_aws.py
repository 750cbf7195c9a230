"""The fake AWS, as the real boto3 client sees it."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from tag_compliance_tests.fake_aws import (
    BASE_ACCOUNT_ID,
    REQUIRED_TAGS,
    FakeAws,
    Fault,
    FaultPlan,
    FaultRule,
    Organization,
    generate_organization,
)

ACCOUNT_ID = "111111111111"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT_ID}:role/terraform"
REGION = "us-east-1"

Connect = Callable[..., Any]


@pytest.fixture
def organization() -> Organization:
    organization = Organization()
    account = organization.add_account(ACCOUNT_ID)
    for number in range(5):
        account.put(REGION, f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:queue-{number}", {"Owner": "a"})
    return organization


@pytest.fixture
def fake(organization: Organization) -> Iterator[FakeAws]:
    with FakeAws(organization) as fake:
        yield fake


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    def connect(
        fake: FakeAws,
        service: str,
        region: str = REGION,
        credentials: dict[str, Any] | None = None,
        **config: Any,
    ) -> Any:
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        keys = {}
        if credentials:
            keys = {
                "aws_access_key_id": credentials["AccessKeyId"],
                "aws_secret_access_key": credentials["SecretAccessKey"],
                "aws_session_token": credentials["SessionToken"],
            }
        settings = Config(retries={"total_max_attempts": 1}, **config)
        return boto3.Session(**keys).client(service, region_name=region, config=settings)

    return connect


@pytest.fixture
def connect_tagging(connect: Connect) -> Connect:
    """A client of the tagging API, as the role of the account."""

    def connect_tagging(fake: FakeAws, region: str = REGION, **config: Any) -> Any:
        return connect(fake, "resourcegroupstaggingapi", region, assume(connect, fake), **config)

    return connect_tagging


def assume(connect: Connect, fake: FakeAws, **parameters: Any) -> dict[str, Any]:
    credentials: dict[str, Any] = connect(fake, "sts").assume_role(
        **{"RoleArn": ROLE_ARN, "RoleSessionName": "scan", **parameters}
    )["Credentials"]
    return credentials


def read_pages(client: Any, size: int = 2) -> list[dict[str, Any]]:
    pages = [client.get_resources(ResourcesPerPage=size)]
    while token := pages[-1].get("PaginationToken"):
        pages.append(client.get_resources(ResourcesPerPage=size, PaginationToken=token))
    return pages


def arns(pages: list[dict[str, Any]]) -> list[Any]:
    return [mapping["ResourceARN"] for page in pages for mapping in page["ResourceTagMappingList"]]


def test_base_credentials_belong_to_the_base_account(fake: FakeAws, connect: Connect) -> None:
    identity = connect(fake, "sts").get_caller_identity()

    assert identity["Account"] == BASE_ACCOUNT_ID
    assert identity["Arn"] == f"arn:aws:iam::{BASE_ACCOUNT_ID}:user/base"


def test_an_assumed_role_belongs_to_its_account(fake: FakeAws, connect: Connect) -> None:
    credentials = assume(connect, fake)

    identity = connect(fake, "sts", credentials=credentials).get_caller_identity()
    assert identity["Account"] == ACCOUNT_ID
    assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/terraform/scan"


def test_credentials_look_like_those_of_aws(fake: FakeAws, connect: Connect) -> None:
    first, second = assume(connect, fake), assume(connect, fake)

    assert first["AccessKeyId"].startswith("ASIA")
    assert len(first["AccessKeyId"]) == 20
    assert len(first["SecretAccessKey"]) == 40
    assert first["AccessKeyId"] != second["AccessKeyId"]
    remaining = first["Expiration"] - datetime.now(UTC)
    assert timedelta(minutes=59) < remaining <= timedelta(hours=1)


def test_every_issued_secret_is_known(fake: FakeAws, connect: Connect) -> None:
    credentials = assume(connect, fake)

    assert {credentials["SecretAccessKey"], credentials["SessionToken"]} < fake.issued_secrets()


def test_the_parameters_of_a_call_are_on_record(fake: FakeAws, connect: Connect) -> None:
    assume(connect, fake, ExternalId="blue", DurationSeconds=900)

    (call,) = fake.calls.matching("AssumeRole", ACCOUNT_ID)
    assert call.caller.account_id == BASE_ACCOUNT_ID
    assert call.parameters["RoleSessionName"] == "scan"
    assert call.parameters["ExternalId"] == "blue"
    assert call.parameters["DurationSeconds"] == "900"


@pytest.mark.parametrize(
    "role_arn",
    [
        "arn:aws:iam::222222222222:role/terraform",
        "arn:aws-cn:iam::111111111111:role/terraform",
        "arn:aws:iam::333333333333:role/unknown",
        "arn:aws:iam::444444444444:role/terraform",
    ],
    ids=["unknown account", "other partition", "unknown role", "missing external id"],
)
def test_a_role_that_does_not_trust_the_caller_is_denied(
    fake: FakeAws, connect: Connect, role_arn: str
) -> None:
    fake.organization.add_account("333333333333", roles={"terraform"})
    fake.organization.add_account("444444444444", external_id="blue")

    with pytest.raises(ClientError) as caught:
        assume(connect, fake, RoleArn=role_arn)

    assert caught.value.response["Error"] == {
        "Type": "Sender",
        "Code": "AccessDenied",
        "Message": (
            f"User: arn:aws:iam::{BASE_ACCOUNT_ID}:user/base is not authorized "
            f"to perform: sts:AssumeRole on resource: {role_arn}"
        ),
    }


def test_a_role_with_an_external_id_trusts_who_knows_it(fake: FakeAws, connect: Connect) -> None:
    fake.organization.add_account("444444444444", external_id="blue")

    assert assume(
        connect, fake, RoleArn="arn:aws:iam::444444444444:role/team/terraform", ExternalId="blue"
    )


def test_a_chained_role_lives_an_hour_at_most(fake: FakeAws, connect: Connect) -> None:
    fake.organization.add_account("222222222222")
    chained = connect(fake, "sts", credentials=assume(connect, fake))
    role = {"RoleArn": "arn:aws:iam::222222222222:role/terraform", "RoleSessionName": "chained"}

    assert chained.assume_role(**role)["AssumedRoleUser"]["Arn"].endswith("/chained")
    with pytest.raises(ClientError, match="exceeds the 1 hour session limit"):
        chained.assume_role(**role, DurationSeconds=7200)


def test_expired_credentials_are_refused(organization: Organization, connect: Connect) -> None:
    clock = [datetime(2026, 1, 1, tzinfo=UTC)]
    with FakeAws(organization, now=lambda: clock[0]) as fake:
        credentials = assume(connect, fake, DurationSeconds=900)
        tagging = connect(fake, "resourcegroupstaggingapi", credentials=credentials)
        sts = connect(fake, "sts", credentials=credentials)
        assert tagging.get_resources()

        clock[0] += timedelta(seconds=900)

        with pytest.raises(ClientError, match=r"\(ExpiredTokenException\).*is expired"):
            tagging.get_resources()
        with pytest.raises(ClientError, match=r"\(ExpiredToken\).*is expired"):
            sts.get_caller_identity()


def test_credentials_may_be_handed_out_for_seconds(
    organization: Organization, connect: Connect
) -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    with FakeAws(organization, now=lambda: noon, session_seconds=5) as fake:
        assert assume(connect, fake)["Expiration"] == noon + timedelta(seconds=5)


def test_a_session_token_that_was_not_issued_is_refused(fake: FakeAws, connect: Connect) -> None:
    forged = assume(connect, fake) | {"SessionToken": "forged"}

    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        connect(fake, "resourcegroupstaggingapi", credentials=forged).get_resources()
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        connect(fake, "sts", credentials=forged).get_caller_identity()


def test_every_resource_comes_back_once_over_all_pages(
    fake: FakeAws, connect_tagging: Connect
) -> None:
    pages = read_pages(connect_tagging(fake), size=2)

    assert [len(page["ResourceTagMappingList"]) for page in pages] == [2, 2, 1]
    assert arns(pages) == [
        resource.arn for resource in fake.organization[ACCOUNT_ID].resources(REGION)
    ]
    assert pages[0]["ResourceTagMappingList"][0]["Tags"] == [{"Key": "Owner", "Value": "a"}]


def test_the_last_token_is_empty(fake: FakeAws, connect_tagging: Connect) -> None:
    assert connect_tagging(fake).get_resources()["PaginationToken"] == ""


def test_a_full_last_page_is_the_last(fake: FakeAws, connect_tagging: Connect) -> None:
    assert len(read_pages(connect_tagging(fake), size=5)) == 1


def test_a_resource_without_tags_and_one_put_twice_come_back_as_they_are(
    fake: FakeAws, connect_tagging: Connect
) -> None:
    account = fake.organization[ACCOUNT_ID]
    for _ in range(2):
        account.put("eu-west-1", "arn:aws:s3:::größe")

    (page,) = read_pages(connect_tagging(fake, "eu-west-1"))
    assert page["ResourceTagMappingList"] == [{"ResourceARN": "arn:aws:s3:::größe", "Tags": []}] * 2


def test_a_region_without_resources_is_one_empty_page(
    fake: FakeAws, connect_tagging: Connect
) -> None:
    (page,) = read_pages(connect_tagging(fake, "eu-west-1"))

    assert page["ResourceTagMappingList"] == []


def test_a_disabled_region_takes_no_credentials(fake: FakeAws, connect_tagging: Connect) -> None:
    fake.organization[ACCOUNT_ID].disable_region("ap-east-1")

    with pytest.raises(ClientError, match=r"\(UnrecognizedClientException\).* is invalid\."):
        connect_tagging(fake, "ap-east-1").get_resources()


@pytest.mark.parametrize("size", [0, 101])
def test_a_page_holds_one_to_a_hundred(fake: FakeAws, connect_tagging: Connect, size: int) -> None:
    with pytest.raises(ClientError, match="InvalidParameterException"):
        connect_tagging(fake, parameter_validation=False).get_resources(ResourcesPerPage=size)


def test_a_token_is_good_in_its_own_region_only(fake: FakeAws, connect_tagging: Connect) -> None:
    token = connect_tagging(fake).get_resources(ResourcesPerPage=1)["PaginationToken"]

    for foreign in (token, "nonsense"):
        with pytest.raises(ClientError, match="InvalidParameterException"):
            connect_tagging(fake, "eu-west-1").get_resources(PaginationToken=foreign)


def test_a_filter_is_refused_rather_than_ignored(fake: FakeAws, connect_tagging: Connect) -> None:
    with pytest.raises(ClientError, match="not simulated: TagFilters"):
        connect_tagging(fake).get_resources(TagFilters=[{"Key": "Owner"}])


@pytest.mark.parametrize(
    ("fault", "status", "code", "message"),
    [
        (Fault.THROTTLED, 400, "ThrottledException", "Rate exceeded"),
        (Fault.THROTTLING_EXCEPTION, 400, "ThrottlingException", "Rate exceeded"),
        (Fault.ACCESS_DENIED, 400, "AccessDeniedException", "no identity-based policy allows"),
        (Fault.SCP_DENIED, 400, "AccessDeniedException", "deny in a service control policy"),
        (Fault.REGION_DISABLED, 400, "UnrecognizedClientException", "is invalid."),
        (Fault.EXPIRED_TOKEN, 400, "ExpiredTokenException", "is expired"),
        (Fault.PAGINATION_TOKEN_EXPIRED, 400, "PaginationTokenExpiredException", "expired"),
        (Fault.INTERNAL, 500, "InternalServiceException", "Internal"),
    ],
)
def test_the_tagging_api_refuses_as_aws_does(
    fake: FakeAws, connect_tagging: Connect, fault: Fault, status: int, code: str, message: str
) -> None:
    fake.faults.add(fault, operation="GetResources")

    with pytest.raises(ClientError) as caught:
        connect_tagging(fake).get_resources()

    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert response["Error"]["Code"] == code
    assert message in response["Error"]["Message"]


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault.THROTTLED, 400, "Throttling"),
        (Fault.THROTTLING_EXCEPTION, 400, "ThrottlingException"),
        (Fault.ACCESS_DENIED, 403, "AccessDenied"),
        (Fault.SCP_DENIED, 403, "AccessDenied"),
        (Fault.REGION_DISABLED, 403, "InvalidClientTokenId"),
        (Fault.EXPIRED_TOKEN, 403, "ExpiredToken"),
        (Fault.INTERNAL, 500, "InternalFailure"),
    ],
)
def test_sts_refuses_as_aws_does(
    fake: FakeAws, connect: Connect, fault: Fault, status: int, code: str
) -> None:
    fake.faults.add(fault, account_id=ACCOUNT_ID)

    with pytest.raises(ClientError) as caught:
        assume(connect, fake)

    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert caught.value.response["Error"]["Code"] == code


def test_a_fault_wears_off_after_its_times(fake: FakeAws, connect_tagging: Connect) -> None:
    rule = fake.faults.add(Fault.THROTTLED, operation="GetResources", times=2)
    client = connect_tagging(fake)

    for _ in range(2):
        with pytest.raises(ClientError, match="ThrottledException"):
            client.get_resources()

    assert client.get_resources()
    assert fake.faults.strikes(rule) == 2


@pytest.mark.parametrize(("page", "pages_before"), [(0, 0), (1, 1), ("last", 2)])
def test_a_fault_strikes_the_page_it_names(
    fake: FakeAws, connect_tagging: Connect, page: Any, pages_before: int
) -> None:
    fake.faults.add(Fault.INTERNAL, page=page)

    with pytest.raises(ClientError, match="InternalServiceException"):
        read_pages(connect_tagging(fake))

    assert fake.calls.count("GetResources") == pages_before + 1


def test_a_fault_leaves_other_regions_alone(fake: FakeAws, connect_tagging: Connect) -> None:
    fake.faults.add(Fault.ACCESS_DENIED, account_id=ACCOUNT_ID, region="eu-west-1")

    assert read_pages(connect_tagging(fake))
    with pytest.raises(ClientError, match="AccessDeniedException"):
        read_pages(connect_tagging(fake, "eu-west-1"))


def test_a_rate_of_faults_strikes_the_same_calls_again(
    organization: Organization, connect_tagging: Connect
) -> None:
    def outcomes() -> list[bool]:
        rule = FaultRule(Fault.THROTTLED, operation="GetResources", rate=0.5)
        with FakeAws(organization, faults=FaultPlan(rule, seed=7)) as fake:
            client = connect_tagging(fake)
            return [is_throttled(client) for _ in range(20)]

    first = outcomes()
    assert set(first) == {True, False}
    assert outcomes() == first


def is_throttled(client: Any) -> bool:
    try:
        client.get_resources()
    except ClientError:
        return True
    return False


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.HTTP_503, ClientError),
        (Fault.HTTP_503_HTML, ClientError),
        (Fault.CUT_CONNECTION, ConnectionClosedError),
    ],
)
def test_a_fault_of_the_transport_reaches_the_client(
    fake: FakeAws, connect_tagging: Connect, fault: Fault, error: type[Exception]
) -> None:
    fake.faults.add(fault, operation="GetResources", times=1)
    client = connect_tagging(fake)

    with pytest.raises(error):
        client.get_resources()

    assert client.get_resources()["ResourceTagMappingList"]


@pytest.mark.parametrize("fault", [Fault.NOT_JSON, Fault.TRUNCATED_BODY])
def test_a_spoiled_body_passes_botocore_as_an_empty_answer(
    fake: FakeAws, connect_tagging: Connect, fault: Fault
) -> None:
    fake.faults.add(fault, operation="GetResources", times=1)
    client = connect_tagging(fake)

    # botocore neither checks the Content-Length nor minds a body that is no JSON.
    assert client.get_resources().keys() == {"ResponseMetadata"}

    assert client.get_resources()["ResourceTagMappingList"]


def test_a_slow_answer_comes_late_and_whole(fake: FakeAws, connect_tagging: Connect) -> None:
    fake.faults.add(Fault.SLOW, operation="GetResources", seconds=0.2, times=1)
    client = connect_tagging(fake, read_timeout=0.1)

    with pytest.raises(ReadTimeoutError):
        client.get_resources()

    assert len(arns(read_pages(client))) == 5


def test_a_call_that_hangs_ends_with_the_server(
    organization: Organization, connect_tagging: Connect
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with FakeAws(organization) as fake:
            fake.faults.add(Fault.HANG, operation="GetResources")
            hanging = pool.submit(connect_tagging(fake).get_resources)
            assert fake.calls.wait_for("GetResources")
            assert not hanging.done()

        with pytest.raises((ConnectionClosedError, EndpointConnectionError)):
            hanging.result()


def test_an_empty_page_loses_no_resources(fake: FakeAws, connect_tagging: Connect) -> None:
    fake.faults.add(Fault.EMPTY_PAGE, page=1)

    pages = read_pages(connect_tagging(fake))

    assert [len(page["ResourceTagMappingList"]) for page in pages] == [2, 0, 2, 1]
    assert len(set(arns(pages))) == 5


def test_a_repeated_token_leads_to_the_same_page(fake: FakeAws, connect_tagging: Connect) -> None:
    fake.faults.add(Fault.REPEAT_TOKEN, page=1)
    client = connect_tagging(fake)
    token = client.get_resources(ResourcesPerPage=2)["PaginationToken"]

    page = client.get_resources(ResourcesPerPage=2, PaginationToken=token)

    assert page["PaginationToken"] == token


def test_endless_pages_bring_a_fresh_token_each(fake: FakeAws, connect_tagging: Connect) -> None:
    fake.faults.add(Fault.ENDLESS)
    client = connect_tagging(fake)
    tokens = [""]

    for _ in range(10):
        page = client.get_resources(ResourcesPerPage=2, PaginationToken=tokens[-1])
        tokens.append(page["PaginationToken"])

    assert len(set(tokens)) == 11


def test_a_missing_token_ends_the_last_page(fake: FakeAws, connect_tagging: Connect) -> None:
    fake.faults.add(Fault.MISSING_TOKEN)

    *first, last = read_pages(connect_tagging(fake))

    assert all(page["PaginationToken"] for page in first)
    assert "PaginationToken" not in last


def test_extra_fields_leave_a_page_valid(fake: FakeAws, connect_tagging: Connect) -> None:
    fake.faults.add(Fault.EXTRA_FIELDS)

    assert len(arns(read_pages(connect_tagging(fake)))) == 5


@pytest.mark.parametrize(
    ("fault", "field"), [(Fault.MISSING_ARN, "ResourceARN"), (Fault.MISSING_TAGS, "Tags")]
)
def test_missing_fields_are_left_out(
    fake: FakeAws, connect_tagging: Connect, fault: Fault, field: str
) -> None:
    fake.faults.add(fault)

    for mapping in connect_tagging(fake).get_resources()["ResourceTagMappingList"]:
        assert field not in mapping


def test_a_missing_list_is_left_out(fake: FakeAws, connect_tagging: Connect) -> None:
    fake.faults.add(Fault.MISSING_LIST)

    assert "ResourceTagMappingList" not in connect_tagging(fake).get_resources()


@pytest.mark.parametrize("fault", [Fault.WRONG_LIST_TYPE, Fault.WRONG_TAGS_TYPE])
def test_a_string_for_a_list_is_more_than_botocore_parses(
    fake: FakeAws, connect_tagging: Connect, fault: Fault
) -> None:
    fake.faults.add(fault)

    with pytest.raises(AttributeError):
        connect_tagging(fake).get_resources()


def test_an_arn_may_arrive_as_a_number(fake: FakeAws, connect_tagging: Connect) -> None:
    fake.faults.add(Fault.WRONG_ARN_TYPE)

    assert set(arns([connect_tagging(fake).get_resources()])) == {12}


def test_the_limit_of_aws_is_enforced_for_each_region(
    organization: Organization, connect_tagging: Connect
) -> None:
    with FakeAws(organization, enforce_rate=1) as fake:
        client, elsewhere = connect_tagging(fake), connect_tagging(fake, "eu-west-1")
        assert client.get_resources()
        assert is_throttled(client)
        assert elsewhere.get_resources()


def test_one_connection_serves_many_calls(fake: FakeAws, connect_tagging: Connect) -> None:
    client = connect_tagging(fake)
    before = fake.connections

    read_pages(client, size=1)

    assert fake.connections == before + 1


def test_calls_wait_out_the_latency_side_by_side(
    organization: Organization, connect_tagging: Connect
) -> None:
    with FakeAws(organization) as fake, ThreadPoolExecutor(10) as pool:
        client = connect_tagging(fake, max_pool_connections=10)
        fake.latency = 0.2
        started_at = time.monotonic()

        answers = list(pool.map(lambda _: client.get_resources(), range(10)))

        assert all(answers)
        assert 0.2 <= time.monotonic() - started_at < 1.0


def test_tls_is_trusted_through_the_bundle(
    organization: Organization, connect_tagging: Connect
) -> None:
    with FakeAws(organization, tls=True) as fake:
        assert fake.url.startswith("https://")
        assert connect_tagging(fake).get_resources()["ResourceTagMappingList"]


def test_an_unsigned_request_is_refused(fake: FakeAws) -> None:
    request = urllib.request.Request(fake.url, b"Action=GetCallerIdentity&Version=2011-06-15")
    with pytest.raises(urllib.error.HTTPError) as caught, urllib.request.urlopen(request):
        pass
    assert caught.value.code == 403
    assert b"<Code>MissingAuthenticationToken</Code>" in caught.value.read()


def test_a_generated_organization_is_the_same_every_time() -> None:
    def resources(seed: int) -> list[Any]:
        organization = generate_organization(2, ["us-east-1", "eu-west-1"], 150, seed)
        return [
            (resource.arn, resource.tags)
            for account in organization
            for region in account.regions
            for resource in account.resources(region)
        ]

    assert resources(seed=1) == resources(seed=1)
    assert resources(seed=1) != resources(seed=2)
    assert len({arn for arn, _ in resources(seed=1)}) == 600


def test_a_generated_organization_is_partly_compliant() -> None:
    (account,) = generate_organization(1, ["us-east-1"], 1000)

    present = [set(REQUIRED_TAGS) & set(resource.tags) for resource in account.resources(REGION)]
    complete = sum(len(keys) == len(REQUIRED_TAGS) for keys in present)
    untagged = sum(not resource.tags for resource in account.resources(REGION))
    assert 450 < complete < 650
    assert 50 < untagged < 200


def test_generated_global_resources_live_in_their_home_region_only() -> None:
    (account,) = generate_organization(1, ["us-east-1", "eu-west-1"], 1000)

    def services(region: str) -> set[str]:
        return {resource.arn.split(":")[2] for resource in account.resources(region)}

    assert services("us-east-1") - services("eu-west-1") == {"cloudfront", "route53"}


def test_generated_pages_are_what_the_client_reads(connect: Connect) -> None:
    organization = generate_organization(1, ["us-gov-west-1"], 250)
    (account,) = organization
    role_arn = f"arn:aws-us-gov:iam::{account.account_id}:role/terraform"
    with FakeAws(organization) as fake:
        credentials = assume(connect, fake, RoleArn=role_arn)
        client = connect(fake, "resourcegroupstaggingapi", "us-gov-west-1", credentials)
        pages = read_pages(client, size=100)

    assert [len(page["ResourceTagMappingList"]) for page in pages] == [100, 100, 50]
    assert arns(pages) == [resource.arn for resource in account.resources("us-gov-west-1")]
    assert all(arn.startswith("arn:aws-us-gov:") for arn in arns(pages))


def test_the_process_says_where_it_is_and_ends_with_its_parent(tmp_path: Path) -> None:
    rules = [{"fault": "access_denied", "account_id": "100000000001"}]
    command = [
        *(sys.executable, "-m", "tag_compliance_tests.fake_aws", "--until-stdin-closes"),
        *("--accounts", "2", "--tls", "--ca-bundle", str(tmp_path / "ca.pem")),
        *("--faults", json.dumps(rules)),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready["url"].startswith("https://127.0.0.1:")
        assert ready["environment"]["AWS_CA_BUNDLE"] == str(tmp_path / "ca.pem")

        process.communicate(timeout=10)

    assert process.returncode == 0
