"""`iam-policy` prints JSON that can be given to AWS unchanged."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tag_compliance.aws import iam
from tag_compliance.cli.main import main
from tag_compliance_tests.iam.configurations import BASE, HUB, config_of, write

_MEMBER = "arn:aws:iam::111111111111:role/reader"


def _run(path: Path, policy: str | None = None, **flags: str) -> int:
    given = {"policy": policy, **flags} if policy else flags
    arguments = [part for name, value in given.items() for part in (f"--{name}", value)]
    return main(["iam-policy", "--config", str(path), *arguments])


def _printed(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_without_a_policy_all_are_printed_as_one_object(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"storage": "s3://bucket", "via_role_arn": HUB}
    assert _run(write(tmp_path, **settings), principal=BASE) == 0
    config = config_of(**settings)
    assert _printed(capsys) == {
        "base": iam.base_role_policy(config),
        "hub": iam.hub_role_policies(config),
        "member": iam.member_role_policy(config),
        "trust": iam.trust_policies(config, BASE),
        "exporter": iam.exporter_policy(config),
        "storage": iam.storage_policy(config),
    }


def test_policies_that_the_configuration_does_not_need_are_omitted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(write(tmp_path)) == 0
    printed = capsys.readouterr()
    assert list(json.loads(printed.out)) == ["base", "member"]
    assert "--principal" in printed.err


@pytest.mark.parametrize(
    ("policy", "statements"),
    [
        *(("base", 1), ("hub", 1), ("member", 1), ("trust", 1), ("exporter", 1), ("storage", 2)),
        ("tag-policy", 1),
    ],
)
def test_one_policy_is_printed_as_a_policy_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], policy: str, statements: int
) -> None:
    assert _run(write(tmp_path, storage="s3://bucket", via_role_arn=HUB), policy) == 0
    document = _printed(capsys)
    assert document["Version"] == "2012-10-17"
    assert len(document["Statement"]) == statements


def test_a_policy_can_be_printed_for_one_account(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path)
    assert _run(path, "base", account="111111111111") == 0
    assert _printed(capsys)["Statement"][0]["Resource"] == [_MEMBER]


def test_trust_policies_that_differ_between_accounts_require_an_account(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, aws_account_overrides={"222222222222": {"external_id": "its-own"}})
    assert _run(path, "trust", principal=BASE) == 2
    assert re.search(r"--account: is needed: .* 2 such policies", capsys.readouterr().err)
    assert _run(path, "trust", principal=BASE, account="222222222222") == 0
    assert "its-own" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("policy", "flags", "message"),
    [
        ("trust", {}, "--principal: is needed"),
        ("trust", {"principal": "me"}, "--principal = 'me': must be the ARN"),
        ("base", {"account": "999999999999"}, "--account = '999999999999': no such account"),
        ("storage", {}, "--policy = 'storage': this configuration needs none"),
        ("exporter", {}, "--policy = 'exporter': this configuration needs none"),
        ("hub", {}, "--policy = 'hub': this configuration needs none"),
    ],
)
def test_a_policy_that_cannot_be_printed_is_a_usage_error_in_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    policy: str,
    flags: dict[str, str],
    message: str,
) -> None:
    assert _run(write(tmp_path), policy, **flags) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"tag-compliance: command line: {message}")


def test_a_policy_that_is_too_large_for_aws_causes_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    accounts = [{"account_id": f"{number:012}"} for number in range(200)]
    assert _run(write(tmp_path, aws_account_matrix=accounts), "base") == 0
    assert "AWS allows 6,144 in a managed policy" in capsys.readouterr().err
