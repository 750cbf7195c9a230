"""Text from outside reaches a terminal or a log only with its control characters escaped."""

from __future__ import annotations

import pytest
import yaml

from tag_compliance_tests.fake_aws import FakeAws, Fault
from tag_compliance_tests.support.program import Program

HOSTILE = "\u202eevil\u2028line\x85<script>alert(1)</script>[x](http://e)\x9b31m"


@pytest.fixture
def hostile(program: Program, fake: FakeAws) -> Program:
    """The name of each account is hostile, and one account cannot be read."""
    path = program.place.folder / "config.yaml"
    content = yaml.safe_load(path.read_text())
    for number, row in enumerate(content["aws_account_matrix"]):
        row["account_name"] = f"{number}{HOSTILE}"
    path.write_text(yaml.safe_dump(content))
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id="100000000000")
    return program


def unprintable(text: str) -> set[str]:
    return {char for char in text if not char.isprintable() and char != "\n"}


@pytest.mark.parametrize(
    "command",
    [
        ("check-config",),
        ("doctor",),
        ("scan", "--format", "summary"),
        ("scan", "--log-format", "json", "--log-level", "debug"),
        ("scan", "--log-format", "text", "--log-level", "debug"),
    ],
    ids=" ".join,
)
def test_no_command_prints_a_control_character_of_a_name(
    command: tuple[str, ...], hostile: Program
) -> None:
    ended = hostile.run(*command)
    shows_metrics = command[0] == "scan" and "summary" not in command
    printed = ended.err if shows_metrics else ended.out + ended.err
    assert unprintable(printed) == set()
    assert "evil" in printed
    if shows_metrics:
        names = {s.labels.get("account_name") for s in ended.exposition.samples}
        assert {f"{number}{HOSTILE}" for number in range(3)} <= names
