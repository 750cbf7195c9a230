"""`check-config`, `doctor` and `serve`."""

from __future__ import annotations

import json
import os
import signal
import sys
import urllib.error
import urllib.request
from typing import Any

import pytest

from tag_compliance_tests.fake_aws import Fault
from tag_compliance_tests.support.config import matrix_of, write_config
from tag_compliance_tests.support.process import Place, listening_url
from tag_compliance_tests.support.program import Program

ROLE = "arn:aws:iam::100000000001:role/terraform"


def test_the_plan_shows_accounts_regions_roles_and_the_minimum_of_api_calls(
    program: Program,
) -> None:
    organization = program.fake.organization
    write_config(
        program.place.folder,
        organization,
        aws_account_overrides={
            "100000000001": {
                "role_arn": "arn:aws:iam::100000000001:role/audit",
                "via_role_arn": "arn:aws:iam::999999999999:role/hub",
                "external_id": "xyzzy",
            }
        },
        excluded_resource_types=["ecs:task"],
    )
    ended = program.run("check-config")
    assert ended.code == 0
    assert ended.err == ""
    state = program.place.state.resolve()
    assert (
        ended.out
        == f"""\
3 accounts, 6 regions, every 300 s

100000000000  100000000000
  role     arn:aws:iam::100000000000:role/terraform
  regions  us-east-1, eu-west-1

100000000001  100000000001
  role     arn:aws:iam::999999999999:role/hub
  role     arn:aws:iam::100000000001:role/audit (external id xyzzy)
  regions  us-east-1, eu-west-1

100000000002  100000000002
  role     arn:aws:iam::100000000002:role/terraform
  regions  us-east-1, eu-west-1

required tags   Owner, Environment
excluded types  ecs:task
storage         {state}
AWS API calls   at least 10 per scan, and one more for each further 100 resources of a region
"""
    )
    assert len(program.fake.calls) == 0, "no API is called"


def test_an_account_without_a_role_is_read_with_the_base_credentials(program: Program) -> None:
    write_config(program.place.folder, program.fake.organization, assume_role_name_template=None)
    ended = program.run("check-config")
    assert ended.code == 0
    assert "  role     none: the base credentials, if they belong to this account" in ended.out


@pytest.mark.parametrize(
    ("keys", "lines"),
    [
        # 3 roles, 6 regions, and in each account one page of IAM.
        (
            {"more_sources": ["iam"]},
            ["sources         tagging, iam", "AWS API calls   at least 12 per scan, and one more"],
        ),
        (
            {"more_sources": ["iam"], "iam_tags_from": "list_tags"},
            [
                "AWS API calls   at least 15 per scan, and one more",
                "                and one more for each role and user of IAM",
            ],
        ),
        (
            {"more_sources": ["iam", "autoscaling"]},
            [
                "sources         tagging, iam, autoscaling",
                "AWS API calls   at least 18 per scan, and one more",
            ],
        ),
    ],
)
def test_check_config_plans_the_calls_of_every_source(
    program: Program, keys: dict[str, Any], lines: list[str]
) -> None:
    program.configure(program.fake.organization, **keys)

    printed = program.run("check-config").out.splitlines()

    assert all(any(shown.startswith(line) for shown in printed) for line in lines)


def test_check_config_names_the_accounts_whose_roles_and_users_are_not_read(
    program: Program,
) -> None:
    rows = matrix_of(program.fake.organization, ["eu-west-1"])
    write_config(program.place.folder, rows, more_sources=["iam"])

    assert (
        "iam is not read in 3 accounts, whose regions do not include us-east-1: 100000000000, "
        in program.run("check-config").out
    )


def test_required_tags_that_aws_does_not_allow_everywhere_are_warnings(program: Program) -> None:
    write_config(
        program.place.folder, program.fake.organization, REQUIRED_TAGS=["Owner ", "aws:x", "Cost"]
    )
    space = "REQUIRED_TAGS 'Owner ': it begins or ends with a space"
    reserved = "REQUIRED_TAGS 'aws:x': only AWS itself can add a key"
    for command in ("check-config", "doctor", "scan"):
        ended = program.run(command)
        assert ended.code == 0
        printed = ended.out + ended.err
        assert printed.count(space) == printed.count(reserved) == 1
        assert "REQUIRED_TAGS 'Cost'" not in printed


@pytest.mark.parametrize("command", ["check-config", "doctor"])
def test_the_alert_hook_is_tested_also_if_the_configuration_has_other_faults(
    command: str, program: Program
) -> None:
    write_config(
        program.place.folder, program.fake.organization, alert_hook="absent:x", refresh_interval=-1
    )
    ended = program.run(command)
    assert ended.code == 2
    first, second = ended.err.splitlines()
    assert first.startswith("tag-compliance: config.yaml: refresh_interval = -1: ")
    assert second.startswith(
        "tag-compliance: config.yaml: alert_hook = 'absent:x': names no function"
    )


@pytest.mark.parametrize(
    ("hook", "cause"),
    [
        ("no_such_package.alerts:send", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("raising:send", "RuntimeError: no token"),
        ("json:send", "AttributeError: module 'json' has no attribute 'send'"),
        ("json:__name__", "it is not a function"),
        ("json:dumps", ""),
    ],
)
def test_check_config_rejects_an_alert_hook_that_cannot_be_called(
    hook: str, cause: str, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    (program.place.folder / "raising.py").write_text("raise RuntimeError('no\\ntoken')")
    monkeypatch.syspath_prepend(program.place.folder)
    path = write_config(program.place.folder, program.fake.organization, alert_hook=hook)
    ended = program.run("check-config", "--config", str(path))
    rule = f"alert_hook = '{hook}': names no function that can be imported here: {cause}"
    assert ended.err == (f"tag-compliance: {path}: {rule}\n" if cause else "")
    assert ended.code == (2 if cause else 0)


def test_doctor_exits_0_when_every_region_can_be_read(program: Program) -> None:
    ended = program.run("doctor")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "credentials  arn:aws:iam::999999999999:user/base",
        f"storage      {program.place.state.resolve()}",
        "alert hook   not configured",
        "push target  not configured",
        "",
        *(
            f"{account}  2 of 2 regions can be read  {account}"
            for account in ("100000000000", "100000000001", "100000000002")
        ),
        "",
        "6 of 6 regions can be read",
    ]
    assert not program.place.state.exists(), "nothing is stored"
    assert program.fake.calls.count("GetResources") == 6, "one page per region"
    assert program.fake.calls.count("GetCallerIdentity") == 1, "the credentials are tested once"


def test_a_role_that_cannot_be_assumed_is_reported_with_the_statements_to_add(
    program: Program,
) -> None:
    program.fake.organization["100000000001"].roles = ()
    write_config(program.place.folder, program.fake.organization, external_id="xyzzy")
    ended = program.run("doctor")
    assert ended.code == 1
    assert "4 of 6 regions can be read" in ended.out
    lines = ended.out.splitlines()
    (trust,) = [json.loads(line) for line in lines if '"Principal"' in line]
    assert trust == {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::999999999999:user/base"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "xyzzy"}},
    }
    (allow,) = [json.loads(line) for line in lines if '"Resource"' in line]
    assert allow == {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ROLE}
    assert f"  {ROLE} must exist, and its trust policy must contain:" in lines
    failures = [line for line in lines if line.startswith("100000000001") and ": " in line]
    assert len(failures) == 1, "the same failure in two regions is reported once"


def test_a_missing_permission_is_reported_with_the_statement_to_add(program: Program) -> None:
    program.fake.faults.add(
        Fault.ACCESS_DENIED, operation="GetResources", account_id="100000000001"
    )
    ended = program.run("doctor")
    assert ended.code == 1
    assert "4 of 6 regions can be read" in ended.out
    assert f"  add to a policy of {ROLE}:" in ended.out
    assert '{"Effect": "Allow", "Action": ["tag:GetResources"], "Resource": ["*"]}' in ended.out


def test_each_denied_source_of_a_region_is_reported_with_its_own_statement(
    program: Program,
) -> None:
    program.configure(program.fake.organization, more_sources=["iam", "autoscaling"])
    for operation in ("GetAccountAuthorizationDetails", "DescribeAutoScalingGroups"):
        program.fake.faults.add(Fault.ACCESS_DENIED, operation=operation, account_id="100000000001")

    ended = program.run("doctor")

    assert ended.code == 1
    found = [json.loads(line) for line in ended.out.splitlines() if '"Effect"' in line]
    assert [statement["Action"] for statement in found] == [
        ["iam:GetAccountAuthorizationDetails"],
        ["autoscaling:DescribeAutoScalingGroups"],
    ]
    assert "in us-east-1: access_denied: GetAccountAuthorizationDetails: " in ended.out
    assert "in us-east-1, eu-west-1: access_denied: DescribeAutoScalingGroups: " in ended.out


def test_an_unreachable_sts_is_named_once_with_its_host_and_operation(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")
    ended = program.run("doctor")
    assert ended.code == 1
    [fault] = [line for line in ended.out.splitlines() if ": unreachable: " in line]
    assert fault.startswith("credentials: unreachable: GetCallerIdentity: Could not connect")
    assert ended.out.count("can reach 127.0.0.1:1 ") == 1
    assert "tagging" not in ended.out


def test_an_endpoint_of_sts_that_cuts_connections_is_one_fault_of_all_accounts(
    program: Program,
) -> None:
    sources = ["iam", "autoscaling"]
    program.configure(program.fake.organization, more_sources=sources, region_deadline=3)
    program.fake.faults.add(Fault.CUT_CONNECTION, operation="AssumeRole")
    ended = program.run("doctor")
    assert ended.code == 1
    [fault] = [line for line in ended.out.splitlines() if ": unreachable: " in line]
    assert "3 accounts, " in fault
    assert "unreachable: AssumeRole: Connection was closed" in fault
    address = program.fake.environment()["AWS_ENDPOINT_URL"].removeprefix("http://")
    assert ended.out.count(f"can reach {address} ") == 1


def test_resource_explorer_is_tested_and_explained_but_only_count_needs_it(
    program: Program,
) -> None:
    for mode, code in (("report", 0), ("count", 1)):
        program.configure(program.fake.organization, never_tagged=mode)
        ended = program.run("doctor")
        assert ended.code == code
        [fault] = [line for line in ended.out.splitlines() if "no_index" in line]
        assert fault.startswith("3 accounts, 100000000000 (100000000000), ")
        assert "in us-east-1, eu-west-1: no_index: GetIndex: ResourceNotFoundException" in fault
        assert "aws resource-explorer-2 create-index --region <region>" in ended.out


def test_equal_faults_of_many_accounts_are_one_line_with_one_remedy(program: Program) -> None:
    for account in program.fake.organization:
        account.roles = ()
    ended = program.run("doctor")
    assert ended.code == 1
    printed = (ended.out + ended.err).splitlines()
    (fault,) = [line for line in printed if "assume_role_denied" in line]
    assert fault.startswith("3 accounts, 100000000000 (100000000000), 100000000001 (")
    assert "in us-east-1, eu-west-1: assume_role_denied: AssumeRole: AccessDenied: " in fault
    assert fault.endswith("on resource: arn:aws:iam::<account>:role/terraform")
    lines = ended.out.splitlines()
    (allow,) = [json.loads(line) for line in lines if '"Resource"' in line]
    assert allow["Resource"] == "arn:aws:iam::*:role/terraform"


SSO = """\
[profile p]
sso_start_url = https://x
sso_region = us-east-1
sso_account_id = 1
sso_role_name = r
"""
PROCESS = "[profile p]\ncredential_process = "


@pytest.mark.parametrize(
    ("environment", "settings", "advice"),
    [
        ({"AWS_ACCESS_KEY_ID": ""}, "", "set AWS_PROFILE, or AWS_ACCESS_KEY_ID"),
        ({"AWS_PROFILE": "nix"}, "", "AWS_PROFILE names a profile that is in neither"),
        ({"AWS_PROFILE": "p"}, PROCESS + "false", "credential_process of this profile fails"),
        ({"AWS_PROFILE": "p"}, PROCESS + "absent", "credential_process of this profile fails"),
        ({"AWS_PROFILE": "p"}, PROCESS + "echo no", "credential_process of this profile fails"),
        (
            {"AWS_PROFILE": "p"},
            SSO,
            "aws sso login",
        ),
    ],
)
def test_credentials_that_cannot_be_used_are_one_fault_with_the_advice_for_its_cause(
    program: Program, environment: dict[str, str], settings: str, advice: str
) -> None:
    file = program.place.folder / "aws-config"
    file.write_text(settings)
    os.environ["AWS_CONFIG_FILE"] = str(file)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del os.environ[name]
    os.environ.update({name: value for name, value in environment.items() if value})
    ended = program.run("doctor")
    assert ended.code == 1
    (fault,) = [line for line in ended.out.splitlines() if "no_credentials" in line]
    assert fault.startswith("credentials: no_credentials: GetCallerIdentity: ")
    assert advice in ended.out
    assert "tag:GetResources" not in ended.out
    assert "no account was tested: that needs credentials, and accounts to scan" in ended.out
    assert len(program.fake.calls) == 0


def test_a_rejected_key_is_one_fault_before_any_role_is_assumed(program: Program) -> None:
    program.fake.faults.add(Fault.QUOTED_REQUEST, operation="GetCallerIdentity")
    ended = program.run("doctor")
    assert ended.code == 1
    assert "  the secret access key does not belong to the access key id" in ended.out
    assert program.fake.calls.count("AssumeRole") == 0


HOOK = "def hook(alert): ...\ndef none(): ...\n"


@pytest.mark.parametrize(
    ("hook", "fault"),
    [
        ("hooks:hook", ""),
        ("hooks:absent", "names no function that can be imported here: AttributeError"),
        ("hooks:none", "alert hook: hooks:none: TypeError: too many positional arguments"),
        ("broken:hook", "names no function that can be imported here: ZeroDivisionError"),
    ],
)
def test_doctor_imports_the_alert_hook_and_does_not_call_it(
    program: Program, hook: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(program.place.folder)
    (program.place.folder / "hooks.py").write_text(HOOK)
    (program.place.folder / "broken.py").write_text("1 / 0\n")
    write_config(program.place.folder, program.fake.organization, alert_hook=hook)
    try:
        ended = program.run("doctor")
    finally:
        sys.modules.pop("hooks", None)
    assert ended.code == bool(fault)
    assert fault in ended.out
    assert f"alert hook   {'failed' if fault else hook}" in ended.out


def test_doctor_reports_a_storage_and_a_push_target_that_cannot_be_used(program: Program) -> None:
    program.place.state.write_text("a file is where the folder must be")
    ended = program.run("doctor", "--push", "http://127.0.0.1:1")
    assert ended.code == 1
    assert f"storage: cannot write {program.place.state.resolve()}/" in ended.out
    assert "push target: cannot push to http://127.0.0.1:1: " in ended.out
    assert "6 of 6 regions can be read" in ended.out


def test_serve_serves_the_storage_of_the_configuration_until_sigterm(place: Place) -> None:
    assert place.run("scan").returncode == 0
    process = place.start("serve", "--host", "127.0.0.1", "--port", "0")
    assert process.stderr is not None
    url = listening_url(process.stderr)
    with urllib.request.urlopen(f"{url}/metrics") as answer:
        assert b"\ncompliance_percentage{" in answer.read()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0


@pytest.mark.parametrize(("access", "status"), [("credentials", 403), ("open", 503)])
def test_serve_applies_findings_access_of_the_configuration(
    program: Program, access: str, status: int
) -> None:
    program.configure(program.fake.organization, findings_access=access)
    process = program.place.start("serve", "--host", "127.0.0.1", "--port", "0")
    assert process.stderr is not None
    through_proxy = urllib.request.Request(
        f"{listening_url(process.stderr)}/api/v1/findings", headers={"X-Forwarded-For": "10.0.0.9"}
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(through_proxy)
    caught.value.close()
    assert caught.value.code == status, "without a snapshot, those who may read findings get 503"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
