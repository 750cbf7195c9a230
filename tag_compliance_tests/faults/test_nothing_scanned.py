"""If nothing can be scanned: one clear line, the exit code, and the last snapshot stays."""

from __future__ import annotations

import pytest

from tag_compliance_tests.fake_aws import FakeAws, Fault, Organization, generate_organization
from tag_compliance_tests.support.aws import REGIONS
from tag_compliance_tests.support.program import Finished, Program, error_lines

CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def organization() -> Organization:
    return generate_organization(5, REGIONS, 20)


def assert_one_line(ended: Finished, code: int, text: str) -> None:
    assert ended.code == code
    assert ended.out == ""
    assert "Traceback" not in ended.err
    (line,) = error_lines(ended.err)
    assert text in line


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        (dict.fromkeys(CREDENTIALS, ""), "all 5 accounts: access_denied: "),
        ({"AWS_PROFILE": "nix"}, "all 5 accounts: access_denied: "),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "all 5 accounts: unreachable: "),
    ],
    ids=["no credentials", "no such profile", "nothing listens"],
)
def test_a_cause_that_concerns_every_account_is_reported_in_one_line_and_the_last_snapshot_stays(
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    text: str,
) -> None:
    program.configure(organization())
    with FakeAws(organization()) as fake:
        assert program.scan(fake).code == 0
        before = program.published()
        for name, value in environment.items():
            if value:
                monkeypatch.setenv(name, value)
            else:
                monkeypatch.delenv(name)
        ended = program.scan()

    assert_one_line(ended, 1, text)
    assert before is not None
    assert program.published() == before


@pytest.mark.parametrize("operation", ["AssumeRole", "GetResources"])
def test_it_is_reported_if_every_account_is_denied_and_the_last_snapshot_stays(
    program: Program, operation: str
) -> None:
    program.configure(organization())
    with FakeAws(organization()) as fake:
        assert program.scan(fake).code == 0
        before = program.published()
        fake.faults.add(Fault.ACCESS_DENIED, operation=operation)
        ended = program.scan(fake)

    assert_one_line(ended, 1, "nothing could be scanned, the last good snapshot stays")
    assert program.published() == before


def test_a_wrong_configuration_is_reported_before_any_call_to_aws(program: Program) -> None:
    program.configure(organization(), region_dedline=3)
    with FakeAws(organization()) as fake:
        ended = program.scan(fake)

        assert len(fake.calls) == 0
    assert_one_line(ended, 2, "region_dedline")


def test_a_missing_configuration_is_reported(program: Program) -> None:
    assert_one_line(program.scan(), 2, "no such file")
