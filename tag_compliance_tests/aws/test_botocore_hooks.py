"""What this program changes in botocore: credentials, TLS and connections, decoded responses."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError
from botocore.httpsession import create_urllib3_context

from tag_compliance.aws.botocore_hooks import (
    DECODED,
    create_tls_context,
    decode_responses,
    signing_as,
)
from tag_compliance.aws.clients import Clients
from tag_compliance.domain.account import RegionName
from tag_compliance.domain.read_status import Reason, RegionReadStatus
from tag_compliance_tests.fake_aws import (
    BASE_ACCOUNT_ID,
    FakeAws,
    Fault,
    Organization,
    generate_organization,
)
from tag_compliance_tests.fake_aws.certificates import create_server_context
from tag_compliance_tests.support.aws import Start, scan

REGION, ARN = RegionName("us-east-1"), "arn:aws:s3:::bucket"
Read = Callable[..., RegionReadStatus]
DOWN = "http://127.0.0.1:1"
COMPARED = (
    "check_hostname",
    "hostname_checks_common_name",
    "keylog_filename",
    "maximum_version",
    "minimum_version",
    "options",
    "post_handshake_auth",
    "protocol",
    "security_level",
    "verify_flags",
    "verify_mode",
)


@pytest.fixture
def organization() -> Organization:
    created = Organization()
    created.add_account("111111111111")
    created.add_account(BASE_ACCOUNT_ID).put(REGION, ARN)
    return created


@pytest.fixture
def fake(organization: Organization, start: Start) -> FakeAws:
    return start(organization)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Read:
    """Scans one region of one account, with these variables; `{url}` is the address of the fake."""

    def read(fake: FakeAws, **environment: str) -> RegionReadStatus:
        for name, value in environment.items():
            monkeypatch.setenv(name, value.format(url=fake.url))
        scanned, *_ = scan(fake.organization, [REGION])
        (region,) = scanned.status.regions
        return region

    return read


def response_with_hook(operation: str) -> Any:
    """The response to GetResources of a client with a decoder for this operation."""
    clients = Clients(1)
    client = clients.get("resourcegroupstaggingapi", REGION)
    decode_responses(client, operation, lambda body: ARN.encode() in body)
    with signing_as(clients.base_credentials):
        return client.get_resources()


def test_a_call_without_credentials_around_it_fails_and_is_not_sent(fake: FakeAws) -> None:
    with pytest.raises(LookupError):
        Clients(1).sts(REGION).get_caller_identity()

    assert len(fake.calls) == 0


def test_each_call_is_signed_with_the_credentials_of_its_innermost_block(fake: FakeAws) -> None:
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


def test_the_tls_context_is_as_strict_as_that_of_botocore() -> None:
    ours, botocores = create_tls_context(), create_urllib3_context()

    assert {name: getattr(ours, name) for name in COMPARED} == {
        name: getattr(botocores, name) for name in COMPARED
    }
    assert ours.get_ciphers() == botocores.get_ciphers()
    assert ours.verify_mode is ssl.CERT_REQUIRED


def test_each_ca_bundle_is_loaded_once(tmp_path: Path) -> None:
    first, second = tmp_path / "first.pem", tmp_path / "second.pem"
    create_server_context(first)
    create_server_context(second)
    context = create_tls_context()

    for bundle in (first, first, second, first, second):
        context.load_verify_locations(str(bundle))

    assert context.cert_store_stats()["x509_ca"] == 2


def test_a_ca_bundle_that_could_not_be_loaded_is_loaded_later(tmp_path: Path) -> None:
    bundle = tmp_path / "late.pem"
    context = create_tls_context()
    with pytest.raises(FileNotFoundError):
        context.load_verify_locations(str(bundle))
    create_server_context(bundle)

    context.load_verify_locations(str(bundle))

    assert context.cert_store_stats()["x509_ca"] == 1


def test_connections_are_reused_and_the_bundle_is_loaded_once(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads, load = list[object](), ssl.SSLContext.load_verify_locations

    def counted(context: ssl.SSLContext, *args: Any, **kwargs: Any) -> None:
        loads.append((args, kwargs))
        load(context, *args, **kwargs)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counted)
    organization = generate_organization(6, ["us-east-1", "eu-west-1"], 350)
    fake = start(organization, tls=True)
    scanned = scan(organization, max_concurrency=3)

    assert all(account.status.succeeded for account in scanned)
    assert len(fake.calls) == 6 + 6 * 2 * 4
    # STS and two regions: a pool each, with as many connections as there are threads.
    assert fake.connections <= 3 * 3
    assert len(loads) == 1


@pytest.mark.parametrize(
    ("variable", "reason"),
    [
        ("AWS_CA_BUNDLE", Reason.OK),
        ("REQUESTS_CA_BUNDLE", Reason.OK),
        ("NO_BUNDLE", Reason.UNREACHABLE),
    ],
)
def test_the_ca_bundle_is_that_of_the_standard_variables(
    organization: Organization, start: Start, read: Read, variable: str, reason: Reason
) -> None:
    fake = start(organization, tls=True)
    bundle = os.environ.pop("AWS_CA_BUNDLE")

    assert read(fake, **{variable: bundle}).reason is reason


@pytest.mark.parametrize(
    ("host", "bundle", "cause"),
    [
        ("127.0.0.1", "other.pem", "CERTIFICATE_VERIFY_FAILED"),
        ("127.1", "ca.pem", "127.1"),
    ],
    ids=["unknown authority", "other host"],
)
def test_a_wrong_certificate_is_rejected(
    organization: Organization,
    start: Start,
    read: Read,
    tmp_path: Path,
    host: str,
    bundle: str,
    cause: str,
) -> None:
    create_server_context(tmp_path / "other.pem")
    fake = start(organization, tls=True, ca_bundle=tmp_path / "ca.pem")
    url = fake.url.replace("127.0.0.1", host)
    region = read(fake, AWS_CA_BUNDLE=str(tmp_path / bundle), AWS_ENDPOINT_URL=url)

    assert len(fake.calls) == 0
    assert region.reason is Reason.UNREACHABLE
    assert "SSL validation failed" in region.message
    assert cause in region.message


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        # The fake ignores the target of a request, so it can be the proxy of a missing host.
        ({"HTTP_PROXY": "{url}", "AWS_ENDPOINT_URL": "http://aws.invalid"}, Reason.OK),
        ({"HTTP_PROXY": DOWN, "NO_PROXY": "127.0.0.1"}, Reason.OK),
        ({"HTTP_PROXY": DOWN, "NO_PROXY": "amazonaws.com"}, Reason.UNREACHABLE),
    ],
    ids=["used", "exempt host", "other host exempt"],
)
def test_the_proxy_is_that_of_the_environment(
    fake: FakeAws, read: Read, environment: dict[str, str], reason: Reason
) -> None:
    assert read(fake, **environment).reason is reason


def test_a_proxy_that_is_down_is_reported_without_its_password(fake: FakeAws, read: Read) -> None:
    region = read(fake, HTTP_PROXY="http://user:hunter2@127.0.0.1:1")

    assert region.reason is Reason.UNREACHABLE
    assert "proxy" in region.message.lower()
    assert "hunter2" not in region.message
