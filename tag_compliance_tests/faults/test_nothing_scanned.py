"""If nothing can be scanned: one line on stderr, the exit code, and the last snapshot stays."""

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
def test_a_cause_common_to_all_accounts_is_one_line_and_the_last_snapshot_stays(
    program: Program, environment: dict[str, str], denied: str | None, text: str
) -> None:
    program.configure(ORGANIZATION)
    with FakeAws(ORGANIZATION) as fake:
        assert program.scan(fake).code == 0
        before = program.published()
        os.environ.update(environment)
        for name in [name for name, value in environment.items() if not value]:
            del os.environ[name]
        if denied:
            fake.faults.add(Fault.ACCESS_DENIED, operation=denied)
        ended = program.scan()

    assert_one_line(ended, 1, "nothing could be scanned, the last good snapshot stays")
    assert text in ended.err
    assert before is not None
    assert program.published() == before


def test_an_invalid_configuration_is_reported_before_aws_is_called(program: Program) -> None:
    program.configure(ORGANIZATION, region_dedline=3)
    with FakeAws(ORGANIZATION) as fake:
        ended = program.scan(fake)
        assert len(fake.calls) == 0
    assert_one_line(ended, 2, "region_dedline")


def test_a_missing_configuration_is_reported(program: Program) -> None:
    assert_one_line(program.scan(), 2, "no such file")
