"""TLS, proxies and connections work as in botocore, but the CA bundle is loaded once."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
from botocore.httpsession import create_urllib3_context

from tag_compliance.aws import botocore_hooks
from tag_compliance.aws.botocore_hooks import create_tls_context
from tag_compliance.domain.read_status import Reason
from tag_compliance.domain.resources import AccountInventory
from tag_compliance_tests.fake_aws import FakeAws, generate_organization
from tag_compliance_tests.fake_aws.certificates import create_server_context
from tag_compliance_tests.support.aws import Enter, scan

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


def reasons(scanned: list[AccountInventory]) -> set[Reason]:
    return {region.reason for account in scanned for region in account.status.regions}


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The arguments of each call that loaded a CA bundle."""
    found: list[object] = []

    def create() -> ssl.SSLContext:
        context: ssl.SSLContext = create_urllib3_context()
        load = context.load_verify_locations

        def counted(*args: Any, **kwargs: Any) -> None:
            found.append((args, kwargs))
            load(*args, **kwargs)

        context.load_verify_locations = counted  # type: ignore[method-assign]
        return context

    monkeypatch.setattr(botocore_hooks, "create_urllib3_context", create)
    return found


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
    enter: Enter, loads: list[object]
) -> None:
    organization = generate_organization(6, ["us-east-1", "eu-west-1"], 350)
    with FakeAws(organization, tls=True) as fake:
        enter(fake)
        scanned = scan(organization, max_concurrency=3)

        assert reasons(scanned) == {Reason.OK}
        assert len(fake.calls) == 6 + 6 * 2 * 4
        # STS and two regions: a pool each, with as many connections as there are threads.
        assert fake.connections <= 3 * 3
    assert len(loads) == 1


def test_a_certificate_of_an_unknown_authority_is_rejected(
    enter: Enter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    create_server_context(tmp_path / "other.pem")
    organization = generate_organization(1, ["us-east-1"], 10)
    with FakeAws(organization, tls=True) as fake:
        enter(fake)
        monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "other.pem"))
        (scanned,) = scan(organization, ["us-east-1"])

        assert len(fake.calls) == 0
    (region,) = scanned.status.regions
    assert region.reason is Reason.UNREACHABLE
    assert "SSL validation failed" in region.message
    assert "CERTIFICATE_VERIFY_FAILED" in region.message


@pytest.mark.parametrize(
    ("variable", "reason"),
    [
        ("AWS_CA_BUNDLE", Reason.OK),
        ("REQUESTS_CA_BUNDLE", Reason.OK),
        ("NO_BUNDLE", Reason.UNREACHABLE),
    ],
)
def test_the_ca_bundle_is_that_of_the_standard_variables(
    enter: Enter, monkeypatch: pytest.MonkeyPatch, variable: str, reason: Reason
) -> None:
    organization = generate_organization(1, ["us-east-1"], 10)
    with FakeAws(organization, tls=True) as fake:
        enter(fake)
        monkeypatch.delenv("AWS_CA_BUNDLE")
        monkeypatch.setenv(variable, str(fake.ca_bundle))
        scanned = scan(organization, ["us-east-1"])

    assert reasons(scanned) == {reason}


def test_a_certificate_for_another_host_is_rejected(
    enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization = generate_organization(1, ["us-east-1"], 10)
    with FakeAws(organization, tls=True) as fake:
        enter(fake)
        monkeypatch.setenv("AWS_ENDPOINT_URL", fake.url.replace("127.0.0.1", "127.1"))
        (scanned,) = scan(organization, ["us-east-1"])

    (region,) = scanned.status.regions
    assert region.reason is Reason.UNREACHABLE
    assert "SSL validation failed" in region.message
    assert "127.1" in region.message


def test_requests_use_the_proxy_of_the_environment(
    enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization = generate_organization(1, ["us-east-1"], 10)
    with FakeAws(organization) as fake:
        enter(fake)
        # The fake ignores the target of a request, so it can be the proxy of a missing host.
        monkeypatch.setenv("HTTP_PROXY", fake.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://aws.invalid")
        scanned = scan(organization, ["us-east-1"])

    assert reasons(scanned) == {Reason.OK}


def test_a_proxy_that_is_down_is_reported_without_its_password(
    enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization = generate_organization(1, ["us-east-1"], 10)
    with FakeAws(organization) as fake:
        enter(fake)
        monkeypatch.setenv("HTTP_PROXY", "http://user:hunter2@127.0.0.1:1")
        (scanned,) = scan(organization, ["us-east-1"])

    (region,) = scanned.status.regions
    assert region.reason is Reason.UNREACHABLE
    assert "proxy" in region.message.lower()
    assert "hunter2" not in region.message


@pytest.mark.parametrize(
    ("exempt", "reason"), [("127.0.0.1", Reason.OK), ("amazonaws.com", Reason.UNREACHABLE)]
)
def test_hosts_in_no_proxy_are_reached_without_the_proxy(
    enter: Enter, monkeypatch: pytest.MonkeyPatch, exempt: str, reason: Reason
) -> None:
    organization = generate_organization(1, ["us-east-1"], 10)
    with FakeAws(organization) as fake:
        enter(fake)
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("NO_PROXY", exempt)
        scanned = scan(organization, ["us-east-1"])

    assert reasons(scanned) == {reason}
