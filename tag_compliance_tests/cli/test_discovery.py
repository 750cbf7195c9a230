"""Accounts of AWS Organizations on the command line: scan, check-config, doctor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tag_compliance_tests.fake_aws import FakeAws, Fault
from tag_compliance_tests.support.aws import enter
from tag_compliance_tests.support.discovery import (
    CLOSED,
    SANDBOX,
    SHOP,
    STAGE,
    discovering,
    small_organization,
)
from tag_compliance_tests.support.program import Program


@pytest.fixture
def aws(program: Program) -> Iterator[FakeAws]:
    with FakeAws(small_organization()) as running:
        enter(running)
        write(program)
        yield running


def write(program: Program, keys: dict[str, Any] | None = None, **settings: Any) -> None:
    text = yaml.safe_dump(discovering(keys, **settings))
    (program.place.folder / "config.yaml").write_text(text, encoding="utf-8")


def scanned(program: Program, *flags: str) -> list[str]:
    ended = program.run("scan", "--format", "json", *flags)
    assert ended.code == 0, ended.err
    return [account["account_id"] for account in json.loads(ended.out)["accounts"]]


def test_a_scan_reads_the_list_once_per_refresh(program: Program, aws: FakeAws) -> None:
    assert scanned(program) == [SHOP, STAGE, SANDBOX]
    assert scanned(program) == [SHOP, STAGE, SANDBOX]
    assert aws.calls.count("ListAccounts") == 1
    write(program, {"refresh": 0})
    assert scanned(program) == [SHOP, STAGE, SANDBOX]
    assert aws.calls.count("ListAccounts") == 2


def test_the_summary_has_unit_and_owner_of_each_account(program: Program, aws: FakeAws) -> None:
    write(program, {"account_owner_tag": "Owner", "include": ["Workloads/Prod"]})
    ended = program.run("scan", "--format", "json")
    [account] = json.loads(ended.out)["accounts"]
    assert (account["ou_path"], account["owner"]) == ("Workloads/Prod", "shop@example.com")
    assert aws.calls.count("ListTagsForResource") == 1


def test_without_any_list_the_exit_code_is_1_and_the_cause_is_named(
    program: Program, aws: FakeAws
) -> None:
    aws.faults.add(Fault.ACCESS_DENIED, operation="ListAccounts")
    line = program.fails(1, "scan")
    assert "the accounts of AWS Organizations are not known: access_denied" in line
    aws.faults.clear()
    write(program, {"include": ["Nowhere"]})
    line = program.fails(1, "scan")
    assert "no account of AWS Organizations is scanned: 3 not in organization.include" in line


def test_a_failed_discovery_is_reported_and_does_not_change_the_exit_code(
    program: Program, aws: FakeAws
) -> None:
    write(program, {"refresh": 0})
    program.run("scan")
    aws.faults.add(Fault.ACCESS_DENIED, operation="ListAccounts")
    ended = program.run("scan", "--format", "json")
    assert ended.code == 0
    assert json.loads(ended.out)["discovery_failure"].startswith("AWS Organizations: access_denied")
    assert "accounts not discovered: AWS Organizations: access_denied" in ended.err


def test_a_list_that_is_too_small_is_used_only_after_it_was_accepted(
    program: Program, aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(program, {"refresh": 0, "largest_drop": 40, "include": [SANDBOX]})
    assert scanned(program) == [SANDBOX]
    aws.organization.remove_account(SHOP)
    aws.organization.remove_account(STAGE)
    ended = program.run("scan", "--format", "json")
    assert "list_rejected" in json.loads(ended.out)["discovery_failure"]

    monkeypatch.setenv("TAG_COMPLIANCE_ACCEPT_ACCOUNTS", "true")
    ended = program.run("scan", "--format", "json")
    assert json.loads(ended.out)["discovery_failure"] == ""
    monkeypatch.delenv("TAG_COMPLIANCE_ACCEPT_ACCOUNTS")
    assert json.loads(program.run("scan", "--format", "json").out)["discovery_failure"] == ""


def test_one_account_can_be_scanned_by_its_discovered_name(program: Program, aws: FakeAws) -> None:
    assert program.run("scan", "--account", "shop").code == 3  # the others were never read
    assert {c.account_id for c in aws.calls.matching("GetResources")} == {SHOP}
    calls = aws.calls.count("ListAccounts")
    program.run("scan", "--account", STAGE)
    assert aws.calls.count("ListAccounts") == calls
    # An unknown account may be new, so the list is read again.
    line = program.fails(2, "scan", "--account", "shops")
    assert line.endswith("or AWS Organizations; did you mean shop?")
    assert aws.calls.count("ListAccounts") == calls + 1


def test_check_config_shows_the_stored_list_without_calling_aws(
    program: Program, aws: FakeAws
) -> None:
    write(program, {"exclude": ["Sandbox"]})
    ended = program.run("check-config")
    assert ended.code == 0
    assert "the accounts have not been read yet" in ended.out
    assert len(aws.calls) == 0

    program.run("scan")
    calls = len(aws.calls)
    out = program.run("check-config").out
    assert len(aws.calls) == calls
    assert "  OU path  Workloads/Prod\n" in out
    assert f"  {SHOP}  scanned   included  Workloads/Prod/shop\n" in out
    assert f"  {SANDBOX}  left out  in organization.exclude  Sandbox/sandbox\n" in out
    assert f"  {CLOSED}  left out  not active (closed)  Closed/closed\n" in out


def test_doctor_reads_the_organization_and_each_account_and_stores_nothing(
    program: Program, aws: FakeAws
) -> None:
    ended = program.run("doctor")
    assert ended.code == 0, ended.out
    assert "organization 3 accounts are scanned" in ended.out
    assert f"  {SANDBOX}  scanned   included  Sandbox/sandbox\n" in ended.out
    assert "3 of 3 regions can be read" in ended.out
    assert not list(program.place.folder.rglob("organization.json"))
    assert aws.calls.count("ListAccounts") == 1


@pytest.mark.parametrize(
    ("fault", "operation", "remedy"),
    [
        (Fault.ACCESS_DENIED, "ListAccounts", '"organizations:ListAccounts"'),
        (
            Fault.ACCESS_DENIED,
            "ListOrganizationalUnitsForParent",
            '"organizations:ListOrganizationalUnitsForParent"',
        ),
        (Fault.ACCESS_DENIED, "ListTagsForResource", '"organizations:ListTagsForResource"'),
        (Fault.ACCESS_DENIED, "DescribeRegions", '"ec2:DescribeRegions"'),
        (Fault.NO_ORGANIZATION, "ListAccounts", "set organization.role_arn"),
        (Fault.EMPTY_LIST, "ListAccounts", "tag-compliance scan --accept-accounts"),
    ],
)
def test_doctor_says_what_the_organization_lacks_once(
    program: Program, aws: FakeAws, fault: Fault, operation: str, remedy: str
) -> None:
    write(program, {"account_owner_tag": "Owner", "regions": "enabled"})
    aws.faults.add(fault, operation=operation)
    ended = program.run("doctor")
    assert ended.code == 1
    assert "organization failed" in ended.out
    assert ended.out.count(remedy) == 1


def test_rules_are_compared_with_the_accounts_that_were_discovered_once_they_are_known(
    program: Program, aws: FakeAws
) -> None:
    rule = {"id": "owner", "tag": "Owner", "required": True, "only": {"accounts": [SHOP]}}
    folder = program.place.folder
    (folder / "policy.yaml").write_text(yaml.safe_dump({"rules": [rule]}), encoding="utf-8")
    write(program, policy="policy.yaml")
    for _ in range(2):  # before the list is known, and with it
        for command in (["policy", "check", "--strict"], ["check-config"]):
            ended = program.run(*command)
            assert (ended.code, "warning " in ended.out) == (0, False), ended.out
        scanned(program)
    rule["only"] = {"accounts": [CLOSED]}
    (folder / "policy.yaml").write_text(yaml.safe_dump({"rules": [rule]}), encoding="utf-8")
    assert program.run("policy", "check", "--strict").code == 2
