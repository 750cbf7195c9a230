"""Who may read findings."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from tag_compliance.domain.findings_access import FindingsAccess
from tag_compliance.errors import FindingsForbidden
from tag_compliance.exporter.auth import read_basic_auth, read_bearer_tokens
from tag_compliance.exporter.findings_access import Access, check_findings_access
from tag_compliance_tests.exporter.running import Exporter, run_in_thread
from tag_compliance_tests.reports.rows import report_row
from tag_compliance_tests.support.findings import publish_findings
from tag_compliance_tests.support.waiting import eventually

PATHS = (
    *("/api/v1/findings", "/api/v1/resources?arn=x", "/api/v1/summary", "/api/v1/coverage"),
    *("/findings.csv", "/findings.jsonl"),
)
LOOPBACK = ["localhost", "localhost:8080", "LocalHost.", "127.0.0.1:1", "127.9.9.9", "[::1]:8080"]
FOREIGN = [
    *("evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example"),
    *("", "10.0.0.1", "[::2]", "::1", "169.254.169.254", "0x7f.1", "2130706433"),
]


def request(server: str, client: str | None, **headers: str) -> Request:
    """A request over a connection between these addresses."""
    raw = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    scope: dict[str, Any] = {
        "type": "http",
        "headers": raw,
        "server": (server, 8080),
        "client": (client, 50_000) if client else None,
    }
    return Request(scope)


def _ready(exporter: Exporter, **headers: str) -> Exporter:
    eventually(lambda: exporter.get("/api/v1/findings", **headers).status == 200)
    return exporter


@pytest.mark.parametrize("host", LOOPBACK)
def test_without_credentials_this_machine_may_read_findings_by_a_loopback_name(host: str) -> None:
    for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        check_findings_access(request(address, address, host=host), Access())


@pytest.mark.parametrize("host", FOREIGN)
def test_without_credentials_another_name_is_rejected_because_of_dns_rebinding(host: str) -> None:
    with pytest.raises(FindingsForbidden, match="findings_access: open"):
        check_findings_access(request("127.0.0.1", "127.0.0.1", host=host), Access())


@pytest.mark.parametrize(
    ("server", "client"),
    [
        ("10.0.0.7", "10.0.0.9"),
        ("10.0.0.7", "127.0.0.1"),
        ("127.0.0.1", "10.0.0.9"),
        ("127.0.0.1", None),
        ("2001:db8::7", "2001:db8::9"),
        ("/run/socket", None),
    ],
)
def test_without_credentials_other_machines_may_not_read_findings(
    server: str, client: str | None
) -> None:
    with pytest.raises(FindingsForbidden, match="TAG_COMPLIANCE_FINDINGS_ACCESS"):
        check_findings_access(request(server, client, host="localhost"), Access())


@pytest.mark.parametrize(
    "header",
    ["forwarded", "x_forwarded_for", "x_forwarded_host", "x_forwarded_proto", "x_real_ip", "via"],
)
def test_without_credentials_a_proxy_may_not_read_findings(header: str) -> None:
    asked = request("127.0.0.1", "127.0.0.1", host="localhost", **{header: "10.0.0.9"})
    with pytest.raises(FindingsForbidden, match="proxy"):
        check_findings_access(asked, Access())


def test_findings_that_are_open_may_be_read_by_everyone() -> None:
    access = Access(findings=FindingsAccess.OPEN)
    check_findings_access(request("10.0.0.7", "10.0.0.9", host="tags.example.com"), access)


@pytest.mark.parametrize("path", PATHS)
def test_every_path_with_findings_is_protected(path: str, tmp_path: Path) -> None:
    publish_findings(tmp_path, [report_row()])
    with run_in_thread(tmp_path) as exporter:
        _ready(exporter)
        for method in ("GET", "HEAD"):
            rejected = exporter.get(path, method, Host="evil.example")
            assert rejected.status == 403
        assert "findings_access: open" in exporter.get(path, Host="evil.example").text
        assert exporter.get("/metrics", Host="evil.example").status == 200
    with run_in_thread(tmp_path, findings_access=FindingsAccess.OPEN) as exporter:
        _ready(exporter)
        assert exporter.get(path, Host="evil.example").status in {200, 404}


@pytest.mark.parametrize("path", [*PATHS, "/api/v1/openapi.json"])
def test_findings_need_the_credentials_of_the_metrics(path: str, tmp_path: Path) -> None:
    publish_findings(tmp_path / "state", [report_row()])
    tokens, users = tmp_path / "tokens", tmp_path / "users"
    tokens.write_text("secret-token")
    users.write_text("ada:secret")
    credentials = (read_bearer_tokens(tokens), read_basic_auth(users))
    basic = f"Basic {base64.b64encode(b'ada:secret').decode()}"
    # `open` is about exporters without credentials.
    for access in FindingsAccess:
        with run_in_thread(tmp_path / "state", credentials, findings_access=access) as exporter:
            _ready(exporter, Authorization=basic)
            assert exporter.get(path).status == 401
            assert exporter.get(path, Authorization="Bearer wrong").status == 401
            for accepted in (basic, "Bearer secret-token"):
                response = exporter.get(path, Authorization=accepted, Host="tags.example.com")
                assert response.status in {200, 404}
