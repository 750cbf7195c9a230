"""The home of Dagster that `up` and `scan` prepare."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tag_compliance.cli.dagster_home import prepare_dagster_home
from tag_compliance_tests.fake_aws import generate_organization
from tag_compliance_tests.support.aws import config_of
from tag_compliance_tests.support.program import Program


def test_the_users_own_dagster_yaml_is_left_as_it_is(tmp_path: Path) -> None:
    settings = tmp_path / "dagster.yaml"
    settings.write_text("telemetry:\n  enabled: false\n")
    config = config_of(generate_organization(1, ["us-east-1"], 0))
    assert prepare_dagster_home(str(tmp_path), config) == tmp_path
    assert settings.read_text() == "telemetry:\n  enabled: false\n"


@pytest.mark.parametrize("command", [["scan"], ["up", "--port", "0", "--ui-port", "0"]])
def test_a_home_that_cannot_be_created_is_reported_in_one_line(
    program: Program, command: list[str]
) -> None:
    (program.place.folder / "file").write_text("")
    os.environ["DAGSTER_HOME"] = str(program.place.folder / "file" / "home")
    assert program.fails(1, *command).endswith("; set DAGSTER_HOME to another folder")
