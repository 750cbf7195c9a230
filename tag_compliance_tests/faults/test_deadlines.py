"""Nothing that never completes delays a scan, what else it reads, or its exit.

Each dependency on another machine or process, with each way not to end. A missing limit shows as a
wait that the test gives up: the bound that is configured, 2 s, and what a loaded machine needs.
"""

from __future__ import annotations

import re
import subprocess
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
import yaml

from tag_compliance.cli.push import push
from tag_compliance.errors import StorageRefused, TagComplianceError
from tag_compliance.pipeline.alerts import Alert, send
from tag_compliance.remote.time_limit import run_within
from tag_compliance.simulator.generator import add_never_tagged
from tag_compliance.storage.s3 import S3Storage
from tag_compliance_tests.fake_aws import FakeAws, Fault, Organization, generate_organization
from tag_compliance_tests.support.config import write_config
from tag_compliance_tests.support.discovery import READER
from tag_compliance_tests.support.exposition import CONTRACT, Exposition
from tag_compliance_tests.support.process import Place
from tag_compliance_tests.support.unfinished import unfinished_responses
from tag_compliance_tests.support.waiting import DEADLINE_SECONDS

FAULTS = [Fault.DRIP_BODY, Fault.HANG, Fault.ENDLESS_HEADERS, Fault.ENDLESS_BODY]
LIMIT_SECONDS = 4
"""Of the discovery, and of each region."""

SIMPLE_LIMIT_SECONDS = 1
"""Of an operation on S3, a push, an alert hook."""

CALLS = {
    "STS": "AssumeRole",
    "GetResources": "GetResources",
    "Resource Explorer": "ListResources",
    "IAM": "GetAccountAuthorizationDetails",
    "Auto Scaling": "DescribeAutoScalingGroups",
    "ec2:DescribeRegions": "DescribeRegions",
}
"""One operation of each API of AWS. Each hangs for one account, in the same scan."""

ACCOUNTS = {name: f"{100_000_000_000 + number}" for number, name in enumerate((*CALLS, "none"))}
HOME = "us-east-1"


def organization() -> Organization:
    """One account for each API and one without a fault, below a management account."""
    found = generate_organization(len(ACCOUNTS), (HOME,), 20)
    add_never_tagged(found, (HOME,), 2)
    found.add_account(READER.split(":")[4], roles=[READER.rpartition("/")[2]]).state = "SUSPENDED"
    return found


def write_discovering_config(folder: Path) -> None:
    content = {
        "organization": {
            "role_arn": READER,
            "regions": "enabled",
            "region_allow": [HOME],
            "refresh": 0,
        },
        "regions": [HOME],
        "REQUIRED_TAGS": ["Owner"],
        "assume_role_name_template": "terraform",
        "calls_per_second": 0.0,
        "region_deadline": LIMIT_SECONDS,
        "never_tagged": "count",
        "resource_explorer_refresh": 0,
        "more_sources": ["iam", "autoscaling"],
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(content))


@dataclass
class Scan:
    """Of one process, which ended by itself."""

    code: int
    exposition: Exposition
    err: str

    @classmethod
    def of(cls, place: Place, fake: FakeAws | None = None) -> Scan:
        """A discovery and the reading of all accounts, each with its limit."""
        process = place.start("scan", environment=fake.environment() if fake else {})
        try:
            out, err = process.communicate(timeout=2 * (LIMIT_SECONDS + 2) + DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return cls(process.wait(), Exposition(out), err)

    def lines_of(self, account_id: str) -> list[str]:
        """The samples of the ten contract metrics."""
        samples = self.exposition.samples
        of_account = (s for s in samples if s.labels.get("account_id") == account_id)
        return [sample.line for sample in of_account if sample.name in CONTRACT]

    def reason_of(self, account_id: str) -> str:
        name = "tag_compliance_account_scan_success"
        (sample,) = (
            s
            for s in self.exposition.samples
            if s.name == name and s.labels["account_id"] == account_id
        )
        return sample.labels["reason"]


@dataclass
class Scans:
    """One scan for each fault, and one without, that the tests of this module share."""

    found: dict[Fault | None, Scan] = field(default_factory=dict)

    def with_fault(self, fault: Fault | None, folder: Path) -> Scan:
        if fault not in self.found:
            place = Place.create(folder / f"of {fault}")
            write_discovering_config(place.folder)
            with FakeAws(organization()) as fake:
                for name, operation in CALLS.items():
                    if fault is None:
                        break
                    fake.faults.add(fault, operation=operation, account_id=ACCOUNTS[name])
                self.found[fault] = Scan.of(place, fake)
        return self.found[fault]


@pytest.fixture(scope="module")
def scans() -> Scans:
    return Scans()


@dataclass
class Case:
    """A fault, and what a check needs."""

    fault: Fault
    scans: Scans
    folder: Path
    monkeypatch: pytest.MonkeyPatch


def check_api(dependency: str, case: Case) -> None:
    """The account concerned is not read; the numbers of the others are those without the fault."""
    complete, ended = (case.scans.with_fault(f, case.folder) for f in (None, case.fault))
    concerned, untouched = ACCOUNTS[dependency], ACCOUNTS["none"]
    assert (complete.code, ended.code) == (0, 3), complete.err + ended.err
    assert "Traceback" not in ended.err
    assert ended.lines_of(untouched) == complete.lines_of(untouched) != []
    if dependency == "ec2:DescribeRegions":  # the account is read in the configured regions
        assert ended.lines_of(concerned) == complete.lines_of(concerned) != []
        (line,) = (li for li in ended.err.splitlines() if li.startswith("accounts not discovered"))
        assert f"DescribeRegions: account {concerned}: " in line
    else:
        assert ended.reason_of(concerned) in {"timeout", "malformed_response"}
        assert ended.lines_of(concerned) == []


def check_organizations(case: Case) -> None:
    """The last list is scanned."""
    place = Place.create(case.folder / "place")
    write_discovering_config(place.folder)
    with FakeAws(organization()) as fake:
        complete = Scan.of(place, fake)
        fake.faults.add(case.fault, operation="ListAccounts")
        ended = Scan.of(place, fake)
    assert (complete.code, ended.code) == (0, 0), complete.err + ended.err
    assert "accounts not discovered: " in ended.err
    assert ended.exposition.contract_lines == complete.exposition.contract_lines


PRINTING = {
    Fault.HANG: "exec sleep 1000",
    Fault.DRIP_BODY: "while :; do printf x; sleep 0.1; done",
    Fault.ENDLESS_HEADERS: "exec yes >&2",
    Fault.ENDLESS_BODY: "exec yes",
}
"""What a credential process does."""


def check_credential_process(case: Case) -> None:
    """One failure of all accounts; a process that took the whole time is not started again."""
    place = Place.create(case.folder / "place")
    write_config(place.folder, organization(), region_deadline=LIMIT_SECONDS)
    (place.folder / "login.sh").write_text(f"echo started >> starts; {PRINTING[case.fault]}\n")
    config = place.folder / "aws-config"
    config.write_text(f"[default]\ncredential_process = sh {place.folder}/login.sh\n")
    with FakeAws(organization()) as fake:
        place.environment |= {"AWS_CONFIG_FILE": str(config), "AWS_ENDPOINT_URL": fake.url}
        ended = Scan.of(place)
    assert ended.code == 1
    assert "nothing: 0 of 8 regions of 8 accounts read" in ended.err
    # Whichever limit ends first: both are of the region.
    assert re.search("credential_process |not finished within region_deadline", ended.err)
    if case.fault not in {Fault.ENDLESS_BODY, Fault.ENDLESS_HEADERS}:
        assert (place.folder / "starts").read_text() == "started\n"


def check_bucket(case: Case) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        case.monkeypatch.setenv(name, HOME)
    with unfinished_responses(case.fault) as url:
        case.monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        storage = S3Storage("s3://bucket", seconds=SIMPLE_LIMIT_SECONDS)
        operations: list[Callable[[], object]] = [
            partial(storage.read, "a"),
            partial(storage.write, "a", b"x"),
            partial(storage.names, ""),
        ]
        for operation in operations:
            with pytest.raises(StorageRefused):
                awaited(operation)


def check_pushgateway(case: Case) -> None:
    """A success is known before the end of the body; so the response is a failure."""
    with (
        unfinished_responses(case.fault, status=500) as url,
        pytest.raises(TagComplianceError, match="cannot push to"),
    ):
        awaited(partial(push, b"up 1\n", url, seconds=SIMPLE_LIMIT_SECONDS))


def call_webhook(alert: Alert) -> None:
    """An alert hook without any timeout; the text is the URL."""
    urllib.request.urlopen(alert.text).read()


def check_alert_hook(case: Case) -> None:
    hook = f"{__name__}:{call_webhook.__name__}"
    with (
        unfinished_responses(case.fault) as url,
        pytest.raises(TagComplianceError, match=r"alert_hook .* did not end within 1 s"),
    ):
        awaited(partial(send, hook, Alert("t", url, "run"), SIMPLE_LIMIT_SECONDS))


def awaited(work: Callable[[], object]) -> None:
    run_within(SIMPLE_LIMIT_SECONDS + 2 + DEADLINE_SECONDS, work)


CHECKS: dict[str, Callable[[Case], None]] = {
    **{name: partial(check_api, name) for name in CALLS},
    "AWS Organizations": check_organizations,
    "credential_process": check_credential_process,
    "S3": check_bucket,
    "Pushgateway": check_pushgateway,
    "alert_hook": check_alert_hook,
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("dependency", CHECKS)
def test_what_never_completes_costs_only_what_it_would_have_returned(
    dependency: str,
    fault: Fault,
    scans: Scans,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    CHECKS[dependency](Case(fault, scans, tmp_path, monkeypatch))
