"""The four assets: called as plain functions, and the whole graph against a fake AWS."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from tag_compliance.domain.scan import ScannedAccount
from tag_compliance.pipeline.requests import READING
from tag_compliance.pipeline.runs import JOB, RUN_CONFIG

from tag_compliance.config import Config
from tag_compliance.domain.results import ComplianceResults
from tag_compliance.pipeline.assets import (
    compliance_results,
    metric_snapshot,
    scan_config,
)
from tag_compliance.pipeline.build import build_definitions
from tag_compliance.pipeline.partitions import ACCOUNTS, range_tags
from tag_compliance.pipeline.resources import ConfigurationResource, HeartbeatResource
from tag_compliance.snapshot.status import Outcome
from tag_compliance_tests.fake_aws import FakeAws, Fault
from tag_compliance_tests.pipeline.accounts import scanned_account
from tag_compliance_tests.pipeline.conftest import ids_of
from tag_compliance_tests.pipeline.pipelines import Pipeline, failure_of, metadata_of, of_account

ONE = "100000000000"


def _stored(config: Config) -> dict[str, ScannedAccount]:
    """Of each account, one resource with all required tags and one with none, in each region."""
    return {
        account.account_id: scanned_account(account.account_id, *account.regions)
        for account in config.aws_account_matrix
    }


def _results(pipeline: Pipeline, config: Config) -> dg.MaterializeResult[ComplianceResults]:
    given = compliance_results(
        dg.build_asset_context(instance=pipeline.instance),
        scan_config=config,
        raw_resources=_stored(config),
        configuration=pipeline.resource(),
        heartbeat=HeartbeatResource(configuration=pipeline.resource()),
    )
    assert isinstance(given, dg.MaterializeResult)
    return given


def test_the_configuration_is_a_value_with_its_size_as_metadata(pipeline: Pipeline) -> None:
    config = pipeline.configure([ONE, "100000000001"])
    answer = scan_config(configuration=pipeline.resource())
    assert isinstance(answer, dg.MaterializeResult)
    assert answer.value == config
    assert answer.metadata == {
        "accounts": 2,
        "regions": 4,
        "required_tags": "Owner, CostCenter",
        "excluded_resource_types": "none",
        "refresh_interval_seconds": 300,
    }


def test_a_configuration_with_faults_fails_the_run_and_names_them_all(pipeline: Pipeline) -> None:
    pipeline.config_path.write_text("aws_account_matrix: []\nREQUIRED_TAGS: 7\nunknown: 1\n")
    definitions = build_definitions(pipeline.config_path, None, {})
    pipeline.instance.add_dynamic_partitions(ACCOUNTS.name or "", [ONE])
    result = definitions.resolve_job_def(JOB).execute_in_process(
        instance=pipeline.instance, partition_key=ONE, run_config=RUN_CONFIG, raise_on_error=False
    )
    assert not result.success
    for key in ("aws_account_matrix", "REQUIRED_TAGS", "unknown"):
        assert f"{pipeline.config_path}: {key}" in failure_of(result)
    assert not result.asset_materializations_for_node("raw_resources")


def test_a_code_location_with_a_faulty_configuration_still_loads(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tag_compliance.definitions import definitions

    pipeline.config_path.write_text("unknown: 1\n")
    monkeypatch.setenv("TAG_COMPLIANCE_CONFIG", str(pipeline.config_path))
    loaded = definitions()
    assert isinstance(loaded, dg.Definitions)
    assert loaded.resolve_job_def(JOB).name == JOB


def test_raw_resources_reads_the_accounts_of_its_partitions_alone(
    scanning: Pipeline, fake: FakeAws
) -> None:
    first, second, third = ids_of(fake)
    scanning.requests()
    tags = range_tags(second, third)
    result = scanning.run(
        dg.RunRequest(tags=tags, asset_selection=[dg.AssetKey(name) for name in READING])
    )
    assert result.success
    made = result.asset_materializations_for_node("raw_resources")
    assert sorted(m.partition or "" for m in made) == [second, third]
    assert fake.calls.count(account_id=first) == 0
    assert fake.calls.count("GetResources") == 4


def test_results_come_with_their_checks_and_with_numbers_to_plot(pipeline: Pipeline) -> None:
    config = pipeline.configure([ONE, "100000000001"])
    answer = _results(pipeline, config)
    assert answer.value.table.num_rows == 8
    assert answer.metadata is not None
    numbers = {n: v for n, v in answer.metadata.items() if isinstance(v, int | float)}
    assert numbers == {
        "dagster/row_count": 8,
        "fully_compliant": 4,
        "violations": 8,
        "excluded": 0,
        "failed_accounts": 0,
        "duration_seconds": 1.5,
        "compliance_percentage": 50.0,
    }
    assert {check.check_name for check in answer.check_results or ()} == {
        "every_account_read",
        "every_region_read",
        "compliance_above_minimum",
        "account_compliance_above_minimum",
        "no_sudden_drop",
    }


def test_the_worst_types_and_tags_are_a_table(pipeline: Pipeline) -> None:
    metadata = _results(pipeline, pipeline.configure([ONE])).metadata or {}
    types, tags = metadata["worst_types"], metadata["worst_tags"]
    assert isinstance(types, dg.TableMetadataValue)
    assert isinstance(tags, dg.TableMetadataValue)
    assert [dict(record.data) for record in types.records] == [
        {"resource_type": "sqs:queue", "resources": 4, "compliant": 2, "lacking": 2}
    ]
    assert {record.data["tag"] for record in tags.records} == {"Owner", "CostCenter"}


def test_the_snapshot_is_published_and_described(pipeline: Pipeline) -> None:
    config = pipeline.configure([ONE], exporter_url="http://exporter.test:8080")
    results = _results(pipeline, config).value
    answer = metric_snapshot(
        scan_config=config, compliance_results=results, configuration=pipeline.resource()
    )
    assert isinstance(answer, dg.MaterializeResult)
    snapshot = pipeline.current()
    metadata = answer.metadata or {}
    assert metadata["compliance_percentage"] == 50.0
    assert metadata["exposition_bytes"] == len(snapshot.plain)
    place, chart = metadata["snapshot"], metadata["compliance_by_account"]
    assert isinstance(place, dg.PathMetadataValue)
    assert Path(place.path or "", "metrics.txt").read_bytes() == snapshot.plain
    assert isinstance(chart, dg.MarkdownMetadataValue)
    assert (chart.md_str or "").startswith("![compliance by account](data:image/svg+xml;base64,")
    assert metadata["exporter"] == dg.MetadataValue.url("http://exporter.test:8080")
    assert all(check.passed for check in answer.check_results or ())


def test_the_whole_graph_materializes_four_assets_and_a_partition_for_each_account(
    scanning: Pipeline, fake: FakeAws
) -> None:
    result = scanning.scan()
    assert result.success
    made = [
        e.asset_key.to_user_string()
        for e in result.get_asset_materialization_events()
        if e.asset_key
    ]
    assert made == ["scan_config", *["raw_resources"] * 3, "compliance_results", "metric_snapshot"]
    for account_id in ids_of(fake):
        found = metadata_of(scanning.instance, "raw_resources", account_id)
        assert found["account_name"] == f"name-{account_id[-3:]}"
        assert (found["outcome"], found["resources"]) == ("read", 60)
        # AssumeRole, and one page for each region.
        assert found["api_calls"] == 3
        assert {"violations", "compliance_percentage", "duration_seconds"} <= found.keys()
    assert all(check.passed for check in result.get_asset_check_evaluations())
    assert scanning.current().status.resources == 180


def test_one_account_that_fails_is_data_and_the_run_succeeds(
    scanning: Pipeline, fake: FakeAws
) -> None:
    broken, *others = ids_of(fake)
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=broken)
    result = scanning.scan()
    assert result.success
    found = metadata_of(scanning.instance, "raw_resources", broken)
    assert found["outcome"] == "failed: assume_role_denied"
    assert broken in found["failures"]
    assert "resources" in metadata_of(scanning.instance, "raw_resources", others[0])
    failed = [c for c in result.get_asset_check_evaluations() if not c.passed]
    assert {check.check_name for check in failed} == {"every_account_read", "every_region_read"}
    snapshot = scanning.current()
    assert snapshot.status.outcome is Outcome.PARTIAL
    assert not of_account(scanning.samples(), broken)
    assert of_account(scanning.samples(), others[0])


def test_where_every_account_fails_the_run_does_and_the_last_good_snapshot_stays(
    scanning: Pipeline, fake: FakeAws
) -> None:
    assert scanning.scan().success
    good = scanning.current()
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole")
    result = scanning.scan()
    assert not result.success
    assert failure_of(result).startswith("nothing could be scanned, the last good snapshot stays")
    assert ids_of(fake)[0] in failure_of(result)
    assert scanning.current().snapshot_id == good.snapshot_id
    last = scanning.snapshots.look().last_scan
    assert last is not None
    assert last.outcome is Outcome.NOTHING
    assert last.started_at > good.status.scan_started_at


def test_a_storage_that_refuses_fails_the_run_in_words_without_a_traceback(
    scanning: Pipeline,
) -> None:
    (scanning.folder / "state").write_text("a file stands where the folder must be")
    result = scanning.scan()
    assert not result.success
    assert failure_of(result).startswith("cannot write")


def test_faulty_configuration_of_a_resource_is_told_by_its_loader(tmp_path: Path) -> None:
    with pytest.raises(dg.Failure, match=r"missing\.yaml"):
        scan_config(
            configuration=ConfigurationResource(path=str(tmp_path / "missing.yaml"), environment={})
        )
