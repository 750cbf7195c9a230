"""Dagster's own commands in this checkout, as a developer runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import dagster as dg
import pytest

from tag_compliance_tests.fake_aws import FakeAws
from tag_compliance_tests.pipeline.pipelines import Pipeline, metadata_of

ROOT = Path(__file__).parents[2]


def test_dagster_yaml_of_the_checkout_is_the_shipped_one() -> None:
    """`dg dev` uses it: no dialog, no telemetry, and the same settings as `up`."""
    shipped = files("tag_compliance.cli").joinpath("dagster.yaml").read_bytes()
    assert (ROOT / "dagster.yaml").read_bytes() == shipped


def test_loading_the_code_location_prints_no_warning() -> None:
    code = "from tag_compliance.definitions import definitions; definitions()"
    command = [sys.executable, "-W", "default", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert "BetaWarning" not in done.stderr
    assert "PreviewWarning" not in done.stderr


def test_the_configuration_creates_the_partitions_of_a_fresh_instance(pipeline: Pipeline) -> None:
    pipeline.configure(["100000000001", "100000000000"])
    job = pipeline.definitions().resolve_implicit_global_asset_job_def()
    selection = [dg.AssetKey("scan_config")]
    assert job.execute_in_process(instance=pipeline.instance, asset_selection=selection).success
    assert pipeline.partitions() == pipeline.ids


def test_a_run_without_partitions_says_what_to_name(scanning: Pipeline) -> None:
    """As with `dg launch --job scan`, which can name no range."""
    job = scanning.definitions().resolve_job_def("scan")
    ended = job.execute_in_process(instance=scanning.instance, raise_on_error=False)
    (failure,) = [event for event in ended.all_events if event.is_step_failure]
    assert (
        "a range of partitions, of raw_resources" in failure.step_failure_data.error_display_string
    )


def dg_command(environment: Mapping[str, str], *arguments: str) -> str:
    """Returns what `dg` prints; it succeeds."""
    command = [str(Path(sys.executable).with_name("dg")), *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_definitions_are_listed_in_a_fresh_instance(tmp_path: Path) -> None:
    """Both with the example configuration and without any file."""
    for config in (ROOT / "config.yaml", tmp_path / "none.yaml"):
        environment = {**os.environ, "TAG_COMPLIANCE_CONFIG": str(config)}
        listed = json.loads(dg_command(environment, "list", "defs", "--json"))
        names = {kind: {entry["name"] for entry in listed[kind]} for kind in ("jobs", "sensors")}
        assert {entry["asset_key"] for entry in listed["assets"]} >= {
            "raw_resources",
            "metric_snapshot",
        }
        assert names["jobs"] >= {"scan", "publish", "housekeeping"}
        assert "scan_sensor" in names["sensors"]


@pytest.mark.slow
def test_a_fresh_instance_materializes_a_partition_from_the_command_line(
    scanning: Pipeline, fake: FakeAws, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(home),
        "TAG_COMPLIANCE_CONFIG": str(scanning.config_path),
    }

    account_id = scanning.ids[1]
    dg_command(environment, "launch", "--assets", "scan_config")
    dg_command(environment, "launch", "--assets", "raw_resources", "--partition", account_id)
    dg_command(environment, "launch", "--job", "publish")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert metadata_of(instance, "raw_resources", account_id)["outcome"] == "read"
    read = [a for a in scanning.current().status.accounts if a.succeeded]
    assert [str(account.account_id) for account in read] == [account_id]
