"""If nothing can be scanned: the exit code, the cause, and the last good numbers."""

from __future__ import annotations

import os

import pytest

from tag_compliance_tests.fake_aws import FakeAws, Fault, generate_organization
from tag_compliance_tests.support.aws import REGIONS
from tag_compliance_tests.support.program import Finished, Program, error_lines

ORGANIZATION = generate_organization(5, REGIONS, 20)
NO_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}


def assert_one_line(ended: Finished, code: int, text: str) -> None:
    assert (ended.code, ended.out) == (code, "")
    assert "Traceback" not in ended.err
    (line,) = error_lines(ended.err)
    assert text in line


@pytest.mark.parametrize(
    ("environment", "denied", "text"),
    [
        pytest.param(NO_CREDENTIALS, None, "access_denied: ", id="no credentials"),
        pytest.param({"AWS_PROFILE": "nix"}, None, "access_denied: ", id="no such profile"),
        pytest.param(
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, None, "unreachable: ", id="nobody listens"
        ),
        pytest.param({}, "AssumeRole", "assume_role_denied: ", id="no role can be assumed"),
        pytest.param({}, "GetResources", "access_denied: ", id="no region can be read"),
    ],
)
def test_if_no_account_can_be_read_the_cause_and_the_last_good_numbers_are_printed(
    program: Program, environment: dict[str, str], denied: str | None, text: str
) -> None:
    program.configure(ORGANIZATION)
    with FakeAws(ORGANIZATION) as fake:
        good = program.scan(fake)
        assert good.code == 0
        os.environ.update(environment)
        for name in [name for name, value in environment.items() if not value]:
            del os.environ[name]
        if denied:
            fake.faults.add(Fault.ACCESS_DENIED, operation=denied)
        ended = program.scan()

    assert ended.code == 1
    assert "Traceback" not in ended.err
    assert "nothing: 0 of 10 regions of 5 accounts read in " in ended.err
    causes = [line for line in ended.err.splitlines() if line.startswith("not read: ")]
    # The message of AWS names the account.
    assert len(causes) == (5 if denied else 1)
    assert all(text in cause for cause in causes)
    assert ended.exposition.contract_lines == good.exposition.contract_lines
    assert ended.exposition.plain("tag_compliance_scan_completeness_ratio") == 0


def test_an_invalid_configuration_is_reported_before_aws_is_called(program: Program) -> None:
    program.configure(ORGANIZATION, region_dedline=3)
    with FakeAws(ORGANIZATION) as fake:
        ended = program.scan(fake)
        assert len(fake.calls) == 0
    assert_one_line(ended, 2, "region_dedline")


def test_a_missing_configuration_is_reported(program: Program) -> None:
    assert_one_line(program.scan(), 2, "no such file")
