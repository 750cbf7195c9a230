"""The Dagster definitions, literally, alone and in the code location of another team.

`WRITE_DEFINITIONS=1 pytest …/test_build.py` writes the file again.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest
from dagster.components.testing import create_defs_folder_sandbox

from tag_compliance.definitions import definitions
from tag_compliance.pipeline.run_requests import range_tags
from tag_compliance.pipeline.run_tags import PUBLISH_JOB, SCAN_JOB
from tag_compliance_tests.pipeline.pipelines import Pipeline, failure_of
from tag_compliance_tests.pipeline.ticks import publish

LITERAL = Path(__file__).with_name("definitions.json")


def described(found: dg.Definitions) -> dict[str, Any]:
    """Everything that the UI shows of the definitions."""
    repository = found.get_repository_def()
    graph = found.resolve_asset_graph()
    return {
        "assets": {
            key.to_user_string(): {
                "description": (node.description or "").splitlines()[0],
                "deps": sorted(parent.to_user_string() for parent in node.parent_keys),
                "group": node.group_name,
                "kinds": sorted(node.kinds),
                "owners": list(node.owners),
                "tags": {n: v for n, v in node.tags.items() if not n.startswith("dagster/kind")},
                "partitions": getattr(node.partitions_def, "name", None),
                "freshness": str(node.freshness_policy) if node.freshness_policy else None,
                "checks": sorted(check.name for check in node.check_keys),
                "metadata": sorted(node.metadata),
            }
            for key in sorted(graph.get_all_asset_keys())
            for node in [graph.get(key)]
        },
        "jobs": {
            job.name: {"description": job.description, "tags": dict(job.tags)}
            for job in sorted(repository.get_all_jobs(), key=lambda job: job.name)
            if not job.name.startswith("__")
        },
        "schedules": {
            schedule.name: {
                "description": schedule.description,
                "cron": schedule.cron_schedule,
                "job": schedule.job_name,
                "status": schedule.default_status.value,
            }
            for schedule in sorted(repository.schedule_defs, key=lambda s: s.name)
        },
        "sensors": {
            sensor.name: {
                "description": sensor.description,
                "every_seconds": sensor.minimum_interval_seconds,
                "status": sensor.default_status.value,
            }
            for sensor in sorted(repository.sensor_defs, key=lambda s: s.name)
        },
        "resources": sorted(found.resources or {}),
    }


def test_the_definitions_equal_the_recorded_ones(pipeline: Pipeline) -> None:
    pipeline.configure(["100000000000"], owners=["team:platform"])
    dg.Definitions.validate_loadable(pipeline.definitions())
    found = described(pipeline.definitions())
    if os.environ.get("WRITE_DEFINITIONS") == "1":
        LITERAL.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    assert found == json.loads(LITERAL.read_text(encoding="utf-8"))


def test_an_asset_is_described_with_its_columns_and_its_place(pipeline: Pipeline) -> None:
    pipeline.configure(["100000000000"], storage="s3://bucket/prefix")
    graph = pipeline.definitions().resolve_asset_graph()
    found = graph.get(dg.AssetKey("raw_resources")).metadata
    assert found["dagster/uri"] == "s3://bucket/prefix/tables/raw_resources"
    columns = {column.name: column.type for column in found["dagster/column_schema"].value.columns}
    assert columns["arn"] == columns["region"] == "string"
    assert columns["tags"] == "map<string, string>"


def test_the_definitions_load_without_a_warning(pipeline: Pipeline) -> None:
    pipeline.configure(["100000000000"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pipeline.definitions()


def test_the_component_loads_the_pipeline_with_a_prefix_and_a_group(pipeline: Pipeline) -> None:
    """As another project names it in its `defs.yaml`, next to its configuration."""
    pipeline.configure(["100000000000"], owners=["team:platform"])
    with create_defs_folder_sandbox() as sandbox:
        folder = sandbox.defs_folder_path / "tags"
        folder.mkdir()
        shutil.copy(pipeline.config_path, folder / "tags.yaml")
        attributes = {"config": "tags.yaml", "key_prefix": ["platform"], "group_name": "guardrails"}
        component = {"type": "tag_compliance.TagComplianceComponent", "attributes": attributes}
        (folder / "defs.yaml").write_text(json.dumps(component))
        with sandbox.load_component_and_build_defs(defs_path=folder) as (_, found):
            node = found.resolve_asset_graph().get(dg.AssetKey(["platform", "metric_snapshot"]))
            assert (node.group_name, [*node.owners]) == ("guardrails", ["team:platform"])


def test_the_package_shows_its_component_without_importing_dagster() -> None:
    code = (
        "import sys, tag_compliance; assert 'TagComplianceComponent' in dir(tag_compliance); "
        "assert 'dagster' not in sys.modules; tag_compliance.TagComplianceComponent"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_code_location_with_a_faulty_configuration_loads_without_its_owners(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.config_path.write_text("unknown: 1\n")
    monkeypatch.setenv("TAG_COMPLIANCE_CONFIG", str(pipeline.config_path))
    literal = json.loads(LITERAL.read_text(encoding="utf-8"))
    for asset in literal["assets"].values():
        asset["owners"] = []
    loaded = definitions()
    assert isinstance(loaded, dg.Definitions)
    assert described(loaded) == literal


@pytest.mark.parametrize(
    ("seconds", "cron", "stale"), [(30, "* * * * *", 90), (3_600, "0 * * * *", 10_800)]
)
def test_cadence_and_freshness_follow_the_interval(
    pipeline: Pipeline, seconds: int, cron: str, stale: int
) -> None:
    pipeline.configure(["100000000000"], refresh_interval=seconds)
    found = pipeline.definitions()
    assert found.resolve_schedule_def("scan_schedule").cron_schedule == cron
    node = found.resolve_asset_graph().get(dg.AssetKey("metric_snapshot"))
    wanted = dg.FreshnessPolicy.time_window(fail_window=timedelta(seconds=stale))
    assert node.freshness_policy == wanted


def test_another_team_can_use_the_assets_in_its_code_location(scanning: Pipeline) -> None:
    """With a key prefix, a group, another default IO manager, and an asset that takes the rows."""
    kept: dict[str, Any] = {}

    class TheirIOManager(dg.IOManager):
        def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
            kept[context.asset_key.to_user_string()] = obj

        def load_input(self, context: dg.InputContext) -> Any:
            raise NotImplementedError

    @dg.asset(
        key=["finance", "untagged_by_service"],
        ins={"rows": dg.AssetIn(key=["platform", "compliance_results"])},
    )
    def untagged_by_service(rows: pd.DataFrame) -> dict[str, int]:
        counts = rows[~rows["compliant"]].groupby("service", observed=True).size()
        return {str(service): int(n) for service, n in counts.items()}

    merged = dg.Definitions.merge(
        scanning.definitions(key_prefix=["platform"], group_name="guardrails"),
        dg.Definitions(assets=[untagged_by_service], resources={"io_manager": TheirIOManager()}),
    )
    scanning.requests()
    tags = range_tags(scanning.ids[0], scanning.ids[-1])
    assert scanning.materialize(definitions=merged, tags=tags).success
    ours = merged.resolve_asset_graph().get(dg.AssetKey(["platform", "metric_snapshot"]))
    assert ours.group_name == "guardrails"
    for job in (SCAN_JOB, PUBLISH_JOB):
        assert merged.resolve_job_def(job).name == job
    counts = scanning.current().status.counts
    assert counts.compliant is not None
    noncompliant = counts.counted - counts.compliant
    assert sum(kept["finance/untagged_by_service"].values()) == noncompliant > 0


def test_a_pipeline_with_a_key_prefix_publishes_what_was_read_in_the_ui(scanning: Pipeline) -> None:
    scanning.requests()
    prefixed = scanning.definitions(key_prefix=["platform"])
    read = "platform/scan_config", "platform/raw_resources"
    scanning.materialize(*read, partition=scanning.ids[0], definitions=prefixed)
    request = publish(scanning, "platform").request
    publishing = prefixed.resolve_job_def(PUBLISH_JOB).execute_in_process(
        instance=scanning.instance, tags=dict(request.tags)
    )
    assert publishing.success
    assert scanning.current().status.counts.counted == 60


def test_a_run_from_the_launchpad_cannot_read_another_file_as_its_configuration(
    scanning: Pipeline,
) -> None:
    """Its failure would show values of any YAML file on the host."""
    secret = scanning.folder / "secret.yaml"
    secret.write_text("REQUIRED_TAGS: token\n")
    result = _run_with(scanning, path=str(secret))
    failure = failure_of(result)
    assert failure.startswith("launchpad: path = ")
    rule = f"must be {scanning.config_path}: a run cannot read another configuration"
    assert failure.endswith(rule)
    assert "token" not in failure


def test_a_run_from_the_launchpad_cannot_set_variables(scanning: Pipeline) -> None:
    """They can name another storage."""
    with pytest.raises(dg.DagsterInvalidConfigError, match='unexpected config entry "environment"'):
        _run_with(scanning, environment={"TAG_COMPLIANCE_STORAGE": "elsewhere"})


def _run_with(pipeline: Pipeline, **changed: object) -> dg.ExecuteInProcessResult:
    pipeline.requests()
    return (
        pipeline.definitions()
        .resolve_job_def(SCAN_JOB)
        .execute_in_process(
            instance=pipeline.instance,
            partition_key=pipeline.ids[0],
            run_config={"resources": {"configuration": {"config": changed}}},
            raise_on_error=False,
        )
    )
