"""The home of Dagster that `up` and `scan` prepare."""

from __future__ import annotations

from pathlib import Path

from tag_compliance.cli.dagster_home import prepare_dagster_home
from tag_compliance_tests.fake_aws import Organization
from tag_compliance_tests.support.aws import config_of


def test_the_users_own_dagster_yaml_is_left_as_it_is(tmp_path: Path) -> None:
    settings = tmp_path / "dagster.yaml"
    settings.write_text("telemetry:\n  enabled: false\n")
    organization = Organization()
    organization.add_account("111111111111")

    assert prepare_dagster_home(str(tmp_path), config_of(organization)) == tmp_path
    assert settings.read_text() == "telemetry:\n  enabled: false\n"
